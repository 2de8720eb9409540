//! Picks the new lines out of readings of a log that overlap.
//!
//! ```text
//! reading 1   a  b  b  c
//! reading 2         b  c  c  d      begins OVERLAP before c
//! new                     c  d      one b and one c were seen
//! ```
//!
//! Lines are told apart by time and text, and counted, because a container may write the same line twice in one instant.
//! The overlap also catches a line that arrives late: stdout and stderr are merged somewhere, not always in order.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::LogLine;

/// How far a reading reaches back before the last line. Longer means more lines of a busy log read twice, and a
/// reading holds only so many.
const OVERLAP: SignedDuration = SignedDuration::from_millis(100);
/// A reading of so many bytes may have been cut off: 1 MB are allowed, and which kind of MB is not said.
pub(super) const FULL_BYTES: usize = 1_000_000;

/// What a reading brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fresh {
    pub(super) lines: Vec<LogLine>,
    /// It does not hold the last line seen, nor anything older: it is of another run, or too much was written.
    pub(super) torn: bool,
}

/// Where the followers of a log are in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    /// Whether any line was seen.
    started: bool,
    /// The time of the first line of the first reading; what is older was not wanted.
    first: Option<Timestamp>,
    latest: Option<Timestamp>,
    /// Lines up to then are given up.
    skipped: Option<Timestamp>,
    /// How often each line within the overlap was seen.
    seen: BTreeMap<Option<Timestamp>, HashMap<Arc<str>, u32>>,
    /// The last line of the reading before, when no end of line was behind it.
    unfinished: Option<String>,
}

impl Cursor {
    /// From when on to read next; `None` while no line with a time was seen.
    pub(super) fn since(&self) -> Option<Timestamp> {
        let overlapping = self.latest.map(|at| at.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN));
        overlapping.max(self.skipped)
    }

    /// Takes a reading, and returns what of it is new, in its order. The last reading of a run is taken whole.
    pub(super) fn advance(&mut self, reading: &str, last: bool) -> Fresh {
        let whole = self.whole_lines(reading, last);
        let mut left = self.seen.clone();
        let mut fresh = Vec::new();
        // What was skipped on purpose was told already.
        let mut reached_back = !self.started || self.skipped > self.latest;
        for line in lines(whole) {
            reached_back = reached_back || line.at <= self.latest;
            if !self.is_old(line.at) && !take_one(&mut left, &line) {
                fresh.push(line);
            }
        }
        self.remember(&fresh);
        Fresh { lines: fresh, torn: !reached_back }
    }

    /// The cursor of the run after this one: nothing of it was seen, and nothing of it is older.
    pub(super) fn next_run(self) -> Self {
        Self { skipped: self.latest, ..Self::default() }
    }

    /// Gives up the lines of the current second: readings filled by them would never get beyond. Whether that helps.
    pub(super) fn skip_ahead(&mut self) -> bool {
        let ahead = self.latest.and_then(|at| at.checked_add(SignedDuration::from_secs(1)).ok());
        let helps = ahead > self.skipped;
        self.skipped = self.skipped.max(ahead);
        helps
    }

    /// A reading that was cut off ends within a line, but the last line of a container may lack its end too: that one
    /// counts once it came twice, unchanged, in readings that were not full.
    fn whole_lines<'t>(&mut self, reading: &'t str, last: bool) -> &'t str {
        let (whole, rest) = reading.split_at(reading.rfind('\n').map_or(0, |end| end + 1));
        let before = self.unfinished.take();
        let stays = before.as_deref() == Some(rest) && reading.len() < FULL_BYTES;
        if rest.is_empty() || last || stays {
            self.unfinished = before.filter(|_| !rest.is_empty());
            return reading;
        }
        self.unfinished = Some(rest.to_owned());
        whole
    }

    fn is_old(&self, at: Option<Timestamp>) -> bool {
        self.started && (at < self.since() || at < self.first)
    }

    fn remember(&mut self, fresh: &[LogLine]) {
        let Some(first) = fresh.first() else { return };
        if !self.started {
            (self.started, self.first) = (true, first.at);
        }
        for line in fresh {
            self.latest = self.latest.max(line.at);
            let texts = self.seen.entry(line.at).or_default();
            *texts.entry(Arc::clone(&line.text)).or_default() += 1;
        }
        let oldest = self.since();
        self.seen.retain(|at, _| *at >= oldest);
    }
}

/// The lines of a reading. Only `\n` ends a line; one without a time belongs to the instant of the line before it.
fn lines(reading: &str) -> impl Iterator<Item = LogLine> {
    let mut latest = None;
    reading.split_terminator('\n').map(move |stamped| {
        let (stamp, rest) = stamped.split_once(' ').unwrap_or((stamped, ""));
        let at = stamp.parse().ok();
        latest = at.or(latest);
        LogLine { at: latest, text: if at.is_some() { rest } else { stamped }.into() }
    })
}

