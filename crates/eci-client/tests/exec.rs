//! Runs commands over web sockets that speak every variant of the protocol, in order and not.
#![cfg(all(feature = "exec", feature = "client"))]

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use eci_client::model::ContainerGroupId;
use eci_client::transport::Connection;
use eci_client::{
    AccessKey, Client, Error, ErrorKind, Exec, ExecEncoding, ExecLayout, ExecOptions, ExecStatus,
    HyperTransport, TerminalSize, Transport, TransportError,
};
use futures::{SinkExt, StreamExt};
use http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::net::TcpListener;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

const URL: &str = "ws://127.0.0.1:1/exec/?s=t0ken";

type Socket = WebSocketStream<DuplexStream>;
type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A cloud whose web sockets are served by a function of the test, which gets the command too.
#[derive(Clone)]
struct Cloud {
    url: String,
    serve: Arc<dyn Fn(Socket, Vec<String>) -> Serving + Send + Sync>,
    command: Arc<Mutex<Vec<String>>>,
    handshake: Arc<Mutex<Option<Request>>>,
    is_unannounced: bool,
}

impl Cloud {
    fn new<F: Future<Output = ()> + Send + 'static>(
        serve: impl Fn(Socket, Vec<String>) -> F + Send + Sync + 'static,
    ) -> Self {
        let serve = Arc::new(move |socket, command| -> Serving { Box::pin(serve(socket, command)) });
        let (command, handshake) = Default::default();
        Self { url: URL.to_owned(), serve, command, handshake, is_unannounced: false }
    }

    async fn exec(&self, options: &ExecOptions) -> Result<Exec, Error> {
        let eci = Client::builder("cn-test")
            .endpoint("http://127.0.0.1:1")
            .credentials(AccessKey::new("id", "secret"))
            .transport(self.clone())
            .build()
            .expect("a client");
        eci.exec(&ContainerGroupId::new("eci-1"), "main", ["cat", "a file"], options).await
    }

    /// Runs without stdin; both outputs and the end.
    async fn output(&self, options: &ExecOptions) -> (Vec<u8>, Vec<u8>, Result<ExecStatus, ErrorKind>) {
        finish(self.exec(options).await.expect("a command")).await
    }
}

async fn finish(mut exec: Exec) -> (Vec<u8>, Vec<u8>, Result<ExecStatus, ErrorKind>) {
    let (mut stdout, mut stderr) = (exec.stdout.take().expect("stdout"), exec.stderr.take().expect("stderr"));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (read_out, read_err) = tokio::join!(stdout.read_to_end(&mut out), stderr.read_to_end(&mut err));
    let end = exec.wait().await.map_err(|error| error.kind());
    assert_eq!(
        (read_out.is_ok(), read_err.is_ok()),
        (end.is_ok(), end.is_ok()),
        "a part is told from the whole"
    );
    (out, err, end)
}

#[async_trait]
impl Transport for Cloud {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let query = request.uri().query().unwrap_or_default();
        let command = query.split('&').find_map(|pair| pair.strip_prefix("Command=")).expect("a command");
        let command = percent_encoding::percent_decode_str(command).decode_utf8().expect("UTF-8");
        *self.command.lock().expect("no panic") = serde_json::from_str(&command).expect("JSON");
        let body = serde_json::json!({ "RequestId": "r", "WebSocketUri": self.url });
        Ok(http::Response::new(body.to_string().into()))
    }

    async fn connect(&self, _: &Uri) -> Result<Box<dyn Connection>, TransportError> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let cloud = self.clone();
        tokio::spawn(async move {
            let asked = Arc::clone(&cloud.handshake);
            #[allow(clippy::result_large_err, reason = "the signature is the library's")]
            let note = move |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
                *asked.lock().expect("no panic") = Some(request.clone());
                Ok(response)
            };
            let socket = tokio_tungstenite::accept_hdr_async(theirs, note).await.expect("a handshake");
            let command = cloud.command.lock().expect("no panic").clone();
            (cloud.serve)(socket, command).await;
        });
        Ok(if self.is_unannounced { Box::new(Unannounced(ours)) } else { Box::new(ours) })
    }
}

fn frame(channel: u8, payload: &[u8]) -> Message {
    Message::binary([&[channel], payload].concat())
}

