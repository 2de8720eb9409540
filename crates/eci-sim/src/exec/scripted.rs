//! Commands in containers of the scripted runtime: interpreted as the containers' own commands are.
//!
//! A script has no state that could be kept while it waits for input. So what it does is computed anew from the start
//! whenever it was sent something, and of the output only what has not been written yet is written, at its time:
//!
//! ```text
//!   input ──▶ Stdin, all so far ──▶ Program::course ──▶ pieces of output, each with its time ──▶ output
//! ```
//!
//! Its time is its container's: virtual where the groups' is. It ends with its container.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use super::terminal::{self, Terminal};
use super::{Ends, Input, Output, Session, Ticket, session};
use crate::clock::later;
use crate::script::{Course, Piece, Program, SCRIPT_VARIABLE, Sent, Stdin, Surroundings, Then, Window};

/// Output that is computed at once.
const MAX_BYTES: usize = 1024 * 1024;
/// How far ahead it is computed at first; twice as far each time, so that all of it is computed twice at most.
const AHEAD: SignedDuration = SignedDuration::from_secs(10);

/// The container in which a command runs.
pub(crate) trait Host: Send + Sync + 'static {
    /// The time in it.
    fn now(&self) -> Timestamp;
    /// Waits until it is that late in it.
    fn until(&self, at: Timestamp) -> BoxFuture<'_, ()>;
    /// Waits until this run of it has ended.
    fn gone(&self) -> BoxFuture<'_, ()>;
}

/// What a command ends with that is killed with its container.
const KILLED: i32 = 137;

/// Starts a command.
pub(crate) fn open<H: Host>(ticket: Ticket, surroundings: Surroundings, host: Arc<H>) -> Session {
    let (session, ends) = session();
    let output = ends.output.clone();
    let running = Running::new(&ticket, surroundings, Arc::clone(&host), ends);
    tokio::spawn(async move {
        // The other side may hang up at any time.
        tokio::select! {
            _ = running.finish() => {}
            () = host.gone() => drop(output.send(Output::Exit(KILLED)).await),
        }
    });
    session
}

struct HungUp;

struct Running<H> {
    program: Program,
    surroundings: Surroundings,
    started_at: Timestamp,
    host: Arc<H>,
    ends: Ends,
    stdin: Stdin,
    terminal: Option<Terminal>,
    /// What was to be written before has been.
    from: Timestamp,
    /// How far the output is computed.
    until: Timestamp,
}

impl<H: Host> Running<H> {
    fn new(ticket: &Ticket, mut surroundings: Surroundings, host: Arc<H>, mut ends: Ends) -> Self {
        let now = host.now();
        // It stands for the container's own command.
        surroundings.variables.remove(SCRIPT_VARIABLE);
        let mut stdin = Stdin::new(ticket.tty);
        if !ticket.stdin {
            ends.input.close();
            stdin.push(now, Sent::Closed);
        }
        Self {
            program: Program::of(&ticket.command, &surroundings),
            surroundings,
            started_at: now,
            host,
            ends,
            stdin,
            terminal: ticket.tty.then(Terminal::default),
            from: now,
            until: later(now, AHEAD),
        }
    }

    async fn finish(mut self) -> Result<(), HungUp> {
        loop {
            let window = Window { from: self.from, until: self.until, newest: None, bytes: MAX_BYTES };
            let course = self.program.course(self.started_at, &self.surroundings, window, &self.stdin);
            if let Some(code) = self.follow(course).await? {
                return self.send(Output::Exit(code)).await;
            }
        }
    }

    /// Writes what the command does, until it ends (with this code) or its course has to be computed anew.
    async fn follow(&mut self, course: Course) -> Result<Option<i32>, HungUp> {
        let mut bytes = 0;
        for piece in course.pieces {
            if self.input_before(piece.at).await? {
                return Ok(None);
            }
            bytes += piece.bytes.len();
            self.from = later(piece.at, SignedDuration::from_nanos(1));
            self.write(piece).await?;
        }
        match course.then {
            Then::Ends(end) => {
                let input = self.input_before(later(self.started_at, end.after)).await?;
                return Ok((!input).then_some(end.exit_code));
            }
            Then::WaitsForInput => self.input().await?,
            Then::GoesOn if bytes >= MAX_BYTES => {}
            Then::GoesOn => {
                if !self.input_before(self.until).await? {
                    self.until = later(self.until, self.until.duration_since(self.started_at));
                }
            }
        }
        Ok(None)
    }

