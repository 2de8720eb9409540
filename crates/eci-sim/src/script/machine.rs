//! Runs a tree of commands on a clock of its own, collecting the lines that fall into a window.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::builtin::{self, Call};
use super::lex::{Part, Word};
use super::parse::{Command, List, When};
use super::{End, Line, Surroundings, Window};
use crate::clock::later;

/// What writing a line costs, so that no two lines of a container have the same time.
const LINE_COST: SignedDuration = SignedDuration::from_micros(10);
/// What a round of a loop costs at least, so that `while true; do echo; done` has a rate.
const ROUND_COST: SignedDuration = SignedDuration::from_millis(1);
/// Rounds after which a loop that compares something counts as endless.
const MAX_ROUNDS: u32 = 100_000;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Exit(i32),
    /// It goes on until it is stopped.
    Forever,
    /// The rest is beyond the window.
    Stop,
}

pub(super) struct Machine<'a> {
    pub(super) surroundings: &'a Surroundings,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) started_at: Timestamp,
    pub(super) elapsed: SignedDuration,
    /// Exit status of the last command.
    pub(super) status: i32,
    /// `None` when only the end matters.
    window: Option<Window>,
    lines: Vec<Line>,
    bytes: usize,
    written: usize,
    message: String,
}

impl<'a> Machine<'a> {
    pub(super) fn new(started_at: Timestamp, surroundings: &'a Surroundings, window: Option<Window>) -> Self {
        Self {
            surroundings,
            variables: surroundings.variables.clone(),
            started_at,
            elapsed: SignedDuration::ZERO,
            status: 0,
            window,
            lines: Vec::new(),
            bytes: 0,
            written: 0,
            message: String::new(),
        }
    }

    pub(super) fn end(&self, exit_code: i32) -> End {
        End { after: self.elapsed, exit_code, message: self.message.clone() }
    }

    pub(super) fn into_lines(self) -> Vec<Line> {
        self.lines
    }

    /// The instant on the machine's clock.
    pub(super) fn now(&self) -> Timestamp {
        later(self.started_at, self.elapsed)
    }

    pub(super) fn run(&mut self, list: &List) -> Flow {
        for (when, command) in &list.0 {
            let due = match when {
                When::Always => true,
                When::Succeeded => self.status == 0,
                When::Failed => self.status != 0,
            };
            if !due {
                continue;
            }
            match self.command(command) {
                Flow::Next => {}
                other => return other,
            }
        }
        Flow::Next
    }

    fn command(&mut self, command: &Command) -> Flow {
        if self.window.is_some_and(|window| self.now() > window.until || self.bytes >= window.bytes) {
            return Flow::Stop;
        }
        match command {
            Command::Simple { assignments, words, stdout_to } => {
                self.simple(assignments, words, stdout_to.as_ref())
            }
            Command::For { name, words, body } => self.for_loop(name, words, body),
            Command::If { branches, otherwise } => self.conditional(branches, otherwise),
            Command::While { until, condition, body } => self.while_loop(*until, condition, body),
        }
    }

