//! Answers calls of any action with any status, header and body: no answer makes the client panic, and none makes it
//! print what was sent. A reply that it takes is the one that serde_json reads, token by token, from the same body.
//!
//! The first byte chooses the action, the second the status; the rest is the body.
#![no_main]

use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use eci_client::model::*;
use eci_client::{AccessKey, Client, Transport, TransportError};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

const SECRET: &str = "hush-secret-of-the-key";
const STATUS: [u16; 8] = [200, 200, 200, 400, 403, 404, 429, 503];

/// Answers every request alike.
#[derive(Clone, Default)]
struct Canned(Arc<Mutex<(u16, Bytes)>>);

#[async_trait]
impl Transport for Canned {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let (status, body) = self.0.lock().expect("no panic while it is held").clone();
        let response = http::Response::builder().status(status).header("x-acs-retry-after", "9");
        Ok(response.body(body).expect("a status from the table"))
    }
}

struct Caller {
    runtime: Runtime,
    canned: Canned,
    client: Client,
}

impl Caller {
    fn new() -> Self {
        let canned = Canned::default();
        let client = Client::builder("cn-test")
            .credentials(AccessKey::new("id", SECRET))
            .endpoint("http://127.0.0.1")
            .transport(canned.clone())
            .build()
            .expect("a client");
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        Self { runtime, canned, client }
    }

    fn call<A: Action<Reply: Debug + PartialEq> + Default>(&self, body: &[u8]) {
        match self.runtime.block_on(self.client.call(&A::default())) {
            Ok(reply) => {
                let by_serde: A::Reply = serde_json::from_slice(body).expect("what the client can read");
                assert_eq!(reply, by_serde);
            }
            Err(error) => {
                let mut shown = format!("{error} {error:?}");
                let mut source = std::error::Error::source(&error);
                while let Some(inner) = source {
                    shown.push_str(&format!("{inner} {inner:?}"));
                    source = inner.source();
                }
                assert!(!shown.contains(SECRET) && !shown.contains("Signature="), "{shown}");
            }
        }
    }
}

thread_local! { static CALLER: RefCell<Caller> = RefCell::new(Caller::new()); }

/// Every action, one of which a byte chooses.
macro_rules! actions {
    ($caller:expr, $choice:expr, $body:expr, $($request:ident)*) => {{
        let calls: &[fn(&Caller, &[u8])] = &[$( Caller::call::<$request> ),*];
        calls[usize::from($choice) % calls.len()]($caller, $body);
    }};
}

fuzz_target!(|data: &[u8]| {
    let [choice, status, body @ ..] = data else { return };
    CALLER.with_borrow(|caller| {
        *caller.canned.0.lock().expect("no panic while it is held") =
            (STATUS[usize::from(*status) % STATUS.len()], Bytes::copy_from_slice(body));
        actions!(caller, *choice, body,
            CreateContainerGroupRequest DescribeContainerGroupsRequest DescribeContainerGroupStatusRequest
            UpdateContainerGroupRequest DeleteContainerGroupRequest RestartContainerGroupRequest
            ResizeContainerGroupVolumeRequest DescribeContainerLogRequest ExecContainerCommandRequest
            CommitContainerRequest DescribeCommitContainerTaskRequest DescribeContainerGroupEventsRequest
            DescribeContainerGroupMetricRequest DescribeMultiContainerGroupMetricRequest
            CreateInstanceOpsTaskRequest DescribeInstanceOpsRecordsRequest CreateImageCacheRequest
            UpdateImageCacheRequest DeleteImageCacheRequest DescribeImageCachesRequest CreateDataCacheRequest
            UpdateDataCacheRequest CopyDataCacheRequest DeleteDataCacheRequest DescribeDataCachesRequest
            TagResourcesRequest UntagResourcesRequest ListTagResourcesRequest CreateVirtualNodeRequest
            UpdateVirtualNodeRequest DeleteVirtualNodeRequest DescribeVirtualNodesRequest DescribeRegionsRequest
            DescribeAvailableResourceRequest DescribeContainerGroupPriceRequest ListUsageRequest);
    });
});
