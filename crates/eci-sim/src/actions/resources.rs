//! Image caches, data caches and virtual nodes: created, updated, copied, listed and deleted alike.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Context, create};
use crate::clock::seconds_text;
use crate::error::ApiError;
use crate::params::{Node, Parameters};
use crate::settings::{millis, seconds};
use crate::state::Cloud;
use crate::state::catalog::{Resource, ResourceKind};
use crate::state::tokens::Seen;
use crate::validate::is_common;

/// A page, unless asked for less.
const LIMIT: usize = 20;

pub(super) fn create(
    cloud: &mut Cloud,
    context: &Context<'_>,
    kind: ResourceKind,
    action: &str,
) -> Result<Value, ApiError> {
    if kind == ResourceKind::DataCache {
        check_bucket(context)?;
    }
    if kind == ResourceKind::ImageCache && context.root.items("Image").len() > 20 {
        let message = "Image.N: at most 20 images are allowed";
        return Err(ApiError::new(400, "InvalidParameter.ValueExceeded", message));
    }
    let region = context.region(cloud);
    make(cloud, context, kind, action, region, parameters(context))
}

/// A data cache of this region, once more in another.
pub(super) fn copy(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let source = own(cloud, context, ResourceKind::DataCache)?;
    let mut copied = source.parameters.clone();
    copied.extend(parameters(context));
    let region = context.parameter("DestinationRegionId").unwrap_or_default().to_owned();
    make(cloud, context, ResourceKind::DataCache, "CopyDataCache", region, copied)
}

fn make(
    cloud: &mut Cloud,
    context: &Context<'_>,
    kind: ResourceKind,
    action: &str,
    region: String,
    parameters: Parameters,
) -> Result<Value, ApiError> {
    let account = context.caller.account.clone();
    let window = seconds(cloud.settings.client_token_window_s);
    let id = match cloud.tokens.look_up(&account, action, context.parameters, context.now, window) {
        Seen::Same(id) => id,
        Seen::Other => return Err(create::mismatch(cloud)),
        Seen::Never => {
            let id = format!("{}-{}", kind.prefix(), cloud.rng.id(20));
            let tags = tags(&context.root);
            let (created_at, id_kept) = (context.now, id.clone());
            cloud.tokens.remember(&account, action, context.parameters, context.now, &id);
            cloud.catalog.add(Resource {
                seq: 0,
                kind,
                id: id_kept,
                account,
                region,
                created_at,
                updated_at: None,
                tags,
                parameters,
            });
            id
        }
    };
    let mut reply = json!({id_field(kind): id});
    if kind == ResourceKind::ImageCache {
        reply["ContainerGroupId"] = json!(builder(&id));
    }
    Ok(reply)
}

pub(super) fn update(
    cloud: &mut Cloud,
    context: &Context<'_>,
    kind: ResourceKind,
) -> Result<Value, ApiError> {
    let seq = own(cloud, context, kind)?.seq;
    let sent = parameters(context);
    let (tags, now) = (tags(&context.root), context.now);
    if let Some(resource) = cloud.catalog.get_mut(seq) {
        if sent.keys().any(|name| name.starts_with("Image.")) {
            resource.parameters.retain(|name, _| !name.starts_with("Image."));
        }
        resource.parameters.extend(sent);
        resource.tags.extend(tags);
        resource.updated_at = Some(now);
    }
    Ok(json!({}))
}

pub(super) fn delete(
    cloud: &mut Cloud,
    context: &Context<'_>,
    kind: ResourceKind,
) -> Result<Value, ApiError> {
    let seq = own(cloud, context, kind)?.seq;
    cloud.catalog.remove(seq);
    Ok(json!({}))
}

