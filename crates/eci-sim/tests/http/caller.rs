//! Signs requests by hand, sends them over a plain socket, and waits for states.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eci_sim::{Clock, Config, Settings, Simulator, SystemClock, TEST_ACCESS_KEY_ID, TEST_ACCESS_KEY_SECRET};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A simulator whose groups are running almost at once.
pub(crate) async fn simulator() -> Simulator {
    start(Config::default()).await
}

pub(crate) async fn start(config: Config) -> Simulator {
    let settings =
        Settings { schedule_ms: 20, pull_ms: 20, start_ms: 5, delete_visible_ms: 20, ..config.settings };
    Simulator::start(Config { settings, ..config }).await.unwrap()
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }

    /// The error code, empty for a success.
    pub(crate) fn code(&self) -> String {
        self.json()["Code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Who calls, how requests are signed, and what they say about time and nonce.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) address: SocketAddr,
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) version_1: bool,
    pub(crate) method: &'static str,
    pub(crate) in_form: bool,
    /// `None` signs the present time.
    pub(crate) time: Option<String>,
    /// `None` takes a fresh one.
    pub(crate) nonce: Option<String>,
}

static NONCE: AtomicU64 = AtomicU64::new(0);

impl Caller {
    pub(crate) fn of(simulator: &Simulator) -> Self {
        Self::at(simulator.address())
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        Self {
            address,
            id: TEST_ACCESS_KEY_ID.into(),
            secret: TEST_ACCESS_KEY_SECRET.into(),
            token: None,
            version_1: false,
            method: "POST",
            in_form: false,
            time: None,
            nonce: None,
        }
    }

