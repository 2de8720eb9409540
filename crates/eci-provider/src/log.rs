//! Asks for a container's log in the cloud's terms.

use eci_client::model::DescribeContainerLogRequest;
use vk_core::{GroupId, LogQuery, LogSince};

/// The most lines that DescribeContainerLog gives.
const MOST_LINES: u32 = 2000;

/// The most bytes that DescribeContainerLog gives.
const MOST_BYTES: u64 = 1024 * 1024;

/// The request for this part of a log.
///
/// A query without a number of lines asks for the most there is: left out, the cloud would give 500. A query for no
/// lines or no bytes still asks for one, so that a container that is not there is told of; [`wants_nothing`] says
/// that the answer's text is not wanted.
pub(crate) fn request(group: &GroupId, container: &str, query: &LogQuery) -> DescribeContainerLogRequest {
    let LogQuery { tail_lines, since, previous, timestamps, limit_bytes } = query;
    let lines = tail_lines.unwrap_or(MOST_LINES).clamp(1, MOST_LINES);
    let (since_seconds, start_time) = match since {
        // Zero seconds would be no limit to the cloud.
        Some(LogSince::Seconds(seconds)) => {
            (Some(i32::try_from((*seconds).max(1)).unwrap_or(i32::MAX)), None)
        }
        Some(LogSince::Time(time)) => (None, Some(*time)),
        None => (None, None),
    };
    DescribeContainerLogRequest {
        container_group_id: group.as_str().into(),
        container_name: container.to_owned(),
        tail: i32::try_from(lines).ok(),
        since_seconds,
        start_time,
        limit_bytes: limit_bytes.and_then(|bytes| i64::try_from(bytes.clamp(1, MOST_BYTES)).ok()),
        timestamps: timestamps.then_some(true),
        last_time: previous.then_some(true),
        ..Default::default()
    }
}

/// Whether the query asks for no text at all.
pub(crate) fn wants_nothing(query: &LogQuery) -> bool {
    query.tail_lines == Some(0) || query.limit_bytes == Some(0)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn asked(query: &LogQuery) -> DescribeContainerLogRequest {
        request(&GroupId::new("eci-1"), "app", query)
    }

    #[test]
    fn a_query_without_limits_asks_for_all_that_the_cloud_gives() {
        let request = asked(&LogQuery::default());
        assert_eq!(request.tail, Some(2000));
        assert_eq!((request.limit_bytes, request.since_seconds, request.start_time), (None, None, None));
        assert_eq!((request.timestamps, request.last_time), (None, None));
    }

    #[test]
    fn limits_stay_within_what_the_cloud_accepts() {
        let large = LogQuery { tail_lines: Some(50_000), limit_bytes: Some(u64::MAX), ..Default::default() };
        assert_eq!((asked(&large).tail, asked(&large).limit_bytes), (Some(2000), Some(1_048_576)));
        let none = LogQuery { tail_lines: Some(0), limit_bytes: Some(0), ..Default::default() };
        assert_eq!((asked(&none).tail, asked(&none).limit_bytes), (Some(1), Some(1)));
        assert!(wants_nothing(&none) && !wants_nothing(&large));
    }

    #[test]
    fn the_previous_run_and_times_are_asked_for_by_name() {
        let query = LogQuery { previous: true, timestamps: true, ..Default::default() };
        assert_eq!((asked(&query).last_time, asked(&query).timestamps), (Some(true), Some(true)));
    }

    #[test]
    fn a_start_is_given_as_an_instant_or_in_seconds() {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let time = LogQuery { since: Some(LogSince::Time(at)), ..Default::default() };
        assert_eq!((asked(&time).start_time, asked(&time).since_seconds), (Some(at), None));
        let seconds = LogQuery { since: Some(LogSince::Seconds(0)), ..Default::default() };
        assert_eq!((asked(&seconds).start_time, asked(&seconds).since_seconds), (None, Some(1)));
    }
}
