//! What is done to a living group: volumes resized, containers committed as images, dumps and captures taken.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, page};
use crate::clock::{later, seconds_text};
use crate::error::ApiError;
use crate::group::Group;
use crate::params::Node;
use crate::settings::millis;
use crate::state::Cloud;
use crate::state::catalog::{CommitTask, MISSING_IMAGE, OpsRecord};

/// A core dump that was enabled is waited for this long.
const DUMP_ENABLED: SignedDuration = SignedDuration::from_hours(12);
const PHASES: [&str; 3] = ["PullBaseImage", "CommitContainer", "PushCommittedImage"];

const NO_REPOSITORY: &str = "the repository does not exist";

pub(super) fn resize(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let group = context.own_group(cloud)?;
    let id = group.facts.id.clone();
    if group.life.is_terminal() || group.life.deletion.is_some() {
        let message = "Only volumes of a container group that lives can be resized.";
        return Err(ApiError::new(403, "IncorrectStatusDetail", message));
    }
    let name = context.parameter("VolumeName").unwrap_or_default();
    let size: i64 = context.root.number("NewSize").unwrap_or(0);
    let (parameter, value) = {
        let root = group.facts.root();
        let volumes = root.items("Volume");
        let volume = volumes.iter().find(|volume| volume.text("Name") == Some(name));
        resized(volume.ok_or_else(|| ApiError::not_found("volume"))?, size)?
    };
    let mut parameters = (*group.facts.parameters).clone();
    parameters.insert(parameter, value);
    let settings = &cloud.settings;
    cloud.store.change(&id, settings, |group| group.facts.parameters = Arc::new(parameters));
    Ok(json!({}))
}

/// The parameter that holds a disk's size, and its new value. Disks only grow.
fn resized(volume: &Node<'_>, size: i64) -> Result<(String, String), ApiError> {
    let refused = |message: &str| ApiError::new(400, "InvalidParameter", message);
    let options = volume.text("FlexVolume.Options").unwrap_or("{}");
    let mut options: Value =
        serde_json::from_str(options).map_err(|_| refused("the options of the volume are not JSON"))?;
    // Basic disks are the one category with other limits.
    let limits = if options["diskCategory"] == "cloud" { 5..=2_000 } else { 20..=32_768 };
    if !limits.contains(&size) {
        return Err(refused(&format!("NewSize must be between {} and {}", limits.start(), limits.end())));
    }
    let smaller = || refused("NewSize must not be below the present size");
    if volume.text("Type") == Some("DiskVolume") {
        let present: i64 = volume.number("DiskVolume.DiskSize").unwrap_or(20);
        return match size < present {
            true => Err(smaller()),
            false => Ok((volume.path_of("DiskVolume.DiskSize"), size.to_string())),
        };
    }
    if volume.text("FlexVolume.Driver") != Some("alicloud/disk") {
        return Err(ApiError::new(403, "InvalidVolumeType", "Only volumes on cloud disks can be resized."));
    }
    let present = match &options["volumeSize"] {
        Value::String(text) => text.parse().unwrap_or(20),
        other => other.as_i64().unwrap_or(20),
    };
    if size < present {
        return Err(smaller());
    }
    options["volumeSize"] = json!(size.to_string());
    Ok((volume.path_of("FlexVolume.Options"), options.to_string()))
}

pub(super) fn commit(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let group = context.own_group(cloud)?;
    let name = context.parameter("ContainerName").unwrap_or_default();
    let container = group.life.container(name).ok_or_else(|| ApiError::not_found("container"))?;
    if !container.is_running() {
        return Err(ApiError::new(403, "IncorrectStatusDetail", "The container is not running."));
    }
    let (group, container) = (group.facts.id.clone(), name.to_owned());
    let fails =
        context.parameter("Image.Repository").is_some_and(|repository| repository.contains(MISSING_IMAGE));
    let id = format!("ct-{}", cloud.rng.id(20));
    let account = context.caller.account.clone();
    cloud.catalog.commits.push(CommitTask {
        id: id.clone(),
        account,
        group,
        container,
        at: context.now,
        fails,
    });
    Ok(json!({"TaskId": id}))
}

pub(super) fn describe_commits(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let ids = context.root.texts("TaskId");
    let group = context.parameter("ContainerGroupId");
    if ids.is_empty() && group.is_none() {
        let message = "ContainerGroupId or TaskId is mandatory for this action";
        return Err(ApiError::new(400, "MissingParameter", message));
    }
    let status = context.parameter("TaskStatus");
    let step = millis(cloud.settings.build_ms / 3);
    let own = cloud.catalog.commits.iter().filter(|task| {
        task.account == context.caller.account
            && (ids.is_empty() || ids.contains(&task.id))
            && group.is_none_or(|group| task.group == group)
            && status.is_none_or(|status| status == progress(task, context.now, step).0)
    });
    let found: Vec<Value> = own.map(|task| render_commit(task, context.now, step)).collect();
    let limit = context.root.number("MaxResults").unwrap_or(10).clamp(1, 50);
    let total = found.len();
    let (shown, next) = page::slice(found, limit, context)?;
    Ok(json!({
        "CommitTasks": shown,
        "MaxResults": limit.to_string(),
        "NextToken": next,
        "TotalCount": total,
    }))
}

/// The status of a task, and how many of its phases are over.
fn progress(task: &CommitTask, now: Timestamp, step: SignedDuration) -> (&'static str, usize) {
    let over = (1..=3).filter(|n| later(task.at, step.saturating_mul(*n)) <= now).count();
    let status = match (over == PHASES.len(), task.fails) {
        (false, _) => "Running",
        (true, true) => "Failed",
        (true, false) => "Succeeded",
    };
    (status, over)
}

