//! Runs the example programs as their users do, against a simulator: what they print, and how they end.
//!
//! `cargo test` builds the programs beside this test, unless it is told to build this test alone.
#![cfg(all(feature = "client", feature = "exec"))]

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, SystemTime};

use eci_client::model::{
    CreateContainer, CreateContainerGroupRequest, DescribeContainerGroupsRequest, Status, Tag,
};
use eci_client::{AccessKey, Client};
use eci_sim::{Config, Settings, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

const ID: &str = "the-id";
/// Every secret holds `hush`, so that all output can be searched for it.
const SECRET: &str = "hush-the-secret";
/// Longer than any of them takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A simulator and a client of it.
struct Cloud(Simulator, Client);

impl Cloud {
    async fn start() -> Self {
        let settings = Settings {
            schedule_ms: 20,
            pull_ms: 20,
            start_ms: 5,
            delete_visible_ms: 20,
            ..Settings::default()
        };
        let access_keys = vec![eci_sim::AccessKey::new(ID, SECRET)];
        let simulator = Simulator::start(Config { settings, access_keys, ..Config::default() }).await;
        let simulator = simulator.expect("a simulator");
        let eci = Client::builder("cn-hangzhou").credentials(AccessKey::new(ID, SECRET));
        let eci = eci.endpoint(simulator.url()).build().expect("a client");
        Self(simulator, eci)
    }

    /// Makes a group whose container runs until it is stopped; its id, once it runs.
    async fn group(&self, name: &str, tags: &[(&str, &str)]) -> String {
        let tag = |(key, value): &(&str, &str)| Tag { key: (*key).into(), value: (*value).into() };
        let request = CreateContainerGroupRequest {
            container_group_name: name.into(),
            v_switch_id: vec!["vsw-1".into()],
            security_group_id: Some("sg-1".into()),
            cpu: Some(0.5),
            memory: Some(1.0),
            tag: tags.iter().map(tag).collect(),
            container: vec![CreateContainer {
                name: "main".into(),
                image: "busybox".into(),
                command: vec!["sleep".into(), "3600".into()],
                ..Default::default()
            }],
            ..Default::default()
        };
        let id = self.1.create_container_group(&request).await.expect("a group").container_group_id;
        while !self.groups().await.contains(&(id.to_string(), Status::Running)) {
            sleep(Duration::from_millis(20)).await;
        }
        id.to_string()
    }

    async fn groups(&self) -> Vec<(String, Status)> {
        let all = self.1.list_container_groups(&DescribeContainerGroupsRequest::default()).await;
        let all = all.expect("a list").into_iter();
        all.map(|group| (group.container_group_id.to_string(), group.status)).collect()
    }

    async fn until_no_group_is_left(&self) {
        let gone = async {
            while !self.groups().await.is_empty() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(DEADLINE, gone).await.expect("no group");
    }

    /// An example that uses this cloud.
    fn example(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = example(name, &["--endpoint", &self.0.url()]);
        command.args(arguments).env("ALIBABA_CLOUD_ACCESS_KEY_ID", ID);
        command.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET);
        command
    }

    /// `exec_shell` in the container of [`Cloud::group`].
    fn exec(&self, group: &str, arguments: &[&str]) -> Command {
        self.example("exec_shell", &[&["--group", group, "--container", "main"], arguments].concat())
    }
}

/// An example in an environment without credentials and proxies.
fn example(name: &str, arguments: &[&str]) -> Command {
    let target = std::env::current_exe().expect("a path");
    let target = target.ancestors().nth(2).expect("target/<profile>/deps/<test>");
    let program = target.join("examples").join(name);
    let built = program.metadata().and_then(|program| program.modified());
    let is_fresh =
        built.is_ok_and(|built| ["src", "examples"].iter().all(|folder| newest(folder.as_ref()) <= built));
    assert!(is_fresh, "{} is missing or old: run `cargo test` without `--test`", program.display());
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// When a file of this folder was last changed.
fn newest(folder: &Path) -> SystemTime {
    let entries = folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path());
    let changed = |path: PathBuf| match path.is_dir() {
        true => newest(&path),
        false => path.metadata().and_then(|file| file.modified()).expect("a time"),
    };
    entries.map(changed).max().expect("files")
}

/// Stdout, stderr and the exit code.
type Ended = (String, String, i32);

async fn run(command: Command) -> Ended {
    end(started(command)).await
}

fn started(mut command: Command) -> Child {
    command.spawn().expect("a program")
}

async fn end(child: Child) -> Ended {
    let output: Output =
        timeout(DEADLINE, child.wait_with_output()).await.expect("an end in time").expect("an end");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(!stdout.contains("hush") && !stderr.contains("hush"), "a secret in {stdout}\n{stderr}");
    (stdout, stderr, output.status.code().expect("an exit code"))
}

#[tokio::test]
async fn list_groups_shows_each_group_with_its_tags_and_adds_them_up() {
    let cloud = Cloud::start().await;
    let a = cloud.group("group-a", &[("cost-center", "42"), ("team", "web")]).await;
    let b = cloud.group("group-b", &[("cost-center", "42")]).await;
    let c = cloud.group("group-c", &[]).await;
    let (stdout, stderr, code) = run(cloud.example("list_groups", &["cn-hangzhou"])).await;
    assert_eq!((stderr.as_str(), code), ("", 0));
    for line in
        [(&a, "group-a", "cost-center=42,team=web"), (&b, "group-b", "cost-center=42"), (&c, "group-c", "")]
    {
        let (id, name, tags) = line;
        let mut lines = stdout.lines().filter(|line| line.starts_with(id.as_str()));
        let fields: Vec<&str> = lines.next().expect("a line").split('\t').collect();
        assert_eq!((fields[1], fields[2], fields[4], fields[5]), (name, "Running", "0.5 vCPU", "1 GiB"));
        assert_eq!((fields[6], lines.next()), (tags, None), "{stdout}");
    }
    let sums: Vec<&str> = stdout.lines().filter(|line| line.starts_with("cost-center=")).collect();
    assert_eq!(
        sums,
        ["cost-center=(none)\t1 groups\t0.5 vCPU\t1 GiB", "cost-center=42\t2 groups\t1 vCPU\t2 GiB"]
    );
}

#[tokio::test]
async fn run_job_shows_the_log_and_ends_with_the_jobs_code() {
    let cloud = Cloud::start().await;
    let script = "for i in 1 2 3; do echo line $i; done; exit 7";
    let (stdout, stderr, code) = run(cloud.example("run_job", &["--", "sh", "-c", script])).await;
    assert_eq!((stdout.as_str(), code), ("line 1\nline 2\nline 3\nexit code 7\n", 7), "{stderr}");
    assert!(stderr.starts_with("created eci-") && stderr.contains("\ndeleted eci-"), "{stderr}");
    cloud.until_no_group_is_left().await;
}

#[tokio::test]
async fn run_job_deletes_its_group_when_it_is_interrupted() {
    let cloud = Cloud::start().await;
    let mut job = started(cloud.example("run_job", &["--", "sleep", "3600"]));
    read_until(job.stderr.as_mut().expect("stderr"), "created eci-").await;
    let id = job.id().expect("it runs").to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().await.expect("a signal");
    assert!(killed.success());
    let (stdout, stderr, code) = end(job).await;
    assert_eq!((stdout.as_str(), code), ("exit code 130\n", 130), "{stderr}");
    cloud.until_no_group_is_left().await;
}

/// Reads up to and including this text.
async fn read_until(mut output: impl tokio::io::AsyncRead + Unpin, text: &str) -> String {
    let mut read = String::new();
    while !read.ends_with(text) {
        let byte = timeout(DEADLINE, output.read_u8()).await.expect("it in time").expect("more output");
        read.push(char::from(byte));
    }
    read
}

#[tokio::test]
async fn exec_shell_tells_the_output_and_the_exit_code_of_a_command() {
    let cloud = Cloud::start().await;
    let group = cloud.group("web", &[]).await;
    let script = "echo out; echo err >&2; echo \"$1\"; exit 7";
    let command = cloud.exec(&group, &["--", "sh", "-c", script, "sh", "a  b"]);
    assert_eq!(run(command).await, ("out\na  b\n".into(), "err\n".into(), 7));
    let command = cloud.exec(&group, &["--no-stdin", "--", "cat"]);
    assert_eq!(run(command).await, (String::new(), String::new(), 0));
    let (stdout, stderr, code) = run(cloud.exec(&group, &["--", "no-such-program"])).await;
    assert_eq!((stdout.as_str(), code), ("", 127));
    assert!(stderr.contains("no-such-program"), "{stderr}");
}

#[tokio::test]
async fn exec_shell_joins_stdin_and_ends_with_the_shell_although_stdin_stays_open() {
    let cloud = Cloud::start().await;
    let group = cloud.group("web", &[]).await;
    for (arguments, prompt) in [(&["--", "sh"][..], ""), (&[], "/ # ")] {
        let mut shell = started({
            let mut command = cloud.exec(&group, arguments);
            command.stdin(Stdio::piped());
            command
        });
        let mut stdin = shell.stdin.take().expect("stdin");
        let mut stdout = shell.stdout.take().expect("stdout");
        read_until(&mut stdout, prompt).await;
        stdin.write_all(b"X=6; echo $((X*7))\n").await.expect("a reader");
        let answer = read_until(&mut stdout, "42").await;
        // Under a terminal what is typed is shown too.
        assert_eq!(answer.contains("echo"), arguments.is_empty(), "{answer}");
        stdin.write_all(b"exit 3\n").await.expect("a reader");
        let (_, stderr, code) = end(shell).await;
        assert_eq!((stderr.as_str(), code), ("", 3));
        drop(stdin);
    }
}

/// The error of an example that cannot do its work.
async fn failure(command: Command) -> String {
    let (stdout, stderr, code) = run(command).await;
    assert_eq!((stdout.as_str(), code), ("", 1), "{stderr}");
    assert!(stderr.starts_with("error: "), "{stderr}");
    stderr
}

#[tokio::test]
async fn a_wrong_secret_is_told_with_what_to_set() {
    let cloud = Cloud::start().await;
    for (name, arguments) in [
        ("list_groups", &[][..]),
        ("run_job", &["--", "true"]),
        ("exec_shell", &["--group", "eci-1", "--container", "main", "--", "true"]),
    ] {
        let mut command = cloud.example(name, arguments);
        command.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "hush-another");
        let stderr = failure(command).await;
        assert!(stderr.contains("SignatureDoesNotMatch"), "{stderr}");
        assert!(stderr.contains("Set ALIBABA_CLOUD_ACCESS_KEY_ID and"), "{stderr}");
    }
}

