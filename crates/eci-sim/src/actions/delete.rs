//! DeleteContainerGroup.

use serde_json::{Value, json};

use super::Context;
use crate::error::ApiError;
use crate::settings::DeleteUnknown;
use crate::state::Cloud;

pub(super) fn run(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let account = &context.caller.account;
    let id = context.parameter("ContainerGroupId").unwrap_or_default();
    let region = context.region(cloud);
    let known = cloud
        .store
        .find(id)
        .is_some_and(|group| group.facts.account == *account && group.facts.region == region);
    if !known {
        return match cloud.settings.delete_unknown {
            DeleteUnknown::NotFound => Err(ApiError::not_found("container group")),
            DeleteUnknown::Success => Ok(json!({})),
        };
    }
    let force = context.root.flag("Force");
    let (settings, now) = (&cloud.settings, context.now);
    cloud.store.change(id, settings, |group| group.life.delete(&group.facts, now, force, settings));
    Ok(json!({}))
}
