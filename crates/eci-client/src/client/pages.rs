//! Walks the pages of a list and hides the token that leads from one to the next.

use std::collections::BTreeSet;

use super::Client;
use crate::error::{Error, ErrorKind};
use crate::model::Paged;

/// The pages of a list, fetched one by one.
#[derive(Debug)]
pub struct Pages<'a, A> {
    client: &'a Client,
    /// The request for the next page; `None` after the last.
    next: Option<A>,
    /// Tokens that led to a page already. 10,000 groups are 500 pages, so keeping them costs little.
    seen: BTreeSet<String>,
}

impl Client {
    /// The pages of a list, beginning with the one the request names.
    pub fn pages<A: Paged>(&self, request: A) -> Pages<'_, A> {
        Pages { client: self, next: Some(request), seen: BTreeSet::new() }
    }

    /// The whole list, or an error: never a part.
    pub(super) async fn list<A: Paged>(&self, request: &A) -> Result<Vec<A::Item>, Error> {
        let mut pages = self.pages(request.clone());
        let mut all = Vec::new();
        while let Some(page) = pages.next().await? {
            all.extend(page);
        }
        Ok(all)
    }
}

impl<A: Paged> Pages<'_, A> {
    /// The items of the next page; `None` after the last. A page may be empty and not be the last.
    ///
    /// # Errors
    ///
    /// Those of the call; the same page is fetched again by the next call. Of the kind `Bug` when the cloud leads in
    /// a circle, after which there are no more pages.
    pub async fn next(&mut self) -> Result<Option<Vec<A::Item>>, Error> {
        let Some(request) = &self.next else { return Ok(None) };
        let reply = self.client.call(request).await?;
        let (items, token) = A::split(reply);
        let Some(token) = token else {
            self.next = None;
            return Ok(Some(items));
        };
        if !self.seen.insert(token.clone()) {
            self.next = None;
            return Err(Error::new(A::NAME, ErrorKind::Bug, "the pages lead in a circle"));
        }
        if let Some(request) = &mut self.next {
            request.set_next_token(token);
        }
        Ok(Some(items))
    }
}
