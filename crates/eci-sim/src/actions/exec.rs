//! ExecContainerCommand.

use serde_json::{Value, json};

use super::Context;
use crate::clock::later;
use crate::error::ApiError;
use crate::exec::{SyncRun, Ticket};
use crate::settings::seconds;
use crate::state::Cloud;

const MAX_ITEMS: usize = 20;
const MAX_ITEM_CHARACTERS: usize = 256;

pub(super) fn run(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let id = context.parameter("ContainerGroupId").unwrap_or_default();
    let name = context.parameter("ContainerName").unwrap_or_default();
    let region = context.region(cloud);
    let group = cloud
        .store
        .find(id)
        .filter(|group| group.facts.account == context.caller.account && group.facts.region == region)
        .ok_or_else(|| ApiError::not_found("container group"))?;
    let container = group.life.container(name).ok_or_else(|| ApiError::not_found("container"))?;
    if !container.is_running() || group.life.deletion.is_some() {
        return Err(ApiError::new(400, "IncorrectStatus", "The container is not running."));
    }
    let tty = context.root.flag("TTY");
    let ticket = Ticket {
        group: id.to_owned(),
        container: name.to_owned(),
        command: command(context, cloud.settings.exec_command_characters)?,
        tty,
        stdin: !context.root.has("Stdin") || context.root.flag("Stdin"),
        expires_at: later(context.now, seconds(cloud.settings.exec_token_s)),
        cut_after: None,
    };
    if context.root.flag("Sync") {
        if tty {
            return Err(ApiError::new(400, "InvalidParameter", "TTY must be false when Sync is true."));
        }
        cloud.execs.sync = Some(SyncRun { ticket, call: None });
        // The HTTP layer answers with the output instead.
        return Ok(json!({"SyncResponse": ""}));
    }
    let token = cloud.rng.id(32);
    cloud.execs.issue(token.clone(), ticket, context.now);
    // Where it listens on every address, the one that it was called by leads to it.
    let address = cloud.address.filter(|address| !address.ip().is_unspecified());
    let host = address.map_or_else(|| cloud.execs.host.clone(), |address| address.to_string());
    Ok(json!({
        "WebSocketUri": format!("ws://{host}/exec/?s={token}"),
        "HttpUrl": format!("http://{host}/terminal?param={token}"),
    }))
}

/// A JSON array of words, or one bare word.
fn command(context: &Context<'_>, most_characters: usize) -> Result<Vec<String>, ApiError> {
    let text = context.parameter("Command").unwrap_or_default();
    let invalid = |message: &str| ApiError::new(400, "InvalidParameter", message);
    let too_much = |message: String| ApiError::new(400, "InvalidParameter.ValueExceeded", message);
    let words: Vec<String> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|_| invalid("Command is not a JSON array of texts."))?
    } else {
        vec![text.to_owned()]
    };
    if words.first().is_none_or(String::is_empty) {
        return Err(invalid("Command is empty."));
    }
    if words.len() > MAX_ITEMS {
        return Err(too_much(format!("Command has more than {MAX_ITEMS} items.")));
    }
    if words.iter().any(|word| word.chars().count() > MAX_ITEM_CHARACTERS) {
        return Err(too_much(format!("An item of Command has more than {MAX_ITEM_CHARACTERS} characters.")));
    }
    if most_characters > 0 && text.chars().count() > most_characters {
        return Err(too_much(format!("Command has more than {most_characters} characters.")));
    }
    Ok(words)
}
