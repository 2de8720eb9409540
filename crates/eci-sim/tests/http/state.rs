//! What outlives a simulator in its folder, and time that moves only when it is told to.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use eci_sim::{Config, Error, Settings, Simulator};
use serde_json::{Value, json};

use crate::caller::{Caller, control, eventually, start};

const CREATE: &str = "CreateContainerGroup";
const GROUPS: &str = "DescribeContainerGroups";

/// A folder that is removed with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("eci-sim-state-{}-{number}", std::process::id())))
    }

    fn config(&self) -> Config {
        Config { state: Some(self.0.clone()), ..Config::default() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The binary with a folder. Dropping it kills it, as `kill -9` does.
struct Running {
    process: Child,
    address: SocketAddr,
}

impl Running {
    fn with(state: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eci-sim"));
        command.arg("--state").arg(state).args(["--schedule-ms", "20", "--pull-ms", "20", "--start-ms", "5"]);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        Self::of(command.spawn().unwrap())
    }

    /// One that has just been started.
    fn of(mut process: Child) -> Self {
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Self { process, address }
    }

    fn caller(&self) -> Caller {
        Caller::at(self.address)
    }

    fn kill(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_killed_simulator_goes_on_where_it_was() {
    let folder = Folder::new();
    let first = Running::with(&folder.0, &[]);
    let caller = first.caller();
    let token = [("ClientToken", "once"), ("Tag.1.Key", "owner"), ("Tag.1.Value", "me")];
    let server = caller.create("sleep 7200", &token).await;
    let job = caller.create("sleep 600; exit 3", &[("RestartPolicy", "Never")]).await;
    let doomed = caller.create("sleep 7200", &[]).await;
    eventually("all run", || async {
        let groups = caller.groups().await;
        groups.iter().all(|group| group["Status"] == "Running").then_some(())
    })
    .await;
    caller.ok("DeleteContainerGroup", &[("ContainerGroupId", &doomed)]).await;
    let cache =
        [("ImageCacheName", "cache"), ("Image.1", "nginx"), ("VSwitchId", "v"), ("SecurityGroupId", "s")];
    let cache = caller.ok("CreateImageCache", &cache).await["ImageCacheId"].clone();
    control(first.address, "POST", "settings", json!({"visibility_lag_ms": 7})).await;
    control(
        first.address,
        "POST",
        "faults",
        json!({"action": CREATE, "kind": "drop_after", "skip": 1, "times": 5}),
    )
    .await;
    eventually("the deleted one is gone", || async { (caller.groups().await.len() == 2).then_some(()) })
        .await;
    let before = caller.groups().await;
    first.kill();

    let second = Running::with(&folder.0, &["--build-ms", "9"]);
    let caller = second.caller();
    let after = caller.groups().await;
    let told = |groups: &[Value]| {
        let of = |group: &Value| {
            ["ContainerGroupId", "Status", "IntranetIp", "CreationTime", "Tags"]
                .map(|name| group[name].clone())
        };
        groups.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(told(&after), told(&before));
    assert_eq!(before[0]["Containers"][0]["CurrentState"], after[0]["Containers"][0]["CurrentState"]);
    assert_eq!(caller.create("sleep 7200", &token).await, server, "its client token is remembered");
    let caches = caller.ok("DescribeImageCaches", &[]).await;
    assert_eq!(caches["ImageCaches"][0]["ImageCacheId"], cache);
    let settings = control(second.address, "GET", "settings", Value::Null).await.json();
    assert_eq!((&settings["visibility_lag_ms"], &settings["build_ms"]), (&json!(7), &json!(9)));
    let faults = control(second.address, "GET", "faults", Value::Null).await.json();
    assert_eq!(
        (&faults["faults"][0]["kind"], &faults["faults"][0]["times"]),
        (&json!("drop_after"), &json!(5))
    );
    control(second.address, "POST", "clock", json!({"advance_ms": 600_000})).await;
    let ids = json!([job]).to_string();
    let job = caller.ok(GROUPS, &[("ContainerGroupIds", &ids)]).await["ContainerGroups"][0].clone();
    assert_eq!(job["Status"], "Failed", "its life goes on");
    assert_eq!(job["Containers"][0]["CurrentState"]["ExitCode"], 3);
    second.kill();

    let third = Running::with(&folder.0, &[]);
    let ended = third.caller().ok(GROUPS, &[("ContainerGroupIds", &ids)]).await["ContainerGroups"][0].clone();
    assert_eq!(ended["FailedTime"], job["FailedTime"], "time has not gone back");
    let other = third.caller().call(CREATE, &[("ContainerGroupName", "web")]).await.unwrap();
    assert_eq!(other.code(), "MissingParameter", "the fault lets the first create pass");
}

#[tokio::test]
async fn what_was_being_written_when_it_was_killed_is_cut_off() {
    let folder = Folder::new();
    let running = Running::with(&folder.0, &[]);
    let kept = running.caller().create("sleep 7200", &[]).await;
    let lost = running.caller().create("sleep 7200", &[]).await;
    running.kill();
    let journal = folder.0.join("journal");
    let text = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &text[..text.len() - 40]).unwrap();
    let again = Running::with(&folder.0, &[]);
    let groups = again.caller().groups().await;
    assert_eq!((groups.len(), &groups[0]["ContainerGroupId"]), (1, &json!(kept)));
    let next = again.caller().create("sleep 7200", &[]).await;
    assert_ne!((&next, &next), (&kept, &lost));
}

#[tokio::test]
async fn a_torn_line_is_told_of_and_does_not_keep_it_from_starting() {
    let folder = Folder::new();
    let running = Running::with(&folder.0, &[]);
    running.caller().create("sleep 7200", &[]).await;
    running.kill();
    let journal = folder.0.join("journal");
    let text = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &text[..text.len() - 40]).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_eci-sim"));
    command.arg("--state").arg(&folder.0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let stderr = process.stderr.take().unwrap();
    let running = Running::of(process);
    assert!(running.caller().groups().await.is_empty());
    running.kill();
    let told = std::io::read_to_string(stderr).unwrap();
    assert!(told.contains("was being written") && told.contains("journal"), "{told}");
}

/// A journal that may not grow stands for a disk that is full.
#[tokio::test]
async fn a_full_disk_ends_it_before_it_answers_what_it_could_not_keep() {
    let folder = Folder::new();
    let limited = format!("trap '' XFSZ; ulimit -f 16; exec {} \"$@\"", env!("CARGO_BIN_EXE_eci-sim"));
    let mut command = Command::new("sh");
    command.args(["-c", &limited, "sh", "--seed", "1", "--state"]).arg(&folder.0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut full = Running::of(command.spawn().unwrap());
    let caller = full.caller();
    let mut answered = Vec::new();
    let group =
        [("ContainerGroupName", "web"), ("Container.1.Name", "main"), ("Container.1.Image", "busybox")];
    while let Ok(reply) = caller.call(CREATE, &group).await {
        answered.push(reply.json()["ContainerGroupId"].as_str().expect("a success").to_owned());
    }
    assert!(!answered.is_empty());
    let mut told = String::new();
    std::io::Read::read_to_string(&mut full.process.stderr.take().unwrap(), &mut told).unwrap();
    assert_eq!(full.process.wait().unwrap().code(), Some(1), "{told}");
    assert!(told.contains("could not be written: File too large") && told.contains("start again"), "{told}");

    let again = Running::with(&folder.0, &[]);
    let groups = again.caller().groups().await;
    let mut kept: Vec<&str> = groups.iter().filter_map(|group| group["ContainerGroupId"].as_str()).collect();
    kept.sort_unstable();
    answered.sort_unstable();
    assert_eq!(kept, answered);
}

#[tokio::test]
async fn a_folder_does_not_grow_with_groups_that_are_gone() {
    const LONGEST: u64 = 8 << 20;
    let folder = Folder::new();
    let settings = Settings { delete_visible_ms: 0, ..Settings::default() };
    let config = || Config { virtual_time: virtual_config(1).virtual_time, ..folder.config() };
    let simulator = Simulator::start(Config { settings: settings.clone(), ..config() }).await.unwrap();
    let mut caller = Caller::of(&simulator);
    caller.in_form = true;
    let content = "QUJD".repeat(10_000);
    let file = |path: &str| format!("Volume.1.ConfigFileVolume.ConfigFileToPath.1.{path}");
    let (path, text) = (file("Path"), file("Content"));
    let large =
        [("Volume.1.Name", "v"), ("Volume.1.Type", "ConfigFileVolume"), (&path, "a"), (&text, &content)];
    let kept = caller.create("sleep 7200", &large).await;
    let journal = folder.0.join("journal");
    let length = || std::fs::metadata(&journal).unwrap().len();
    let mut longest = 0;
    while length() >= longest {
        longest = length();
        let gone = caller.create("sleep 7200", &large).await;
        caller.ok("DeleteContainerGroup", &[("ContainerGroupId", &gone), ("Force", "true")]).await;
        simulator.control("POST", "clock", &json!({"advance_ms": 60_000}));
        assert!(longest < LONGEST + 100_000, "it grows on");
    }
    assert!(length() < LONGEST / 10, "{}", length());
    let before = caller.groups().await;
    simulator.shutdown().await;
    let simulator = Simulator::start(Config { settings, ..config() }).await.unwrap();
    let after = Caller::of(&simulator).groups().await;
    assert_eq!(after[0]["ContainerGroupId"], kept);
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_refused_with_a_remedy() {
    let refused = async |folder: &Folder| match Simulator::start(folder.config()).await {
        Err(error @ Error::State { .. }) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    };
    let foreign = Folder::new();
    std::fs::create_dir(&foreign.0).unwrap();
    std::fs::write(foreign.0.join("letters.txt"), "dear").unwrap();
    assert!(refused(&foreign).await.contains("name an empty or a new folder"));

    let damaged = Folder::new();
    let simulator = start(damaged.config()).await;
    let busy = refused(&damaged).await;
    assert!(busy.contains("is used by another eci-sim"), "{busy}");
    Caller::of(&simulator).create("sleep 60", &[]).await;
    Caller::of(&simulator).create("sleep 60", &[]).await;
    simulator.shutdown().await;
    let journal = damaged.0.join("journal");
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text.replacen("busybox", "busybix", 1)).unwrap();
    let problem = refused(&damaged).await;
    assert!(
        problem.contains("journal is damaged in line 3") && problem.contains("move the folder"),
        "{problem}"
    );

    let range = Folder::new();
    start(range.config()).await.shutdown().await;
    let other = Config { address_range: "10.9.0.0/16".into(), ..range.config() };
    let Err(error) = Simulator::start(other).await else { panic!("it was taken") };
    assert!(error.to_string().contains("--address-range 10.250.0.0/16"), "{error}");
}

#[tokio::test]
async fn secrets_that_were_added_are_kept_from_other_users() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let simulator = start(folder.config()).await;
    let add = json!({"access_key_id": "later", "change": "add", "secret": "later-secret"});
    simulator.control("POST", "accounts", &add);
    simulator.shutdown().await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder.0), mode(&folder.0.join("journal"))), (0o700, 0o600));
    let simulator = start(folder.config()).await;
    let later = Caller { id: "later".into(), secret: "later-secret".into(), ..Caller::of(&simulator) };
    later.ok("DescribeRegions", &[]).await;
}

#[tokio::test]
async fn requests_and_faults_are_counted_on() {
    let folder = Folder::new();
    let simulator = start(folder.config()).await;
    let caller = Caller::of(&simulator);
    let fault = json!({"action": "DescribeRegions", "kind": "gateway", "times": 3});
    simulator.control("POST", "faults", &fault);
    for _ in 0..2 {
        assert_eq!(caller.call("DescribeRegions", &[]).await.unwrap().status, 502);
    }
    simulator.shutdown().await;
    let simulator = start(folder.config()).await;
    let caller = Caller::of(&simulator);
    assert_eq!(simulator.control("GET", "counts", &Value::Null).1["counts"]["DescribeRegions"], 2);
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(caller.call("DescribeRegions", &[]).await.unwrap().status);
    }
    assert_eq!(seen, [502, 200], "one of three was left");
}

