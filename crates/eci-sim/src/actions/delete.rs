//! DeleteContainerGroup.

use serde_json::{Value, json};

use super::{Context, create};
use crate::error::ApiError;
use crate::settings::{DeleteClientToken, DeleteUnknown, seconds};
use crate::state::Cloud;
use crate::state::tokens::Seen;

const ACTION: &str = "DeleteContainerGroup";

pub(super) fn run(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let account = &context.caller.account;
    let id = context.parameter("ContainerGroupId").unwrap_or_default();
    let honours_token = cloud.settings.delete_client_token == DeleteClientToken::Honoured;
    if honours_token {
        let window = seconds(cloud.settings.client_token_window_s);
        match cloud.tokens.look_up(account, ACTION, context.parameters, context.now, window) {
            Seen::Same(_) => return Ok(json!({})),
            Seen::Other => return Err(create::mismatch(cloud)),
            Seen::Never => {}
        }
    }
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
    if honours_token {
        cloud.tokens.remember(account, ACTION, context.parameters, now, id);
    }
    Ok(json!({}))
}
