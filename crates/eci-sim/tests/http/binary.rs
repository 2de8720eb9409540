//! The binary as a person starts it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use eci_sim::{Config, Error, Settings, Simulator};
use serde_json::Value;

use crate::caller::{Caller, control};

fn eci_sim(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eci-sim"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Ends the process when a test ends early.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn it_prints_one_line_serves_and_ends_on_a_signal() {
    let mut running = Running(eci_sim(&["--listen", "127.0.0.1:0", "--schedule-ms", "7"]).spawn().unwrap());
    let mut stdout = BufReader::new(running.0.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on http://").unwrap().parse().unwrap();
    let settings = control(address, "GET", "settings", Value::Null).await.json();
    assert_eq!(settings["schedule_ms"], 7);
    let asked = Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status().unwrap();
    assert!(asked.success());
    assert!(running.0.wait().unwrap().success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "exactly one line");
    let mut told = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    for expected in ["runtime: scripted", "eci-sim-test-id", "seed: ", &format!("page: http://{address}/")] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[tokio::test]
async fn given_keys_are_counted_and_never_told() {
    let key = ["--access-key", "some-id:some-secret", "--seed", "42"];
    let mut running = Running(eci_sim(&key).spawn().unwrap());
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    running.0.kill().unwrap();
    let mut told = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(told.contains("the 1 given") && told.contains("seed: 42"), "{told}");
    assert!(!told.contains("some-secret") && !told.contains("eci-sim-test-secret"), "{told}");
}

#[test]
fn help_explains_every_setting() {
    let output = eci_sim(&["--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let settings = serde_json::to_value(Settings::default()).unwrap();
    for name in settings.as_object().unwrap().keys() {
        let flag = format!("--{}", name.replace('_', "-"));
        let explained = help.split(&format!("{flag} <")).nth(1).and_then(|rest| rest.split("--").next());
        let explained = explained.unwrap_or_else(|| panic!("{flag} is not in the help"));
        assert!(explained.split_whitespace().count() > 4, "{flag}: {explained}");
    }
}

/// What a start that fails says, on the one line that it has.
fn refused(arguments: &[&str]) -> String {
    let output = eci_sim(arguments).output().unwrap();
    assert!(!output.status.success(), "{arguments:?} are taken");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_value_that_makes_no_sense_is_named_with_its_switch() {
    for (arguments, named) in [
        (vec!["--listen", "here"], ["--listen", "here"]),
        (vec!["--seed", "many"], ["--seed", "many"]),
        (vec!["--runtime", "docker"], ["--runtime", "docker"]),
        (vec!["--access-key", "one-word"], ["--access-key", "ID:SECRET"]),
        (vec!["--pull-ms", "soon"], ["--pull-ms", "soon"]),
        (vec!["--stock-rules", "nonsense"], ["--stock-rules", "nonsense"]),
        (vec!["--latency", "x=warp:9"], ["--latency", "warp"]),
        (vec!["--no-stock", "never"], ["--no-stock", "refused"]),
        (vec!["--virtual-time", "noon"], ["--virtual-time", "noon"]),
        (vec!["--address-range", "10.0.0.0"], ["10.0.0.0", "10.250.0.0/16"]),
        (vec!["--faults", "/nowhere/faults.yaml"], ["/nowhere/faults.yaml", "No such file"]),
        (vec!["--no-such-switch"], ["--no-such-switch", "--help"]),
    ] {
        let told = refused(&arguments);
        assert!(named.iter().all(|name| told.contains(name)), "{arguments:?}: {told}");
    }
}

#[test]
fn a_port_that_is_taken_is_told_in_one_line_with_a_remedy() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let told = refused(&["--listen", &address]);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains(&address) && told.contains("--listen"), "{told}");
}

#[test]
fn its_version_is_the_crate_s() {
    let output = eci_sim(&["--version"]).output().unwrap();
    let expected = format!("eci-sim {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

/// A file that is removed with the test.
struct Written(std::path::PathBuf);

impl Written {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("eci-sim-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn faults_of_a_file_strike_from_the_first_call() {
    let file =
        Written::new("faults.yaml", "- {kind: gateway, action: 'Describe*', times: 2, http_status: 503}\n");
    let mut running = Running(eci_sim(&["--faults", file.path()]).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let caller = Caller::at(line.trim_end().strip_prefix("listening on http://").unwrap().parse().unwrap());
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(caller.call("DescribeRegions", &[]).await.unwrap().status);
    }
    assert_eq!(seen, [503, 503, 200]);
}

#[test]
fn a_file_of_faults_that_makes_no_sense_is_told_with_line_and_field() {
    for (name, text, named) in [
        ("kind", "- {kind: gateway}\n- {kind: explosion}\n", ["line 2", "explosion"]),
        ("field", "- kind: gateway\n- kind: hang\n  acton: Create*\n", ["line 3", "acton"]),
        ("value", "- kind: gateway\n  probability: often\n", ["line 2", "probability"]),
        ("shape", "- kind: [\n", ["line", "kind"]),
    ] {
        let file = Written::new(name, text);
        let told = refused(&["--faults", file.path()]);
        assert!(told.contains(file.path()), "{told}");
        assert!(named.iter().all(|name| told.contains(name)), "{name}: {told}");
    }
}

#[test]
fn it_refuses_to_listen_beyond_this_machine_unless_told() {
    let output = eci_sim(&["--listen", "0.0.0.0:0"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("--allow-non-loopback"));
}

#[tokio::test]
async fn the_library_refuses_the_same_and_says_why() {
    let listen = "0.0.0.0:0".parse().unwrap();
    let result = Simulator::start(Config { listen, ..Config::default() }).await;
    assert!(matches!(result, Err(Error::NotLoopback(_))));
    let allowed = Simulator::start(Config { listen, allow_non_loopback: true, ..Config::default() }).await;
    assert!(allowed.is_ok());
    let range = Config { address_range: "10.250.0.0".into(), ..Config::default() };
    assert!(matches!(Simulator::start(range).await, Err(Error::AddressRange(_))));
}
