//! RestartContainerGroup.

use serde_json::{Value, json};

use super::Context;
use crate::error::ApiError;
use crate::state::Cloud;

pub(super) fn run(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let id = context.own_group(cloud)?.facts.id.clone();
    changeable(cloud, &id)?;
    let (settings, now) = (&cloud.settings, context.now);
    cloud.store.change(&id, settings, |group| group.restart(now, settings));
    Ok(json!({}))
}

/// Only a pending or running group can be restarted or updated.
pub(super) fn changeable(cloud: &Cloud, id: &str) -> Result<(), ApiError> {
    match cloud.store.find(id) {
        Some(group) if group.is_changeable() => Ok(()),
        found => {
            let status = found.map_or("", |group| group.life.status().name());
            let message = format!("The container group is {status}; it must be Pending or Running.");
            Err(ApiError::new(400, "IncorrectStatus", message))
        }
    }
}
