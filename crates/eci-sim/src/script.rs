//! The scripted runtime: what a container does is read off its command line, as a function of time.
//!
//! Nothing runs. A [`Program`] tells when a container that was started at some instant ends and with which
//! exit code, and which lines it has written up to any later instant. Both are computed when somebody asks,
//! so ten thousand running containers cost nothing.
//!
//! The convention, for people: a shell with `-c SCRIPT` is interpreted (the subset is listed in the crate's
//! README), so is `sleep 5`, `echo hi` or `exit 3` as a plain command. A program that is not known, and a
//! container without a command, writes one line and runs for ever, as a server does. A command that somebody runs
//! *in* a container is read the same way, as a function of time and of what it was sent; there, what is not known
//! ends with a word about it.

mod builtin;
mod expand;
mod lex;
mod machine;
mod parse;
mod printf;
mod session;
mod stdin;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use machine::{Flow, Machine};
use parse::List;
pub(crate) use stdin::{Sent, Stdin};

/// An environment variable of a container that replaces its command by a script.
pub(crate) const SCRIPT_VARIABLE: &str = "ECI_SIM_SCRIPT";

/// What the interpreter may know about the container.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) container: String,
    pub(crate) image: String,
    pub(crate) hostname: String,
    pub(crate) variables: BTreeMap<String, String>,
    /// Contents of the files mounted into the container, by absolute path.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) termination_message_path: String,
}

/// The behaviour of a container.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Script {
        list: List,
        /// `$0` and those after it.
        parameters: Vec<String>,
    },
    /// Not understood, for this reason.
    Beyond(String),
    /// Writes one line, then runs until it is stopped.
    Server(String),
}

/// How a program ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) after: SignedDuration,
    pub(crate) exit_code: i32,
    /// What was written to the termination message path.
    pub(crate) message: String,
}

/// A line of output and when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) text: String,
}

/// Bytes of output as they were written, a line at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) at: Timestamp,
    pub(crate) bytes: Vec<u8>,
    pub(crate) stderr: bool,
}

impl Piece {
    fn into_line(self) -> Line {
        let text = String::from_utf8(self.bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let end = text.strip_suffix('\n').map_or(text.len(), str::len);
        Line { at: self.at, text: text[..end].to_owned() }
    }
}

/// What a command does within a window, given what it was sent so far.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) then: Then,
}

/// How a course goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Ends(End),
    /// Nothing more happens before it is sent more.
    WaitsForInput,
    /// There is more, later or beyond the window's bytes.
    GoesOn,
}

/// Which part of the output is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Nothing that was written before.
    pub(crate) from: Timestamp,
    /// Nothing that is written later.
    pub(crate) until: Timestamp,
    /// Only the last lines matter; older ones may be left out.
    pub(crate) newest: Option<usize>,
    /// Stop once this many bytes have been collected from the start.
    pub(crate) bytes: usize,
}

impl Program {
    /// Reads the behaviour off a command line and its arguments.
    pub(crate) fn of(command: &[String], surroundings: &Surroundings) -> Self {
        if let Some(script) = surroundings.variables.get(SCRIPT_VARIABLE) {
            return Self::of_script(script, Vec::new());
        }
        match shell_script(command) {
            Some((script, parameters)) => Self::of_script(script, parameters),
            None if command.is_empty() => {
                let Surroundings { container, image, .. } = surroundings;
                Self { body: Body::Server(format!("container {container} of image {image} started")) }
            }
            None => Self { body: Body::Script { list: parse::of_words(command), parameters: Vec::new() } },
        }
    }

    fn of_script(script: &str, parameters: Vec<String>) -> Self {
        let body = match parse::of_text(script) {
            Ok(list) => Body::Script { list, parameters },
            Err(reason) => Body::Beyond(reason),
        };
        Self { body }
    }

    /// How the machine goes through the program, as far as its window and its input reach.
    fn run(&self, machine: &mut Machine<'_>) -> Flow {
        match &self.body {
            Body::Script { list, parameters } => {
                machine.parameters.clone_from(parameters);
                machine.run(list)
            }
            Body::Beyond(reason) => machine.beyond(reason),
            Body::Server(text) => {
                machine.write(&format!("{text}\n"));
                Flow::Forever
            }
        }
    }

