//! The five calls that the provider makes, as a narrow trait, and their way through the client.
//!
//! Lists come whole or not at all. Nothing is retried here: whoever asked decides when to ask again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use eci_client::model::{
    Action, ContainerGroup, ContainerGroupStatus, CreateContainerGroupRequest, DeleteContainerGroupRequest,
    DescribeContainerGroupStatusRequest, DescribeContainerGroupsRequest, DescribeContainerLogRequest, Paged,
};
use eci_client::{Client, Error, ErrorKind as Eci};
use vk_core::{ErrorKind, GroupId, ProviderError};

use crate::calls::CallObserver;
use crate::error::from_client;

/// What came of a create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Created {
    /// This group, made now or by an earlier call with the same token.
    Group(GroupId),
    /// An earlier call with the same token and other parameters was accepted.
    Earlier,
}

/// The calls that the provider makes.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub(crate) trait Cloud: Send + Sync + 'static {
    async fn create(&self, request: &CreateContainerGroupRequest) -> Result<Created, ProviderError>;

    async fn delete(&self, request: &DeleteContainerGroupRequest) -> Result<(), ProviderError>;

    /// Every group that the filter lets through.
    async fn groups(
        &self,
        filter: &DescribeContainerGroupsRequest,
    ) -> Result<Vec<ContainerGroup>, ProviderError>;

    /// Groups that the filter lets through, one page of them.
    async fn some_groups(
        &self,
        filter: &DescribeContainerGroupsRequest,
    ) -> Result<Vec<ContainerGroup>, ProviderError>;

    /// The status of every group that the filter lets through.
    async fn statuses(
        &self,
        filter: &DescribeContainerGroupStatusRequest,
    ) -> Result<Vec<ContainerGroupStatus>, ProviderError>;

    async fn log(&self, request: &DescribeContainerLogRequest) -> Result<String, ProviderError>;
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A call that changes something.
    pub(crate) write: Duration,
    /// A call that reads, one page of a list.
    pub(crate) read: Duration,
    /// A whole list.
    pub(crate) list: Duration,
}

/// The calls as the client makes them.
pub(crate) struct EciCloud {
    writes: Client,
    reads: Client,
    list: Duration,
    observer: Arc<dyn CallObserver>,
}

impl EciCloud {
    pub(crate) fn new(client: &Client, limits: Limits, observer: Arc<dyn CallObserver>) -> Self {
        Self {
            writes: client.with_deadline(limits.write),
            reads: client.with_deadline(limits.read),
            list: limits.list,
            observer,
        }
    }

    async fn call<A: Action>(&self, client: &Client, request: &A) -> Result<A::Reply, Error> {
        let began = Instant::now();
        let result = client.call(request).await;
        self.ended::<A, _>(began, &result);
        result
    }

    async fn list<A: Paged>(&self, filter: &A) -> Result<Vec<A::Item>, ProviderError> {
        let attempted = || format!("reading with {}", A::NAME);
        let whole = tokio::time::timeout(self.list, async {
            let mut pages = self.reads.pages(filter.clone());
            let mut all = Vec::new();
            loop {
                let began = Instant::now();
                let page = pages.next().await;
                match &page {
                    // No call was made to learn that there are no more pages.
                    Ok(None) => return Ok(all),
                    page => self.ended::<A, _>(began, page),
                }
                all.extend(page?.into_iter().flatten());
            }
        });
        match whole.await {
            Ok(result) => result.map_err(|error| from_client(attempted(), error)),
            Err(_) => {
                let late = format!("{}: not all pages came within {:?}", attempted(), self.list);
                Err(ProviderError::new(ErrorKind::Unavailable, late))
            }
        }
    }

    fn ended<A: Action, T>(&self, began: Instant, result: &Result<T, Error>) {
        let outcome = match result {
            Ok(_) => "ok",
            // Success in all but name: see `create`.
            Err(error) if error.kind() == Eci::IdempotentParameterMismatch => "mismatch",
            Err(error) => crate::error::kind(error.kind()).reason(),
        };
        self.observer.call_ended(A::NAME, outcome, began.elapsed());
    }
}

#[async_trait]
impl Cloud for EciCloud {
    async fn create(&self, request: &CreateContainerGroupRequest) -> Result<Created, ProviderError> {
        let name = &request.container_group_name;
        match self.call(&self.writes, request).await {
            Ok(reply) => Ok(Created::Group(GroupId::new(reply.container_group_id.as_str()))),
            Err(error) if error.kind() == Eci::IdempotentParameterMismatch => Ok(Created::Earlier),
            Err(error) => {
                // Of a create, it is something that the request names which does not exist.
                let named = error.kind() == Eci::NotFound;
                let attempted = format!("creating container group {name:?}");
                Err(match from_client(attempted.clone(), error) {
                    error if named => {
                        ProviderError::new(ErrorKind::InvalidRequest, attempted).caused_by(error)
                    }
                    error => error,
                })
            }
        }
    }

