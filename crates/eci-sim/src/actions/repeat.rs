//! Client tokens of the actions that answer nothing: the same call again has no second effect.
//!
//! Actions that answer with an id look after their tokens themselves.

use serde_json::{Value, json};

use super::{Context, create};
use crate::error::ApiError;
use crate::settings::{DeleteClientToken, RestartClientToken, UpdateClientToken, seconds};
use crate::state::Cloud;
use crate::state::tokens::Seen;

const UPDATES: &[&str] = &[
    "DeleteDataCache",
    "DeleteImageCache",
    "DeleteVirtualNode",
    "ResizeContainerGroupVolume",
    "UntagResources",
    "UpdateContainerGroup",
    "UpdateDataCache",
    "UpdateImageCache",
    "UpdateVirtualNode",
];

/// Whether the action honours its token, as the switches say.
fn honours(cloud: &Cloud, action: &str) -> bool {
    let settings = &cloud.settings;
    match action {
        "DeleteContainerGroup" => settings.delete_client_token == DeleteClientToken::Honoured,
        "RestartContainerGroup" => settings.restart_client_token == RestartClientToken::Honoured,
        other => UPDATES.contains(&other) && settings.update_client_token == UpdateClientToken::Honoured,
    }
}

/// Carries `perform` out, unless the same call was carried out before.
pub(super) fn once(
    cloud: &mut Cloud,
    context: &Context<'_>,
    action: &str,
    perform: impl FnOnce(&mut Cloud) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    if !honours(cloud, action) {
        return perform(cloud);
    }
    let account = &context.caller.account;
    let window = seconds(cloud.settings.client_token_window_s);
    match cloud.tokens.look_up(account, action, context.parameters, context.now, window) {
        Seen::Same(_) => return Ok(json!({})),
        Seen::Other => return Err(create::mismatch(cloud)),
        Seen::Never => {}
    }
    let reply = perform(cloud)?;
    cloud.tokens.remember(account, action, context.parameters, context.now, "");
    Ok(reply)
}
