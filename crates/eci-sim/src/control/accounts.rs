//! The identities that may call, and how they change.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Refusal, Reply};
use crate::auth::{AccessKey, Identity, Permissions};
use crate::clock::seconds_text;
use crate::document::Item;
use crate::state::Cloud;

pub(super) fn list(cloud: &Cloud) -> Value {
    json!({"accounts": cloud.keyring.keys.values().map(shown).collect::<Vec<_>>()})
}

/// Everything but the secrets.
fn shown(key: &AccessKey) -> Value {
    json!({
        "access_key_id": key.id,
        "account": key.account,
        "active": !key.inactive,
        "temporary": key.security_token.is_some(),
        "token_expired": key.token_expired,
        "expires_at": key.expires_at.map(seconds_text),
        "allow": key.permissions.allow,
        "deny": key.permissions.deny,
        "policy": key.permissions.policy,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    /// Adds the key, or replaces one of that id.
    Add,
    Remove,
    Disable,
    Enable,
    ExpireToken,
    /// Only the denied actions change.
    Deny,
    /// Everything that is permitted is said anew: `allow`, `deny` and `policy`.
    Permit,
}

#[derive(Deserialize)]
pub(super) struct ChangeAccount {
    access_key_id: String,
    change: Change,
    /// What the change needs.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

pub(super) fn change(cloud: &mut Cloud, now: Timestamp, change: ChangeAccount) -> Reply {
    let ChangeAccount { access_key_id: id, change, mut rest } = change;
    match change {
        Change::Add => {
            rest.insert("access_key_id".to_owned(), json!(id));
            let identity: Identity = read(rest)?;
            identity.check().map_err(|problem| Refusal(400, problem))?;
            let lifetime = identity.lifetime();
            cloud.keyring.add(identity.into_key());
            if let Some((id, lifetime)) = lifetime {
                cloud.keyring.limit(&id, now, lifetime);
            }
            return Ok(json!({}));
        }
        Change::Remove => {
            cloud.keyring.keys.remove(&id).ok_or_else(|| Refusal::not_found("access key"))?;
            return Ok(json!({}));
        }
        _ => {}
    }
    let permissions: Permissions = read(rest)?;
    let key = cloud.keyring.keys.get_mut(&id).ok_or_else(|| Refusal::not_found("access key"))?;
    match change {
        Change::Disable => key.inactive = true,
        Change::Enable => key.inactive = false,
        Change::ExpireToken => key.token_expired = true,
        Change::Deny => key.permissions.deny = permissions.deny,
        Change::Permit => key.permissions = permissions,
        Change::Add | Change::Remove => {}
    }
    Ok(json!({}))
}

/// The other members of the body; what is unknown among them is named.
fn read<T: serde::de::DeserializeOwned>(members: Map<String, Value>) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(members))
        .map_err(|error| Refusal(400, format!("reading the body: {error}")))
}