    fn simple(&mut self, assignments: &[(String, Word)], words: &[Word], stdout_to: Option<&Word>) -> Flow {
        for (name, value) in assignments {
            let value = self.expand(value).join(" ");
            self.variables.insert(name.clone(), value);
        }
        let words: Vec<String> = words.iter().flat_map(|word| self.expand(word)).collect();
        if words.is_empty() {
            self.status = 0;
            return Flow::Next;
        }
        if words[0] == "export" {
            let assigned = words[1..].iter().filter_map(|word| word.split_once('='));
            self.variables.extend(assigned.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        let target = stdout_to.map(|word| self.expand(word).join(" "));
        match builtin::call(self, &words) {
            Call::Done { status, output } => {
                self.status = status;
                match target {
                    None => output.lines().for_each(|line| self.write(line)),
                    Some(path) if path == self.surroundings.termination_message_path => self.message = output,
                    Some(path) if path == "/dev/stdout" || path == "/dev/stderr" => {
                        output.lines().for_each(|line| self.write(line));
                    }
                    Some(_) => {}
                }
                Flow::Next
            }
            Call::Sleep(duration) => {
                self.status = 0;
                self.elapsed = self.elapsed.saturating_add(duration);
                Flow::Next
            }
            Call::Break => Flow::Break,
            Call::Exit(code) => Flow::Exit(code),
            Call::Unknown => {
                self.write(&format!("{} started", words[0]));
                Flow::Forever
            }
        }
    }

    fn write(&mut self, text: &str) {
        self.elapsed = self.elapsed.saturating_add(LINE_COST);
        self.written += 1;
        let at = self.now();
        let Some(window) = self.window else { return };
        if at >= window.from && at <= window.until && self.bytes < window.bytes {
            self.bytes += text.len() + 1;
            self.lines.push(Line { at, text: text.to_owned() });
        }
    }

    fn for_loop(&mut self, name: &str, words: &[Word], body: &List) -> Flow {
        let values: Vec<String> = words.iter().flat_map(|word| self.expand(word)).collect();
        for value in values {
            self.variables.insert(name.to_owned(), value);
            match self.run(body) {
                Flow::Next => {}
                Flow::Break => break,
                other => return other,
            }
        }
        Flow::Next
    }

    fn conditional(&mut self, branches: &[(List, List)], otherwise: &List) -> Flow {
        for (condition, body) in branches {
            match self.run(condition) {
                Flow::Next if self.status == 0 => return self.run(body),
                Flow::Next => {}
                other => return other,
            }
        }
        self.status = 0;
        self.run(otherwise)
    }

    /// Runs rounds one by one; once two have shown how a steady loop goes on, skips those nobody asked for.
    fn while_loop(&mut self, until: bool, condition: &List, body: &List) -> Flow {
        let steady = condition.is_steady() && body.is_steady();
        for round in 0..MAX_ROUNDS {
            let before = self.mark();
            match self.round(until, condition, body) {
                None => {}
                Some(Flow::Break) => return Flow::Next,
                Some(flow) => return flow,
            }
            if steady && round == 1 {
                if self.window.is_none() {
                    return Flow::Forever;
                }
                self.skip(&before);
            }
        }
        // Only a loop that compares, or one whose reader wants every line, comes here.
        Flow::Forever
    }

    /// `None` when the loop goes on.
    fn round(&mut self, until: bool, condition: &List, body: &List) -> Option<Flow> {
        let started = self.elapsed;
        match self.run(condition) {
            Flow::Next if (self.status == 0) != until => {}
            Flow::Next => {
                self.status = 0;
                return Some(Flow::Break);
            }
            other => return Some(other),
        }
        let flow = self.run(body);
        self.elapsed = self.elapsed.max(started.saturating_add(ROUND_COST));
        (flow != Flow::Next).then_some(flow)
    }

    fn mark(&self) -> Mark {
        Mark { elapsed: self.elapsed, written: self.written, variables: self.variables.clone() }
    }

    /// Jumps over rounds that are before the window, or older than its newest lines, given one round's course.
    fn skip(&mut self, before: &Mark) {
        let Some(window) = self.window else { return };
        let length = (self.elapsed - before.elapsed).as_nanos().max(1);
        let rounds_until = |at: Timestamp| at.duration_since(self.now()).as_nanos() / length;
        let mut rounds = rounds_until(window.from) - 1;
        if let Some(newest) = window.newest {
            let lines = (self.written - before.written).max(1);
            let needed = i128::try_from(newest / lines).unwrap_or(i128::MAX) + 2;
            rounds = rounds.max(rounds_until(window.until) - needed);
        }
        let Ok(rounds) = i64::try_from(rounds) else { return };
        if rounds <= 0 {
            return;
        }
        let skipped = i64::try_from(length).unwrap_or(i64::MAX).saturating_mul(rounds);
        self.elapsed = self.elapsed.saturating_add(SignedDuration::from_nanos(skipped));
        for (name, value) in &mut self.variables {
            let numbers =
                (before.variables.get(name).and_then(|old| old.parse::<i64>().ok()), value.parse::<i64>());
            if let (Some(old), Ok(new)) = numbers {
                *value = new.wrapping_add((new.wrapping_sub(old)).wrapping_mul(rounds)).to_string();
            }
        }
    }

    /// The fields that a word becomes.
    pub(super) fn expand(&mut self, word: &Word) -> Vec<String> {
        let mut fields: Vec<String> = Vec::new();
        let mut current: Option<String> = None;
        for part in word {
            let (text, split) = match part {
                Part::Text { text, .. } => (text.clone(), false),
                Part::Variable { name, default, quoted } => {
                    (self.variable(name, default.as_deref()), !quoted)
                }
                Part::Arithmetic(expression) => {
                    (builtin::arithmetic(expression, &self.variables).to_string(), false)
                }
                Part::Substitution { words, quoted } => (self.substitute(words), !quoted),
            };
            if !split {
                current.get_or_insert_default().push_str(&text);
                continue;
            }
            for (index, field) in text.split_whitespace().enumerate() {
                if index > 0 || text.starts_with(char::is_whitespace) {
                    fields.extend(current.take());
                }
                current.get_or_insert_default().push_str(field);
            }
            if text.ends_with(char::is_whitespace) {
                fields.extend(current.take());
            }
        }
        fields.extend(current);
        fields
    }

    fn variable(&self, name: &str, default: Option<&str>) -> String {
        match name {
            "?" => self.status.to_string(),
            "$" => "1".to_owned(),
            _ => {
                let value = self.variables.get(name).filter(|value| default.is_none() || !value.is_empty());
                value.map(String::as_str).or(default).unwrap_or_default().to_owned()
            }
        }
    }

    fn substitute(&mut self, words: &[Word]) -> String {
        let words: Vec<String> = words.iter().flat_map(|word| self.expand(word)).collect();
        if words.is_empty() {
            return String::new();
        }
        match builtin::call(self, &words) {
            Call::Done { status, output } => {
                self.status = status;
                output.trim_end_matches('\n').to_owned()
            }
            _ => String::new(),
        }
    }
}

/// Where a machine stood before a round.
struct Mark {
    elapsed: SignedDuration,
    written: usize,
    variables: BTreeMap<String, String>,
}
