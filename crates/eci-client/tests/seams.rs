//! Holds what is handed in: credentials, transport, deadline, configuration. No network.
#![cfg(feature = "client-core")]

use std::future::pending;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use eci_client::model::{CreateContainerGroupRequest, DescribeRegionsRequest};
use eci_client::{
    AccessKey, Client, CredentialsError, Error, ErrorKind, ProvideCredentials, Transport, TransportError,
    endpoint,
};

/// What the transport does with every request.
#[derive(Clone, Copy)]
enum Fate {
    Answered(&'static str),
    NotSent,
    Unanswered,
    Silence,
}

#[async_trait]
impl Transport for Fate {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        match self {
            Self::Answered(body) => Ok(http::Response::new(Bytes::from_static(body.as_bytes()))),
            Self::NotSent => Err(TransportError::not_sent(io::Error::other("refused"))),
            Self::Unanswered => Err(TransportError::unanswered(io::Error::other("reset"))),
            Self::Silence => pending().await,
        }
    }
}

/// What the source of credentials does.
enum Source {
    Absent,
    Unreachable,
    Refused,
    Silent,
}

#[async_trait]
impl ProvideCredentials for Source {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        match self {
            Self::Absent => Ok(None),
            Self::Unreachable => Err(CredentialsError::Unreachable(io::Error::other("no route").into())),
            Self::Refused => Err(CredentialsError::Refused(io::Error::other("no role").into())),
            Self::Silent => pending().await,
        }
    }
}

fn client(credentials: impl ProvideCredentials, transport: impl Transport) -> Client {
    Client::builder("cn-test").credentials(credentials).transport(transport).build().expect("a client")
}

async fn create(eci: &Client) -> Error {
    eci.create_container_group(&CreateContainerGroupRequest::default()).await.expect_err("a failure")
}

fn key() -> AccessKey {
    AccessKey::new("id", "secret")
}

#[tokio::test]
async fn the_transport_decides_whether_a_write_is_open() {
    assert_eq!(create(&client(key(), Fate::NotSent)).await.kind(), ErrorKind::Unavailable);
    assert_eq!(create(&client(key(), Fate::Unanswered)).await.kind(), ErrorKind::Indeterminate);
    let regions = client(key(), Fate::Unanswered).describe_regions(&DescribeRegionsRequest::default()).await;
    assert_eq!(regions.expect_err("a failure").kind(), ErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_a_call_and_can_be_set_for_one() {
    let eci = client(key(), Fate::Silence);
    for (eci, seconds) in [(eci.clone(), 15), (eci.with_deadline(Duration::from_secs(3)), 3)] {
        let started = tokio::time::Instant::now();
        assert_eq!(create(&eci).await.kind(), ErrorKind::Indeterminate);
        assert_eq!(started.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_before_the_request_leaves_proves_that_it_did_not() {
    let error = create(&client(Source::Silent, Fate::Answered(""))).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn absent_refused_and_unreachable_credentials_differ() {
    let kind = async |source| create(&client(source, Fate::Silence)).await.kind();
    assert_eq!(kind(Source::Absent).await, ErrorKind::InvalidCredentials);
    assert_eq!(kind(Source::Refused).await, ErrorKind::InvalidCredentials);
    assert_eq!(kind(Source::Unreachable).await, ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_key_that_fits_no_header_is_an_error_without_the_key() {
    let broken = key().with_security_token("tok3n\n");
    let error = create(&client(broken, Fate::Silence)).await;
    assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    assert!(!format!("{error} {error:?}").contains("tok3n"));
}

#[tokio::test]
async fn a_transport_of_ones_own_is_enough() {
    let eci = client(key(), Fate::Answered(r#"{"RequestId":"r","Regions":[{"RegionId":"cn-test"}]}"#));
    let reply = eci.describe_regions(&DescribeRegionsRequest::default()).await.expect("a reply");
    assert_eq!(reply.regions[0].region_id, "cn-test");
}

#[test]
fn a_client_that_cannot_work_is_not_built() {
    let problem = |result: Result<Client, Error>| {
        let error = result.expect_err("no client");
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        error.message().to_owned()
    };
    let builder = || Client::builder("cn-test").transport(Fate::Silence);
    assert_eq!(problem(builder().build()), "no credentials are given");
    assert_eq!(
        problem(builder().credentials(key()).endpoint("ftp://x").build()),
        "the endpoint is not of the form https://host[:port]"
    );
    let nowhere = Client::builder("").transport(Fate::Silence).credentials(key());
    assert_eq!(problem(nowhere.build()), "the region is empty");
}

#[test]
fn neither_builder_nor_client_prints_the_key() {
    let builder = Client::builder("cn-test")
        .credentials(AccessKey::new("id", "hunter2"))
        .endpoint(endpoint::vpc("cn-test"))
        .transport(Fate::Silence);
    let shown = format!("{builder:?}");
    let shown = format!("{shown}{:?}", builder.build().expect("a client"));
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("eci-vpc.cn-test.aliyuncs.com"), "{shown}");
}
