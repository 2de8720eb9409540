//! Reads an answer: the reply of the action, or why there is none.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use serde::de::IgnoredAny;

use crate::error::{Answer, Error, Refusal};
use crate::model::{Action, Parameters, quick};

/// Reads the answer to an action that was sent with these parameters.
pub(super) fn reply<A: Action>(response: &Response<Bytes>, sent: &Parameters) -> Result<A::Reply, Error> {
    let answer = Answer {
        action: A::NAME,
        effect: A::EFFECT,
        http_status: response.status().as_u16(),
        retry_after: retry_after(response.headers()),
        sent,
    };
    if response.status().is_success()
        && let Ok(reply) = quick::reply(response.body())
    {
        return Ok(reply);
    }
    // A status of success does not make a success: some errors come with 200.
    if let Some(refusal) = Refusal::read(response.body()) {
        return Err(answer.refused(refusal));
    }
    if !response.status().is_success() {
        return Err(answer.not_understood("the answer is not the API's"));
    }
    serde_json::from_slice(response.body()).map_err(|error| wrong(&answer, response.body(), &error))
}

fn wrong(answer: &Answer<'_>, body: &[u8], error: &serde_json::Error) -> Error {
    if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        return answer
            .not_understood(&format!("the reply of {} bytes is not JSON, or not all of it", body.len()));
    }
    let place = error.to_string();
    answer.nonsense(&format!("the reply is not as declared at {}", place.trim_start_matches(['.', ':', ' '])))
}

/// Longer pauses are not kept: the API's quotas are by the minute, and whoever asks for a year is mistaken.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How long the cloud asks to wait: its own header in milliseconds, else the common one in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("x-acs-retry-after")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
        .map(|pause| pause.min(LONGEST_PAUSE))
}
