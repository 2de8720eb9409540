//! Reads what a client sends, and writes what the cloud would answer.

use std::time::Duration;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::model::Parameters;

/// The cloud says no.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &str) -> Self {
        Self { status, code: code.to_owned(), retry_after: None }
    }
}

/// The action and the parameters, wherever in the request they are.
pub(super) fn read(request: &http::Request<Bytes>) -> (String, Parameters) {
    let body = String::from_utf8_lossy(request.body());
    let texts = [request.uri().query().unwrap_or_default(), &body];
    let parameters: Parameters =
        texts.into_iter().flat_map(|text| text.split('&')).filter_map(pair).collect();
    let header = request.headers().get("x-acs-action").and_then(|action| action.to_str().ok());
    let action = header.or_else(|| parameters.get("Action")).unwrap_or_default().to_owned();
    (action, parameters)
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    Some((decoded(name), decoded(value)))
}

pub(super) fn response(result: Result<Value, Refusal>, request_id: &str) -> http::Response<Bytes> {
    let (status, retry_after, mut body) = match result {
        Ok(reply) => (200, None, reply),
        Err(refusal) => {
            let Refusal { status, code, retry_after } = refusal;
            (status, retry_after, json!({ "Code": code, "Message": "the fake refuses", "HostId": "fake" }))
        }
    };
    body["RequestId"] = request_id.into();
    let mut response = http::Response::new(Bytes::from(body.to_string()));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(wait) = retry_after.and_then(|wait| wait.as_millis().to_string().parse().ok()) {
        response.headers_mut().insert("x-acs-retry-after", wait);
    }
    response
}