    /// Waits until then; true when something was sent before.
    async fn input_before(&mut self, at: Timestamp) -> Result<bool, HungUp> {
        let open = !self.ends.input.is_closed() || !self.ends.input.is_empty();
        let due = self.host.until(at);
        // Not in order: neither may output that is due keep Ctrl-C from being read, nor input keep output from going.
        let input = tokio::select! {
            () = self.ends.output.closed() => return Err(HungUp),
            () = due => return Ok(false),
            input = self.ends.input.recv(), if open => input,
        };
        self.take(input).await?;
        Ok(true)
    }

    async fn input(&mut self) -> Result<(), HungUp> {
        let input = tokio::select! {
            () = self.ends.output.closed() => return Err(HungUp),
            input = self.ends.input.recv() => input,
        };
        self.take(input).await
    }

    async fn take(&mut self, input: Option<Input>) -> Result<(), HungUp> {
        // What was written already does not depend on it.
        let at = self.host.now().max(self.from);
        match (input, &mut self.terminal) {
            (Some(Input::Resize { .. }), _) => {}
            (Some(Input::Stdin(bytes)), None) => self.stdin.push(at, Sent::Bytes(bytes)),
            (Some(Input::Stdin(bytes)), Some(terminal)) => {
                let (echo, all) = terminal.type_in(&bytes);
                all.into_iter().for_each(|sent| self.stdin.push(at, sent));
                self.send(Output::Stdout(echo)).await?;
            }
            (None, _) => {
                self.ends.input.close();
                self.stdin.push(at, Sent::Closed);
            }
        }
        Ok(())
    }

    async fn write(&mut self, piece: Piece) -> Result<(), HungUp> {
        let output = match (&self.terminal, piece.stderr) {
            (Some(_), _) => Output::Stdout(terminal::shown(&piece.bytes)),
            (None, false) => Output::Stdout(Bytes::from(piece.bytes)),
            (None, true) => Output::Stderr(Bytes::from(piece.bytes)),
        };
        self.send(output).await
    }