fn virtual_config(seed: u64) -> Config {
    let settings = Settings {
        latency: vec!["Create*=lognormal:900000:0.5".parse().unwrap()],
        visibility_lag_ms: 2_000,
        ..Settings::default()
    };
    let virtual_time = Some("2026-01-01T00:00:00Z".parse().unwrap());
    Config { seed: Some(seed), settings, virtual_time, ..Config::default() }
}

/// Hours of a cloud's life, and what it tells about them, to the byte.
async fn hours(seed: u64) -> String {
    let simulator = start(virtual_config(seed)).await;
    let caller = Caller::of(&simulator);
    let fault = json!({"action": [GROUPS, "DeleteContainerGroup"], "kind": "gateway", "probability": 0.4, "times": null,
        "seed": seed});
    simulator.control("POST", "faults", &fault);
    let advance = |ms: u64| assert_eq!(simulator.control("POST", "clock", &json!({"advance_ms": ms})).0, 200);
    for n in 0..4 {
        let one = caller.clone();
        let name = format!("job-{n}");
        let created =
            tokio::spawn(
                async move { one.create("sleep 900; exit 1", &[("ContainerGroupName", &name)]).await },
            );
        // Its answer takes minutes of virtual time, and the time does not pass by itself.
        eventually("the create has come", || async {
            (simulator.control("GET", "counts", &Value::Null).1["counts"][CREATE] == n + 1).then_some(())
        })
        .await;
        advance(86_400_000 * 30);
        let id = created.await.unwrap();
        caller.call("DeleteContainerGroup", &[("ContainerGroupId", id.as_str())]).await.unwrap();
        for _ in 0..5 {
            caller.call(GROUPS, &[("WithEvent", "true")]).await.unwrap();
            advance(7_000);
        }
    }
    let told = ["requests", "groups", "faults"]
        .map(|path| simulator.control("GET", path, &Value::Null).1.to_string());
    told.join("\n")
}

