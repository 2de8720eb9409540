//! What a machine does with what it is sent: a shell within a shell, one that reads its commands, `cat`, `read`.

use bytes::Bytes;

use super::machine::{Flow, Machine};
use super::parse;
use super::stdin::{Read, Reader};

/// Shells within shells; deeper ones would only be a script that calls itself.
const MAX_DEPTH: usize = 32;
/// Exit status of a program that is not known.
const NOT_FOUND: i32 = 127;
/// Exit status of what a shell does not understand.
pub(super) const NOT_UNDERSTOOD: i32 = 2;
/// Exit status after Ctrl-C.
pub(super) const INTERRUPTED: i32 = 130;

impl Machine<'_> {
    /// `sh -c SCRIPT`: nothing that it sets is seen outside.
    pub(super) fn subshell(&mut self, script: &str, parameters: Vec<String>) -> Flow {
        match parse::of_text(script) {
            Ok(list) => {
                let outer = std::mem::replace(&mut self.parameters, parameters);
                let flow = self.within(|machine| machine.run(&list));
                self.parameters = outer;
                flow
            }
            Err(reason) => self.beyond(&reason),
        }
    }

    /// A shell without a script: reads a command a line until `exit` or the end of stdin.
    pub(super) fn shell(&mut self) -> Flow {
        match self.input {
            Some(_) => self.within(Self::commands),
            None => self.unknown("sh"),
        }
    }

    fn within(&mut self, run: impl FnOnce(&mut Self) -> Flow) -> Flow {
        if self.depth == MAX_DEPTH {
            return self.beyond("it is too many shells deep");
        }
        let outer = self.variables.clone();
        self.depth += 1;
        let flow = run(self);
        self.depth -= 1;
        self.variables = outer;
        match flow {
            Flow::Exit(code) => {
                self.status = code;
                Flow::Next
            }
            Flow::Break => Flow::Next,
            other => other,
        }
    }

    fn commands(&mut self) -> Flow {
        loop {
            if self.is_terminal() {
                self.write("/ # ");
            }
            let flow = match self.take(Reader::line) {
                Read::Bytes(line) => self.typed(&line),
                Read::Interrupt => Flow::Interrupted,
                Read::End => return Flow::Next,
                Read::Wait => return self.wait(),
            };
            match flow {
                Flow::Next | Flow::Break => {}
                Flow::Interrupted => self.status = INTERRUPTED,
                Flow::Exit(_) | Flow::Forever | Flow::Stop => return flow,
            }
        }
    }

    fn typed(&mut self, line: &Bytes) -> Flow {
        match parse::of_text(&String::from_utf8_lossy(line)) {
            Ok(list) => self.run(&list),
            Err(reason) => self.beyond(&reason),
        }
    }

    /// `cat` alone.
    pub(super) fn pass_stdin(&mut self) -> Flow {
        if self.input.is_none() {
            return self.unknown("cat");
        }
        self.status = 0;
        while !self.is_cut() {
            match self.take(Reader::read) {
                Read::Bytes(bytes) => self.put(&bytes, self.sink),
                Read::Interrupt => return Flow::Interrupted,
                Read::End => return Flow::Next,
                Read::Wait => return self.wait(),
            }
        }
        Flow::Stop
    }

    /// `read NAME…`: the last name takes what is left of the line.
    pub(super) fn read_into(&mut self, names: &[String]) -> Flow {
        if self.input.is_none() {
            return self.unknown("read");
        }
        let line = match self.take(Reader::line) {
            Read::Bytes(line) => Some(line),
            Read::End => None,
            Read::Interrupt => return Flow::Interrupted,
            Read::Wait => return self.wait(),
        };
        self.status = i32::from(line.is_none());
        let line = line.unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        let mut rest = line.trim();
        for (index, name) in names.iter().enumerate() {
            let (field, others) = match rest.split_once(char::is_whitespace) {
                Some(split) if index + 1 < names.len() => split,
                _ => (rest, ""),
            };
            self.variables.insert(name.clone(), field.to_owned());
            rest = others.trim_start();
        }
        Flow::Next
    }

    /// A program that is not known: in a container it counts as a server, a caller is told.
    pub(super) fn unknown(&mut self, program: &str) -> Flow {
        if self.input.is_none() {
            self.write(&format!("{program} started\n"));
            return Flow::Forever;
        }
        let what = "is no program of the scripted runtime (its README lists them; --runtime runc runs any)";
        self.complain(&format!("{program} {what}"));
        self.status = NOT_FOUND;
        Flow::Next
    }

    /// A script that is not understood: likewise.
    pub(super) fn beyond(&mut self, reason: &str) -> Flow {
        let text = format!("this script is beyond the scripted runtime: {reason}");
        if self.input.is_none() {
            self.write(&format!("eci-sim: {text}\n"));
            return Flow::Forever;
        }
        self.complain(&text);
        self.status = NOT_UNDERSTOOD;
        Flow::Next
    }
}
