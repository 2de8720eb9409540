//! Picks the new lines out of readings of a log that overlap.
//!
//! A log that can only be read, not followed, is read again from shortly before the last line seen. Each reading
//! brings some lines again; this tells which ones. Lines are compared by time and text, and counted, because a
//! container may write the same line twice in one instant.
//!
//! ```text
//! reading 1   a  b  b  c
//! reading 2         b  c  c  d      begins OVERLAP before c
//! new                     c  d      one b and one c were seen
//! ```
//!
//! The overlap also catches a line that arrives late, out of the order of times: the two outputs of a container are
//! merged somewhere. A reading that does not reach back to the last line seen proves a gap: more was written
//! than one reading holds.

use std::collections::{BTreeMap, HashMap};

use k8s_openapi::jiff::{SignedDuration, Timestamp};

/// How far a reading reaches back before the last line. Longer means more lines of a busy log read twice, and a
/// reading holds only so many.
const OVERLAP: SignedDuration = SignedDuration::from_millis(100);

/// One line of a log that was read with timestamps. A line without one belongs to the instant of the line before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'t> {
    pub(crate) at: Option<Timestamp>,
    /// As it was read.
    pub(crate) stamped: &'t str,
    /// Without the time.
    pub(crate) text: &'t str,
}

/// The lines of a reading. Only `\n` ends a line; what a container writes before it is its own.
pub(crate) fn lines(reading: &str) -> impl Iterator<Item = Line<'_>> {
    let mut latest = None;
    reading.split_terminator('\n').map(move |stamped| {
        let stamp = stamped.split_once(' ').unwrap_or((stamped, ""));
        let (at, text) = match stamp.0.parse() {
            Ok(at) => (Some(at), stamp.1),
            Err(_) => (None, stamped),
        };
        latest = at.or(latest);
        Line { at: latest, stamped, text }
    })
}

/// What a reading brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fresh<'t> {
    pub(crate) lines: Vec<Line<'t>>,
    /// Lines may be missing before the first of these.
    pub(crate) gap: bool,
}

/// Where a reader is in a log.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// Whether any line was seen.
    started: bool,
    /// Times of the first line of the first reading, and of the latest line seen.
    first: Option<Timestamp>,
    latest: Option<Timestamp>,
    /// The lines seen within the overlap.
    seen: BTreeMap<Option<Timestamp>, HashMap<String, u32>>,
}

impl Cursor {
    /// From when on to read next; `None` while no line was seen.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.latest.map(overlapping)
    }

    /// Takes a reading, and returns what of it is new, in its order.
    pub(crate) fn advance<'t>(&mut self, reading: &'t str) -> Fresh<'t> {
        let mut left = self.seen.clone();
        let (before, mut reached_back) = (self.latest, !self.started);
        let mut fresh = Vec::new();
        let mut any = false;
        for line in lines(reading) {
            (any, reached_back) = (true, reached_back || line.at <= before);
            if !self.is_old(line.at) && !take_one(&mut left, &line) {
                fresh.push(line);
            }
        }
        self.remember(&fresh);
        Fresh { lines: fresh, gap: any && !reached_back }
    }

    /// Lines from before the overlap were seen or given up; lines from before the first one were never wanted.
    fn is_old(&self, at: Option<Timestamp>) -> bool {
        self.started && (at < self.since() || at < self.first)
    }

    fn remember(&mut self, fresh: &[Line<'_>]) {
        let Some(first) = fresh.first() else { return };
        if !self.started {
            (self.started, self.first) = (true, first.at);
        }
        for line in fresh {
            self.latest = self.latest.max(line.at);
            *self.seen.entry(line.at).or_default().entry(line.text.to_owned()).or_default() += 1;
        }
        let oldest = self.since();
        self.seen.retain(|at, _| *at >= oldest);
    }
}

fn overlapping(latest: Timestamp) -> Timestamp {
    latest.checked_sub(OVERLAP).unwrap_or(Timestamp::MIN)
}