    fn time(&self) -> String {
        self.time.clone().unwrap_or_else(|| SystemClock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    fn nonce(&self) -> String {
        let fresh = || format!("nonce-{}-{}", std::process::id(), NONCE.fetch_add(1, Ordering::Relaxed));
        self.nonce.clone().unwrap_or_else(fresh)
    }

    /// Calls an action; every test calls in the region the simulator is in.
    pub(crate) async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> io::Result<Reply> {
        let mut all: BTreeMap<String, String> = [("RegionId".to_owned(), "cn-hangzhou".to_owned())].into();
        all.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        if self.version_1 { self.call_v1(action, all).await } else { self.call_v3(action, &all).await }
    }

    /// The reply of a call that must succeed.
    pub(crate) async fn ok(&self, action: &str, parameters: &[(&str, &str)]) -> Value {
        let reply = self.call(action, parameters).await.unwrap();
        assert_eq!(reply.status, 200, "{action}: {}", reply.body);
        reply.json()
    }

    async fn call_v1(&self, action: &str, mut all: BTreeMap<String, String>) -> io::Result<Reply> {
        let common = [
            ("Action", action.to_owned()),
            ("Version", "2018-08-08".to_owned()),
            ("AccessKeyId", self.id.clone()),
            ("SignatureMethod", "HMAC-SHA1".to_owned()),
            ("SignatureVersion", "1.0".to_owned()),
            ("SignatureNonce", self.nonce()),
            ("SignatureType", String::new()),
            ("Timestamp", self.time()),
        ];
        all.extend(common.map(|(name, value)| (name.to_owned(), value)));
        all.extend(self.token.clone().map(|token| ("SecurityToken".to_owned(), token)));
        let signature = sign_v1(self.method, &all, &self.secret);
        all.insert("Signature".to_owned(), signature);
        let pairs = pairs(&all);
        let form = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        match self.in_form {
            true => send(self.address, self.method, "/", &form, &pairs).await,
            false => send(self.address, self.method, &format!("/?{pairs}"), &[], "").await,
        }
    }

    async fn call_v3(&self, action: &str, all: &BTreeMap<String, String>) -> io::Result<Reply> {
        let pairs = pairs(all);
        let (query, body) = if self.in_form { ("", pairs.as_str()) } else { (pairs.as_str(), "") };
        let mut headers: BTreeMap<String, String> = [
            ("host", self.address.to_string()),
            ("x-acs-action", action.to_owned()),
            ("x-acs-version", "2018-08-08".to_owned()),
            ("x-acs-date", self.time()),
            ("x-acs-signature-nonce", self.nonce()),
            ("x-acs-content-sha256", hex(&Sha256::digest(body))),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        headers.extend(self.token.clone().map(|token| ("x-acs-security-token".to_owned(), token)));
        if self.in_form {
            headers.insert("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        }
        let authorization = sign_v3(self.method, query, &headers, body, &self.id, &self.secret);
        headers.insert("authorization".to_owned(), authorization);
        let headers: Vec<(String, String)> = headers.into_iter().collect();
        send(self.address, self.method, &format!("/?{query}"), &headers, body).await
    }

    /// Creates a group of one container that runs `script`.
    pub(crate) async fn create(&self, script: &str, more: &[(&str, &str)]) -> String {
        let base = [
            ("ContainerGroupName", "web"),
            ("Container.1.Name", "main"),
            ("Container.1.Image", "busybox"),
            ("Container.1.Command.1", "sh"),
            ("Container.1.Command.2", "-c"),
            ("Container.1.Command.3", script),
        ];
        let reply = self.ok("CreateContainerGroup", &[&base[..], more].concat()).await;
        reply["ContainerGroupId"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn groups(&self) -> Vec<Value> {
        self.ok("DescribeContainerGroups", &[]).await["ContainerGroups"].as_array().unwrap().clone()
    }

    /// Waits until the only group there is satisfies `is`.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || async { self.groups().await.into_iter().find(|group| is(group)) }).await
    }
}

/// Polls until there is a value; a minute is long enough for any of these tests.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, poll: impl Fn() -> F) -> T {
    let polling = async {
        loop {
            if let Some(value) = poll().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), polling).await.unwrap_or_else(|_| panic!("never: {what}"))
}

pub(crate) fn sign_v1(method: &str, parameters: &BTreeMap<String, String>, secret: &str) -> String {
    let text = format!("{method}&%2F&{}", encode(&pairs(parameters)));
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Signs every header that is there, as the Python clients do.
pub(crate) fn sign_v3(
    method: &str,
    query: &str,
    headers: &BTreeMap<String, String>,
    body: &str,
    id: &str,
    secret: &str,
) -> String {
    let canonical: String =
        headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let signed = headers.keys().cloned().collect::<Vec<_>>().join(";");
    let payload = hex(&Sha256::digest(body));
    let request = format!("{method}\n/\n{query}\n{canonical}\n{signed}\n{payload}");
    let text = format!("ACS3-HMAC-SHA256\n{}", hex(&Sha256::digest(request)));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let signature = hex(&mac.finalize().into_bytes());
    format!("ACS3-HMAC-SHA256 Credential={id},SignedHeaders={signed},Signature={signature}")
}

pub(crate) fn pairs(parameters: &BTreeMap<String, String>) -> String {
    let pair = |(name, value): (&String, &String)| format!("{}={}", encode(name), encode(value));
    parameters.iter().map(pair).collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sends one request on a connection of its own; no answer at all is `UnexpectedEof`.
pub(crate) async fn send(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &str,
) -> io::Result<Reply> {
    let mut text =
        format!("{method} {target} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| name == "host") {
        text.push_str(&format!("host: {address}\r\n"));
    }
    headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("{text}\r\n{body}").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    read(&answer)
}

/// An answer that came whole or in part.
fn read(answer: &str) -> io::Result<Reply> {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let (first, lines) = head.split_once("\r\n").unwrap_or((head, ""));
    let headers = lines.lines().filter_map(|line| line.split_once(": "));
    Ok(Reply {
        status: first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap(),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
        body: body.to_owned(),
    })
}

/// Calls the control API over HTTP.
pub(crate) async fn control(address: SocketAddr, method: &str, path: &str, body: Value) -> Reply {
    send(address, method, &format!("/_sim/{path}"), &[], &body.to_string()).await.unwrap()
}