    async fn delete(&self, request: &DeleteContainerGroupRequest) -> Result<(), ProviderError> {
        let attempted = || format!("deleting container group {}", request.container_group_id);
        let result = self.call(&self.writes, request).await;
        result.map(drop).map_err(|error| from_client(attempted(), error))
    }

    async fn groups(
        &self,
        filter: &DescribeContainerGroupsRequest,
    ) -> Result<Vec<ContainerGroup>, ProviderError> {
        self.list(filter).await
    }

    async fn some_groups(
        &self,
        filter: &DescribeContainerGroupsRequest,
    ) -> Result<Vec<ContainerGroup>, ProviderError> {
        let result = self.call(&self.reads, filter).await;
        let attempted = || "reading one page of container groups".to_owned();
        result.map(|page| page.container_groups).map_err(|error| from_client(attempted(), error))
    }

    async fn statuses(
        &self,
        filter: &DescribeContainerGroupStatusRequest,
    ) -> Result<Vec<ContainerGroupStatus>, ProviderError> {
        self.list(filter).await
    }

    async fn log(&self, request: &DescribeContainerLogRequest) -> Result<String, ProviderError> {
        let result = self.call(&self.reads, request).await;
        let (group, container) = (&request.container_group_id, &request.container_name);
        let attempted = || format!("reading the log of container {container:?} of {group}");
        result.map(|log| log.content).map_err(|error| from_client(attempted(), error))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use bytes::Bytes;
    use eci_client::{AccessKey, Transport, TransportError};
    use serde_json::{Value, json};

    use super::*;

    /// Answers with these bodies, one after the other; `None` is no answer.
    struct Script(Mutex<VecDeque<Option<Value>>>);

    #[async_trait]
    impl Transport for Script {
        async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
            let next = self.0.lock().unwrap().pop_front();
            match next {
                Some(Some(body)) => {
                    let status = if body["Code"].is_null() { 200 } else { 400 };
                    let response = http::Response::builder().status(status);
                    Ok(response.body(Bytes::from(body.to_string())).unwrap())
                }
                Some(None) => Err(TransportError::unanswered("the test drops it")),
                // Never answered.
                None => std::future::pending().await,
            }
        }
    }

    fn page(id: &str, next: &str) -> Option<Value> {
        Some(json!({"RequestId": "r", "Data": [{"ContainerGroupId": id}], "NextToken": next}))
    }

    async fn listed(pages: Vec<Option<Value>>) -> Result<usize, ErrorKind> {
        let client = Client::builder("cn-hangzhou")
            .credentials(AccessKey::new("id", "secret"))
            .transport(Script(Mutex::new(pages.into())));
        let limit = Duration::from_secs(3);
        let limits = Limits { write: limit, read: limit * 2, list: limit };
        let cloud = EciCloud::new(&client.build().unwrap(), limits, Arc::new(()));
        let listed = cloud.statuses(&DescribeContainerGroupStatusRequest::default()).await;
        listed.map(|statuses| statuses.len()).map_err(|error| error.kind().clone())
    }

    #[tokio::test]
    async fn a_list_is_all_of_its_pages() {
        assert_eq!(listed(vec![page("a", "t1"), page("b", "t2"), page("c", "")]).await, Ok(3));
    }

    #[tokio::test]
    async fn pages_that_lead_in_a_circle_are_no_list() {
        assert_eq!(
            listed(vec![page("a", "t1"), page("b", "t2"), page("c", "t1")]).await,
            Err(ErrorKind::Bug)
        );
    }

    #[tokio::test]
    async fn a_part_of_the_pages_is_no_list() {
        assert_eq!(listed(vec![page("a", "t1"), None]).await, Err(ErrorKind::Unavailable));
        let expired = Some(json!({"RequestId": "r", "Code": "InvalidParameter", "Message": "NextToken"}));
        assert_eq!(listed(vec![page("a", "t1"), expired]).await, Err(ErrorKind::InvalidRequest));
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_whose_pages_do_not_end_in_time_is_given_up() {
        assert_eq!(listed(vec![page("a", "t1")]).await, Err(ErrorKind::Unavailable));
    }
}
