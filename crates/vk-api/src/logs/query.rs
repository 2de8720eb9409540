//! Reads the query of `/containerLogs` as a kubelet does: what is malformed is 400, what cannot be meant is 422.

use http::StatusCode;
use k8s_openapi::jiff::Timestamp;
use percent_encoding::percent_decode_str;
use vk_core::LogSince;

/// Which part of a log is wanted, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogOptions {
    pub(crate) follow: bool,
    pub(crate) previous: bool,
    pub(crate) timestamps: bool,
    /// `Some(0)` means no line, not all lines.
    pub(crate) tail_lines: Option<u32>,
    pub(crate) since: Option<LogSince>,
    pub(crate) limit_bytes: Option<u64>,
}

/// A query that is not answered, with the status and the sentence for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadQuery(pub(crate) StatusCode, pub(crate) String);

impl LogOptions {
    pub(crate) fn parse(query: &str) -> Result<Self, BadQuery> {
        let query = Query::decode(query)?;
        query.check_stream()?;
        let since_time = query.time("sinceTime")?;
        let since_seconds = query.integer("sinceSeconds")?;
        let options = Self {
            follow: query.flag("follow"),
            previous: query.flag("previous"),
            timestamps: query.flag("timestamps"),
            tail_lines: tail_lines(&query)?,
            since: since(since_time, since_seconds)?,
            limit_bytes: limit_bytes(query.integer("limitBytes")?)?,
        };
        Ok(options)
    }
}

/// `tail` is the name of old clients and wins; there, `all` is the same as nothing.
fn tail_lines(query: &Query) -> Result<Option<u32>, BadQuery> {
    let lines = match query.value("tail").filter(|value| !value.is_empty()) {
        Some("all") => None,
        Some(_) => query.integer("tail")?,
        None => query.integer("tailLines")?,
    };
    match lines {
        Some(lines) if lines < 0 => Err(unprocessable("tailLines must not be negative")),
        lines => Ok(lines.map(clamped)),
    }
}

fn since(time: Option<Timestamp>, seconds: Option<i64>) -> Result<Option<LogSince>, BadQuery> {
    match (time, seconds) {
        (Some(_), Some(_)) => Err(unprocessable("at most one of sinceTime and sinceSeconds may be given")),
        (_, Some(seconds)) if seconds < 1 => Err(unprocessable("sinceSeconds must be greater than 0")),
        (_, Some(seconds)) => Ok(Some(LogSince::Seconds(clamped(seconds)))),
        (time, None) => Ok(time.map(LogSince::Time)),
    }
}

fn limit_bytes(bytes: Option<i64>) -> Result<Option<u64>, BadQuery> {
    match bytes {
        Some(bytes) if bytes < 1 => Err(unprocessable("limitBytes must be greater than 0")),
        bytes => Ok(bytes.map(i64::unsigned_abs)),
    }
}

