//! Simulators that run containers, each with a range of addresses and a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use eci_sim::{Config, RuntimeKind, RuntimeOptions, Settings, Simulator};
use serde_json::Value;

use crate::caller::{Caller, start};

const PACKAGES: &[(&str, &str)] =
    &[("/usr/sbin/runc", "runc"), ("/bin/busybox", "busybox-static"), ("/sbin/ip", "iproute2")];

/// Fails with the command that installs what is missing.
pub(crate) fn require_tools() {
    let missing: Vec<&str> =
        PACKAGES.iter().filter(|(path, _)| !Path::new(path).exists()).map(|(_, package)| *package).collect();
    assert!(missing.is_empty(), "these tests need: apt-get install {}", missing.join(" "));
    let user = Command::new("id").arg("-u").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&user.stdout).trim(), "0", "these tests need root");
}

static RANGES: AtomicU32 = AtomicU32::new(0);

/// A range that no other test of this process has; processes differ by their id.
pub(crate) fn address_range() -> String {
    let number = std::process::id().wrapping_mul(37).wrapping_add(RANGES.fetch_add(1, Ordering::Relaxed));
    format!("10.{}.{}.0/24", 192 + number / 256 % 32, number % 256)
}

/// A folder of this process's own.
pub(crate) fn directory() -> PathBuf {
    let number = RANGES.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(format!("/run/eci-sim-tests/{}-{number}", std::process::id()))
}

pub(crate) async fn simulator(settings: Settings) -> Simulator {
    require_tools();
    // One folder for all runs: what a failed test leaves is swept by the next.
    let directory = PathBuf::from("/run/eci-sim-tests/shared");
    let runtime = RuntimeOptions { kind: RuntimeKind::Oci("runc".into()), directory, images: None };
    start(Config { runtime, address_range: address_range(), settings, ..Config::default() }).await
}

/// The parameters of a group of shell scripts, by container name.
pub(crate) fn containers(scripts: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all = vec![("ContainerGroupName".to_owned(), "web".to_owned())];
    for (index, (name, script)) in scripts.iter().enumerate() {
        let path = |rest: &str| format!("Container.{}.{rest}", index + 1);
        all.extend([
            (path("Name"), (*name).to_owned()),
            (path("Image"), "busybox".to_owned()),
            (path("Command.1"), "sh".to_owned()),
            (path("Command.2"), "-c".to_owned()),
            (path("Command.3"), (*script).to_owned()),
        ]);
    }
    all
}

pub(crate) async fn create(caller: &Caller, scripts: &[(&str, &str)], more: &[(&str, &str)]) -> String {
    let all = containers(scripts);
    let mut all: Vec<(&str, &str)> =
        all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    all.extend_from_slice(more);
    let reply = caller.ok("CreateContainerGroup", &all).await;
    reply["ContainerGroupId"].as_str().unwrap().to_owned()
}

/// Waits until a group satisfies `is`.
pub(crate) async fn until(caller: &Caller, id: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let poll = || async {
        caller
            .groups()
            .await
            .into_iter()
            .find(|group| group["ContainerGroupId"] == id)
            .filter(|group| is(group))
    };
    crate::caller::eventually(what, poll).await
}

pub(crate) async fn log(caller: &Caller, id: &str, name: &str) -> String {
    let parameters = [("ContainerGroupId", id), ("ContainerName", name)];
    let reply = caller.call("DescribeContainerLog", &parameters).await.unwrap();
    reply.json()["Content"].as_str().unwrap_or_default().to_owned()
}

/// Waits until a container's log contains a text, and returns it.
pub(crate) async fn log_with(caller: &Caller, id: &str, name: &str, text: &str) -> String {
    let poll = || async { Some(log(caller, id, name).await).filter(|log| log.contains(text)) };
    crate::caller::eventually(text, poll).await
}

pub(crate) fn is_running(group: &Value) -> bool {
    group["Status"] == "Running"
}

/// What a program wrote.
pub(crate) fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