/// Whether the line is among those left, of which it then is one less.
fn take_one(left: &mut BTreeMap<Option<Timestamp>, HashMap<String, u32>>, line: &Line<'_>) -> bool {
    match left.get_mut(&line.at).and_then(|texts| texts.get_mut(line.text)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A log of `(milliseconds, text)`.
    fn log(lines: &[(i64, &str)]) -> String {
        let line = |(at, text): &(i64, &str)| {
            let at = Timestamp::from_millisecond(*at).unwrap();
            format!("{at:.9} {text}\n")
        };
        lines.iter().map(line).collect()
    }

    fn texts<'t>(fresh: &Fresh<'t>) -> Vec<&'t str> {
        fresh.lines.iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_line_keeps_its_blanks_and_carriage_returns() {
        let reading = "2026-01-02T03:04:05.000000001Z   indented \r\n2026-01-02T03:04:06Z \nunstamped line\n";
        let read: Vec<_> = lines(reading).map(|line| line.text).collect();
        assert_eq!(read, ["  indented \r", "", "unstamped line"]);
    }

    #[test]
    fn each_line_is_new_once() {
        let mut cursor = Cursor::default();
        assert_eq!(texts(&cursor.advance(&log(&[(1, "a"), (2, "b")]))), ["a", "b"]);
        let second = log(&[(1, "a"), (2, "b"), (3, "c")]);
        assert_eq!(texts(&cursor.advance(&second)), ["c"]);
        assert_eq!(cursor.advance(&second), Fresh::default());
    }

    #[test]
    fn equal_lines_of_one_instant_are_counted() {
        let mut cursor = Cursor::default();
        cursor.advance(&log(&[(1, "x"), (1, "x")]));
        let fresh = log(&[(1, "x"), (1, "x"), (1, "x"), (1, "y"), (1, "x")]);
        assert_eq!(texts(&cursor.advance(&fresh)), ["x", "y", "x"]);
        assert_eq!(texts(&cursor.advance(&fresh)), Vec::<&str>::new());
    }

    #[test]
    fn a_line_that_arrives_late_is_new_within_the_overlap() {
        let mut cursor = Cursor::default();
        cursor.advance(&log(&[(0, "start"), (500, "stdout")]));
        let fresh = log(&[(470, "stderr"), (500, "stdout")]);
        assert_eq!(texts(&cursor.advance(&fresh)), ["stderr"]);
        assert_eq!(texts(&cursor.advance(&fresh)), Vec::<&str>::new());
    }

    #[test]
    fn readings_may_begin_earlier_than_asked_for() {
        let mut cursor = Cursor::default();
        let all = [(0, "a"), (5000, "b"), (5950, "c"), (6000, "d")];
        cursor.advance(&log(&all));
        assert_eq!(cursor.since(), Some(Timestamp::from_millisecond(5900).unwrap()));
        assert_eq!(cursor.advance(&log(&all[1..])), Fresh::default());
    }

    #[test]
    fn lines_before_the_first_reading_stay_out() {
        let mut cursor = Cursor::default();
        cursor.advance(&log(&[(90, "wanted")]));
        assert_eq!(texts(&cursor.advance(&log(&[(50, "older"), (90, "wanted"), (95, "new")]))), ["new"]);
    }

    #[test]
    fn a_reading_that_does_not_reach_back_proves_a_gap() {
        let mut cursor = Cursor::default();
        assert!(!cursor.advance(&log(&[(1, "a")])).gap, "nothing can be missing yet");
        assert!(!cursor.advance(&log(&[(1, "a"), (2, "b")])).gap);
        assert!(!cursor.advance("").gap, "an empty reading proves nothing");
        let after = log(&[(900, "y"), (901, "z")]);
        let fresh = cursor.advance(&after);
        assert!(fresh.gap);
        assert_eq!(texts(&fresh), ["y", "z"]);
        assert!(!cursor.advance(&after).gap);
    }

    #[test]
    fn a_log_without_times_is_counted_from_its_beginning() {
        let mut cursor = Cursor::default();
        assert_eq!(texts(&cursor.advance("a\nb\n")), ["a", "b"]);
        assert_eq!(cursor.since(), None);
        assert_eq!(texts(&cursor.advance("a\nb\nb\nc\n")), ["b", "c"]);
    }

    #[test]
    fn the_memory_of_a_cursor_is_the_overlap() {
        let mut cursor = Cursor::default();
        for at in 0..100 {
            cursor.advance(&log(&[(at * 1000, "line")]));
        }
        assert_eq!(cursor.seen.len(), 1);
    }

    proptest! {
        /// However a growing log is read, each line comes out once and in order.
        #[test]
        fn nothing_is_lost_or_repeated(
            steps in prop::collection::vec(0..40_i64, 1..60),
            reads in prop::collection::vec(1..6_usize, 1..60),
        ) {
            let mut at = 0;
            let written: Vec<_> = steps.iter().map(|step| { at += step / 10 * 20; (at, if step % 2 == 0 { "x" } else { "y" }) }).collect();
            let (mut cursor, mut out, mut end) = (Cursor::default(), Vec::new(), 0);
            for grown in reads.iter().chain([&written.len()]) {
                end = (end + grown).min(written.len());
                let since = cursor.since().map_or(0, |since| since.as_millisecond());
                let reading: Vec<_> = written[..end].iter().filter(|(at, _)| *at >= since).copied().collect();
                let reading = log(&reading);
                let fresh = cursor.advance(&reading);
                prop_assert!(!fresh.gap);
                out.extend(fresh.lines.iter().map(|line| (line.at.unwrap().as_millisecond(), line.text.to_owned())));
            }
            let expected: Vec<_> = written.iter().map(|(at, text)| (*at, (*text).to_owned())).collect();
            prop_assert_eq!(out, expected);
        }
    }
}