pub(super) fn describe(cloud: &Cloud, context: &Context<'_>, kind: ResourceKind) -> Result<Value, ApiError> {
    let region = context.region(cloud);
    let all = cloud.catalog.of(kind, &context.caller.account, &region);
    let passing: Vec<&Resource> = all.filter(|resource| passes(cloud, context, resource)).collect();
    let after = match context.parameter("NextToken").map(|text| u64::from_str_radix(text, 16)) {
        None => 0,
        Some(Ok(seq)) => seq,
        Some(Err(_)) => {
            let message = "The specified NextToken is not one that was given out.";
            return Err(ApiError::new(400, "InvalidParameter", message));
        }
    };
    let limit = context.root.number("Limit").unwrap_or(LIMIT).clamp(1, LIMIT);
    let rest: Vec<&Resource> = passing.iter().copied().filter(|resource| resource.seq > after).collect();
    let page = &rest[..rest.len().min(limit)];
    let next = page.last().filter(|_| rest.len() > limit).map(|last| format!("{:016x}", last.seq));
    let list = match kind {
        ResourceKind::ImageCache => "ImageCaches",
        ResourceKind::DataCache => "DataCaches",
        ResourceKind::VirtualNode => "VirtualNodes",
    };
    let shown: Vec<Value> = page.iter().map(|resource| render(cloud, resource, context.now)).collect();
    Ok(json!({list: shown, "TotalCount": passing.len(), "NextToken": next.unwrap_or_default()}))
}

/// The one that the request names by id, a data cache also by bucket and path.
fn own<'c>(cloud: &'c Cloud, context: &Context<'_>, kind: ResourceKind) -> Result<&'c Resource, ApiError> {
    let region = context.region(cloud);
    let account = context.caller.account.clone();
    let by_path = (kind == ResourceKind::DataCache).then(|| context.parameter("Path")).flatten();
    let wanted = |resource: &Resource| match (context.parameter(id_field(kind)), by_path) {
        (Some(id), _) => resource.id == id,
        (None, Some(path)) => {
            let asked = context.parameter("Bucket").unwrap_or("default");
            resource.text("Path") == path && bucket(resource) == asked
        }
        (None, None) => false,
    };
    let all = cloud.catalog.of(kind, &account, &region).map(|resource| resource.seq).collect::<Vec<_>>();
    let found = all.into_iter().filter_map(|seq| cloud.catalog.get(seq)).find(|resource| wanted(resource));
    found.ok_or_else(|| ApiError::not_found(id_field(kind)))
}

fn check_bucket(context: &Context<'_>) -> Result<(), ApiError> {
    if context.parameter("Bucket") == Some("eci-system") {
        return Err(ApiError::new(400, "InvalidParameter", "Bucket: eci-system is reserved"));
    }
    Ok(())
}

fn parameters(context: &Context<'_>) -> Parameters {
    let sent = context.parameters.iter().filter(|(name, _)| !is_common(name) && !name.starts_with("Tag."));
    sent.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn tags(root: &Node<'_>) -> BTreeMap<String, String> {
    root.items("Tag").iter().map(|tag| (tag.text_or_empty("Key"), tag.text_or_empty("Value"))).collect()
}

fn id_field(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::ImageCache => "ImageCacheId",
        ResourceKind::DataCache => "DataCacheId",
        ResourceKind::VirtualNode => "VirtualNodeId",
    }
}

/// The group that the platform runs to build a cache; it is in no list.
fn builder(id: &str) -> String {
    id.split_once('-').map(|(_, rest)| format!("eci-{rest}")).unwrap_or_default()
}

fn bucket(resource: &Resource) -> &str {
    Some(resource.text("Bucket")).filter(|bucket| !bucket.is_empty()).unwrap_or("default")
}

