//! Commands inside running containers, over the web socket and at once.

use eci_sim::{Settings, Simulator};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::caller::Caller;
use crate::machine::{create, is_running, simulator, until};

type Socket = WebSocketStream<TcpStream>;

async fn connect(uri: &str, protocol: Option<&'static str>) -> Result<Socket, Error> {
    let address = uri.strip_prefix("ws://").unwrap().split('/').next().unwrap();
    let mut request = uri.into_client_request().unwrap();
    if let Some(protocol) = protocol {
        request.headers_mut().insert("sec-websocket-protocol", http::HeaderValue::from_static(protocol));
    }
    let stream = TcpStream::connect(address).await.unwrap();
    tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| socket)
}

async fn token(caller: &Caller, id: &str, command: &[&str], more: &[(&str, &str)]) -> String {
    let command = json!(command).to_string();
    let base = [("ContainerGroupId", id), ("ContainerName", "main"), ("Command", &command)];
    let reply = caller.ok("ExecContainerCommand", &[&base[..], more].concat()).await;
    reply["WebSocketUri"].as_str().unwrap().to_owned()
}

/// Everything until the socket closes, by channel.
async fn rest(socket: &mut Socket) -> [String; 5] {
    let mut channels: [Vec<u8>; 5] = Default::default();
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Binary(bytes) = message {
            channels[usize::from(bytes[0])].extend_from_slice(&bytes[1..]);
        }
    }
    channels.map(|bytes| String::from_utf8(bytes).unwrap())
}

