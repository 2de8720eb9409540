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
async fn rest(socket: &mut Socket) -> [String; 4] {
    let mut channels: [Vec<u8>; 4] = Default::default();
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
    let [_, stdout, stderr, status] = rest(&mut socket).await;
    assert_eq!((stdout.as_str(), stderr.as_str()), ("out\n", "err\n"));
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["details"]["causes"][0]["message"], "7");
    // Who has not asked for the protocol is told nothing.
    let mut socket = connect(&token(&caller, &id, &script, &[]).await, None).await.unwrap();
    assert_eq!(rest(&mut socket).await[3], "");
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
