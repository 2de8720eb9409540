//! Runs a job: creates a container group, shows its log as it is written, and ends with the job's exit code. The group is
//! deleted whatever happens, Ctrl-C included.
//!
//! ```text
//! ALIBABA_CLOUD_ACCESS_KEY_ID=… ALIBABA_CLOUD_ACCESS_KEY_SECRET=… \
//!     cargo run -p eci-client --example run_job -- --region cn-hangzhou --v-switch vsw-… --security-group sg-… \
//!     --image registry-vpc.cn-hangzhou.aliyuncs.com/eci_open/busybox:1.30 -- sh -c 'echo working; sleep 3; exit 7'
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program's output")]

mod connection;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use eci_client::model::{
    ContainerGroup, ContainerGroupId, CreateContainer, CreateContainerGroupRequest,
    DeleteContainerGroupRequest, DescribeContainerGroupsRequest, RestartPolicy, Status, Tag,
};
use eci_client::{Client, ErrorKind, FollowLog, LogFollower, LogGap, LogItem, Nonces, RandomNonces};
use tokio::time::sleep;

use connection::{Connection, Result, end};

/// Runs a job in a container group of its own.
#[derive(Parser)]
struct Arguments {
    /// The region
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    #[command(flatten)]
    connection: Connection,
    /// The vSwitch the group gets its address from
    #[arg(long, default_value = "vsw-example")]
    v_switch: String,
    /// The security group it belongs to
    #[arg(long, default_value = "sg-example")]
    security_group: String,
    /// The image
    #[arg(long, default_value = "registry-vpc.cn-hangzhou.aliyuncs.com/eci_open/busybox:1.30")]
    image: String,
    /// vCPU
    #[arg(long, default_value_t = 0.25)]
    cpu: f64,
    /// Memory, GiB
    #[arg(long, default_value_t = 0.5)]
    memory: f64,
    /// The command
    #[arg(last = true)]
    command: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    end(start(Arguments::parse()).await)
}

async fn start(arguments: Arguments) -> Result<ExitCode> {
    let eci = arguments.connection.client(&arguments.region)?;
    let request = job(&arguments);
    // From here on there may be a group, so from here on Ctrl-C no longer ends the process by itself.
    let interrupt = tokio::spawn(tokio::signal::ctrl_c());
    let id = create(&eci, &request).await?;
    eprintln!("created {id}");
    let outcome = tokio::select! {
        outcome = run(&eci, &id) => outcome,
        interrupt = interrupt => interrupt?.map(|()| 130).map_err(Into::into),
    };
    delete(&eci, &id).await?;
    eprintln!("deleted {id}");
    let code = outcome?;
    println!("exit code {code}");
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn job(arguments: &Arguments) -> CreateContainerGroupRequest {
    let default = || ["sh", "-c", "echo started; sleep 2; echo done; exit 3"].map(str::to_owned).to_vec();
    let command =
        Some(arguments.command.clone()).filter(|command| !command.is_empty()).unwrap_or_else(default);
    CreateContainerGroupRequest {
        container_group_name: "run-job".into(),
        client_token: Some(RandomNonces.next()),
        restart_policy: Some(RestartPolicy::Never),
        v_switch_id: vec![arguments.v_switch.clone()],
        security_group_id: Some(arguments.security_group.clone()),
        cpu: Some(arguments.cpu),
        memory: Some(arguments.memory),
        tag: vec![Tag { key: "started-by".into(), value: "run_job".into() }],
        container: vec![CreateContainer {
            name: "job".into(),
            image: arguments.image.clone(),
            command,
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Creates the group once, whatever becomes of the answers: the same client token never makes a second one.
async fn create(eci: &Client, request: &CreateContainerGroupRequest) -> Result<ContainerGroupId> {
    for _ in 0..5 {
        match eci.create_container_group(request).await {
            Ok(created) => return Ok(created.container_group_id),
            Err(error) if error.is_indeterminate() => sleep(Duration::from_secs(1)).await,
            Err(error) => return Err(error.into()),
        }
    }
    Err("the cloud does not tell whether it made the group; look for those tagged started-by=run_job".into())
}

/// Shows the log until the job has ended; its exit code.
async fn run(eci: &Client, id: &ContainerGroupId) -> Result<i32> {
    wait_for(eci, id, |group| group.status != Status::Scheduling && group.status != Status::Pending).await?;
    let log = eci.follow_log(FollowLog::new(id.clone(), "job"));
    let (shown, group) = tokio::join!(show(log.subscribe()), async {
        let group = wait_for(eci, id, has_ended).await;
        log.finish();
        group
    });
    shown?;
    let group = group?;
    let run = group.containers.first().and_then(|container| container.current_state.as_ref());
    let code = run.filter(|_| group.status != Status::ScheduleFailed).map(|run| run.exit_code);
    code.ok_or_else(|| format!("the job did not run to its end: {}", group.status).into())
}

async fn show(mut log: LogFollower) -> Result<()> {
    while let Some(item) = log.next().await {
        match item? {
            LogItem::Line(line) => println!("{}", line.text),
            LogItem::Gap(LogGap::SlowReader { items }) => eprintln!("[{items} lines were lost here]"),
            LogItem::Gap(_) => eprintln!("[lines may be missing here]"),
            _ => {}
        }
    }
    Ok(())
}

fn has_ended(group: &ContainerGroup) -> bool {
    [Status::Succeeded, Status::Failed, Status::ScheduleFailed, Status::Expired].contains(&group.status)
}

/// Looks at the group every two seconds, until it is as wanted. A new group may not be listed at once.
async fn wait_for(
    eci: &Client,
    id: &ContainerGroupId,
    wanted: impl Fn(&ContainerGroup) -> bool,
) -> Result<ContainerGroup> {
    let filter =
        DescribeContainerGroupsRequest { container_group_ids: vec![id.clone()], ..Default::default() };
    loop {
        match eci.list_container_groups(&filter).await {
            Ok(groups) => match groups.into_iter().find(|group| wanted(group)) {
                Some(group) => return Ok(group),
                None => sleep(Duration::from_secs(2)).await,
            },
            Err(error) => match error.kind() {
                ErrorKind::Unavailable | ErrorKind::Throttled { .. } => sleep(Duration::from_secs(5)).await,
                _ => return Err(error.into()),
            },
        }
    }
}

/// Deletes the group, trying again what may help; that it has gone already is as good.
async fn delete(eci: &Client, id: &ContainerGroupId) -> Result<()> {
    let request = DeleteContainerGroupRequest { container_group_id: id.clone(), ..Default::default() };
    for attempt in 1.. {
        match eci.delete_container_group(&request).await {
            Ok(_) => return Ok(()),
            Err(error) => match error.kind() {
                ErrorKind::NotFound => return Ok(()),
                ErrorKind::Unavailable | ErrorKind::Indeterminate | ErrorKind::Throttled { .. }
                    if attempt < 5 =>
                {
                    sleep(Duration::from_secs(attempt)).await;
                }
                _ => return Err(format!("{id} is still there: {error}").into()),
            },
        }
    }
    Ok(())
}
