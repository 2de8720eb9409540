//! DescribeContainerLog.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Context;
use crate::clock::nanos_text;
use crate::error::ApiError;
use crate::group::{Container, Group, Incarnation};
use crate::script::{Line, Window};
use crate::settings::{LogNotStarted, LogTruncation, seconds};
use crate::state::Cloud;

const DEFAULT_TAIL: usize = 500;
/// No more text comes back, whatever is asked for.
const MAX_BYTES: usize = 1024 * 1024;

pub(super) fn run(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let id = context.parameter("ContainerGroupId").unwrap_or_default();
    let name = context.parameter("ContainerName").unwrap_or_default();
    let region = context.parameter("RegionId");
    let group = cloud.store.find(id).filter(|group| {
        group.facts.account == context.caller.account
            && region.is_none_or(|region| group.facts.region == region)
    });
    let group = group.ok_or_else(|| ApiError::not_found("container group"))?;
    let container = group.life.container(name).ok_or_else(|| ApiError::not_found("container"))?;
    let kept_since = context.now.saturating_sub(seconds(cloud.settings.log_keep_s)).unwrap_or(Timestamp::MIN);
    let incarnation = wanted(container, context.root.flag("LastTime"))
        .filter(|_| group.life.ended_at.is_none_or(|ended_at| ended_at > kept_since));
    let content = match (incarnation, cloud.settings.log_not_started) {
        (Some(incarnation), _) => content(cloud, context, group, container, incarnation),
        (None, LogNotStarted::Empty) => String::new(),
        (None, LogNotStarted::Error) => {
            let message = "The container has no such log: it has not started.";
            return Err(ApiError::new(400, "IncorrectStatus", message));
        }
    };
    Ok(json!({"ContainerName": name, "Content": content}))
}

/// The run whose log is asked for. Between two runs, the log is that of the run before.
fn wanted(container: &Container, last_time: bool) -> Option<&Incarnation> {
    if last_time {
        container.previous.as_ref()
    } else {
        container.current.as_ref().or(container.previous.as_ref())
    }
}

fn content(
    cloud: &Cloud,
    context: &Context<'_>,
    group: &Group,
    container: &Container,
    incarnation: &Incarnation,
) -> String {
    let tail = context.root.number("Tail").unwrap_or(DEFAULT_TAIL);
    let limit = context.root.number("LimitBytes").unwrap_or(MAX_BYTES).min(MAX_BYTES);
    let tail_first = cloud.settings.log_truncation == LogTruncation::TailFirst;
    let window = Window {
        from: from(context, incarnation),
        until: until(context.now, group, incarnation),
        newest: tail_first.then_some(tail),
        bytes: if tail_first { usize::MAX } else { limit },
    };
    let mut lines = match group.facts.is_real {
        true => Vec::new(),
        false => {
            // A run goes on by what it was started with, whatever an update says since.
            let (facts, index) = match &incarnation.origin {
                Some((facts, index)) => (facts.as_ref(), *index),
                None => (&group.facts, container.index),
            };
            let (program, surroundings) = facts.program(container.kind, index);
            program.lines(incarnation.started_at, &surroundings, window)
        }
    };
    let inside = |line: &&Line| line.at >= window.from && line.at <= window.until;
    lines.extend(incarnation.injected.iter().filter(inside).cloned());
    lines.sort_by_key(|line| line.at);
    let timestamps = context.root.flag("Timestamps");
    let texts: Vec<String> = lines.iter().map(|line| text(line, timestamps)).collect();
    if tail_first {
        cut(&last(&texts, tail).concat(), limit)
    } else {
        last_lines(&cut(&texts.concat(), limit), tail)
    }
}

/// The later of the two ways to say since when.
fn from(context: &Context<'_>, incarnation: &Incarnation) -> Timestamp {
    let start_time = context.parameter("StartTime").and_then(|text| text.parse::<Timestamp>().ok());
    let since = context.root.number::<i64>("SinceSeconds").map(|seconds| {
        context.now.saturating_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN)
    });
    [start_time, since].into_iter().flatten().fold(incarnation.started_at, Timestamp::max)
}

/// Nothing is written after the container has ended, or after the deletion has stopped it.
fn until(now: Timestamp, group: &Group, incarnation: &Incarnation) -> Timestamp {
    let ended = incarnation.ended.as_ref().map(|(at, _)| *at);
    let stopped = group.life.deletion.map(|deletion| deletion.stopped_at);
    [ended, stopped].into_iter().flatten().fold(now, Timestamp::min)
}

fn text(line: &Line, timestamps: bool) -> String {
    if timestamps { format!("{} {}\n", nanos_text(line.at), line.text) } else { format!("{}\n", line.text) }
}

fn last(texts: &[String], count: usize) -> &[String] {
    &texts[texts.len().saturating_sub(count)..]
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    last(&lines, count).concat()
}

/// The first `limit` bytes, less what would split a character.
fn cut(text: &str, limit: usize) -> String {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_keeps_characters_whole() {
        assert_eq!(cut("añb", 2), "a");
        assert_eq!(cut("añb", 3), "añ");
        assert_eq!(last_lines("a\nb\nc", 2), "b\nc");
    }
}
