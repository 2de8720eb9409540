//! Image caches, data caches and virtual nodes: created, updated, copied, listed and deleted alike.

mod shown;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::tags::bearable;
use super::{Context, create, page};
use crate::error::ApiError;
use crate::params::{Node, Parameters};
use crate::settings::{millis, seconds};
use crate::state::Cloud;
use crate::state::catalog::{Resource, ResourceKind};
use crate::state::tokens::Seen;
use crate::validate::is_common;
use shown::{render, snapshot};

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
            check_quota(cloud, context, kind, &region)?;
            cloud.tokens.remember(&account, action, context.parameters, context.now, &id);
            let place = (account, region);
            cloud.catalog.add(Resource {
                tags: tags(&context.root),
                ..Resource::new(kind, id.clone(), place, context.now, parameters)
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
    let resource = own(cloud, context, kind)?;
    let is_building = resource.status(context.now, millis(cloud.settings.build_ms)).1 < 100;
    if kind == ResourceKind::ImageCache && is_building {
        let message = "The image cache is being built.";
        return Err(ApiError::new(400, "ImageCache.IncorrectStatus", message));
    }
    let seq = resource.seq;
    let sent = parameters(context);
    let (mut all, now) = (resource.tags.clone(), context.now);
    all.extend(tags(&context.root));
    bearable(&all)?;
    if let Some(resource) = cloud.catalog.get_mut(seq) {
        if sent.keys().any(|name| name.starts_with("Image.")) {
            resource.parameters.retain(|name, _| !name.starts_with("Image."));
        }
        resource.parameters.extend(sent);
        resource.tags = all;
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
    let mut passing: Vec<&Resource> = all.filter(|resource| passes(cloud, context, resource)).collect();
    let wanted = context.root.texts("MatchImage");
    if !wanted.is_empty() {
        return Ok(matched(cloud, context, passing, &wanted));
    }
    passing.sort_by_key(|resource| resource.seq);
    let after = page::begin(context)?;
    let limit = context.root.number("Limit").unwrap_or(LIMIT).clamp(1, LIMIT);
    let rest: Vec<&Resource> = passing.iter().copied().filter(|resource| resource.seq > after).collect();
    let shown = &rest[..rest.len().min(limit)];
    let next = shown.last().filter(|_| rest.len() > limit).map(|last| page::next_token(last.seq));
    let list = match kind {
        ResourceKind::ImageCache => "ImageCaches",
        ResourceKind::DataCache => "DataCaches",
        ResourceKind::VirtualNode => "VirtualNodes",
    };
    let shown: Vec<Value> = shown.iter().map(|resource| render(cloud, resource, context.now)).collect();
    Ok(json!({list: shown, "TotalCount": passing.len(), "NextToken": next.unwrap_or_default()}))
}

/// The caches that hold images asked for, the best first, on one page.
///
/// `ImageFullMatch` wants all of the images; `ImageMatchCountRequest` is taken to want at least so many of them.
fn matched(cloud: &Cloud, context: &Context<'_>, mut passing: Vec<&Resource>, wanted: &[String]) -> Value {
    let least = match context.root.flag("ImageFullMatch") {
        true => wanted.len(),
        false => context.root.number("ImageMatchCountRequest").unwrap_or(1).max(1),
    };
    passing.retain(|cache| cache.matching(wanted) >= least);
    passing.sort_by_key(|cache| Reverse(cache.rank(wanted)));
    let limit = context.root.number("Limit").unwrap_or(LIMIT).clamp(1, LIMIT);
    let shown: Vec<Value> =
        passing.iter().take(limit).map(|cache| render(cloud, cache, context.now)).collect();
    json!({"ImageCaches": shown, "TotalCount": passing.len(), "NextToken": ""})
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

/// A cache beyond the quota needs one that may go: the one with the strategy LRU that was unused for longest.
fn check_quota(
    cloud: &mut Cloud,
    context: &Context<'_>,
    kind: ResourceKind,
    region: &str,
) -> Result<(), ApiError> {
    let quota = cloud.settings.cache_quota as usize;
    let own = cloud.catalog.of(kind, &context.caller.account, region).filter(|resource| !resource.is_auto);
    let present: Vec<&Resource> = own.collect();
    if kind == ResourceKind::VirtualNode || quota == 0 || present.len() < quota {
        return Ok(());
    }
    let goes = present.iter().filter(|resource| resource.text("EliminationStrategy") == "LRU");
    let oldest = goes.min_by_key(|resource| resource.used_at()).map(|resource| resource.seq);
    let message = "The account has as many caches in this region as it may.";
    let oldest = oldest.ok_or_else(|| ApiError::new(403, "QuotaExceeded", message))?;
    cloud.catalog.remove(oldest);
    Ok(())
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
    let holds = |image: &str| resource.matching(&[image.to_owned()]) > 0;
    (ids.is_empty() || ids.contains(&resource.id))
        && is("ResourceGroupId", resource.text("ResourceGroupId"))
        && is("ImageCacheName", resource.text("ImageCacheName"))
        && is("VirtualNodeName", resource.text("VirtualNodeName"))
        && is("Status", status)
        && (kind != ResourceKind::DataCache || is("Bucket", bucket(resource)))
        && is("Path", resource.text("Path"))
        && is("SnapshotId", &snapshot(resource))
        && context.parameter("Image").is_none_or(holds)
        && context.root.items("Tag").iter().all(|tag| {
            let own = tag.text("Key").and_then(|key| resource.tags.get(key));
            own.is_some_and(|own| tag.text("Value").is_none_or(|value| value == own))
        })
}
