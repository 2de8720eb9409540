//! Turns an answer of the cloud that is not a reply into an [`Error`]: by its code, its HTTP status, and what the
//! action does.

use std::time::Duration;

use super::codes::{Meaning, is_of_gateway, meaning};
use super::{Error, ErrorKind, ErrorOrigin};
use crate::model::read::reply;
use crate::model::{Effect, Parameters};

/// The longest pause that somebody on the way may ask for.
const LONGEST_OF_OTHERS: Duration = Duration::from_secs(30);

/// An answer that may be a refusal, and the call it answers.
pub(crate) struct Answer<'a> {
    pub(crate) action: &'static str,
    pub(crate) effect: Effect,
    pub(crate) http_status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// What was sent, so that an echo of its secrets can be cut from the cloud's words.
    pub(crate) sent: &'a Parameters,
}

reply! {
    /// The body of an error. Its keys come in any case.
    pub(crate) struct Refusal {
        /// The code.
        pub code: Option<String> = "Code",
        /// A sentence; for a wrong signature it goes on with the server's string to sign.
        pub message: Option<String> = "Message",
        /// The id of the call.
        pub request_id: Option<String> = "RequestId",
        /// The host that was called, as the API sees it.
        pub host_id: Option<String> = "HostId",
    }
}

impl Refusal {
    /// Reads a body; `None` if it names no code, or if it is not the API that speaks.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let refusal: Self = serde_json::from_slice(body).ok().or_else(|| Self::read_xml(body))?;
        let code = refusal.code.as_deref()?;
        // Some products say so of success.
        let success = ["200", "OK", "Success"].iter().any(|word| word.eq_ignore_ascii_case(code));
        (!success && refusal.is_the_apis(code)).then_some(refusal)
    }

    /// Proxies answer in JSON too, `{"code":403}` for example; but only the API names its call or its host.
    fn is_the_apis(&self, code: &str) -> bool {
        self.request_id.is_some() || self.host_id.is_some() || meaning(code).is_some()
    }

    /// Gateways answer in XML to a request that they did not get far enough with to see that JSON is wanted:
    /// `<Error><RequestId>…</RequestId><HostId>…</HostId><Code>…</Code><Message>…</Message></Error>`.
    fn read_xml(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let (_, error) = text.split_once("<Error>").filter(|_| text.trim_start().starts_with('<'))?;
        let element = |name: &str| {
            let (_, rest) = error.split_once(&format!("<{name}>"))?;
            let (value, _) = rest.split_once(&format!("</{name}>"))?;
            Some(unescaped(value)).filter(|value| !value.is_empty())
        };
        Some(Self {
            code: element("Code"),
            message: element("Message"),
            request_id: element("RequestId"),
            host_id: element("HostId"),
        })
    }
}

