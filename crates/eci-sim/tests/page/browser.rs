//! A headless Chromium that is clicked and typed at, over its DevTools protocol.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, MutexGuard};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome"];
/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One browser at a time: each is a handful of processes.
static ONE: Mutex<()> = Mutex::const_new(());
static NUMBER: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Browser {
    process: Child,
    profile: PathBuf,
    socket: WebSocketStream<TcpStream>,
    last_id: u64,
    tab: Option<String>,
    /// What the page's scripts threw and what its policy stopped.
    problems: Vec<String>,
    _one: MutexGuard<'static, ()>,
}

/// Where the browser is; fails with the command that installs it.
fn program() -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    let places = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = places.into_iter().find(|place| place.is_file());
    found.unwrap_or_else(|| panic!("these tests need: apt-get install chromium"))
}

impl Browser {
    /// Starts a browser and shows an address.
    pub(crate) async fn at(address: &str) -> Self {
        let one = ONE.lock().await;
        let name = format!("chromium-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut command = Command::new(program());
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        command.args(["--no-first-run", "--remote-debugging-port=0", "--window-size=1280,1400"]);
        command.arg(format!("--user-data-dir={}", profile.display())).arg("about:blank");
        let mut process = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = lines
            .by_ref()
            .flatten()
            .find_map(|line| line.strip_prefix("DevTools listening on ").map(str::to_owned));
        let url = url.unwrap_or_else(|| panic!("Chromium ended before it listened"));
        // What it has to say later must not fill the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let host = url.strip_prefix("ws://").unwrap().split('/').next().unwrap();
        let stream = TcpStream::connect(host).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(url.as_str(), stream).await.unwrap();
        let mut browser =
            Self { process, profile, socket, last_id: 0, tab: None, problems: Vec::new(), _one: one };
        browser.attach().await;
        browser.show(address).await;
        browser
    }

    async fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.call("Target.attachToTarget", attach).await;
        self.tab = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log"] {
            self.call(&format!("{domain}.enable"), json!({})).await;
        }
    }

    /// Goes to an address and waits until it is loaded.
    pub(crate) async fn show(&mut self, address: &str) {
        let answer = self.call("Page.navigate", json!({"url": address})).await;
        assert!(answer["errorText"].is_null(), "{answer}");
        self.until("document.readyState === 'complete'").await;
    }

    /// One command of the protocol.
    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut request = json!({"id": self.last_id, "method": method, "params": parameters});
        if let Some(tab) = &self.tab {
            request["sessionId"] = json!(tab);
        }
        self.socket.send(Message::text(request.to_string())).await.unwrap();
        loop {
            let received = tokio::time::timeout(PATIENCE, self.socket.next());
            let received = received.await.unwrap_or_else(|_| panic!("no answer to {method}"));
            let Message::Text(text) = received.unwrap().unwrap() else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.note(&message);
        }
    }

    fn note(&mut self, event: &Value) {
        let parameters = &event["params"];
        match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.problems.push(parameters.to_string()),
            // A refused request is an entry of its own kind, and may be what a test is about.
            Some("Log.entryAdded")
                if parameters["entry"]["level"] == "error" && parameters["entry"]["source"] != "network" =>
            {
                self.problems.push(parameters.to_string());
            }
            _ => {}
        }
    }

    /// The value of an expression in the page.
    pub(crate) async fn value(&mut self, expression: &str) -> Value {
        let evaluate = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", evaluate).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&mut self, expression: &str) {
        let wait = async {
            while self.value(&format!("Boolean({expression})")).await != true {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            let text = self.value("document.body.innerText").await;
            panic!("never: {expression}\n{}", text.as_str().unwrap_or_default());
        }
    }

    /// Waits until an element shows a text.
    pub(crate) async fn until_shown(&mut self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        let shows =
            format!("[...document.querySelectorAll({selector})].some(e => e.innerText.includes({text}))");
        self.until(&shows).await;
    }

    /// Moves the mouse to the middle of an element and clicks.
    pub(crate) async fn click(&mut self, selector: &str) {
        let selector = json!(selector);
        self.until(&format!("document.querySelector({selector})")).await;
        let middle = format!(
            "(() => {{ const e = document.querySelector({selector}); e.scrollIntoView({{block: 'center'}}); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        );
        let middle = self.value(&middle).await;
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": middle[0], "y": middle[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Types a text in place of what is in a field, and leaves the field.
    pub(crate) async fn fill(&mut self, selector: &str, text: &str) {
        self.click(selector).await;
        self.value("document.activeElement.select()").await;
        self.call("Input.insertText", json!({"text": text})).await;
        self.value("document.activeElement.blur()").await;
    }

    /// Fails when a script threw something, or the policy stopped something.
    pub(crate) fn assert_healthy(&self) {
        assert!(self.problems.is_empty(), "{}", self.problems.join("\n"));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
