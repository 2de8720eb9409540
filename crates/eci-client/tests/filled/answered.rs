//! Calls an action whose answer is there already: no network, but everything a client does with an answer.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use eci_client::model::Action;
use eci_client::{AccessKey, Client, Transport, TransportError};
use tokio::runtime::Builder;

#[derive(Clone, Default)]
struct Answer(Arc<Mutex<Bytes>>);

#[async_trait]
impl Transport for Answer {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        Ok(http::Response::new(self.0.lock().expect("no panic while it is held").clone()))
    }
}

/// Given an answer, what was read from it, by `Debug`, or the error.
pub(crate) type Caller = Box<dyn Fn(&str) -> Result<String, String>>;

/// What calls with this request and shows what it has read, or the error.
pub(crate) fn caller<A>(request: A) -> Caller
where
    A: Action + 'static,
    A::Reply: Debug,
{
    let answer = Answer::default();
    let client = Client::builder("cn-test")
        .credentials(AccessKey::new("id", "secret"))
        .endpoint("http://127.0.0.1")
        .transport(answer.clone())
        .build()
        .expect("a client");
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    Box::new(move |body| {
        *answer.0.lock().expect("no panic while it is held") = Bytes::copy_from_slice(body.as_bytes());
        let reply = runtime.block_on(client.call(&request));
        reply.map(|reply| format!("{reply:?}")).map_err(|error| error.to_string())
    })
}
