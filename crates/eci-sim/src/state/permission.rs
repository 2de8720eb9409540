//! What an identity without permission gets: an error, or from a list of resources an empty one.

use serde_json::{Value, json};

use super::Cloud;
use crate::auth::AccessKey;
use crate::error::ApiError;
use crate::params::Parameters;
use crate::settings::{DeniedReads, ReadPermission};

/// Actions that list resources, and the member of their reply that holds the list. Published is the empty answer of
/// the first only.
const LISTS: [(&str, &str); 7] = [
    ("DescribeContainerGroups", "ContainerGroups"),
    ("DescribeContainerGroupStatus", "Data"),
    ("DescribeContainerGroupEvents", "Data"),
    ("DescribeImageCaches", "ImageCaches"),
    ("DescribeDataCaches", "DataCaches"),
    ("DescribeVirtualNodes", "VirtualNodes"),
    ("ListTagResources", "TagResources"),
];

/// What actions are about whose names say it; the others are about groups.
const KINDS: [&str; 3] = ["ImageCache", "DataCache", "VirtualNode"];

impl Cloud {
    /// What a caller without permission gets; `None` for one that has it.
    pub(super) fn refusal(
        &self,
        action: &str,
        caller: &AccessKey,
        parameters: &Parameters,
    ) -> Option<Result<Value, ApiError>> {
        let is_read = action.starts_with("Describe") && action != "DescribeRegions";
        let is_blind = self.settings.read_permission == ReadPermission::Denied && is_read;
        let resources = self.resources(action, caller, parameters);
        if !is_blind && resources.iter().all(|resource| caller.permissions.permit(action, resource)) {
            return None;
        }
        let tags = matches!(action, "TagResources" | "UntagResources");
        if tags && caller.permissions.permit_somewhere(action) {
            let message = "User not authorized to change the tags of the specified resource.";
            return Some(Err(ApiError::new(400, "NoPermission.Tag", message)));
        }
        let list = LISTS.iter().find(|(name, _)| *name == action).map(|(_, list)| *list);
        let message =
            "User not authorized to operate on the specified resource, or this API doesn't support RAM.";
        Some(match list {
            Some(list) if self.settings.denied_reads == DeniedReads::Empty => {
                Ok(json!({list: [], "TotalCount": 0, "NextToken": ""}))
            }
            None if action == "DescribeContainerLog" => {
                Err(ApiError::new(403, "Forbidden.Unauthorized", message))
            }
            _ => Err(ApiError::new(403, "Forbidden.RAM", message)),
        })
    }

    /// What a call is about, as policies name it: what it names by id, or all of the kind that its action is about. Published
    /// is the name of groups only; the other kinds are taken to be named as `ResourceType` has them.
    fn resources(&self, action: &str, caller: &AccessKey, parameters: &Parameters) -> Vec<String> {
        let parameter = |name: &str| parameters.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let region = parameter("RegionId").unwrap_or(&self.region);
        let of_action = KINDS.iter().find(|kind| action.contains(**kind)).unwrap_or(&"ContainerGroup");
        let kind = parameter("ResourceType").unwrap_or(of_action);
        let numbered = format!("{kind}Id.");
        let named = parameters
            .iter()
            .filter(|(name, _)| name.starts_with("ResourceId.") || name.starts_with(&numbered));
        let listed = parameter(&format!("{kind}Ids"));
        let listed: Vec<String> = listed.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let one = parameter(&format!("{kind}Id"));
        let mut ids: Vec<&str> = named.map(|(_, id)| id.as_str()).collect();
        ids.extend(listed.iter().map(String::as_str).chain(one));
        if ids.is_empty() {
            ids.push("*");
        }
        let kind = kind.to_ascii_lowercase();
        ids.iter().map(|id| format!("acs:eci:{region}:{}:{kind}/{id}", caller.account)).collect()
    }
}