/// No log has so many lines, and none is so old, that a larger number would mean something else.
fn clamped(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The decoded pairs. Of several values of one name the first counts, as in Go.
struct Query(Vec<(String, String)>);

impl Query {
    fn decode(query: &str) -> Result<Self, BadQuery> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let pairs = pairs.map(|(name, value)| Some((decode(name)?, decode(value)?)));
        let pairs: Option<Vec<_>> = pairs.collect();
        pairs.map(Self).ok_or_else(|| bad("the query is not UTF-8"))
    }

    fn value(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// The conversion of the Kubernetes API: only absence, `0` and `false` are no.
    fn flag(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    fn integer(&self, name: &str) -> Result<Option<i64>, BadQuery> {
        let parsed = self.value(name).map(str::parse).transpose();
        parsed.map_err(|_| bad(&format!("{name} is not a whole number")))
    }

    fn time(&self, name: &str) -> Result<Option<Timestamp>, BadQuery> {
        let value = self.value(name).filter(|value| !value.is_empty() && *value != "null");
        let parsed = value.map(str::parse).transpose();
        parsed.map_err(|_| bad(&format!("{name} is not an RFC 3339 time")))
    }

    /// A provider merges what a container writes to its two outputs; asking for one of them cannot be honoured.
    fn check_stream(&self) -> Result<(), BadQuery> {
        match self.value("stream").unwrap_or_default() {
            "" | "All" => Ok(()),
            _ => Err(bad("stream must be All: this node does not keep stdout and stderr apart")),
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(String::from)
}

fn bad(text: &str) -> BadQuery {
    BadQuery(StatusCode::BAD_REQUEST, text.to_owned())
}

fn unprocessable(text: &str) -> BadQuery {
    BadQuery(StatusCode::UNPROCESSABLE_ENTITY, text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(query: &str) -> LogOptions {
        LogOptions::parse(query).unwrap()
    }

    fn status(query: &str) -> u16 {
        LogOptions::parse(query).unwrap_err().0.as_u16()
    }

    #[test]
    fn no_query_means_the_whole_log() {
        assert_eq!(parse(""), LogOptions::default());
    }

    #[test]
    fn the_query_of_the_api_server_is_understood() {
        let options =
            parse("follow=true&limitBytes=100&previous=true&sinceSeconds=60&tailLines=7&timestamps=true");
        let expected = LogOptions {
            follow: true,
            previous: true,
            timestamps: true,
            tail_lines: Some(7),
            since: Some(LogSince::Seconds(60)),
            limit_bytes: Some(100),
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn since_time_may_be_encoded() {
        let time = "2026-01-02T03:04:05Z".parse().unwrap();
        for query in ["sinceTime=2026-01-02T03%3A04%3A05Z", "sinceTime=2026-01-02T04:04:05%2B01:00"] {
            assert_eq!(parse(query).since, Some(LogSince::Time(time)), "{query}");
        }
        assert_eq!(parse("sinceTime=").since, None);
    }

    #[test]
    fn zero_lines_are_not_all_lines() {
        assert_eq!(parse("tailLines=0").tail_lines, Some(0));
    }

    #[test]
    fn the_old_name_of_tail_lines_is_known() {
        assert_eq!(parse("tail=5").tail_lines, Some(5));
        assert_eq!(parse("tail=all&tailLines=3").tail_lines, None);
        assert_eq!(parse("tail=&tailLines=3").tail_lines, Some(3));
    }

    #[test]
    fn only_absence_zero_and_false_switch_a_flag_off() {
        for (query, on) in [
            ("follow", true),
            ("follow=", true),
            ("follow=1", true),
            ("follow=yes", true),
            ("follow=0", false),
            ("follow=False", false),
            ("follow=false&follow=true", false),
            ("unknown=1", false),
        ] {
            assert_eq!(parse(query).follow, on, "{query}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_400() {
        for query in [
            "tailLines=x",
            "tailLines=",
            "tail=x",
            "sinceSeconds=1.5",
            "limitBytes=0x10",
            "sinceTime=yesterday",
            "tailLines=9223372036854775808",
            "stream=Stdout",
            "follow=%ff",
        ] {
            assert_eq!(status(query), 400, "{query}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_422() {
        for query in [
            "tailLines=-1",
            "limitBytes=0",
            "limitBytes=-5",
            "sinceSeconds=0",
            "sinceSeconds=-3",
            "sinceSeconds=5&sinceTime=2026-01-02T03:04:05Z",
        ] {
            assert_eq!(status(query), 422, "{query}");
        }
    }

    #[test]
    fn numbers_beyond_all_logs_are_cut() {
        assert_eq!(parse("tailLines=9223372036854775807").tail_lines, Some(u32::MAX));
    }

    proptest! {
        #[test]
        fn no_query_panics(query in "\\PC{0,80}") {
            let _ = LogOptions::parse(&query);
        }
    }
}
