//! TagResources, UntagResources and ListTagResources, of groups and of everything else that has tags.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Context, page};
use crate::error::ApiError;
use crate::state::Cloud;
use crate::state::catalog::ResourceKind;

type Tags = BTreeMap<String, String>;
const MAX_TAGS: usize = 20;

pub(super) fn add(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let new: Tags = context
        .root
        .items("Tag")
        .iter()
        .map(|tag| (tag.text_or_empty("Key"), tag.text_or_empty("Value")))
        .collect();
    change(cloud, context, |tags| {
        tags.extend(new.clone());
        bearable(tags)
    })
}

/// Refuses more tags than a resource may have.
pub(super) fn bearable(tags: &Tags) -> Result<(), ApiError> {
    match tags.len() {
        0..=MAX_TAGS => Ok(()),
        _ => Err(ApiError::new(400, "NumberExceed.Tags", "A resource has at most 20 tags.")),
    }
}

pub(super) fn remove(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let keys = context.root.texts("TagKey");
    let all = keys.is_empty() && context.root.flag("All");
    change(cloud, context, |tags| {
        tags.retain(|key, _| !all && !keys.contains(key));
        Ok(())
    })
}

/// Changes the tags of every resource that is named, or of none when one of them cannot be.
fn change(
    cloud: &mut Cloud,
    context: &Context<'_>,
    change: impl Fn(&mut Tags) -> Result<(), ApiError>,
) -> Result<Value, ApiError> {
    let wanted = context.root.texts("ResourceId");
    let mut changed = tagged(cloud, context)?;
    changed.retain(|(id, _)| wanted.contains(id));
    if changed.len() < wanted.len() {
        return Err(ApiError::not_found("resource"));
    }
    for (_, tags) in &mut changed {
        change(tags)?;
    }
    let kind = context.parameter("ResourceType").and_then(ResourceKind::of_name);
    for (id, tags) in changed {
        match kind {
            None => {
                cloud.store.set_tags(&id, tags);
            }
            Some(kind) => {
                let region = context.region(cloud);
                let mut own = cloud.catalog.of(kind, &context.caller.account, &region);
                let seq = own.find(|resource| resource.id == id).map(|resource| resource.seq);
                drop(own);
                if let Some(resource) = seq.and_then(|seq| cloud.catalog.get_mut(seq)) {
                    resource.tags = tags;
                }
            }
        }
    }
    Ok(json!({}))
}

/// Every resource of the type that the caller has, with its tags.
fn tagged(cloud: &Cloud, context: &Context<'_>) -> Result<Vec<(String, Tags)>, ApiError> {
    let (region, account) = (context.region(cloud), &context.caller.account);
    let kind = context.parameter("ResourceType").unwrap_or_default();
    if kind == "ContainerGroup" {
        let own = cloud.store.groups().map(|group| &group.facts);
        let own = own.filter(|facts| facts.account == *account && facts.region == region);
        return Ok(own.map(|facts| (facts.id.clone(), facts.tags.clone())).collect());
    }
    let kind = ResourceKind::of_name(kind).ok_or_else(|| {
        let message = "ResourceType must be one of ContainerGroup, ImageCache, DataCache, VirtualNode";
        ApiError::new(400, "InvalidParameter", message)
    })?;
    let own = cloud.catalog.of(kind, account, &region);
    Ok(own.map(|resource| (resource.id.clone(), resource.tags.clone())).collect())
}

pub(super) fn list(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let ids = context.root.texts("ResourceId");
    let filter = context.root.items("Tag");
    let resource_type = context.parameter("ResourceType").unwrap_or_default();
    let mut found = Vec::new();
    for (id, tags) in tagged(cloud, context)? {
        let passes = filter.iter().all(|tag| {
            let own = tag.text("Key").and_then(|key| tags.get(key));
            own.is_some_and(|own| tag.text("Value").is_none_or(|value| value == own))
        });
        if passes && (ids.is_empty() || ids.contains(&id)) {
            let row = |(key, value)| json!({"ResourceId": id, "ResourceType": resource_type, "TagKey": key, "TagValue": value});
            found.extend(tags.iter().map(row));
        }
    }
    let limit = context.root.number("Limit").unwrap_or(50).clamp(1, 50);
    let (page, next) = page::slice(found, limit, context)?;
    Ok(json!({"TagResources": page, "NextToken": next}))
}