#[tokio::test]
async fn an_unknown_group_is_told_with_where_to_look() {
    let cloud = Cloud::start().await;
    let stderr = failure(cloud.exec("eci-unknown", &["--", "true"])).await;
    assert!(stderr.contains("ExecContainerCommand") && stderr.contains("list_groups shows"), "{stderr}");
}

#[tokio::test]
async fn without_a_key_and_without_an_endpoint_it_is_told_what_to_set() {
    for (name, arguments) in [
        ("list_groups", &[][..]),
        ("run_job", &["--", "true"]),
        ("exec_shell", &["--group", "eci-1", "--container", "main", "--", "true"]),
    ] {
        let stderr = failure(example(name, arguments)).await;
        assert!(stderr.contains("no credentials are configured"), "{stderr}");
        assert!(stderr.contains("Set ALIBABA_CLOUD_ACCESS_KEY_ID and"), "{stderr}");
        assert!(stderr.contains("--endpoint of a simulator"), "{stderr}");
    }
}

#[tokio::test]
async fn half_a_key_and_an_endpoint_where_nobody_answers_are_told() {
    let mut command = example("list_groups", &["--endpoint", "http://127.0.0.1:1"]);
    command.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET);
    let (_, stderr, code) = run(command).await;
    assert_eq!(code, 2);
    assert!(stderr.contains("--access-key-id"), "{stderr}");
    let stderr = failure(example("list_groups", &["--endpoint", "http://127.0.0.1:1"])).await;
    assert!(stderr.contains("--endpoint, and the proxies HTTPS_PROXY"), "{stderr}");
}