fn passes(cloud: &Cloud, context: &Context<'_>, resource: &Resource) -> bool {
    let is = |name: &str, own: &str| context.parameter(name).is_none_or(|wanted| wanted == own);
    let kind = resource.kind;
    let ids: Vec<String> = match kind {
        ResourceKind::ImageCache => {
            context.parameter("ImageCacheId").map(str::to_owned).into_iter().collect()
        }
        ResourceKind::DataCache => context.root.texts("DataCacheId"),
        ResourceKind::VirtualNode => context
            .parameter("VirtualNodeIds")
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default(),
    };
    let status = resource.status(context.now, millis(cloud.settings.build_ms)).0;
    let images = images(resource);
    let mut wanted = context.root.texts("MatchImage");
    wanted.extend(context.parameter("Image").map(str::to_owned));
    (ids.is_empty() || ids.contains(&resource.id))
        && is("ResourceGroupId", resource.text("ResourceGroupId"))
        && is("ImageCacheName", resource.text("ImageCacheName"))
        && is("VirtualNodeName", resource.text("VirtualNodeName"))
        && is("Status", status)
        && (kind != ResourceKind::DataCache || is("Bucket", bucket(resource)))
        && is("Path", resource.text("Path"))
        && is("SnapshotId", &snapshot(resource))
        && (wanted.is_empty() || wanted.iter().any(|image| images.contains(image)))
        && context.root.items("Tag").iter().all(|tag| {
            let own = tag.text("Key").and_then(|key| resource.tags.get(key));
            own.is_some_and(|own| tag.text("Value").is_none_or(|value| value == own))
        })
}

fn images(resource: &Resource) -> Vec<String> {
    Node::root(&resource.parameters).texts("Image")
}

fn snapshot(resource: &Resource) -> String {
    resource.id.split_once('-').map(|(_, rest)| format!("s-{rest}")).unwrap_or_default()
}

fn render(cloud: &Cloud, resource: &Resource, now: Timestamp) -> Value {
    let build = millis(cloud.settings.build_ms);
    let (status, percent) = resource.status(now, build);
    let event = json!({
        "Count": 1,
        "FirstTimestamp": seconds_text(resource.created_at),
        "LastTimestamp": seconds_text(resource.created_at),
        "Message": format!("{} is being built", resource.kind.name()),
        "Name": format!("{}.{:x}", resource.id, resource.created_at.as_microsecond()),
        "Reason": "Creating",
        "Type": "Normal",
    });
    let mut reply: Map<String, Value> = Map::new();
    let mut set = |name: &str, value: Value| reply.insert(name.to_owned(), value);
    set(id_field(resource.kind), json!(resource.id));
    set("Status", json!(status));
    set("CreationTime", json!(seconds_text(resource.created_at)));
    set("RegionId", json!(resource.region));
    set("ResourceGroupId", json!(resource.text("ResourceGroupId")));
    set("Events", json!([event]));
    let tags = resource.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
    set("Tags", tags.collect());
    if resource.kind == ResourceKind::VirtualNode {
        set("VirtualNodeName", json!(resource.text("VirtualNodeName")));
        set("VirtualNodeSecurityGroupId", json!(resource.text("SecurityGroupId")));
        set("VirtualNodeVSwitchId", json!(resource.text("VSwitchId")));
        set("VpcId", json!("vpc-eci-sim"));
        set("IntranetIp", json!(""));
        set("InternetIp", json!(""));
        return Value::Object(reply);
    }
    set("Progress", json!(format!("{percent}%")));
    set("ContainerGroupId", json!(builder(&resource.id)));
    set("ExpireDateTime", json!(resource.expires_at(build).map(seconds_text).unwrap_or_default()));
    set("LastMatchedTime", json!(""));
    set("SnapshotId", json!(if percent == 100 { snapshot(resource) } else { String::new() }));
    set("FlashSnapshotId", json!(""));
    let size = |name: &str| resource.text(name).parse::<i64>().unwrap_or(20);
    if resource.kind == ResourceKind::ImageCache {
        set("ImageCacheName", json!(resource.text("ImageCacheName")));
        set("ImageCacheSize", json!(size("ImageCacheSize")));
        set("Images", json!(images(resource)));
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
