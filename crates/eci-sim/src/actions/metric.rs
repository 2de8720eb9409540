//! DescribeContainerGroupMetric and its sibling for several groups: numbers that move with the time, and only
//! with it, so that a reader that asks twice is told the same.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Context;
use crate::clock::{later, seconds_text};
use crate::error::ApiError;
use crate::group::Group;
use crate::settings::BandwidthUnit;
use crate::state::Cloud;

const MAX_RECORDS: usize = 50;
/// How long metrics are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
const GIB: f64 = 1_073_741_824.0;

pub(super) fn one(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let group = context.own_group(cloud)?;
    let time = |name: &str| match context.parameter(name).map(str::parse::<Timestamp>) {
        None => Ok(None),
        Some(Ok(at)) => Ok(Some(at)),
        Some(Err(_)) => {
            Err(ApiError::new(400, "InvalidParameter", format!("{name} must be a time as in RFC 3339")))
        }
    };
    let (start, end) = (time("StartTime")?, time("EndTime")?);
    let period = match (start.or(end), context.parameter("Period")) {
        (None, _) => 15,
        (Some(_), None) => 60,
        (Some(_), Some(text)) => {
            text.parse().ok().filter(|period| [15, 30, 60, 600].contains(period)).ok_or_else(|| {
                ApiError::new(400, "InvalidParameter", "Period must be one of 15, 30, 60, 600")
            })?
        }
    };
    let end = end.unwrap_or(context.now).min(context.now);
    let start = start.unwrap_or(later(end, SignedDuration::from_mins(-5)));
    if start > end {
        return Err(ApiError::new(400, "InvalidParameter", "StartTime must be before EndTime"));
    }
    if start < later(context.now, KEPT.saturating_mul(-1)) {
        let message = "StartTime and EndTime must be within the last 30 days";
        return Err(ApiError::new(400, "InvalidParameter", message));
    }
    let records = records(group, start, end, period);
    let records: Vec<Value> = records.into_iter().map(|at| record(cloud, group, at, false)).collect();
    Ok(json!({"ContainerGroupId": group.facts.id, "Records": records}))
}

pub(super) fn several(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let ids: Option<Vec<String>> =
        context.parameter("ContainerGroupIds").and_then(|text| serde_json::from_str(text).ok());
    let ids = ids.filter(|ids| ids.len() <= 20).ok_or_else(|| {
        ApiError::new(400, "InvalidParameter", "ContainerGroupIds must be a JSON array of at most 20 texts")
    })?;
    let region = context.region(cloud);
    let own = ids
        .iter()
        .filter_map(|id| cloud.store.find(id))
        .filter(|group| group.facts.account == context.caller.account && group.facts.region == region);
    let start = later(context.now, SignedDuration::from_secs(-15));
    let data = own.map(|group| {
        let records = records(group, start, context.now, 15);
        let records: Vec<Value> = records.into_iter().map(|at| record(cloud, group, at, true)).collect();
        json!({"ContainerGroupId": group.facts.id, "Records": records})
    });
    Ok(json!({"MonitorDatas": data.collect::<Vec<_>>()}))
}

/// The instants of the newest records between `start` and `end` at which the group was there.
fn records(group: &Group, start: Timestamp, end: Timestamp, period: i64) -> Vec<Timestamp> {
    let Some(placed) = group.life.placed_at else { return Vec::new() };
    let end = group.life.ended_at.map_or(end, |ended| ended.min(end)).as_second();
    let start = placed.max(start).as_second();
    let newest = end.div_euclid(period) * period;
    let instants = (0..).map(|n| newest - n * period).take_while(|at| *at >= start).take(MAX_RECORDS);
    let mut found: Vec<Timestamp> = instants.filter_map(|at| Timestamp::from_second(at).ok()).collect();
    found.reverse();
    found
}

/// Between 0 and 1, different from one instant to the next.
///
/// Groups do not move alike: `salt` is what tells one from another.
fn wave(at: Timestamp, salt: u32) -> f64 {
    let steps = u32::try_from(at.as_second().div_euclid(15).rem_euclid(97)).unwrap_or(0);
    f64::from((steps + salt) * 31 % 97) / 97.0
}

