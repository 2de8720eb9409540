//! Walks the pages of a list and hides the token that leads from one to the next.
//!
//! ```text
//!   list_…   everything in one Vec, or an error      for callers to whom a part is worse than nothing
//!   items    a stream of items, pages as it goes     for callers who handle each and forget it
//!   pages    page by page, may go on after an error  for callers who keep what they have
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_core::Stream;

use super::Client;
use crate::error::{Error, ErrorKind};
use crate::model::Paged;

/// The pages of a list, fetched one by one.
#[derive(Debug)]
pub struct Pages<A> {
    client: Client,
    /// The request for the next page; `None` after the last.
    next: Option<A>,
    /// Tokens that led to a page already. 10,000 groups are 500 pages, so keeping them costs little.
    seen: BTreeSet<String>,
}

impl Client {
    /// The pages of a list, beginning with the one the request names.
    pub fn pages<A: Paged>(&self, request: A) -> Pages<A> {
        Pages { client: self.clone(), next: Some(request), seen: BTreeSet::new() }
    }

    /// The items of a list as a stream, beginning with the page the request names. The next page is fetched when the
    /// items of the last are used up. An error ends the stream.
    pub fn items<A: Paged + 'static>(&self, request: A) -> Items<A> {
        Items { page: Vec::new().into_iter(), step: Step::Idle(self.pages(request)) }
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

impl<A: Paged> Pages<A> {
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

/// The items of a list, whatever page they are on. Made by [`Client::items`].
#[must_use]
pub struct Items<A: Paged> {
    /// What is left of the page at hand.
    page: vec::IntoIter<A::Item>,
    step: Step<A>,
}

type Fetched<A> = (Pages<A>, Result<Option<Vec<<A as Paged>::Item>>, Error>);

enum Step<A: Paged> {
    Idle(Pages<A>),
    Fetching(Pin<Box<dyn Future<Output = Fetched<A>> + Send>>),
    Ended,
}

impl<A: Paged + 'static> Items<A> {
    /// The next page that was fetched, fetching it if need be; `None` after the last and after an error.
    fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<A::Item>, Error>>> {
        loop {
            match std::mem::replace(&mut self.step, Step::Ended) {
                Step::Idle(pages) => self.step = Step::Fetching(Box::pin(fetch(pages))),
                Step::Fetching(mut fetching) => {
                    let Poll::Ready((pages, fetched)) = fetching.as_mut().poll(cx) else {
                        self.step = Step::Fetching(fetching);
                        return Poll::Pending;
                    };
                    if matches!(fetched, Ok(Some(_))) {
                        self.step = Step::Idle(pages);
                    }
                    return Poll::Ready(fetched.transpose());
                }
                Step::Ended => return Poll::Ready(None),
            }
        }
    }
}

async fn fetch<A: Paged>(mut pages: Pages<A>) -> Fetched<A> {
    let page = pages.next().await;
    (pages, page)
}

impl<A: Paged + 'static> Stream for Items<A> {
    type Item = Result<A::Item, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.page.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(this.poll_page(cx)) {
                Some(Ok(page)) => this.page = page.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Nothing in it is pinned: the one future is boxed.
impl<A: Paged> Unpin for Items<A> {}

impl<A: Paged> fmt::Debug for Items<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("action", &A::NAME).finish_non_exhaustive()
    }
}
