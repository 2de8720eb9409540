//! The web socket of a command: binary messages, the first byte names the channel.
//!
//! The protocol is not published. What is implemented is what independent clients show: 0 stdin, 1 stdout, 2 stderr;
//! everything beyond (status, resize, limits) is a switch.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::{Input, Output, Session};
use crate::settings::{ExecChannels, ExecStatus, Settings};

/// The protocol under which the status of a command is a JSON object.
pub(crate) const V4: &str = "v4.channel.k8s.io";

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;

/// What decides how the socket behaves.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    resize: u8,
    status: u8,
    sends_status: bool,
    /// The status is a number in text instead of a Kubernetes object.
    status_is_number: bool,
    idle: Option<Duration>,
    max_message: Option<usize>,
    /// Bytes of output after which the connection is closed without a word.
    pub(crate) cut_after: Option<u64>,
}

impl Rules {
    /// The switches, for a client that has or has not asked for [`V4`].
    pub(crate) fn of(settings: &Settings, is_v4: bool) -> Self {
        let swapped = settings.exec_channels == ExecChannels::Swapped;
        let (status, resize) = if swapped { (4, 3) } else { (3, 4) };
        let sends_status = match settings.exec_status {
            ExecStatus::Negotiated => is_v4,
            ExecStatus::Always => true,
            ExecStatus::Never => false,
        };
        let positive = |number: u64| (number > 0).then_some(number);
        Self {
            resize,
            status,
            sends_status,
            status_is_number: swapped,
            idle: positive(settings.exec_idle_s).map(Duration::from_secs),
            max_message: positive(settings.exec_frame_bytes).and_then(|bytes| usize::try_from(bytes).ok()),
            cut_after: None,
        }
    }
}

/// Carries a session over a socket whose handshake is done.
pub(crate) async fn serve(stream: TcpStream, read_ahead: Bytes, session: Session, rules: Rules) {
    let config =
        WebSocketConfig::default().max_message_size(rules.max_message).max_frame_size(rules.max_message);
    let mut socket =
        WebSocketStream::from_partially_read(stream, read_ahead.to_vec(), Role::Server, Some(config)).await;
    let Session { input, mut output } = session;
    let mut pending = None;
    let mut last = Instant::now();
    let mut written_bytes = 0;
    loop {
        if rules.cut_after.is_some_and(|most| written_bytes >= most) {
            return;
        }
        let idle_until = last + rules.idle.unwrap_or(Duration::from_secs(365 * 86_400));
        tokio::select! {
            // A command that takes no more for now must not keep its output from being read, or both wait for ever.
            room = input.reserve(), if pending.is_some() => {
                // A command that takes no input any longer may still be writing.
                if let (Ok(room), Some(wanted)) = (room, pending.take()) {
                    room.send(wanted);
                }
            }
            received = socket.next(), if pending.is_none() => match received {
                Some(Ok(message)) => {
                    last = Instant::now();
                    pending = read(&message, &rules);
                }
                // Too large a message, a protocol error, or the end.
                Some(Err(error)) => {
                    tracing::debug!(%error, "an exec socket ended");
                    return close(&mut socket, CloseCode::Size, "").await;
                }
                None => return,
            },
            written = output.recv() => {
                last = Instant::now();
                let (channel, mut bytes) = match written {
                    Some(Output::Stdout(bytes)) => (STDOUT, bytes),
                    Some(Output::Stderr(bytes)) => (STDERR, bytes),
                    Some(Output::Exit(code)) => {
                        if rules.sends_status {
                            let _ = socket.send(message(rules.status, &status(code, &rules))).await;
                        }
                        return close(&mut socket, CloseCode::Normal, "").await;
                    }
                    None => return close(&mut socket, CloseCode::Error, "the command is gone").await,
                };
                if let Some(most) = rules.cut_after {
                    bytes.truncate(usize::try_from(most - written_bytes).unwrap_or(usize::MAX));
                }
                written_bytes += bytes.len() as u64;
                if socket.send(message(channel, &bytes)).await.is_err() {
                    return;
                }
            }
            () = sleep_until(idle_until) => {
                return close(&mut socket, CloseCode::Policy, "idle for too long").await;
            }
        }
    }
}