    async fn send(&self, output: Output) -> Result<(), HungUp> {
        self.ends.output.send(output).await.map_err(|_| HungUp)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;
    use tokio::time::{Instant, sleep_until};

    use super::*;

    /// Tokio's own time, which goes on by itself where everybody waits.
    struct Tokio {
        begun: Instant,
        gone: Notify,
    }

    impl Tokio {
        fn new() -> Arc<Self> {
            Arc::new(Self { begun: Instant::now(), gone: Notify::new() })
        }
    }

    impl Host for Tokio {
        fn now(&self) -> Timestamp {
            later(Timestamp::UNIX_EPOCH, self.begun.elapsed().try_into().unwrap())
        }

        fn until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
            let passed = at.duration_since(Timestamp::UNIX_EPOCH).unsigned_abs();
            Box::pin(sleep_until(self.begun + passed))
        }

        fn gone(&self) -> BoxFuture<'_, ()> {
            Box::pin(self.gone.notified())
        }
    }

    fn start(command: &[&str], tty: bool, stdin: bool) -> Session {
        start_in(&Tokio::new(), command, tty, stdin)
    }

    fn start_in(host: &Arc<Tokio>, command: &[&str], tty: bool, stdin: bool) -> Session {
        let ticket = Ticket {
            group: "eci-1".into(),
            container: "main".into(),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            tty,
            stdin,
            expires_at: Timestamp::MAX,
            cut_after: None,
        };
        let script = (SCRIPT_VARIABLE.to_owned(), "echo the container; sleep 60".to_owned());
        let surroundings = Surroundings { variables: [script].into(), ..Surroundings::default() };
        open(ticket, surroundings, Arc::clone(host))
    }

    async fn type_in(session: &Session, text: &str) {
        session.input.send(Input::Stdin(Bytes::copy_from_slice(text.as_bytes()))).await.unwrap();
    }

    /// Reads stdout up to and including `end`.
    async fn output_until(session: &mut Session, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            match session.output.recv().await {
                Some(Output::Stdout(bytes)) => text += &String::from_utf8_lossy(&bytes),
                other => panic!("{other:?} after {text:?}"),
            }
        }
        text
    }

    /// Stdout, stderr and the exit code.
    async fn finish(session: Session) -> (String, String, i32) {
        let Session { input, mut output } = session;
        drop(input);
        let (mut stdout, mut stderr) = (String::new(), String::new());
        while let Some(output) = output.recv().await {
            match output {
                Output::Stdout(bytes) => stdout += &String::from_utf8_lossy(&bytes),
                Output::Stderr(bytes) => stderr += &String::from_utf8_lossy(&bytes),
                Output::Exit(code) => return (stdout, stderr, code),
            }
        }
        panic!("it ended without a code");
    }

    async fn run_to_end(command: &[&str], typed: &[&str]) -> (String, String, i32) {
        let session = start(command, false, true);
        for text in typed {
            type_in(&session, text).await;
        }
        finish(session).await
    }

    fn result(stdout: &str, code: i32) -> (String, String, i32) {
        (stdout.to_owned(), String::new(), code)
    }

    #[tokio::test(start_paused = true)]
    async fn a_script_writes_its_lines_and_ends_with_its_code() {
        assert_eq!(run_to_end(&["sh", "-c", "echo hi; exit 7"], &[]).await, result("hi\n", 7));
        let script = "echo -n a; echo b >&2; printf 'c\\n'";
        assert_eq!(run_to_end(&["sh", "-c", script], &[]).await, ("ac\n".into(), "b\n".into(), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_shell_interprets_what_it_is_sent() {
        let typed = ["echo o", "ne\nX=two\necho $X\nexit 3\n"];
        assert_eq!(run_to_end(&["/bin/sh"], &typed).await, result("one\ntwo\n", 3));
        assert_eq!(run_to_end(&["sh"], &["false\n"]).await, result("", 1));
    }

    #[tokio::test(start_paused = true)]
    async fn cat_gives_back_what_it_is_sent() {
        assert_eq!(run_to_end(&["cat"], &["a", "b"]).await, result("ab", 0));
    }

    /// A client that learns the exit code from a mark in the output wraps every command so.
    const WRAP: [&str; 4] = ["sh", "-c", r#""$@"; c=$?; printf '\036n0nce:%d\036' "$c"; exit "$c""#, "sh"];

    #[tokio::test(start_paused = true)]
    async fn a_command_wrapped_by_a_shell_runs_and_tells_its_code() {
        let wrapped = |command: &[&'static str]| [&WRAP[..], command].concat();
        assert_eq!(
            run_to_end(&wrapped(&["sh", "-c", "echo \"$1 $#\"; exit 7", "sh", "a  b"]), &[]).await,
            result("a  b 1\n\u{1e}n0nce:7\u{1e}", 7)
        );
        assert_eq!(run_to_end(&wrapped(&["echo", "a b"]), &[]).await, result("a b\n\u{1e}n0nce:0\u{1e}", 0));
        let typed = ["echo one\n", "exit 3\n"];
        assert_eq!(run_to_end(&wrapped(&["sh"]), &typed).await, result("one\n\u{1e}n0nce:3\u{1e}", 3));
        assert_eq!(run_to_end(&wrapped(&["cat"]), &["x\ny"]).await, result("x\ny\u{1e}n0nce:0\u{1e}", 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_known_ends_with_a_word_about_it() {
        for (command, word, code) in [
            (&["nginx", "-g", "daemon off;"][..], "nginx is no program", 127),
            (&["sh", "-c", "ps | grep x"], "beyond the scripted runtime: it uses '|'", 2),
            (&["sh", "-c", "sh -c 'a &'"], "beyond the scripted runtime: it uses '&'", 2),
            (&["sh", "-c", "echo $(uname)"], "uname within $(…)", 0),
            (&["sh", "-c", "X='sh -c \"$X\"'; sh -c \"$X\""], "too many shells deep", 2),
            (&["sh", "-c", "while [ 1 = 1 ]; do true; done"], "more than 100000 rounds", 2),
        ] {
            let (_, stderr, ended) = run_to_end(command, &[]).await;
            assert!(stderr.starts_with("eci-sim: ") && stderr.contains(word), "{command:?}: {stderr}");
            assert_eq!(ended, code, "{command:?}: {stderr}");
        }
        let (stdout, stderr, code) = run_to_end(&["sh"], &["vi\necho $?\n"]).await;
        assert_eq!((stdout.as_str(), code), ("127\n", 0), "{stderr}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_stdin_a_command_finds_its_end_at_once() {
        for command in [&["cat"][..], &["sh"], &["sh", "-c", "read X; echo got [$X]"]] {
            let session = start(command, false, false);
            // Held open, as a client does that never sends anything.
            let input = session.input.clone();
            assert_eq!(finish(session).await.2, 0, "{command:?}");
            assert!(input.is_closed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn output_that_never_ends_comes_as_it_is_written() {
        let mut session =
            start(&["sh", "-c", "i=0; while true; do echo $i; i=$((i+1)); sleep 7; done"], false, true);
        let begun = Instant::now();
        assert!(output_until(&mut session, "\n9\n").await.starts_with("0\n1\n2\n"));
        assert_eq!(begun.elapsed().as_secs(), 63);
    }

    #[tokio::test(start_paused = true)]
    async fn long_output_is_complete() {
        let (stdout, ..) =
            run_to_end(&["sh", "-c", "seq 30000; for i in 1 2 3; do seq 30000; done"], &[]).await;
        let lines: Vec<&str> = stdout.lines().collect();
        assert_eq!(lines.len(), 4 * 30_000);
        assert!((0..lines.len()).all(|index| lines[index] == (index % 30_000 + 1).to_string()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_script_reads_lines_as_they_come() {
        let mut session = start(&["sh", "-c", "while read A B; do echo $B-$A; done; echo end"], false, true);
        type_in(&session, "x y z\n").await;
        assert_eq!(output_until(&mut session, "\n").await, "y z-x\n");
        type_in(&session, "1\n").await;
        assert_eq!(output_until(&mut session, "\n").await, "-1\n");
        assert_eq!(finish(session).await, result("end\n", 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_terminal_shows_a_prompt_and_what_is_typed() {
        let mut session = start(&[&WRAP[..], &["sh"]].concat(), true, true);
        assert_eq!(output_until(&mut session, "# ").await, "/ # ");
        type_in(&session, "echo hi\r").await;
        assert_eq!(output_until(&mut session, "# ").await, "echo hi\r\nhi\r\n/ # ");
        // Ctrl-C ends a program, not the shell.
        for program in ["cat", "sleep 1000", "while true; do sleep 1; done"] {
            type_in(&session, &format!("{program}\r")).await;
            assert_eq!(output_until(&mut session, "\n").await, format!("{program}\r\n"));
            type_in(&session, "\x03").await;
            assert_eq!(output_until(&mut session, "# ").await, "^C\r\n/ # ");
        }
        type_in(&session, "echo $?\r").await;
        assert_eq!(output_until(&mut session, "# ").await, "echo $?\r\n130\r\n/ # ");
        type_in(&session, "\x04").await;
        assert_eq!(finish(session).await, result("\u{1e}n0nce:0\u{1e}", 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_is_killed_with_its_container() {
        let host = Tokio::new();
        let mut session = start_in(&host, &["sh", "-c", "while true; do echo x; sleep 1; done"], false, true);
        assert_eq!(output_until(&mut session, "\n").await, "x\n");
        host.gone.notify_one();
        let (_, _, code) = finish(session).await;
        assert_eq!(code, 137);
    }

    #[tokio::test(start_paused = true)]
    async fn ctrl_c_ends_a_command_without_a_shell() {
        let mut session = start(&["sleep", "1000"], true, true);
        type_in(&session, "\x03").await;
        assert_eq!(output_until(&mut session, "\n").await, "^C\r\n");
        assert_eq!(finish(session).await, result("", 130));
    }
}
