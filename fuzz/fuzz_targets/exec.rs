//! Runs a command over a web socket on which anything comes: outputs in both encodings, marks cut in two, messages that are no
//! frames, bytes that are no messages.
//!
//! Nothing makes the client panic or wait for ever. Where all that comes is in order, both outputs are what was sent, byte
//! for byte and without the marks, and the end is what the first word about it said.
#![no_main]

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arbitrary::Arbitrary;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use eci_client::model::ContainerGroupId;
use eci_client::transport::Connection;
use eci_client::{
    AccessKey, Client, ExecEncoding, ExecLayout, ExecOptions, ExecStatus, TerminalSize, Transport,
    TransportError,
};
use futures_util::{SinkExt, StreamExt};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

/// Of the runtime's own clock, which stands still while anything happens.
const FOREVER: Duration = Duration::from_secs(3600);

/// How long the cloud waits for the client to close too.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Arbitrary, Clone, Debug)]
struct Input {
    tty: bool,
    stdin: Vec<u8>,
    resize: Option<(u16, u16)>,
    by_sentinel: bool,
    swapped: bool,
    base64: bool,
    sent: Vec<Sent>,
    closes: bool,
}

#[derive(Arbitrary, Clone, Debug)]
enum Sent {
    Output {
        is_stderr: bool,
        in_base64: bool,
        bytes: Vec<u8>,
    },
    /// The mark that tells the code, parted into two messages.
    Mark {
        code: u16,
        first: u8,
    },
    Status {
        by_code: bool,
        on_4: bool,
        code: u8,
    },
    Ping,
    Binary(Vec<u8>),
    Text(String),
    /// Past the web socket.
    Raw(Vec<u8>),
}

impl Sent {
    fn is_in_order(&self) -> bool {
        !matches!(self, Self::Binary(_) | Self::Text(_) | Self::Raw(_))
    }
}

/// What the command's outputs and end are to be, where everything is in order.
#[derive(Debug, Default, PartialEq)]
struct Told {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    code: Option<i32>,
}

impl Input {
    fn told(&self) -> Told {
        let mut told = Told::default();
        for sent in &self.sent {
            match sent {
                Sent::Output { is_stderr: true, bytes, .. } => told.stderr.extend(bytes),
                Sent::Output { bytes, .. } => told.stdout.extend(bytes),
                Sent::Mark { code, .. } if self.by_sentinel => _ = told.code.get_or_insert(i32::from(*code)),
                Sent::Status { code, .. } => _ = told.code.get_or_insert(i32::from(*code)),
                _ => {}
            }
        }
        told
    }

    fn options(&self) -> ExecOptions {
        ExecOptions {
            tty: self.tty,
            exit_code_by_sentinel: self.by_sentinel,
            layout: if self.swapped { ExecLayout::Swapped } else { ExecLayout::Kubernetes },
            encoding: if self.base64 { ExecEncoding::Base64 } else { ExecEncoding::Binary },
            ..ExecOptions::default()
        }
    }
}

fn frame(channel: u8, payload: &[u8]) -> Message {
    Message::binary([&[channel], payload].concat())
}

/// The other end of the web socket, and the random text by which marks are known.
struct Cloud {
    socket: WebSocketStream<DuplexStream>,
    nonce: Option<String>,
}

impl Cloud {
    async fn serve(mut self, input: &Input) -> Result<(), SocketError> {
        for sent in &input.sent {
            self.send(sent).await?;
        }
        if input.closes {
            self.socket.close(None).await?;
        } else {
            // The end of the connection comes behind what was sent, as with TCP; only then is it gone.
            self.socket.get_mut().shutdown().await?;
        }
        // What was past the web socket may have made the client wait for more, and it waits for a peer that never answered a
        // ping as long as that keeps the connection.
        let answered = async { while let Some(Ok(_)) = self.socket.next().await {} };
        let _ = timeout(PATIENCE, answered).await;
        Ok(())
    }