fn render_commit(task: &CommitTask, now: Timestamp, step: SignedDuration) -> Value {
    let (status, over) = progress(task, now, step);
    let begun = PHASES.iter().zip(0..).take(over + 1);
    let phases = begun.map(|(phase, n)| {
        let is_last = PHASES.last() == Some(phase);
        let phase_status = match n < i32::try_from(over).unwrap_or(3) {
            false => "Running",
            true if is_last && task.fails => "Failed",
            true => "Succeeded",
        };
        json!({
            "Phase": phase,
            "Status": phase_status,
            "Message": if phase_status == "Failed" { NO_REPOSITORY } else { "" },
            "RecordTime": seconds_text(later(task.at, step.saturating_mul(n))),
        })
    });
    let finished = (over == PHASES.len()).then(|| seconds_text(later(task.at, step.saturating_mul(3))));
    json!({
        "TaskId": task.id,
        "ContainerName": task.container,
        "TaskStatus": status,
        "StatusMessage": if status == "Failed" { NO_REPOSITORY } else { "" },
        "TaskProgress": format!("{}%", over * 100 / PHASES.len()),
        "TaskCreationTime": seconds_text(task.at),
        "TaskFinishedTime": finished.unwrap_or_default(),
        "CommitPhaseInfos": phases.collect::<Vec<_>>(),
    })
}

/// These two actions call a missing group by a code of their own.
fn own_instance<'c>(cloud: &'c Cloud, context: &Context<'_>) -> Result<&'c Group, ApiError> {
    let message = "The specified instance does not exist.";
    context.own_group(cloud).map_err(|_| ApiError::new(400, "InvalidInstanceId.NotFound", message))
}

/// What a capture of packets is asked with.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(dead_code, reason = "names that are known, whatever they hold")]
struct Capture {
    enable: Option<bool>,
    protocol: Option<String>,
    source_ip: Option<Value>,
    source_cidr: Option<Value>,
    source_port: Option<Value>,
    dest_ip: Option<Value>,
    dest_cidr: Option<Value>,
    dest_port: Option<Value>,
    if_device_name: Option<Value>,
    snaplen: Option<Value>,
    /// Seconds.
    duration: Option<u32>,
    packet_num: Option<Value>,
    /// Bytes.
    file_size: Option<u64>,
}

impl Capture {
    fn read(text: &str) -> Result<Self, String> {
        let capture: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let is_known = |protocol: &String| ["tcp", "udp", "icmpv4"].contains(&protocol.as_str());
        if !capture.protocol.as_ref().is_none_or(is_known) {
            return Err("Protocol must be one of tcp, udp, icmpv4".to_owned());
        }
        if capture.file_size.is_some_and(|bytes| bytes > 1 << 30) {
            return Err("FileSize is at most 1 GiB".to_owned());
        }
        Ok(capture)
    }
}

pub(super) fn operate(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let group = own_instance(cloud, context)?.facts.id.clone();
    let kind = context.parameter("OpsType").unwrap_or_default();
    let value = context.parameter("OpsValue").unwrap_or_default();
    let refused = |message: &str| ApiError::new(400, "InvalidParameter", message);
    let (enables, duration) = match kind {
        "coredump" if ["enable", "disable"].contains(&value) => (value == "enable", None),
        "coredump" => return Err(refused("OpsValue must be enable or disable")),
        "tcpdump" => {
            let capture = Capture::read(value).map_err(|problem| refused(&format!("OpsValue: {problem}")))?;
            (capture.enable.unwrap_or(true), capture.duration)
        }
        _ => return Err(refused("OpsType must be one of coredump, tcpdump")),
    };
    let account = context.caller.account.clone();
    let records = &mut cloud.catalog.operations;
    if enables {
        let ends_at = duration.map(|seconds| later(context.now, SignedDuration::from_secs(seconds.into())));
        let kind = kind.to_owned();
        records.push(OpsRecord { account, group, kind, at: context.now, ends_at, is_closed: false });
    } else {
        let open = |record: &&mut OpsRecord| {
            record.account == account && record.group == group && record.kind == kind
        };
        records.iter_mut().filter(open).for_each(|record| record.is_closed = true);
    }
    Ok(json!({"Result": "success"}))
}

pub(super) fn describe_operations(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let group = &own_instance(cloud, context)?.facts;
    let kind = context.parameter("OpsType").unwrap_or_default();
    let own = cloud.catalog.operations.iter();
    let own = own
        .filter(|record| record.account == group.account && record.group == group.id && record.kind == kind);
    let records = own.map(|record| {
        let expires = record.ends_at.unwrap_or(later(record.at, DUMP_ENABLED));
        let status = match (record.is_closed, expires <= context.now, record.ends_at) {
            (true, _, _) => "Closed",
            (_, true, Some(_)) => "Success",
            (_, true, None) => "Expired",
            _ => "Ready",
        };
        let result = format!("https://eci-sim.oss.invalid/{}/{}", record.group, record.kind);
        json!({
            "OpsType": record.kind,
            "OpsStatus": status,
            "CreateTime": seconds_text(record.at),
            "ExpireTime": seconds_text(expires),
            "ResultType": "OSS",
            "ResultContent": if status == "Success" { result } else { String::new() },
        })
    });
    Ok(json!({"Records": records.collect::<Vec<_>>()}))
}