fn salt(group: &str, container: &str) -> u32 {
    let bytes = group.bytes().chain(container.bytes());
    bytes.fold(0, |sum: u32, byte| (sum * 31 + u32::from(byte)) % 97)
}

/// Bytes a second, as far as the group's bandwidth lets them through.
fn limited(cloud: &Cloud, group: &Group, name: &str, rate: f64) -> f64 {
    let limit = group.facts.root().number::<f64>(name).filter(|limit| *limit > 0.0);
    let bytes = match cloud.settings.bandwidth_unit {
        BandwidthUnit::Bits => limit.map(|bits| bits / 8.0),
        BandwidthUnit::Bytes => limit,
    };
    bytes.map_or(rate, |bytes| rate.min(bytes))
}

#[allow(clippy::cast_possible_truncation, reason = "sizes and usages are far below the limit")]
fn whole(number: f64) -> i64 {
    number as i64
}

fn cpu(cores: f64, at: Timestamp, age: f64, salt: u32) -> Value {
    let used = cores * 1e9 * (0.05 + 0.2 * wave(at, salt));
    json!({
        "Limit": whole(cores * 1000.0),
        "Load": whole(used / 1e7),
        "UsageCoreNanoSeconds": whole(cores * 1e9 * 0.15 * age),
        "UsageNanoCores": whole(used),
    })
}

fn memory(gib: f64, at: Timestamp, salt: u32) -> Value {
    let (all, share) = (gib * GIB, 0.2 + 0.1 * wave(at, salt));
    json!({
        "AvailableBytes": whole(all * (1.0 - share)),
        "Cache": whole(all * 0.05),
        "Rss": whole(all * (share - 0.05)),
        "UsageBytes": whole(all * share),
        "WorkingSet": whole(all * (share - 0.02)),
    })
}

fn record(cloud: &Cloud, group: &Group, at: Timestamp, is_summary: bool) -> Value {
    let (size, life) = (group.facts.size, &group.life);
    let age = at.duration_since(life.placed_at.unwrap_or(at)).as_secs_f64().max(0.0);
    let running: Vec<_> = life.apps.iter().filter(|container| container.was_created()).collect();
    let parts = f64::from(u32::try_from(running.len().max(1)).unwrap_or(1));
    let of = |container: &str| salt(&group.facts.id, container);
    let (received, sent) =
        (limited(cloud, group, "IngressBandwidth", 2000.0), limited(cloud, group, "EgressBandwidth", 1000.0));
    let containers = running.iter().map(|container| {
        json!({
            "Name": container.name,
            "CPU": cpu(size.cpu / parts, at, age, of(&container.name)),
            "Memory": memory(size.memory / parts, at, of(&container.name)),
        })
    });
    // The two replies spell these counters differently, and only one has a category.
    let (reads, writes) = if is_summary { ("ReadIo", "WriteIo") } else { ("ReadIO", "WriteIO") };
    let mut file_system = json!({
        "FsName": "/dev/vda1",
        "Capacity": whole(30.0 * GIB),
        "Usage": whole(2.0 * GIB),
        "Available": whole(28.0 * GIB),
    });
    if !is_summary {
        file_system["Category"] = json!("rootfs");
    }
    json!({
        "Timestamp": seconds_text(at),
        "CPU": cpu(size.cpu, at, age, of("")),
        "Memory": memory(size.memory, at, of("")),
        "Network": {"Interfaces": [{
            "Name": "eth0",
            "RxBytes": whole(age * received), "RxPackets": whole(age * 20.0), "RxErrors": 0, "RxDrops": 0,
            "TxBytes": whole(age * sent), "TxPackets": whole(age * 10.0), "TxErrors": 0, "TxDrops": 0,
        }]},
        "Disk": [{
            "Device": "vda",
            "ReadBytes": whole(age * 400.0), reads: whole(age),
            "WriteBytes": whole(age * 800.0), writes: whole(age * 2.0),
        }],
        "Filesystem": [file_system],
        "Containers": containers.collect::<Vec<_>>(),
    })
}
