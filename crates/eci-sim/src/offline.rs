//! The simulator without a network: a request and a time in, an answer out.
//!
//! For tests that count on nothing but their own steps, and for fuzzing. Containers are scripted, nothing waits, and time
//! is what the caller says it is.

use bytes::Bytes;
use jiff::Timestamp;

use crate::error::Error;
use crate::reply::Answer;
use crate::simulator::{Config, cloud};
use crate::state::{Cloud, Step};
use crate::wire::Request;

/// A cloud in memory that is asked directly.
#[derive(Debug)]
pub struct Offline(Cloud);

impl Offline {
    /// Where it would listen, and what would run containers, are of no interest here.
    ///
    /// # Errors
    /// When the configuration makes no sense.
    pub fn new(config: Config) -> Result<Self, Error> {
        let (mut cloud, start) = cloud(config, Vec::new())?;
        cloud.begin(Timestamp::UNIX_EPOCH, &start).expect("a first run has nothing to agree with");
        Ok(Self(cloud))
    }

    /// Answers a request that arrives at `at`; `None` where a fault leaves it without an answer. Times may stand still,
    /// and should not run backwards. What a fault delays comes at once, and commands are accepted but not run.
    pub fn answer(&mut self, at: Timestamp, request: &http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        let step = self.0.apply(at, &read(request));
        self.0.execs.sync = None;
        match step {
            Step::Answer { answer, .. } => Some(written(answer)),
            Step::Postpone { admitted, .. } => Some(written(self.0.resume(at, &admitted))),
            _ => None,
        }
    }
}

fn read(request: &http::Request<Bytes>) -> Request {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Request {
        method: request.method().as_str().to_owned(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect(),
        body: request.body().to_vec(),
        peer: "offline".to_owned(),
    }
}

fn written(answer: Answer) -> http::Response<Bytes> {
    let mut response = http::Response::new(Bytes::from(answer.body));
    *response.status_mut() =
        http::StatusCode::from_u16(answer.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let own = [("content-type", answer.content_type.to_owned())];
    for (name, value) in own.into_iter().chain(answer.headers) {
        if let Ok(value) = http::HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_without_a_network() {
        let mut cloud = Offline::new(Config::default()).unwrap();
        let request = http::Request::post("/?Action=DescribeRegions&Version=2018-08-08");
        let answer = cloud.answer(Timestamp::UNIX_EPOCH, &request.body(Bytes::new()).unwrap()).unwrap();
        assert_eq!(answer.status(), 400);
        assert!(String::from_utf8_lossy(answer.body()).contains("\"MissingAccessKeyId\""), "{answer:?}");
    }
}
