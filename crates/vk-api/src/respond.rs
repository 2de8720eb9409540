//! Makes answers: texts for people, JSON, and streams.

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;

use crate::BoxError;

pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

const TEXT: &str = "text/plain; charset=utf-8";

/// A sentence. The API server hands the body of an error on to `kubectl` as it is: no newline at its end.
pub(crate) fn text(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    respond(status, TEXT, full(text.into()))
}

pub(crate) fn json(body: Vec<u8>) -> Response<Body> {
    respond(StatusCode::OK, "application/json", full(body))
}

/// The process's metrics as prometheus-client writes them.
pub(crate) fn open_metrics(body: String) -> Response<Body> {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    respond(StatusCode::OK, kind, full(body))
}

pub(crate) fn method_not_allowed() -> Response<Body> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    response
}

/// Chunks as they come; each is flushed before the next is waited for.
pub(crate) fn stream<E: Into<BoxError>>(
    chunks: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> Response<Body> {
    let frames = chunks.map(|chunk| chunk.map(Frame::data).map_err(Into::into));
    respond(StatusCode::OK, TEXT, StreamBody::new(frames).boxed_unsync())
}

fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