    async fn send(&mut self, sent: &Sent) -> Result<(), SocketError> {
        let messages = match sent {
            Sent::Output { is_stderr, in_base64, bytes } => {
                let channel = if *is_stderr { 2 } else { 1 };
                vec![match in_base64 {
                    true => Message::text(format!("{channel}{}", STANDARD.encode(bytes))),
                    false => frame(channel, bytes),
                }]
            }
            Sent::Mark { code, first } => {
                let Some(nonce) = &self.nonce else { return Ok(()) };
                let mark = format!("\u{1e}{nonce}:{code}\u{1e}");
                let (first, second) = mark.as_bytes().split_at(usize::from(*first) % mark.len());
                vec![frame(1, first), frame(1, second)]
            }
            Sent::Status { by_code, on_4, code } => {
                let said = match (by_code, code) {
                    (true, code) => code.to_string(),
                    (false, 0) => r#"{"status":"Success"}"#.to_owned(),
                    (false, code) => format!(
                        r#"{{"status":"Failure","details":{{"causes":[{{"reason":"ExitCode","message":"{code}"}}]}}}}"#
                    ),
                };
                vec![frame(if *on_4 { 4 } else { 3 }, said.as_bytes())]
            }
            Sent::Ping => vec![Message::Ping(Bytes::from_static(b"?"))],
            Sent::Binary(bytes) => vec![Message::binary(bytes.clone())],
            Sent::Text(text) => vec![Message::text(text.clone())],
            Sent::Raw(bytes) => return Ok(self.socket.get_mut().write_all(bytes).await?),
        };
        for message in messages {
            self.socket.send(message).await?;
        }
        Ok(())
    }
}

/// Opens web sockets to a cloud that does what the input says.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<(Option<Input>, Option<String>)>>);

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        // ..."printf '\036NONCE:%d\036'"..., percent-encoded: the backslash is %5C.
        let query = request.uri().query().unwrap_or_default();
        let nonce = query.split_once("036").and_then(|(_, rest)| rest.split_once("%3A"));
        self.0.lock().expect("no panic while it is held").1 = nonce.map(|(nonce, _)| nonce.to_owned());
        Ok(http::Response::new(Bytes::from_static(
            br#"{"RequestId":"r","WebSocketUri":"ws://127.0.0.1/exec/?s=t0ken"}"#,
        )))
    }

    async fn connect(&self, _: &http::Uri) -> Result<Box<dyn Connection>, TransportError> {
        let (ours, theirs) = tokio::io::duplex(8 * 1024);
        let (input, nonce) = self.0.lock().expect("no panic while it is held").clone();
        tokio::spawn(async move {
            let socket = tokio_tungstenite::accept_async(theirs).await.expect("the client's own handshake");
            let input = input.expect("set before the call");
            // It fails when the client has heard enough.
            let _ = Cloud { socket, nonce }.serve(&input).await;
        });
        Ok(Box::new(ours))
    }
}

struct Caller {
    runtime: Runtime,
    scripted: Scripted,
    client: Client,
}

impl Caller {
    fn new() -> Self {
        let scripted = Scripted::default();
        let client = Client::builder("cn-test")
            .credentials(AccessKey::new("id", "secret"))
            .endpoint("http://127.0.0.1")
            .transport(scripted.clone())
            .build()
            .expect("a client");
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        Self { runtime, scripted, client }
    }

    async fn run(&self, input: &Input) {
        let (id, options) = (ContainerGroupId::new("eci-1"), input.options());
        let mut exec = self.client.exec(&id, "main", ["cat"], &options).await.expect("a web socket");
        if let Some((width, height)) = input.resize {
            exec.resizer().resize(TerminalSize { width, height });
        }
        let (mut stdin, mut stdout, mut stderr) = (
            exec.stdin.take().expect("stdin"),
            exec.stdout.take().expect("stdout"),
            exec.stderr.take().expect("stderr"),
        );
        let mut told = Told::default();
        let (_, out, err) = tokio::join!(
            stdin.write_all(&input.stdin),
            stdout.read_to_end(&mut told.stdout),
            stderr.read_to_end(&mut told.stderr),
        );
        let end = exec.wait().await;
        assert_eq!((out.is_ok(), err.is_ok()), (end.is_ok(), end.is_ok()), "a part is told from the whole");
        if input.sent.iter().all(Sent::is_in_order) && (input.closes || input.told().code.is_some()) {
            told.code = match end.expect("an end in order") {
                ExecStatus::Exited(code) => Some(code),
                ExecStatus::Unknown => None,
                other => panic!("{other:?}"),
            };
            assert_eq!(told, input.told());
        }
    }
}

thread_local! { static CALLER: RefCell<Caller> = RefCell::new(Caller::new()); }

fuzz_target!(|input: Input| {
    CALLER.with_borrow(|caller| {
        caller.scripted.0.lock().expect("no panic while it is held").0 = Some(input.clone());
        let run = async { timeout(FOREVER, caller.run(&input)).await };
        assert!(caller.runtime.block_on(run).is_ok(), "it never ends");
    });
});