fn unescaped(text: &str) -> String {
    // The ampersand last, so that what it makes is not read again.
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

impl Answer<'_> {
    /// The error of an answer in the cloud's own form.
    pub(crate) fn refused(&self, refusal: Refusal) -> Error {
        let code = refusal.code.unwrap_or_default();
        let words = refusal.message.unwrap_or_else(|| "refused without a word".to_owned());
        let mut error = Error::new(self.action, self.kind_of(&code), presentable(&words, self.sent));
        error.0.http_status = Some(self.http_status);
        error.0.origin = if is_of_gateway(&code) { ErrorOrigin::Gateway } else { ErrorOrigin::Service };
        error.0.code = Some(code);
        error.0.request_id = refusal.request_id;
        error
    }

    /// The error of an answer that is not the cloud's: a proxy's page, half a body. It proves nothing, so a write
    /// may have been carried out. What it says is not shown: such pages quote URLs. The pause it asks for is not the
    /// API's, and is believed for half a minute at most.
    pub(crate) fn not_understood(&self, what: &str) -> Error {
        let kind = match self.http_status {
            429 => ErrorKind::Throttled {
                retry_after: self.retry_after.map(|pause| pause.min(LONGEST_OF_OTHERS)),
            },
            _ => unanswered(self.effect),
        };
        Error::new(self.action, kind, what).from(ErrorOrigin::Intermediary).with_status(self.http_status)
    }

    /// The error of an answer that is a reply by form and none by content.
    pub(crate) fn nonsense(&self, what: &str) -> Error {
        let kind = match self.effect {
            Effect::Read => ErrorKind::Bug,
            Effect::Write => ErrorKind::Indeterminate,
        };
        Error::new(self.action, kind, what).from(ErrorOrigin::Service).with_status(self.http_status)
    }

    fn kind_of(&self, code: &str) -> ErrorKind {
        match meaning(code) {
            Some(Meaning::Throttled) => ErrorKind::Throttled { retry_after: self.retry_after },
            // 408: the service behind the gateway took too long.
            _ if self.http_status >= 500 || self.http_status == 408 => unanswered(self.effect),
            Some(Meaning::NotFound) => ErrorKind::NotFound,
            Some(Meaning::IdempotentParameterMismatch) => ErrorKind::IdempotentParameterMismatch,
            Some(Meaning::OutOfStock) => ErrorKind::OutOfStock,
            Some(Meaning::QuotaExceeded) => ErrorKind::QuotaExceeded,
            Some(Meaning::InvalidRequest) => ErrorKind::InvalidRequest,
            Some(Meaning::Denied) => ErrorKind::Denied,
            Some(Meaning::InvalidCredentials) => ErrorKind::InvalidCredentials,
            Some(Meaning::ClockSkew) => ErrorKind::ClockSkew,
            Some(Meaning::IncorrectStatus) => ErrorKind::IncorrectStatus,
            Some(Meaning::DryRun) => ErrorKind::DryRun,
            Some(Meaning::NotNow) => ErrorKind::Unavailable,
            Some(Meaning::Fault) => unanswered(self.effect),
            Some(Meaning::Bug) => ErrorKind::Bug,
            // A refusal we cannot read under a status of success proves nothing about a write.
            None if self.http_status < 400 && self.effect == Effect::Write => ErrorKind::Indeterminate,
            None => ErrorKind::Unrecognized,
        }
    }
}

/// What it means that a call was sent and not answered.
pub(crate) fn unanswered(effect: Effect) -> ErrorKind {
    match effect {
        Effect::Read => ErrorKind::Unavailable,
        Effect::Write => ErrorKind::Indeterminate,
    }
}

/// Where the server begins to quote the request it signed.
const QUOTES_BEGIN: [&str; 3] = ["server string to sign", "server stringtosign", "server canonical"];
/// Longer words of the cloud are cut.
const LONGEST_MESSAGE: usize = 1000;
/// Shorter secrets are not looked for: cutting every `1` from a message would leave no message.
const SHORTEST_SECRET: usize = 4;

/// The cloud's words without the request it quotes, without secrets it echoes, on one line, of bearable length.
pub(crate) fn presentable(words: &str, sent: &Parameters) -> String {
    // ASCII lower case keeps every byte where it is.
    let lower = words.to_ascii_lowercase();
    let end = QUOTES_BEGIN.iter().filter_map(|quote| lower.find(quote)).min().unwrap_or(words.len());
    let mut text = words[..end].to_owned();
    for secret in sent.secrets().filter(|secret| secret.len() >= SHORTEST_SECRET) {
        text = text.replace(secret, "[redacted]");
    }
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_MESSAGE).collect();
    text.trim().trim_end_matches(['.', ',', ':', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_in_xml_are_read() {
        let body = br#"<?xml version='1.0'?><Error><RequestId>r</RequestId><HostId>h</HostId>
            <Code>InvalidTimeStamp.Expired</Code><Message>too &quot;old&quot; &amp;lt;</Message></Error>"#;
        let refusal = Refusal::read(body).expect("a refusal");
        assert_eq!(refusal.code.as_deref(), Some("InvalidTimeStamp.Expired"));
        assert_eq!(refusal.message.as_deref(), Some("too \"old\" &lt;"));
        assert_eq!(refusal.request_id.as_deref(), Some("r"));
    }

    #[test]
    fn what_is_not_the_apis_is_no_refusal() {
        for body in [
            "<html><body><Error>bad gateway</Error></body></html>",
            r#"{"code":403,"message":"blocked by policy"}"#,
            r#"{"Code":"OK","RequestId":"r"}"#,
            "Error",
            "<Error><Code></Code></Error>",
        ] {
            assert!(Refusal::read(body.as_bytes()).is_none(), "{body}");
        }
        assert!(Refusal::read(br#"{"code":"Throttling"}"#).is_some());
        assert!(Refusal::read(br#"{"Code":"Unheard.Of","HostId":"h"}"#).is_some());
    }
}