/// Whether the line is among those left, of which it then is one less.
fn take_one(left: &mut BTreeMap<Option<Timestamp>, HashMap<Arc<str>, u32>>, line: &LogLine) -> bool {
    match left.get_mut(&line.at).and_then(|texts| texts.get_mut(&line.text)) {
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

    fn millisecond(at: i64) -> Timestamp {
        Timestamp::from_millisecond(at).unwrap()
    }

    /// A log of `(milliseconds, text)`.
    fn log(lines: &[(i64, &str)]) -> String {
        lines.iter().map(|(at, text)| format!("{:.9} {text}\n", millisecond(*at))).collect()
    }

    fn texts(fresh: Fresh) -> Vec<String> {
        fresh.lines.into_iter().map(|line| line.text.to_string()).collect()
    }

    #[test]
    fn a_line_keeps_its_blanks_and_carriage_returns() {
        let reading = "2026-01-02T03:04:05.000000001Z   indented \r\n2026-01-02T03:04:06Z \nunstamped line\n";
        let read: Vec<_> = lines(reading).map(|line| line.text.to_string()).collect();
        assert_eq!(read, ["  indented \r", "", "unstamped line"]);
    }

    #[test]
    fn equal_lines_of_one_instant_are_counted() {
        let mut cursor = Cursor::default();
        cursor.advance(&log(&[(1, "x"), (1, "x")]), false);
        let grown = log(&[(1, "x"), (1, "x"), (1, "x"), (1, "y"), (1, "x")]);
        assert_eq!(texts(cursor.advance(&grown, false)), ["x", "y", "x"]);
        assert_eq!(cursor.advance(&grown, false), Fresh::default());
    }

    #[test]
    fn a_line_that_arrives_late_is_new_within_the_overlap() {
        let mut cursor = Cursor::default();
        cursor.advance(&log(&[(0, "start"), (500, "stdout")]), false);
        assert_eq!(texts(cursor.advance(&log(&[(470, "stderr"), (500, "stdout")]), false)), ["stderr"]);
    }

    #[test]
    fn a_reading_that_does_not_reach_back_is_torn() {
        let mut cursor = Cursor::default();
        assert!(!cursor.advance(&log(&[(1, "a")]), false).torn, "nothing can be missing yet");
        assert!(!cursor.advance(&log(&[(1, "a"), (2, "b")]), false).torn);
        assert!(cursor.advance("", false).torn, "the line seen last is not there any more");
        let fresh = cursor.advance(&log(&[(900, "y")]), false);
        assert!(fresh.torn);
        assert_eq!(texts(fresh), ["y"]);
    }

    #[test]
    fn a_line_cut_off_counts_when_it_is_whole() {
        let mut cursor = Cursor::default();
        let whole = log(&[(1, "a"), (2, "long line")]);
        assert_eq!(texts(cursor.advance(&whole[..whole.len() - 6], false)), ["a"]);
        assert_eq!(texts(cursor.advance(&whole, false)), ["long line"]);
    }

    #[test]
    fn a_last_line_without_an_end_counts_once_it_stays_or_the_run_has_ended() {
        let unfinished = format!("{}{:.9} prompt$", log(&[(1, "a")]), millisecond(2));
        let mut cursor = Cursor::default();
        assert_eq!(texts(cursor.advance(&unfinished, false)), ["a"]);
        assert_eq!(texts(cursor.advance(&unfinished, false)), ["prompt$"]);
        assert_eq!(texts(cursor.advance(&unfinished, false)), Vec::<String>::new());
        assert_eq!(texts(Cursor::default().advance(&unfinished, true)), ["a", "prompt$"]);
    }

    #[test]
    fn a_log_without_times_is_counted_from_its_beginning() {
        let mut cursor = Cursor::default();
        assert_eq!(texts(cursor.advance("a\nb\n", false)), ["a", "b"]);
        assert_eq!(cursor.since(), None);
        assert_eq!(texts(cursor.advance("a\nb\nb\nc\n", false)), ["b", "c"]);
    }

    #[test]
    fn skipping_ahead_gives_up_a_second() {
        let mut cursor = Cursor::default();
        cursor.advance(&log(&[(5000, "a")]), false);
        assert!(cursor.skip_ahead());
        assert!(!cursor.skip_ahead(), "once is enough");
        assert_eq!(cursor.since(), Some(millisecond(6000)));
        assert_eq!(texts(cursor.advance(&log(&[(5500, "lost"), (6000, "b")]), false)), ["b"]);
    }

    #[test]
    fn the_memory_of_a_cursor_is_the_overlap() {
        let mut cursor = Cursor::default();
        for at in 0..100 {
            cursor.advance(&log(&[(at * 1000, "line")]), false);
        }
        assert_eq!(cursor.seen.len(), 1);
    }

    proptest! {
        /// However a growing log is read, and wherever a reading is cut off, each line comes out once and in order.
        #[test]
        fn nothing_is_lost_or_repeated(
            steps in prop::collection::vec(0..40_i64, 1..60),
            reads in prop::collection::vec((1..6_usize, 0..40_usize), 1..60),
        ) {
            let mut at = 0;
            let mut written = Vec::new();
            for step in steps {
                at += step / 10 * 20;
                written.push((at, if step % 2 == 0 { "x" } else { "y" }));
            }
            let (mut cursor, mut out, mut end) = (Cursor::default(), Vec::new(), 0);
            for (n, (grown, cut)) in reads.iter().chain([&(written.len(), 0)]).enumerate() {
                // A reading that was cut off is followed by a whole one: the cloud cuts nothing that is short.
                let cut = if n % 2 == 0 { 0 } else { *cut };
                end = (end + grown).min(written.len());
                let since = cursor.since().map_or(0, |since| since.as_millisecond());
                let reading: Vec<_> = written[..end].iter().filter(|(at, _)| *at >= since).copied().collect();
                let reading = log(&reading);
                let reading = &reading[..reading.len().saturating_sub(cut)];
                out.extend(cursor.advance(reading, false).lines);
            }
            let out: Vec<_> =
                out.iter().map(|line| (line.at.unwrap().as_millisecond(), line.text.to_string())).collect();
            let expected: Vec<_> = written.iter().map(|(at, text)| (*at, (*text).to_owned())).collect();
            prop_assert_eq!(out, expected);
        }
    }
}