async fn close(socket: &mut WebSocketStream<TcpStream>, code: CloseCode, reason: &'static str) {
    // The other side may be gone already; then there is nobody to tell.
    let _ = socket.close(Some(CloseFrame { code, reason: reason.into() })).await;
    let answered = async { while let Some(Ok(_)) = socket.next().await {} };
    let _ = tokio::time::timeout(Duration::from_secs(1), answered).await;
}

fn message(channel: u8, bytes: &[u8]) -> Message {
    let mut framed = BytesMut::with_capacity(bytes.len() + 1);
    framed.extend_from_slice(&[channel]);
    framed.extend_from_slice(bytes);
    Message::Binary(framed.freeze())
}

/// What a message means. A text message is Kubernetes' base64 form: the channel as a digit, then base64.
fn read(message: &Message, rules: &Rules) -> Option<Input> {
    let (channel, bytes) = match message {
        Message::Binary(bytes) => (*bytes.first()?, bytes.slice(1..)),
        Message::Text(text) => {
            let (digit, rest) = text.as_str().split_at_checked(1)?;
            (digit.parse().ok()?, Bytes::from(STANDARD.decode(rest).ok()?))
        }
        _ => return None,
    };
    if channel == STDIN {
        return Some(Input::Stdin(bytes));
    }
    if channel != rules.resize {
        return None;
    }
    let size: Value = serde_json::from_slice(&bytes).ok()?;
    let number = |name: &str| size[name].as_u64().and_then(|number| u16::try_from(number).ok());
    Some(Input::Resize { width: number("Width")?, height: number("Height")? })
}

/// How a command has ended, as Kubernetes tells it.
fn status(code: i32, rules: &Rules) -> Vec<u8> {
    if rules.status_is_number {
        return code.to_string().into_bytes();
    }
    let status = if code == 0 {
        json!({"metadata": {}, "status": "Success"})
    } else {
        json!({
            "metadata": {},
            "status": "Failure",
            "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        })
    };
    status.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_and_the_status_follow_the_switches() {
        let settings = Settings::default();
        let rules = Rules::of(&settings, true);
        assert_eq!((rules.status, rules.resize, rules.sends_status), (3, 4, true));
        assert!(!Rules::of(&settings, false).sends_status);
        let always = Settings { exec_status: ExecStatus::Always, ..settings.clone() };
        assert!(Rules::of(&always, false).sends_status);
        let swapped = Settings { exec_channels: ExecChannels::Swapped, ..settings };
        let rules = Rules::of(&swapped, true);
        assert_eq!((rules.status, rules.resize, status(7, &rules)), (4, 3, b"7".to_vec()));
    }

    #[test]
    fn messages_are_read_in_both_forms() {
        let rules = Rules::of(&Settings::default(), false);
        let stdin = |message| match read(&message, &rules) {
            Some(Input::Stdin(bytes)) => bytes,
            other => panic!("{other:?}"),
        };
        assert_eq!(stdin(message(0, b"ls\n")), "ls\n");
        assert_eq!(stdin(Message::text(format!("0{}", STANDARD.encode("ls\n")))), "ls\n");
        let resize = read(&message(4, br#"{"Width":80,"Height":24}"#), &rules);
        assert!(matches!(resize, Some(Input::Resize { width: 80, height: 24 })));
        assert!(read(&message(9, b"x"), &rules).is_none());
        assert!(read(&message(4, b"not json"), &rules).is_none());
    }

    #[test]
    fn a_failure_tells_its_exit_code_in_the_status() {
        let status: Value =
            serde_json::from_slice(&status(7, &Rules::of(&Settings::default(), true))).unwrap();
        assert_eq!(status["details"]["causes"][0], json!({"reason": "ExitCode", "message": "7"}));
    }
}
