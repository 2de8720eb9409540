//! Commands in containers of the scripted runtime: interpreted as the containers' own commands are.
//!
//! A shell without a script reads lines from stdin and interprets each; `cat` alone gives back what it is sent.

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::{Ends, Input, Output, Session, Ticket, session};
use crate::script::{Program, Surroundings, Window};

const SHELLS: &[&str] = &["sh", "bash", "ash", "dash"];
/// Output beyond this is not waited for.
const MAX_BYTES: usize = 1024 * 1024;

/// Starts a command, as of `now`.
pub(crate) fn open(ticket: Ticket, surroundings: Surroundings, now: Timestamp) -> Session {
    let (session, ends) = session();
    tokio::spawn(async move {
        // The other side may hang up at any time.
        let _ = run(ticket, surroundings, now, ends).await;
    });
    session
}

struct HungUp;

async fn run(
    ticket: Ticket,
    surroundings: Surroundings,
    now: Timestamp,
    mut ends: Ends,
) -> Result<(), HungUp> {
    let name = ticket.command.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default();
    let is_alone = ticket.command[1..].iter().all(|word| word.starts_with('-') && !word.ends_with('c'));
    let code = if SHELLS.contains(&name) && is_alone {
        shell(&ticket, &surroundings, now, &mut ends).await?
    } else if name == "cat" && ticket.command.len() == 1 {
        while let Some(input) = ends.input.recv().await {
            match input {
                Input::Stdin(bytes) if ticket.tty && bytes.contains(&3) => break,
                Input::Stdin(bytes) => send(&ends, Output::Stdout(bytes)).await?,
                Input::Resize { .. } => {}
            }
        }
        0
    } else {
        command(&ticket.command, &surroundings, now, ticket.tty, &mut ends).await?
    };
    send(&ends, Output::Exit(code)).await
}

/// Reads commands line by line until `exit` or the end of stdin.
async fn shell(
    ticket: &Ticket,
    surroundings: &Surroundings,
    now: Timestamp,
    ends: &mut Ends,
) -> Result<i32, HungUp> {
    let (mut typed, mut code) = (Vec::new(), 0);
    prompt(ticket, ends).await?;
    while let Some(input) = ends.input.recv().await {
        let Input::Stdin(bytes) = input else { continue };
        if ticket.tty {
            let echo = String::from_utf8_lossy(&bytes).replace(['\r', '\n'], "\r\n");
            send(ends, Output::Stdout(Bytes::from(echo))).await?;
            typed.extend(bytes.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }));
        } else {
            typed.extend_from_slice(&bytes);
        }
        while let Some(end) = typed.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = typed.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            if let Some(wanted) = line.strip_prefix("exit") {
                return Ok(wanted.trim().parse().unwrap_or(code));
            }
            if !line.is_empty() {
                let script = ["sh".to_owned(), "-c".to_owned(), line];
                code = command(&script, surroundings, now, ticket.tty, ends).await?;
            }
            prompt(ticket, ends).await?;
        }
    }
    Ok(code)
}

async fn prompt(ticket: &Ticket, ends: &Ends) -> Result<(), HungUp> {
    if ticket.tty { send(ends, Output::Stdout(Bytes::from_static(b"/ # "))).await } else { Ok(()) }
}

/// Interprets one command, its output at the times it is written at.
async fn command(
    words: &[String],
    surroundings: &Surroundings,
    now: Timestamp,
    tty: bool,
    ends: &mut Ends,
) -> Result<i32, HungUp> {
    let program = Program::of(words, surroundings);
    let end = program.end(now, surroundings);
    let until = end.as_ref().and_then(|end| now.checked_add(end.after).ok()).unwrap_or(now);
    let window = Window { from: now, until, newest: None, bytes: MAX_BYTES };
    let mut at = now;
    for line in program.lines(now, surroundings, window) {
        pause(line.at.duration_since(at), ends).await?;
        at = line.at;
        let text = format!("{}{}", line.text, if tty { "\r\n" } else { "\n" });
        send(ends, Output::Stdout(Bytes::from(text))).await?;
    }
    match end {
        Some(end) => {
            pause(until.duration_since(at), ends).await?;
            Ok(end.exit_code)
        }
        None => {
            ends.output.closed().await;
            Err(HungUp)
        }
    }
}

async fn pause(duration: SignedDuration, ends: &Ends) -> Result<(), HungUp> {
    let duration = Duration::try_from(duration).unwrap_or_default();
    tokio::select! {
        () = tokio::time::sleep(duration) => Ok(()),
        () = ends.output.closed() => Err(HungUp),
    }
}

async fn send(ends: &Ends, output: Output) -> Result<(), HungUp> {
    ends.output.send(output).await.map_err(|_| HungUp)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run_to_end(command: &[&str], typed: &[&str]) -> (String, i32) {
        let ticket = Ticket {
            group: "eci-1".into(),
            container: "main".into(),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            tty: false,
            stdin: true,
            expires_at: Timestamp::MAX,
            cut_after: None,
        };
        let mut session = open(ticket, Surroundings::default(), Timestamp::UNIX_EPOCH);
        for text in typed {
            session.input.send(Input::Stdin(Bytes::copy_from_slice(text.as_bytes()))).await.unwrap();
        }
        drop(session.input);
        let mut text = String::new();
        while let Some(output) = session.output.recv().await {
            match output {
                Output::Stdout(bytes) | Output::Stderr(bytes) => text += &String::from_utf8_lossy(&bytes),
                Output::Exit(code) => return (text, code),
            }
        }
        panic!("it ended without a code");
    }

    #[tokio::test]
    async fn a_script_writes_its_lines_and_ends_with_its_code() {
        assert_eq!(run_to_end(&["sh", "-c", "echo hi; exit 7"], &[]).await, ("hi\n".into(), 7));
    }

    #[tokio::test]
    async fn a_shell_interprets_what_it_is_sent() {
        assert_eq!(
            run_to_end(&["/bin/sh"], &["echo o", "ne\necho two\nexit 3\n"]).await,
            ("one\ntwo\n".into(), 3)
        );
        assert_eq!(run_to_end(&["sh"], &["false\n"]).await, (String::new(), 1));
    }

    #[tokio::test]
    async fn cat_gives_back_what_it_is_sent() {
        assert_eq!(run_to_end(&["cat"], &["a", "b"]).await, ("ab".into(), 0));
    }
}
