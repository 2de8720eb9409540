//! How caches and virtual nodes look in replies.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{bucket, builder, id_field};
use crate::clock::{later, seconds_text};

use crate::settings::{millis, vpc_of};
use crate::state::Cloud;
use crate::state::catalog::{Resource, ResourceKind};

pub(super) fn snapshot(resource: &Resource) -> String {
    resource.id.split_once('-').map(|(_, rest)| format!("s-{rest}")).unwrap_or_default()
}

/// That it is being built, and what came of it.
fn events(resource: &Resource, status: &str, build: SignedDuration) -> Vec<Value> {
    let begun = resource.updated_at.unwrap_or(resource.created_at);
    let name = resource.kind.name();
    let event = |at: Timestamp, reason: &str, message: String| {
        json!({
            "Count": 1,
            "FirstTimestamp": seconds_text(at),
            "LastTimestamp": seconds_text(at),
            "Message": message,
            "Name": format!("{}.{:x}", resource.id, at.as_microsecond()),
            "Reason": reason,
            "Type": if reason == "Failed" { "Warning" } else { "Normal" },
        })
    };
    let mut events = vec![event(begun, "Creating", format!("{name} is being built"))];
    match status {
        "Failed" | "UpdateFailed" => {
            events.push(event(later(begun, build), "Failed", format!("{name} could not be built")));
        }
        "Ready" | "Available" => events.push(event(later(begun, build), status, format!("{name} is built"))),
        _ => {}
    }
    events
}

pub(super) fn render(cloud: &Cloud, resource: &Resource, now: Timestamp) -> Value {
    let build = millis(cloud.settings.build_ms);
    let (status, percent) = resource.status(now, build);
    let mut reply: Map<String, Value> = Map::new();
    let mut set = |name: &str, value: Value| reply.insert(name.to_owned(), value);
    set(id_field(resource.kind), json!(resource.id));
    set("Status", json!(status));
    set("CreationTime", json!(seconds_text(resource.created_at)));
    set("RegionId", json!(resource.region));
    set("ResourceGroupId", json!(resource.text("ResourceGroupId")));
    set("Events", json!(events(resource, status, build)));
    let tags = resource.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
    set("Tags", tags.collect());
    if resource.kind == ResourceKind::VirtualNode {
        set("VirtualNodeName", json!(resource.text("VirtualNodeName")));
        set("VirtualNodeSecurityGroupId", json!(resource.text("SecurityGroupId")));
        set("VirtualNodeVSwitchId", json!(resource.text("VSwitchId")));
        set("VpcId", json!(vpc_of(&cloud.settings.vpcs, resource.text("VSwitchId"))));
        set("IntranetIp", json!(""));
        set("InternetIp", json!(""));
        return Value::Object(reply);
    }
    set("Progress", json!(format!("{percent}%")));
    set("ContainerGroupId", json!(builder(&resource.id)));
    set("ExpireDateTime", json!(resource.expires_at(build).map(seconds_text).unwrap_or_default()));
    set("LastMatchedTime", json!(resource.matched_at.map(seconds_text).unwrap_or_default()));
    set("SnapshotId", json!(if percent == 100 { snapshot(resource) } else { String::new() }));
    let is_flash = percent == 100 && resource.text("Flash").eq_ignore_ascii_case("true");
    set(
        "FlashSnapshotId",
        json!(if is_flash { format!("flash-{}", snapshot(resource)) } else { String::new() }),
    );
    let size = |name: &str| resource.text(name).parse::<i64>().unwrap_or(20);
    if resource.kind == ResourceKind::ImageCache {
        set("ImageCacheName", json!(resource.text("ImageCacheName")));
        set("ImageCacheSize", json!(size("ImageCacheSize")));
        set("Images", json!(resource.images()));
        set("EliminationStrategy", json!(resource.text("EliminationStrategy")));
    } else {
        let prefix = "DataSource.Options.";
        let options: BTreeMap<&str, &String> = resource
            .parameters
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value)))
            .collect();
        set("Name", json!(resource.text("Name")));
        set("Bucket", json!(bucket(resource)));
        set("Path", json!(resource.text("Path")));
        set("Size", json!(size("Size")));
        let source = json!({"Type": resource.text("DataSource.Type"), "Options": json!(options).to_string()});
        set("DataSource", source);
    }
    Value::Object(reply)
}
