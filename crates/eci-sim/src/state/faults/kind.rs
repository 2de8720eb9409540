//! The kinds of faults, and what each needs to be told.

use serde::{Deserialize, Serialize};

use super::Asked;

/// What a fault does to the call it strikes. Without `_after` in its name, a fault of the connection comes before the
/// effect, which then does not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// The connection is closed without an answer.
    DropBefore,
    DropAfter,
    /// The connection is reset.
    Reset,
    ResetAfter,
    /// The connection stays open and nothing is ever answered.
    Hang,
    HangAfter,
    /// The effect happens at once, the answer comes late.
    Delay,
    /// Effect and answer come late, even when the caller has gone by then.
    DelayBefore,
    /// An error of the service is answered.
    Error,
    ErrorAfter,
    /// Something in front of the service answers: a page or nothing, and no request id.
    Gateway,
    GatewayAfter,
    /// Flow control refuses the call.
    Throttle,
    /// A create is accepted and throttled behind the scenes: late, or in the end not at all.
    AsyncThrottle,
    /// The reply is no JSON, though it nearly is.
    MalformedJson,
    /// The reply is the first half of its JSON.
    TruncatedJson,
    /// The connection is closed in the middle of the reply.
    CutBody,
    /// A page of HTML with status 200.
    HtmlPage,
    /// Texts are numbers, numbers and truths are texts.
    WrongTypes,
    /// Values are null.
    Nulls,
    /// States are words that nobody has heard of.
    UnknownValues,
    /// The reply is padded.
    Oversized,
    /// Lists are empty, as if there were nothing.
    EmptyList,
    /// Lists lack their last items.
    PartialList,
    /// Every item of a list is there twice.
    RepeatedList,
    /// The items of a list are in another order.
    ShuffledList,
    /// Every page but the first names itself as the next one.
    TokenLoop,
    /// The token of a page is no longer known.
    TokenExpired,
    /// Pages begin later than the one before ended, or earlier.
    TokenShift,
    /// An earlier answer to the same question comes again.
    Stale,
    /// The client token of the call is not remembered.
    ForgetToken,
    /// The gateway's clock goes wrong when the time of the request is checked.
    ClockSkew,
    /// The socket of a command breaks off.
    ExecCut,
}

use FaultKind::*;

/// A quarter of a GiB; a reply is in memory more than once.
const MOST_PADDING_BYTES: u64 = 256 * 1024 * 1024;

impl FaultKind {
    /// What is wrong with what was asked for, if anything: the field and a sentence.
    pub(super) fn problem(self, asked: &Asked) -> Option<String> {
        let needs = |field: &str| Some(format!("{field}: the kind {} needs it", self.name()));
        match self {
            Delay | DelayBefore if asked.delay_ms.is_none() => needs("delay_ms"),
            Error | ErrorAfter if asked.code.is_none() => needs("code"),
            Throttle if asked.times.is_none() && asked.for_ms.is_none() => needs("for_ms"),
            ClockSkew if asked.skew_s.is_none() => needs("skew_s"),
            TokenShift if asked.shift.is_none_or(|shift| shift == 0) => needs("shift"),
            Oversized if asked.bytes.is_some_and(|bytes| bytes > MOST_PADDING_BYTES) => {
                Some(format!("bytes: at most {MOST_PADDING_BYTES}"))
            }
            _ => self
                .superfluous(asked)
                .map(|field| format!("{field}: the kind {} has no use for it", self.name())),
        }
    }

    /// A field that says nothing to this kind.
    fn superfluous(self, asked: &Asked) -> Option<&'static str> {
        let is_error = matches!(self, Error | ErrorAfter | Throttle | TokenExpired);
        let is_gateway = matches!(self, Gateway | GatewayAfter);
        let delays = matches!(self, Delay | DelayBefore | AsyncThrottle | ExecCut) || is_error || is_gateway;
        let names_fields = matches!(self, WrongTypes | Nulls | UnknownValues);
        [
            ("code", asked.code.is_some() && !is_error),
            ("message", asked.message.is_some() && !is_error),
            ("retry_after_ms", asked.retry_after_ms.is_some() && !is_error),
            ("http_status", asked.http_status.is_some() && !is_error && !is_gateway),
            ("body", asked.body.is_some() && !is_gateway),
            ("delay_ms", asked.delay_ms.is_some() && !delays),
            ("share", asked.share.is_some() && self != PartialList),
            ("shift", asked.shift.is_some() && self != TokenShift),
            ("skew_s", asked.skew_s.is_some() && self != ClockSkew),
            ("bytes", asked.bytes.is_some() && !matches!(self, Oversized | ExecCut)),
            ("fields", !asked.fields.is_empty() && !names_fields),
        ]
        .into_iter()
        .find_map(|(field, is_superfluous)| is_superfluous.then_some(field))
    }

    /// Only calls that carry this parameter can be struck.
    pub(super) fn needs_parameter(self) -> Option<&'static str> {
        match self {
            TokenExpired | TokenLoop | TokenShift => Some("NextToken"),
            ForgetToken => Some("ClientToken"),
            _ => None,
        }
    }

    /// Whether earlier answers have to be remembered for it.
    pub(super) fn looks_back(self) -> bool {
        matches!(self, Stale | TokenShift)
    }

    fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}
