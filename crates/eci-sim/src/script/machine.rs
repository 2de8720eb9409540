//! Runs a tree of commands on a clock of its own, collecting the lines that fall into a window.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::builtin::{self, Call};
use super::lex::Word;
use super::parse::{Command, List, When};
use super::session::NOT_UNDERSTOOD;
use super::stdin::{Read, Reader, Stdin};
use super::{End, Line, Piece, Surroundings, Window};
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
    /// The rest is beyond the window, or waits for stdin.
    Stop,
    /// Ctrl-C was typed.
    Interrupted,
}

/// Where a command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sink {
    Stdout,
    Stderr,
    /// The termination message.
    Message,
    /// A file that nobody reads.
    Nowhere,
}

pub(super) struct Machine<'a> {
    pub(super) surroundings: &'a Surroundings,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) started_at: Timestamp,
    pub(super) elapsed: SignedDuration,
    /// Exit status of the last command.
    pub(super) status: i32,
    /// `$0` and those after it.
    pub(super) parameters: Vec<String>,
    /// What a command is sent that somebody runs in the container; a container itself has none.
    pub(super) input: Option<Reader<'a>>,
    pub(super) sink: Sink,
    /// Shells around the present one.
    pub(super) depth: usize,
    /// `None` when only the end matters.
    window: Option<Window>,
    pieces: Vec<Piece>,
    bytes: usize,
    written: usize,
    message: String,
    cut: bool,
    waits: bool,
}

impl<'a> Machine<'a> {
    pub(super) fn new(started_at: Timestamp, surroundings: &'a Surroundings, window: Option<Window>) -> Self {
        Self {
            surroundings,
            variables: surroundings.variables.clone(),
            started_at,
            elapsed: SignedDuration::ZERO,
            status: 0,
            parameters: Vec::new(),
            input: None,
            sink: Sink::Stdout,
            depth: 0,
            window,
            pieces: Vec::new(),
            bytes: 0,
            written: 0,
            message: String::new(),
            cut: false,
            waits: false,
        }
    }

    /// The same as a command that somebody runs, and that was sent this so far.
    pub(super) fn sent(self, stdin: &'a Stdin) -> Self {
        Self { input: Some(Reader::of(stdin)), ..self }
    }

    pub(super) fn end(&self, exit_code: i32) -> End {
        End { after: self.elapsed, exit_code, message: self.message.clone() }
    }

    pub(super) fn into_lines(self) -> Vec<Line> {
        self.pieces.into_iter().map(Piece::into_line).collect()
    }

    pub(super) fn into_pieces(self) -> Vec<Piece> {
        self.pieces
    }

    /// Whether the window left out something of what was written.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether it came to a stop because it needs more input.
    pub(super) fn waits(&self) -> bool {
        self.waits
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
        if self.interrupted(self.now()) {
            return Flow::Interrupted;
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
        let outer = self.sink;
        if let Some(target) = stdout_to {
            let path = self.expand(target).join(" ");
            self.sink = self.open(&path);
        }
        let flow = self.invoke(&words);
        self.sink = outer;
        flow
    }

    fn open(&mut self, path: &str) -> Sink {
        match path {
            _ if path == self.surroundings.termination_message_path => {
                self.message.clear();
                Sink::Message
            }
            "/dev/stdout" => Sink::Stdout,
            "/dev/stderr" => Sink::Stderr,
            _ => Sink::Nowhere,
        }
    }

    fn invoke(&mut self, words: &[String]) -> Flow {
        if let [first, program @ ..] = words
            && first == "exec"
            && !program.is_empty()
        {
            return match self.invoke(program) {
                Flow::Next => Flow::Exit(self.status),
                other => other,
            };
        }
        match builtin::call(self, words) {
            Call::Done { status, output } => {
                self.status = status;
                self.write(&output);
                Flow::Next
            }
            Call::Sleep(duration) => self.sleep(duration),
            Call::Break => Flow::Break,
            Call::Exit(code) => Flow::Exit(code),
            Call::Script { text, parameters } => self.subshell(&text, parameters),
            Call::Shell => self.shell(),
            Call::Stdin => self.pass_stdin(),
            Call::Read(names) => self.read_into(&names),
            Call::Unknown => self.unknown(&words[0]),
        }
    }

    fn sleep(&mut self, duration: SignedDuration) -> Flow {
        if self.interrupted(later(self.now(), duration)) {
            return Flow::Interrupted;
        }
        self.status = 0;
        self.elapsed = self.elapsed.saturating_add(duration);
        Flow::Next
    }

    /// Writes where the present command writes, each line at a time of its own.
    pub(super) fn write(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            self.put(line.as_bytes(), self.sink);
        }
    }

    /// Tells whoever runs the command what the interpreter lacks.
    pub(super) fn complain(&mut self, text: &str) {
        self.put(format!("eci-sim: {text}\n").as_bytes(), Sink::Stderr);
    }

    pub(super) fn put(&mut self, bytes: &[u8], sink: Sink) {
        match sink {
            Sink::Nowhere => return,
            Sink::Message => return self.message.push_str(&String::from_utf8_lossy(bytes)),
            Sink::Stdout | Sink::Stderr => {}
        }
        self.elapsed = self.elapsed.saturating_add(LINE_COST);
        self.written += 1;
        let at = self.now();
        let Some(window) = self.window.filter(|window| at >= window.from) else { return };
        if at > window.until || self.bytes >= window.bytes {
            self.cut = true;
            return;
        }
        self.bytes += bytes.len();
        self.pieces.push(Piece { at, bytes: bytes.to_vec(), stderr: sink == Sink::Stderr });
    }

    /// What is read next of stdin, time going on to when it was there.
    pub(super) fn take(&mut self, read: impl FnOnce(&mut Reader<'a>) -> (Option<Timestamp>, Read)) -> Read {
        let Some(input) = &mut self.input else { return Read::End };
        let (at, read) = read(input);
        self.forward(at);
        read
    }

    /// Comes to a stop until there is more input.
    pub(super) fn wait(&mut self) -> Flow {
        self.waits = true;
        Flow::Stop
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.input.as_ref().is_some_and(|input| input.stdin.terminal)
    }

    /// Whether Ctrl-C is typed until then; it is taken, and time goes on to it.
    fn interrupted(&mut self, until: Timestamp) -> bool {
        let at = self.input.as_mut().and_then(|input| input.interrupted(until));
        self.forward(at);
        at.is_some()
    }

    fn forward(&mut self, to: Option<Timestamp>) {
        if let Some(to) = to {
            self.elapsed = self.elapsed.max(to.duration_since(self.started_at));
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
            let before = (steady && round == 1).then(|| self.mark());
            match self.round(until, condition, body) {
                None => {}
                Some(Flow::Break) => return Flow::Next,
                Some(flow) => return flow,
            }
            if let Some(before) = before {
                if self.window.is_none() {
                    return Flow::Forever;
                }
                self.skip(&before);
            }
        }
        // Only a loop that compares, or one whose reader wants every line, comes here.
        if self.input.is_none() {
            return Flow::Forever;
        }
        self.complain(&format!("a loop of more than {MAX_ROUNDS} rounds is beyond the scripted runtime"));
        Flow::Exit(NOT_UNDERSTOOD)
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
}

/// Where a machine stood before a round.
struct Mark {
    elapsed: SignedDuration,
    written: usize,
    variables: BTreeMap<String, String>,
}