    /// When and how the program ends; `None` when it runs until it is stopped.
    pub(crate) fn end(&self, started_at: Timestamp, surroundings: &Surroundings) -> Option<End> {
        let mut machine = Machine::new(started_at, surroundings, None);
        let flow = self.run(&mut machine);
        end(&machine, flow)
    }

    /// The lines written inside `window` by an incarnation started at `started_at`.
    pub(crate) fn lines(
        &self,
        started_at: Timestamp,
        surroundings: &Surroundings,
        window: Window,
    ) -> Vec<Line> {
        let mut machine = Machine::new(started_at, surroundings, Some(window));
        self.run(&mut machine);
        machine.into_lines()
    }

    /// What it does as a command that somebody runs in a container, and that was sent `stdin` so far.
    pub(crate) fn course(
        &self,
        started_at: Timestamp,
        surroundings: &Surroundings,
        window: Window,
        stdin: &Stdin,
    ) -> Course {
        let mut machine = Machine::new(started_at, surroundings, Some(window)).sent(stdin);
        let flow = self.run(&mut machine);
        let then = match end(&machine, flow) {
            _ if machine.is_cut() => Then::GoesOn,
            Some(end) => Then::Ends(end),
            None if machine.waits() => Then::WaitsForInput,
            None => Then::GoesOn,
        };
        Course { pieces: machine.into_pieces(), then }
    }

    /// Whether the program goes on when it is asked to end (`trap '' TERM`).
    pub(crate) fn ignores_termination(&self) -> bool {
        matches!(&self.body, Body::Script { list, .. } if list.ignores_termination())
    }
}

fn end(machine: &Machine<'_>, flow: Flow) -> Option<End> {
    match flow {
        Flow::Forever | Flow::Stop => None,
        Flow::Next | Flow::Break => Some(machine.end(machine.status)),
        Flow::Exit(code) => Some(machine.end(code)),
        Flow::Interrupted => Some(machine.end(session::INTERRUPTED)),
    }
}

fn is_shell(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    ["sh", "bash", "ash", "dash"].contains(&name)
}