/// A cloud that sends these messages and closes in order.
fn sending(messages: Vec<Message>) -> Cloud {
    Cloud::new(move |mut socket, _| {
        let messages = messages.clone();
        async move {
            for message in messages {
                socket.send(message).await.expect("a reader");
            }
            socket.close(None).await.expect("a reader");
            while let Some(Ok(_)) = socket.next().await {}
        }
    })
}

const EXIT_7: &str =
    r#"{"status":"Failure","message":"m","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#;

#[tokio::test(start_paused = true)]
async fn outputs_and_a_v4_status_come_through() {
    let messages =
        vec![frame(1, b""), frame(1, b"o\xff"), frame(2, b"e"), frame(1, b"ut"), frame(3, EXIT_7.as_bytes())];
    let (stdout, stderr, status) = sending(messages).output(&ExecOptions::default()).await;
    assert_eq!((&stdout[..], &stderr[..]), (&b"o\xffut"[..], &b"e"[..]));
    assert_eq!(status, Ok(ExecStatus::Exited(7)));
}

#[tokio::test(start_paused = true)]
async fn a_status_on_channel_4_is_understood_too() {
    for status in [EXIT_7.as_bytes(), b"7", b"command terminated with exit code 7"] {
        let messages = vec![frame(3, br#"{"Width":80,"Height":24}"#), frame(4, status)];
        assert_eq!(sending(messages).output(&ExecOptions::default()).await.2, Ok(ExecStatus::Exited(7)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_in_order_without_a_status_leaves_the_code_unknown() {
    let (stdout, _, status) = sending(vec![frame(1, b"out")]).output(&ExecOptions::default()).await;
    assert_eq!((&stdout[..], status), (&b"out"[..], Ok(ExecStatus::Unknown)));
}

#[tokio::test(start_paused = true)]
async fn base64_text_is_understood_and_spoken() {
    let cloud = Cloud::new(|mut socket: Socket, _| async move {
        let asked = socket.next().await.expect("a message").expect("a message");
        assert_eq!(asked.to_text().expect("text"), format!("0{}", STANDARD.encode(b"in")));
        let status = STANDARD.encode(EXIT_7);
        for text in [format!("1{}", STANDARD.encode(b"\x00\xff")), format!("3{status}")] {
            socket.send(Message::text(text)).await.expect("a reader");
        }
        socket.close(None).await.expect("a reader");
    });
    let options = ExecOptions { encoding: ExecEncoding::Base64, ..Default::default() };
    let mut exec = cloud.exec(&options).await.expect("a command");
    let mut stdin = exec.stdin.take().expect("stdin");
    stdin.write_all(b"in").await.expect("a pipe");
    let (stdout, _, status) = finish(exec).await;
    assert_eq!((&stdout[..], status), (&b"\x00\xff"[..], Ok(ExecStatus::Exited(7))));
}

#[tokio::test(start_paused = true)]
async fn the_size_goes_to_the_channel_of_the_layout() {
    for (layout, channel) in [(ExecLayout::Kubernetes, 4), (ExecLayout::Swapped, 3)] {
        let cloud = Cloud::new(|mut socket: Socket, _| async move {
            let size = socket.next().await.expect("a message").expect("a message");
            let echo = frame(1, &size.into_data());
            socket.send(echo).await.expect("a reader");
            socket.close(None).await.expect("a reader");
        });
        let exec = cloud.exec(&ExecOptions { tty: true, layout, ..Default::default() }).await;
        let exec = exec.expect("a command");
        exec.resizer().resize(TerminalSize { width: 132, height: 43 });
        let (stdout, ..) = finish(exec).await;
        assert_eq!(stdout, [&[channel], &br#"{"Width":132,"Height":43}"#[..]].concat());
    }
}

#[tokio::test(start_paused = true)]
async fn the_sentinel_tells_the_code_and_is_not_in_the_output() {
    let cloud = Cloud::new(|mut socket: Socket, command: Vec<String>| async move {
        assert_eq!(command[3..], ["sh", "cat", "a file"]);
        let (_, nonce) = command[2].split_once(r"'\036").expect("a mark");
        let (nonce, _) = nonce.split_once(':').expect("a mark");
        let output = [b"bin\x1e\xff", format!("\x1e{nonce}:42\x1e").as_bytes()].concat();
        // Byte by byte, as a busy terminal might.
        for byte in output {
            socket.send(frame(1, &[byte])).await.expect("a reader");
        }
        socket.close(None).await.expect("a reader");
    });
    let options = ExecOptions { exit_code_by_sentinel: true, ..Default::default() };
    let (stdout, _, status) = cloud.output(&options).await;
    assert_eq!((&stdout[..], status), (&b"bin\x1e\xff"[..], Ok(ExecStatus::Exited(42))));
}

#[tokio::test]
async fn the_wrapped_command_really_tells_its_code() {
    let cloud = Cloud::new(|mut socket: Socket, command: Vec<String>| async move {
        let output = tokio::process::Command::new(&command[0])
            .args(&command[1..3])
            .args(["sh", "sh", "-c", "printf 'a\\0b'; exit 9"])
            .output()
            .await
            .expect("a shell");
        assert_eq!(output.status.code(), Some(9));
        socket.send(frame(1, &output.stdout)).await.expect("a reader");
        socket.close(None).await.expect("a reader");
    });
    let options = ExecOptions { exit_code_by_sentinel: true, ..Default::default() };
    let (stdout, _, status) = cloud.output(&options).await;
    assert_eq!((&stdout[..], status), (&b"a\0b"[..], Ok(ExecStatus::Exited(9))));
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_cut_off_is_an_open_question_unless_the_end_was_told() {
    let cut = |messages: Vec<Message>| {
        Cloud::new(move |mut socket: Socket, _| {
            let messages = messages.clone();
            async move {
                for message in messages {
                    socket.send(message).await.expect("a reader");
                }
            }
        })
    };
    let (stdout, _, status) = cut(vec![frame(1, b"half")]).output(&ExecOptions::default()).await;
    assert_eq!((&stdout[..], status), (&b"half"[..], Err(ErrorKind::Indeterminate)));
    let (.., status) = cut(vec![frame(3, EXIT_7.as_bytes())]).output(&ExecOptions::default()).await;
    assert_eq!(status, Ok(ExecStatus::Exited(7)));
}

#[tokio::test(start_paused = true)]
async fn an_output_that_outlives_its_command_is_not_taken_for_the_whole() {
    let cloud = Cloud::new(|mut socket: Socket, _| async move {
        // Until the reader is gone.
        while socket.send(frame(1, b"0123456789")).await.is_ok() {}
    });
    let mut exec = cloud.exec(&ExecOptions::default()).await.expect("a command");
    let mut stdout = exec.stdout.take().expect("stdout");
    stdout.read_exact(&mut [0; 10]).await.expect("the first message");
    drop(exec);
    let error = stdout.read_to_end(&mut Vec::new()).await.expect_err("a part");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
}

#[tokio::test(start_paused = true)]
async fn outputs_of_any_size_are_read_at_once() {
    let mut messages: Vec<Message> = (0..40).map(|_| frame(2, &[b'e'; 16 * 1024])).collect();
    messages.extend([frame(1, b"out"), frame(3, EXIT_7.as_bytes())]);
    let exec = sending(messages).exec(&ExecOptions::default()).await.expect("a command");
    let outcome = exec.output().await.expect("an end");
    assert_eq!((outcome.status.clone(), &outcome.stdout[..]), (ExecStatus::Exited(7), &b"out"[..]));
    assert_eq!(outcome.stderr, [b'e'; 40 * 16 * 1024]);
    assert_eq!(
        format!("{outcome:?}"),
        "ExecOutcome { status: Exited(7), stdout_bytes: 3, stderr_bytes: 655360 }"
    );

    let cut = Cloud::new(|mut socket: Socket, _| async move {
        socket.send(frame(1, b"half")).await.expect("a reader");
    });
    let exec = cut.exec(&ExecOptions::default()).await.expect("a command");
    assert_eq!(exec.output().await.expect_err("a part").kind(), ErrorKind::Indeterminate);
}

/// A connection that ends as TLS does without `close_notify`: in an error.
struct Unannounced(DuplexStream);

impl tokio::io::AsyncRead for Unannounced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.0).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() == before => {
                Poll::Ready(Err(std::io::ErrorKind::UnexpectedEof.into()))
            }
            result => result,
        }
    }
}

impl tokio::io::AsyncWrite for Unannounced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_in_order_is_one_however_tls_ends() {
    let mut cloud = Cloud::new(|mut socket: Socket, _| async move {
        socket.send(frame(1, b"out")).await.expect("a reader");
        socket.send(Message::Close(None)).await.expect("a reader");
        while let Some(Ok(_)) = socket.next().await {}
    });
    cloud.is_unannounced = true;
    let (stdout, _, status) = cloud.output(&ExecOptions::default()).await;
    assert_eq!((&stdout[..], status), (&b"out"[..], Ok(ExecStatus::Unknown)));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_does_not_read_its_stdin_for_minutes_is_left_alone() {
    const SIZE: usize = 1_000_000;
    let cloud = Cloud::new(|mut socket: Socket, _| async move {
        let mut pings = 0;
        while pings < 2 {
            pings += u32::from(matches!(socket.next().await, Some(Ok(Message::Ping(_)))));
            socket.flush().await.expect("a reader");
        }
        tokio::time::sleep(Duration::from_secs(600)).await;
        let mut got = 0;
        while got < SIZE {
            if let Message::Binary(bytes) = socket.next().await.expect("a message").expect("a message") {
                got += bytes.len() - 1;
            }
        }
        socket.send(frame(1, b"done")).await.expect("a reader");
        socket.send(frame(3, EXIT_7.as_bytes())).await.expect("a reader");
        socket.close(None).await.expect("a reader");
    });
    for size in [SIZE, SIZE / 100] {
        let mut exec = cloud.exec(&ExecOptions::default()).await.expect("a command");
        let mut stdin = exec.stdin.take().expect("stdin");
        let writing = tokio::spawn(async move {
            // After the second ping. A little of it fits into the connection, with the pings behind it.
            tokio::time::sleep(Duration::from_secs(50)).await;
            stdin.write_all(&vec![b'x'; size]).await.expect("a pipe");
            tokio::time::sleep(Duration::from_secs(900)).await;
            stdin.write_all(&vec![b'x'; SIZE - size]).await.expect("a pipe");
        });
        let (stdout, _, status) = finish(exec).await;
        assert_eq!((&stdout[..], status), (&b"done"[..], Ok(ExecStatus::Exited(7))), "{size}");
        writing.await.expect("no panic");
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_stays_open_after_the_end_is_left() {
    let cloud = Cloud::new(|mut socket: Socket, _| async move {
        socket.send(frame(3, EXIT_7.as_bytes())).await.expect("a reader");
        std::future::pending().await
    });
    let ended = tokio::time::timeout(Duration::from_secs(60), cloud.output(&ExecOptions::default())).await;
    assert_eq!(ended.expect("an end").2, Ok(ExecStatus::Exited(7)));
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_says_it_closes_and_stays_open_is_left() {
    for exit_code_by_sentinel in [false, true] {
        let cloud = Cloud::new(|mut socket: Socket, _| async move {
            socket.send(frame(1, b"half")).await.expect("a reader");
            // Only the announcement: the connection below stays as it is.
            socket.send(Message::Close(None)).await.expect("a reader");
            std::future::pending().await
        });
        let options = ExecOptions { exit_code_by_sentinel, ..Default::default() };
        let ended = tokio::time::timeout(Duration::from_secs(60), cloud.output(&options)).await;
        let (stdout, _, status) = ended.expect("an end");
        assert_eq!((&stdout[..], status), (&b"half"[..], Ok(ExecStatus::Unknown)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_no_longer_answers_pings_is_gone_and_one_that_never_did_is_not() {
    let cloud = |rounds: u32| {
        Cloud::new(move |mut socket: Socket, _| async move {
            let mut pings = 0;
            // Reading a ping answers it with what is read or sent next.
            while pings < rounds {
                pings += u32::from(matches!(socket.next().await, Some(Ok(Message::Ping(_)))));
                socket.flush().await.expect("a reader");
            }
            tokio::time::sleep(Duration::from_secs(1000)).await;
            socket.send(frame(1, b"late")).await.expect("a reader");
            socket.send(frame(3, EXIT_7.as_bytes())).await.expect("a reader");
            socket.close(None).await.expect("a reader");
        })
    };
    let (stdout, _, status) = cloud(2).output(&ExecOptions::default()).await;
    assert_eq!((&stdout[..], status), (&b""[..], Err(ErrorKind::Indeterminate)));
    let (stdout, _, status) = cloud(0).output(&ExecOptions::default()).await;
    assert_eq!((&stdout[..], status), (&b"late"[..], Ok(ExecStatus::Exited(7))));
}

#[tokio::test]
async fn large_transfers_go_both_ways_at_once() {
    const SIZE: usize = 8 * 1024 * 1024;
    let cloud = Cloud::new(|mut socket: Socket, _| async move {
        let mut echoed = 0;
        while echoed < SIZE {
            let message = socket.next().await.expect("a message").expect("a message");
            let Message::Binary(bytes) = message else { continue };
            assert_eq!(bytes[0], 0);
            echoed += bytes.len() - 1;
            socket.send(frame(1, &bytes[1..])).await.expect("a reader");
        }
        socket.send(frame(3, br#"{"status":"Success"}"#)).await.expect("a reader");
        socket.close(None).await.expect("a reader");
        while let Some(Ok(_)) = socket.next().await {}
    });
    let mut exec = cloud.exec(&ExecOptions::default()).await.expect("a command");
    let sent: Vec<u8> = (0..SIZE).map(|n| (n % 251) as u8).collect();
    let mut stdin = exec.stdin.take().expect("stdin");
    let copy = sent.clone();
    let writing = tokio::spawn(async move { stdin.write_all(&copy).await });
    let (stdout, _, status) = finish(exec).await;
    writing.await.expect("no panic").expect("a pipe");
    assert!(stdout == sent, "{} bytes came back", stdout.len());
    assert_eq!(status, Ok(ExecStatus::Exited(0)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_holds_up_the_output_and_not_the_input() {
    let (told, got) = tokio::sync::watch::channel(0);
    let cloud = Cloud::new(move |socket: Socket, _| {
        let told = told.clone();
        async move {
            let (mut sink, mut messages) = socket.split();
            let flood = async move {
                for _ in 0..200 {
                    sink.send(frame(1, &[b'x'; 16 * 1024])).await.expect("a reader");
                }
                sink.close().await.expect("a reader");
            };
            let count = async {
                while let Some(Ok(message)) = messages.next().await {
                    told.send_modify(|bytes| *bytes += message.len().saturating_sub(1));
                }
            };
            tokio::join!(flood, count);
        }
    });
    let mut exec = cloud.exec(&ExecOptions::default()).await.expect("a command");
    let mut stdin = exec.stdin.take().expect("stdin");
    let input = vec![b'i'; 1024 * 1024];
    // Nobody reads stdout yet, and still all of stdin arrives.
    stdin.write_all(&input).await.expect("a pipe");
    let mut got = got;
    got.wait_for(|bytes| *bytes >= input.len()).await.expect("the server counts");
    let (stdout, ..) = finish(exec).await;
    assert_eq!(stdout.len(), 200 * 16 * 1024);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_stdin_is_not_told_and_outputs_nobody_wants_are_dropped() {
    let cloud = Cloud::new(|mut socket: Socket, _| async move {
        let first = socket.next().await.expect("a message").expect("a message");
        assert_eq!(first.into_data(), &b"\x00last"[..]);
        let nothing = tokio::time::timeout(Duration::from_secs(5), socket.next()).await;
        assert!(nothing.is_err(), "{nothing:?}");
        for _ in 0..100 {
            socket.send(frame(1, &[b'x'; 16 * 1024])).await.expect("a reader");
        }
        socket.send(frame(3, EXIT_7.as_bytes())).await.expect("a reader");
        socket.close(None).await.expect("a reader");
    });
    let mut exec = cloud.exec(&ExecOptions::default()).await.expect("a command");
    let mut stdin = exec.stdin.take().expect("stdin");
    stdin.write_all(b"last").await.expect("a pipe");
    stdin.shutdown().await.expect("a pipe");
    assert_eq!(exec.wait().await.expect("an end"), ExecStatus::Exited(7));
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_pinged_and_dropping_it_closes_the_socket() {
    let (told, mut pings) = tokio::sync::watch::channel(0);
    let cloud = Cloud::new(move |mut socket: Socket, _| {
        let told = told.clone();
        async move {
            while let Some(Ok(message)) = socket.next().await {
                told.send_modify(|pings| *pings += i32::from(message.is_ping()));
            }
            told.send_replace(-1);
        }
    });
    let exec = cloud.exec(&ExecOptions::default()).await.expect("a command");
    pings.wait_for(|pings| *pings >= 3).await.expect("the server counts");
    drop(exec);
    pings.wait_for(|pings| *pings == -1).await.expect("the server sees the end");
}

#[tokio::test(start_paused = true)]
async fn no_sub_protocol_and_no_credentials_but_the_url_are_sent() {
    let cloud = sending(Vec::new());
    let _ = cloud.output(&ExecOptions::default()).await;
    let request = cloud.handshake.lock().expect("no panic").take().expect("a handshake");
    assert_eq!(request.uri(), "/exec/?s=t0ken");
    for header in ["sec-websocket-protocol", "authorization", "x-acs-security-token", "cookie"] {
        assert!(!request.headers().contains_key(header), "{header}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_web_socket_elsewhere_is_not_opened_and_never_named() {
    for url in [
        "ws://169.254.169.254/?s=t0ken",
        "http://127.0.0.1:1/?s=t0ken",
        "no url t0ken",
        "wss://evil.example/?s=t0ken",
    ] {
        let cloud = Cloud { url: url.to_owned(), ..sending(Vec::new()) };
        let error = cloud.exec(&ExecOptions::default()).await.expect_err("no command");
        assert_eq!(error.kind(), ErrorKind::Bug);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("t0ken") && !shown.contains("evil"), "{shown}");
    }
}

/// A cloud on loopback: the API in memory, the web socket over the default transport.
struct OverTcp(HyperTransport, String);

#[async_trait]
impl Transport for OverTcp {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let body = serde_json::json!({ "RequestId": "r", "WebSocketUri": self.1 });
        Ok(http::Response::new(body.to_string().into()))
    }

    async fn connect(&self, uri: &Uri) -> Result<Box<dyn Connection>, TransportError> {
        self.0.connect(uri).await
    }
}

async fn exec_over(transport: HyperTransport, url: String) -> Result<Exec, Error> {
    let scheme = if url.starts_with("wss") { "https" } else { "http" };
    let eci = Client::builder("cn-test")
        .endpoint(format!("{scheme}://localhost"))
        .credentials(AccessKey::new("id", "secret"))
        .transport(OverTcp(transport, url))
        .build()
        .expect("a client");
    eci.exec(&ContainerGroupId::new("eci-1"), "main", ["true"], &ExecOptions::default()).await
}

async fn speak<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(stream: S) {
    let mut socket = tokio_tungstenite::accept_async(stream).await.expect("a handshake");
    socket.send(frame(1, b"hello")).await.expect("a reader");
    socket.close(None).await.expect("a reader");
    while let Some(Ok(_)) = socket.next().await {}
}

#[tokio::test]
async fn the_default_transport_opens_plain_and_encrypted_web_sockets() {
    let plain = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://localhost:{}/", plain.local_addr().expect("an address").port());
    tokio::spawn(async move { speak(plain.accept().await.expect("a client").0).await });
    let exec = exec_over(HyperTransport::new().expect("a transport"), url).await.expect("a command");
    assert_eq!(finish(exec).await.0, b"hello");

    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = made.signing_key.serialize_der().try_into().expect("a key");
    let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(Arc::new(
        tokio_rustls::rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .expect("versions")
    .with_no_client_auth()
    .with_single_cert(vec![made.cert.der().clone()], key)
    .expect("a configuration");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let encrypted = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("wss://localhost:{}/", encrypted.local_addr().expect("an address").port());
    tokio::spawn(async move {
        let (stream, _) = encrypted.accept().await.expect("a client");
        speak(acceptor.accept(stream).await.expect("TLS")).await;
    });
    let trusting =
        HyperTransport::builder().certificate_authorities(made.cert.pem()).build().expect("a transport");
    let exec = exec_over(trusting, url).await.expect("a command");
    assert_eq!(finish(exec).await.0, b"hello");
}

#[tokio::test]
async fn a_refused_or_absent_web_socket_proves_that_nothing_started() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://localhost:{}/?s=t0ken", listener.local_addr().expect("an address").port());
    let transport = HyperTransport::new().expect("a transport");
    let refusing = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.expect("a request") > 0);
        let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.expect("a client");
    });
    let error = exec_over(transport.clone(), url.clone()).await.expect_err("refused");
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Unavailable, Some(403)));
    refusing.await.expect("no panic");
    let error = exec_over(transport, url).await.expect_err("nobody there");
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Unavailable, None));
    assert!(!format!("{error} {error:?}").contains("t0ken"));
}