async fn container(simulator: &Simulator) -> (Caller, String) {
    let caller = Caller::of(simulator);
    let id = create(&caller, &[("main", "trap 'exit 0' TERM; while true; do sleep 0.1; done")], &[]).await;
    until(&caller, &id, "running", is_running).await;
    (caller, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_has_both_outputs_and_its_exit_code() {
    let simulator = simulator(Settings::default()).await;
    let (caller, id) = container(&simulator).await;
    let script = ["sh", "-c", "echo out; echo err >&2; exit 7"];
    let mut socket =
        connect(&token(&caller, &id, &script, &[]).await, Some("v4.channel.k8s.io")).await.unwrap();
    let [_, stdout, stderr, status, _] = rest(&mut socket).await;
    assert_eq!((stdout.as_str(), stderr.as_str()), ("out\n", "err\n"));
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["details"]["causes"][0]["message"], "7");
    // Who has not asked for the protocol is told nothing.
    let mut socket = connect(&token(&caller, &id, &script, &[]).await, None).await.unwrap();
    assert_eq!(rest(&mut socket).await[3], "");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_not_there_ends_as_a_shell_says_it() {
    let simulator = simulator(Settings::default()).await;
    let (caller, id) = container(&simulator).await;
    for (command, code, word) in
        [("nosuch", "127", "executable file not found"), ("/etc/passwd", "126", "permission denied")]
    {
        let uri = token(&caller, &id, &[command], &[]).await;
        let mut socket = connect(&uri, Some("v4.channel.k8s.io")).await.unwrap();
        let [_, _, stderr, status, _] = rest(&mut socket).await;
        let status: Value = serde_json::from_str(&status).unwrap();
        assert_eq!(status["details"]["causes"][0]["message"], code, "{stderr}");
        assert!(stderr.contains(word) && !stderr.contains("level=error"), "{stderr}");
    }
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_one_socket() {
    let simulator = simulator(Settings::default()).await;
    let (caller, id) = container(&simulator).await;
    let uri = token(&caller, &id, &["true"], &[]).await;
    rest(&mut connect(&uri, None).await.unwrap()).await;
    let again = connect(&uri, None).await;
    assert!(matches!(again, Err(Error::Http(reply)) if reply.status() == 403));
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_has_the_size_that_is_asked_for() {
    let simulator = simulator(Settings::default()).await;
    let (caller, id) = container(&simulator).await;
    let mut socket = connect(&token(&caller, &id, &["sh"], &[("TTY", "true")]).await, None).await.unwrap();
    let send = |channel: u8, text: &str| {
        let mut bytes = vec![channel];
        bytes.extend_from_slice(text.as_bytes());
        Message::binary(bytes)
    };
    socket.send(send(4, r#"{"Width":101,"Height":31}"#)).await.unwrap();
    let script =
        "until [ \"$(stty size)\" = '31 101' ]; do sleep 0.1; done; echo size=$(stty size); tty; exit\r";
    socket.send(send(0, script)).await.unwrap();
    let [_, screen, ..] = rest(&mut socket).await;
    assert!(screen.contains("size=31 101") && screen.contains("/dev/pts/"), "{screen}");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_numbering_of_channels_resizes_and_tells_a_number() {
    use eci_sim::{ExecChannels, ExecStatus};
    let settings = Settings {
        exec_channels: ExecChannels::Swapped,
        exec_status: ExecStatus::Always,
        ..Settings::default()
    };
    let simulator = simulator(settings).await;
    let (caller, id) = container(&simulator).await;
    let script = "until [ \"$(stty size 2>/dev/null)\" = '20 90' ]; do sleep 0.1; done; echo resized; exit 5";
    let uri = token(&caller, &id, &["sh", "-c", script], &[("TTY", "true")]).await;
    let mut socket = connect(&uri, None).await.unwrap();
    socket.send(Message::binary(b"\x03{\"Width\":90,\"Height\":20}".to_vec())).await.unwrap();
    let [_, screen, _, _, status] = rest(&mut socket).await;
    assert_eq!((screen.trim_end(), status.as_str()), ("resized", "5"));
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_come_back_byte_for_byte() {
    let simulator = simulator(Settings::default()).await;
    let (caller, id) = container(&simulator).await;
    let uri = token(&caller, &id, &["cat"], &[]).await;
    let (mut writing, mut reading) = connect(&uri, None).await.unwrap().split();
    let sent: Vec<u8> = (0..10_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let writer = async {
        for chunk in sent.chunks(60_000) {
            writing.send(Message::binary([&[0], chunk].concat())).await.unwrap();
        }
    };
    let reader = async {
        let mut received = Vec::new();
        while received.len() < sent.len() {
            let Message::Binary(bytes) = reading.next().await.unwrap().unwrap() else { continue };
            assert_eq!(bytes[0], 1);
            received.extend_from_slice(&bytes[1..]);
        }
        received
    };
    let ((), received) = tokio::join!(writer, reader);
    assert!(received == sent, "the bytes differ");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_commands_run_side_by_side() {
    let simulator = simulator(Settings::default()).await;
    let (caller, id) = container(&simulator).await;
    let run = |number: u32| {
        let (caller, id) = (caller.clone(), id.clone());
        async move {
            let script = format!("read line; echo {number} $line");
            let uri = token(&caller, &id, &["sh", "-c", &script], &[]).await;
            let mut socket = connect(&uri, None).await.unwrap();
            socket.send(Message::binary(format!("\0of {number}\n").into_bytes())).await.unwrap();
            assert_eq!(rest(&mut socket).await[1], format!("{number} of {number}\n"));
        }
    };
    futures::future::join_all((0..12).map(run)).await;
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_ends_the_sockets_of_its_group() {
    let simulator = simulator(Settings::default()).await;
    let (caller, id) = container(&simulator).await;
    let mut socket = connect(&token(&caller, &id, &["cat"], &[]).await, None).await.unwrap();
    socket.send(Message::binary(b"\0hello\n".to_vec())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::binary(b"\x01hello\n".to_vec()));
    caller.ok("DeleteContainerGroup", &[("ContainerGroupId", &id)]).await;
    let ended = tokio::time::timeout(std::time::Duration::from_secs(60), rest(&mut socket)).await;
    assert!(ended.is_ok(), "the socket outlives its group");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stdin_reaches_the_command_and_hanging_up_ends_it() {
    let simulator = simulator(Settings::default()).await;
    let (caller, id) = container(&simulator).await;
    let mut socket = connect(&token(&caller, &id, &["cat"], &[]).await, None).await.unwrap();
    socket.send(Message::binary(b"\0hello\n".to_vec())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::binary(b"\x01hello\n".to_vec()));
    drop(socket);
    let processes = ["sh", "-c", "ps | grep -c '[c]at$'; true"];
    let gone = || async {
        let command = json!(processes).to_string();
        let parameters = [
            ("ContainerGroupId", id.as_str()),
            ("ContainerName", "main"),
            ("Command", &command),
            ("Sync", "true"),
        ];
        let reply = caller.ok("ExecContainerCommand", &parameters).await;
        (reply["SyncResponse"] == "0\n").then_some(())
    };
    crate::caller::eventually("the command ends", gone).await;
    simulator.shutdown().await;
}