/// The script of `["/bin/sh", "-c", SCRIPT, NAME, PARAMETER…]`, under any of the usual shells and with further flags
/// (`-ec`), and its parameters from `$0` on.
fn shell_script(command: &[String]) -> Option<(&str, Vec<String>)> {
    let (program, rest) = command.split_first().filter(|(program, _)| is_shell(program))?;
    let flag = rest.iter().position(|word| word.starts_with('-') && word.ends_with('c'))?;
    let script = rest.get(flag + 1)?;
    let mut parameters = rest[flag + 2..].to_vec();
    if parameters.is_empty() {
        parameters.push(program.clone());
    }
    Some((script, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "2026-01-02T03:04:05Z";

    fn surroundings() -> Surroundings {
        Surroundings {
            container: "web".into(),
            image: "nginx:1.27".into(),
            hostname: "pod-1".into(),
            variables: [("NAME".to_owned(), "world".to_owned())].into(),
            files: [("/etc/app/conf".to_owned(), b"one\ntwo\n".to_vec())].into(),
            termination_message_path: "/dev/termination-log".into(),
        }
    }

    fn sh(script: &str) -> Program {
        Program::of(&["/bin/sh".into(), "-c".into(), script.into()], &surroundings())
    }

    fn start() -> Timestamp {
        START.parse().unwrap()
    }

    /// Seconds until the end, and the exit code.
    fn end(program: &Program) -> Option<(i64, i32)> {
        program.end(start(), &surroundings()).map(|end| (end.after.as_secs(), end.exit_code))
    }

    fn lines_at(program: &Program, seconds: i64, newest: Option<usize>) -> Vec<Line> {
        let until = start() + SignedDuration::from_secs(seconds);
        let window = Window { from: start(), until, newest, bytes: usize::MAX };
        program.lines(start(), &surroundings(), window)
    }

    fn output(script: &str) -> Vec<String> {
        lines_at(&sh(script), 3600, None).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_script_ends_when_its_last_command_does() {
        assert_eq!(end(&sh("echo hi; sleep 3; exit 4; sleep 9")), Some((3, 4)));
        assert_eq!(end(&sh("sleep 1 && sleep 1\nsleep 0.5; sleep 0.5")), Some((3, 0)));
        assert_eq!(end(&sh("false")), Some((0, 1)));
    }

    #[test]
    fn plain_commands_need_no_shell() {
        let plain = |words: &[&str]| {
            Program::of(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &surroundings())
        };
        assert_eq!(end(&plain(&["sleep", "2"])), Some((2, 0)));
        assert_eq!(end(&plain(&["/bin/sleep", "1m"])), Some((60, 0)));
        assert_eq!(end(&plain(&["exit", "7"])), Some((0, 7)));
        assert_eq!(lines_at(&plain(&["echo", "a $NAME", "b"]), 1, None)[0].text, "a $NAME b");
    }

    #[test]
    fn connectors_follow_the_exit_status() {
        assert_eq!(output("true && echo yes || echo no"), ["yes"]);
        assert_eq!(output("false && echo yes || echo no"), ["no"]);
        assert_eq!(output("false; echo $?"), ["1"]);
    }

    #[test]
    fn variables_quotes_and_arithmetic_expand() {
        assert_eq!(
            output("echo hello $NAME ${NAME}s ${NONE:-none} '$NAME' \"a  b\""),
            ["hello world worlds none $NAME a  b"]
        );
        assert_eq!(output("i=2; i=$((i*3+1)); echo $i $(hostname)"), ["7 pod-1"]);
        assert_eq!(output("export A=b C=\"d e\"; echo $A $C"), ["b d e"]);
        assert_eq!(output("echo -n a; printf '%s\\n' b"), ["a", "b"]);
    }

    #[test]
    fn nothing_expands_to_nothing() {
        assert_eq!(output("$(  ) $NONE; x=$(); echo [$x$NONE]; echo"), ["[]", ""]);
    }

    #[test]
    fn loops_over_words_run_once_each() {
        assert_eq!(output("for i in 1 2 $(seq 3 4); do echo n$i; done"), ["n1", "n2", "n3", "n4"]);
        assert_eq!(
            output("i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done; echo end"),
            ["1", "2", "3", "end"]
        );
        assert_eq!(
            output("if [ -f /etc/app/conf ]; then cat /etc/app/conf; else echo no; fi"),
            ["one", "two"]
        );
    }

    #[test]
    fn an_endless_loop_has_no_end_and_its_newest_lines_are_found_without_running_it() {
        let program = sh("i=0; while true; do echo line $i; i=$((i+1)); sleep 1; done");
        assert_eq!(end(&program), None);
        let all = lines_at(&program, 4, None);
        assert_eq!(
            all.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
            ["line 0", "line 1", "line 2", "line 3"]
        );
        let after_a_month = lines_at(&program, 30 * 86_400, Some(2));
        let texts: Vec<_> = after_a_month.iter().rev().take(2).map(|line| line.text.as_str()).collect();
        // Each round takes one second and ten microseconds, the price of a line.
        assert_eq!(texts, ["line 2591974", "line 2591973"]);
        assert!(after_a_month.len() < 10);
    }

    #[test]
    fn a_window_gives_the_same_lines_however_it_is_cut() {
        let program = sh("i=0; while true; do echo a $i; sleep 1; echo b $i; i=$((i+1)); sleep 0.3; done");
        let all = lines_at(&program, 100, None);
        for seconds in [1, 10, 50, 99] {
            let from = start() + SignedDuration::from_secs(seconds);
            let until = start() + SignedDuration::from_secs(100);
            let window = Window { from, until, newest: None, bytes: usize::MAX };
            let cut = program.lines(start(), &surroundings(), window);
            let expected: Vec<_> = all.iter().filter(|line| line.at >= from).cloned().collect();
            assert_eq!(cut, expected, "from second {seconds}");
        }
    }

    #[test]
    fn every_line_has_a_time_of_its_own() {
        let lines = lines_at(&sh("echo a; echo b; echo c"), 1, None);
        assert!(lines[0].at < lines[1].at && lines[1].at < lines[2].at);
    }

    #[test]
    fn a_script_has_parameters_and_hands_them_on() {
        let command = ["sh", "-c", r#"echo $0 $1 ${2} $# "$*"; for x in "$@" "-$@-"; do echo "[$x]"; done"#];
        let program = |parameters: &[&str]| {
            let command: Vec<String> =
                command.iter().chain(parameters).map(|word| (*word).to_owned()).collect();
            lines_at(&Program::of(&command, &surroundings()), 1, None).into_iter().map(|line| line.text)
        };
        assert_eq!(
            program(&["me", "a  b", "c"]).collect::<Vec<_>>(),
            ["me a b c 2 a  b c", "[a  b]", "[c]", "[-a  b]", "[c-]"]
        );
        assert_eq!(program(&[]).collect::<Vec<_>>(), ["sh 0 ", "[--]"]);
    }

    #[test]
    fn a_shell_within_a_script_keeps_its_variables_and_its_end_to_itself() {
        assert_eq!(output("A=1; sh -c 'echo $A; A=2; exit 4'; echo $? $A"), ["1", "4 1"]);
        assert_eq!(end(&sh("sh -c 'sleep 2; exit 4' && exit 1; exec sh -c 'exit 5'; exit 6")), Some((2, 5)));
        assert_eq!(output("exec echo last; echo never"), ["last"]);
        let end = sh("sh -c 'echo bad luck' > /dev/termination-log").end(start(), &surroundings()).unwrap();
        assert_eq!(end.message, "bad luck\n");
    }

    #[test]
    fn an_unknown_program_is_a_server() {
        for program in [sh("exec nginx -g 'daemon off;'"), Program::of(&[], &surroundings())] {
            assert_eq!(end(&program), None);
            assert_eq!(lines_at(&program, 1, None).len(), 1);
        }
        assert_eq!(
            lines_at(&Program::of(&[], &surroundings()), 1, None)[0].text,
            "container web of image nginx:1.27 started"
        );
    }

    #[test]
    fn a_script_beyond_the_subset_says_so_in_the_log() {
        let program = sh("ps | grep x");
        assert_eq!(end(&program), None);
        assert!(lines_at(&program, 1, None)[0].text.contains("beyond the scripted runtime"));
    }

    #[test]
    fn the_termination_message_is_what_was_written_to_its_path() {
        let end = sh("echo bad luck > /dev/termination-log; exit 3").end(start(), &surroundings()).unwrap();
        assert_eq!((end.exit_code, end.message.as_str()), (3, "bad luck\n"));
        assert_eq!(output("echo gone >/tmp/x; echo seen 2>/dev/null; echo err >&2"), ["seen", "err"]);
    }

    #[test]
    fn an_environment_variable_replaces_the_command() {
        let mut surroundings = surroundings();
        surroundings.variables.insert("ECI_SIM_SCRIPT".into(), "exit 5".into());
        let program = Program::of(&["nginx".into()], &surroundings);
        assert_eq!(program.end(start(), &surroundings).unwrap().exit_code, 5);
    }

    #[test]
    fn a_trap_that_swallows_the_signal_is_noticed() {
        assert!(sh("trap '' TERM; sleep 60").ignores_termination());
        assert!(!sh("trap 'exit 0' TERM; sleep 60").ignores_termination());
    }

    #[test]
    fn waiting_for_something_that_never_comes_never_ends() {
        assert_eq!(end(&sh("until false; do sleep 2; done; echo never")), None);
        assert_eq!(end(&sh("while sleep 1; do echo tick; done")), None);
        assert_eq!(end(&sh("until true; do sleep 2; done; exit 2")), Some((0, 2)));
        assert_eq!(end(&sh("while true; do sleep 1; cat /etc/app/conf && break; done")), Some((1, 0)));
    }

    #[test]
    fn a_script_that_kills_itself_reports_the_signal() {
        assert_eq!(end(&sh("sleep 1; kill -9 $$")), Some((1, 137)));
    }
}