#[tokio::test]
async fn one_seed_repeats_a_run_byte_for_byte() {
    let (one, again, other) = (hours(7).await, hours(7).await, hours(8).await);
    assert!(one.contains("\"http_status\":502") && one.contains("2026-03-02T"), "{one}");
    assert!(one == again, "{one}\n\n{again}");
    assert!(one != other);
}

#[tokio::test]
async fn virtual_time_stands_still_until_it_is_moved_and_answers_wait_for_it() {
    let simulator = start(virtual_config(1)).await;
    let caller = Caller::of(&simulator);
    let late = caller.clone();
    let create = tokio::spawn(async move { late.create("sleep 7200", &[("RestartPolicy", "Never")]).await });
    let counts = || simulator.control("GET", "counts", &Value::Null).1["counts"][CREATE].clone();
    eventually("the create has come", || async { (counts() == 1).then_some(()) }).await;
    assert!(caller.groups().await.is_empty(), "no time has passed since");
    assert!(!create.is_finished());
    simulator.control("POST", "clock", &json!({"advance_ms": 7_100_000}));
    let group = caller.groups().await[0].clone();
    assert_eq!(
        (&group["Status"], &group["CreationTime"]),
        (&json!("Running"), &json!("2026-01-01T00:00:00Z"))
    );
    simulator.control("POST", "clock", &json!({"advance_ms": 36_000_000}));
    assert_eq!(create.await.unwrap(), group["ContainerGroupId"].as_str().unwrap());
    assert!(caller.groups().await[0]["SucceededTime"].as_str().unwrap().starts_with("2026-01-01T02:00:0"));
}

#[tokio::test]
async fn the_binary_has_virtual_time_too_and_keeps_it() {
    let folder = Folder::new();
    let arguments = ["--virtual-time", "2030-05-01T00:00:00Z"];
    let first = Running::with(&folder.0, &arguments);
    first.caller().create("sleep 60", &[]).await;
    control(first.address, "POST", "clock", json!({"advance_ms": 3_600_000})).await;
    first.kill();
    let second = Running::with(&folder.0, &arguments);
    let now = control(second.address, "GET", "clock", Value::Null).await.json()["now"].clone();
    assert_eq!(now, "2030-05-01T01:00:00.000000000Z");
    assert_eq!(second.caller().groups().await[0]["CreationTime"], "2030-05-01T00:00:00Z");
}
