//! What is left on the machine: nothing after the end, and nothing after the start that follows a kill.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use eci_sim::{Config, Error, RuntimeKind, RuntimeOptions, Settings, Simulator};

use crate::caller::Caller;
use crate::machine::{address_range, create, directory, is_running, output, require_tools, simulator, until};

/// Ends the process when a test ends early.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A simulator in a process of its own.
async fn spawn(directory: &Path, range: &str) -> (Running, Caller) {
    spawn_with(directory, range, &[]).await
}

async fn spawn_with(directory: &Path, range: &str, more: &[&str]) -> (Running, Caller) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eci-sim"));
    command
        .args(["--runtime", "runc", "--address-range", range])
        .args(more)
        .arg("--runtime-dir")
        .arg(directory);
    command.args(["--schedule-ms", "10", "--pull-ms", "10"]).stdout(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on http://").unwrap().parse().unwrap();
    // Only the address differs from a caller of a simulator in this process.
    let other = Simulator::start(Config::default()).await.unwrap();
    let caller = Caller { address, ..Caller::of(&other) };
    other.shutdown().await;
    (running, caller)
}

/// Everything on the machine that carries an instance's id.
fn left(instance: &str) -> String {
    let find =
        ["/sys/fs/cgroup", "-maxdepth", "3", "-name", &format!("eci-sim-{instance}")].map(str::to_owned);
    let find: Vec<&str> = find.iter().map(String::as_str).collect();
    let all = [
        output("ip", &["netns", "list"]),
        output("ip", &["-o", "link"]),
        output("mount", &[]),
        output("ps", &["-e", "-o", "args"]),
        output("find", &find),
    ];
    all.concat()
        .lines()
        .filter(|line| line.contains(instance) && !line.contains("find /sys"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn instance(directory: &Path) -> String {
    let entries = std::fs::read_dir(directory).unwrap().flatten();
    let mut folders = entries.filter(|entry| entry.path().is_dir());
    folders.next().unwrap().file_name().into_string().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_next_start_leaves_nothing_of_the_one_before() {
    require_tools();
    let (directory, range) = (directory(), address_range());
    let (mut killed, caller) = spawn(&directory, &range).await;
    let id = create(&caller, &[("main", "sleep 3600"), ("other", "trap '' TERM; sleep 3600")], &[]).await;
    until(&caller, &id, "running", is_running).await;
    let instance = instance(&directory);
    killed.0.kill().unwrap();
    killed.0.wait().unwrap();
    assert!(left(&instance).contains("netns") || !left(&instance).is_empty(), "something to sweep");
    let (mut next, caller) = spawn(&directory, &range).await;
    assert_eq!(left(&instance), "");
    assert!(!directory.join(&instance).exists());
    assert!(caller.groups().await.is_empty());
    let asked = Command::new("kill").args(["-TERM", &next.0.id().to_string()]).status().unwrap();
    assert!(asked.success() && next.0.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_state_tells_the_truth_about_containers_that_a_kill_has_ended() {
    require_tools();
    let (directory, range) = (directory(), address_range());
    let state = directory.join("state");
    let state = ["--state", state.to_str().unwrap(), "--delete-visible-ms", "600000"];
    let (mut killed, caller) = spawn_with(&directory, &range, &state).await;
    let server = create(&caller, &[("main", "sleep 3600")], &[]).await;
    let doomed = create(&caller, &[("main", "trap '' TERM; sleep 3600")], &[]).await;
    let never = [("RestartPolicy", "Never")];
    let job = create(&caller, &[("main", "echo worked; exit 7")], &never).await;
    until(&caller, &server, "running", is_running).await;
    let ended = until(&caller, &job, "an end", |group| group["Status"] == "Failed").await;
    until(&caller, &doomed, "running", is_running).await;
    caller.ok("DeleteContainerGroup", &[("ContainerGroupId", &doomed)]).await;
    killed.0.kill().unwrap();
    killed.0.wait().unwrap();
    let (next, caller) = spawn_with(&directory, &range, &state).await;
    let groups = caller.ok("DescribeContainerGroups", &[("WithEvent", "true")]).await;
    let of = |id: &str| {
        let groups = groups["ContainerGroups"].as_array().unwrap();
        groups.iter().find(|group| group["ContainerGroupId"] == id).unwrap().clone()
    };
    let lost = of(&server);
    let last = lost["Containers"][0]["CurrentState"].clone();
    assert_eq!((&lost["Status"], &last["State"]), (&"Failed".into(), &"Terminated".into()));
    assert_eq!((&last["ExitCode"], &last["Reason"]), (&137.into(), &"SYSTEM_FAILURE".into()));
    let events = lost["Events"].as_array().unwrap();
    assert!(events.iter().any(|event| event["Reason"] == "SYSTEM_FAILURE"), "{events:?}");
    let ending = of(&doomed)["Containers"][0]["CurrentState"].clone();
    assert_eq!((&ending["State"], &ending["ExitCode"]), (&"Terminated".into(), &137.into()), "{ending}");
    let (now, before) = (of(&job), ended);
    for name in ["Status", "FailedTime", "IntranetIp"] {
        assert_eq!(now[name], before[name], "{name}");
    }
    assert_eq!(now["Containers"][0]["CurrentState"]["ExitCode"], 7, "what had ended keeps its exit code");
    let again = create(&caller, &[("main", "sleep 3600")], &[]).await;
    until(&caller, &again, "a new group runs", is_running).await;
    drop(next);
    let (mut last, _) = spawn_with(&directory, &range, &state).await;
    let asked = Command::new("kill").args(["-TERM", &last.0.id().to_string()]).status().unwrap();
    assert!(asked.success() && last.0.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_leaves_nothing() {
    require_tools();
    let directory = directory();
    let state = directory.join("state");
    let arguments = ["--state", state.to_str().unwrap()];
    let (mut first, _) = spawn_with(&directory, &address_range(), &arguments).await;
    let asked = Command::new("kill").args(["-TERM", &first.0.id().to_string()]).status().unwrap();
    assert!(asked.success() && first.0.wait().unwrap().success());
    let mut other = Command::new(env!("CARGO_BIN_EXE_eci-sim"));
    other.args(["--runtime", "runc", "--address-range", &address_range()]).args(arguments);
    let links = output("ip", &["-o", "link", "show", "type", "bridge"]);
    let told = refused(other.arg("--runtime-dir").arg(&directory));
    assert!(told.contains("its groups have addresses of"), "{told}");
    let folders = std::fs::read_dir(&directory).unwrap().flatten().filter(|entry| entry.path().is_dir());
    let names: Vec<_> = folders.map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["state"], "bridges before: {links}");
}

/// What a start says that cannot run containers, on its one line.
fn refused(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "it started");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told.lines().filter(|line| line.starts_with("eci-sim: ")).count(), 1, "{told}");
    told
}

#[test]
fn a_machine_that_cannot_run_containers_is_told_what_it_lacks() {
    require_tools();
    let program = env!("CARGO_BIN_EXE_eci-sim");
    let directory = directory();
    let directory = directory.to_str().unwrap();
    let arguments = ["--runtime", "runc", "--address-range", &address_range(), "--runtime-dir", directory];
    let mut without_programs = Command::new(program);
    let told = refused(without_programs.args(arguments).env("PATH", "/nowhere"));
    assert!(told.contains("apt-get install runc"), "{told}");

    let hidden = "mount -t tmpfs -o ro none /sys/fs/cgroup && exec \"$@\"";
    let mut without_cgroups = Command::new("unshare");
    without_cgroups.args(["--mount", "sh", "-c", hidden, "sh", program]).args(arguments);
    let told = refused(&mut without_cgroups);
    assert!(told.contains("control groups") && told.contains("--privileged"), "{told}");

    let mut without_network = Command::new("setpriv");
    without_network
        .args(["--bounding-set", "-net_admin", "--inh-caps", "-net_admin", program])
        .args(arguments);
    let told = refused(&mut without_network);
    assert!(told.contains("NET_ADMIN") && told.contains("--privileged"), "{told}");
}

#[test]
fn without_root_the_scripted_runtime_takes_its_place_and_says_so() {
    require_tools();
    // Where anybody may read and run it.
    let program = std::env::temp_dir().join(format!("eci-sim-{}", std::process::id()));
    std::fs::copy(env!("CARGO_BIN_EXE_eci-sim"), &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
    command.args(["--runtime", "runc"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    running.0.kill().unwrap();
    let mut told = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    std::fs::remove_file(program).unwrap();
    assert!(line.starts_with("listening on "), "{line}{told}");
    assert!(told.contains("runtime: scripted") && told.contains("runc needs root"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_are_left_alone_and_an_orderly_end_leaves_nothing() {
    require_tools();
    let directory = directory();
    let (mut first, caller) = spawn(&directory, &address_range()).await;
    let id = create(&caller, &[("main", "sleep 3600")], &[]).await;
    until(&caller, &id, "running", is_running).await;
    let instance = instance(&directory);
    let (mut second, _) = spawn(&directory, &address_range()).await;
    until(&caller, &id, "still running", is_running).await;
    for running in [&mut first, &mut second] {
        let asked = Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status().unwrap();
        assert!(asked.success() && running.0.wait().unwrap().success());
    }
    assert_eq!(left(&instance), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_the_machine_uses_are_refused() {
    let first = simulator(Settings::default()).await;
    let used = output("ip", &["-o", "-4", "addr", "show"]);
    let used = used.lines().find(|line| line.contains("ecbr")).unwrap();
    let address = used.split_whitespace().nth(3).unwrap().split('/').next().unwrap();
    let runtime =
        RuntimeOptions { kind: RuntimeKind::Oci("runc".into()), directory: directory(), images: None };
    let config = Config { runtime, address_range: format!("{address}/24"), ..Config::default() };
    let refused = Simulator::start(config).await;
    let Err(Error::Runtime(message)) = refused else { panic!("two simulators share addresses") };
    assert!(message.contains("--address-range"), "{message}");
    first.shutdown().await;
}
