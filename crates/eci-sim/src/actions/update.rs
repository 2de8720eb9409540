//! UpdateContainerGroup: the whole wish anew (`RenewUpdate`), or only what is sent (`IncrementalUpdate`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::tags::bearable;
use super::{Context, restart};
use crate::error::ApiError;
use crate::params::{Node, Parameters};
use crate::schema::position;
use crate::spelling::normal;
use crate::state::{Cloud, error_of};
use crate::validate::{is_common, validate};

/// Parameters that are replaced together, by what their names begin with.
const SECTIONS: &[&str] = &[
    "Container.",
    "InitContainer.",
    "Volume.",
    "DnsConfig.",
    "ImageRegistryCredential.",
    "AcrRegistryInfo.",
];
/// Single values; what is not sent stays.
const VALUES: &[&str] = &["RestartPolicy", "ResourceGroupId"];

pub(super) fn run(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let group = context.own_group(cloud)?;
    let id = group.facts.id.clone();
    restart::changeable(cloud, &id)?;
    let renews = context.parameter("UpdateType") != Some("IncrementalUpdate");
    if renews && context.root.items("Container").is_empty() {
        let message = "RenewUpdate needs the full set: the parameter Container.1.Name is mandatory";
        return Err(ApiError::new(400, "MissingParameter", message));
    }
    let parameters = merged(&group.facts.parameters, context.parameters, renews);
    validate("CreateContainerGroup", &parameters, &cloud.settings.rules())
        .map_err(|problems| error_of(&problems))?;
    let tags = tags(&group.facts.tags, &context.root);
    bearable(&tags)?;
    let is_new = normal(&parameters) != normal(&group.facts.parameters);
    if !is_new && tags == group.facts.tags {
        return Err(ApiError::new(400, "NoNeedUpdate", "The container group is as the request wants it."));
    }
    let (settings, now) = (&cloud.settings, context.now);
    if is_new {
        cloud.store.change(&id, settings, |group| group.update(parameters, now, settings));
    }
    cloud.store.set_tags(&id, tags);
    Ok(json!({}))
}

/// Tags are added and changed, never removed.
fn tags(old: &BTreeMap<String, String>, root: &Node<'_>) -> BTreeMap<String, String> {
    let mut tags = old.clone();
    tags.extend(root.items("Tag").iter().map(|tag| (tag.text_or_empty("Key"), tag.text_or_empty("Value"))));
    tags
}

fn merged(old: &Parameters, sent: &Parameters, renews: bool) -> Parameters {
    let sent: Parameters = sent
        .iter()
        .filter(|(name, _)| !is_common(name))
        // The one name that the two actions spell differently.
        .map(|(name, value)| (name.replace("HttpGetHttpHeaders.", "HttpGetHttpHeader."), value.clone()))
        .collect();
    let mut merged = old.clone();
    for section in SECTIONS {
        let inside: Parameters = sent.iter().filter(|(name, _)| name.starts_with(section)).map(own).collect();
        if inside.is_empty() && !renews {
            continue;
        }
        merged.retain(|name, _| !name.starts_with(section));
        for (name, value) in old.iter().filter(|(name, _)| is_of_unnamed(name, section, &inside)) {
            merged.insert(name.clone(), value.clone());
        }
        merged.extend(inside);
    }
    for name in VALUES {
        if let Some(value) = sent.get(*name) {
            merged.insert((*name).to_owned(), value.clone());
        }
    }
    merged
}

fn own((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

/// Whether a parameter belongs to a container that is sent without its name: that one is found by its
/// position, and keeps the members that are not sent.
fn is_of_unnamed(name: &str, section: &str, sent: &Parameters) -> bool {
    let Some((number, rest)) = name.strip_prefix(section).and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    let element = format!("{section}{number}.");
    let member = rest.split('.').next().unwrap_or(rest);
    let has = |prefix: &str| sent.keys().any(|name| name.starts_with(prefix));
    section.ends_with("Container.")
        && position(number).is_some()
        && has(&element)
        && !sent.contains_key(&format!("{element}Name"))
        && !sent.contains_key(&format!("{element}{member}"))
        && !has(&format!("{element}{member}."))
}
