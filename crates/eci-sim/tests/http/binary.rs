//! The binary as a person starts it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use eci_sim::{Config, Error, Settings, Simulator};
use serde_json::Value;

use crate::caller::control;

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
