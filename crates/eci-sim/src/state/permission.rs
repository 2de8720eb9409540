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
        if !is_blind && caller.permissions.permit(action, &self.resource(caller, parameters)) {
            return None;
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

    /// What a call is about, as policies name it: the group it names, or all of them.
    fn resource(&self, caller: &AccessKey, parameters: &Parameters) -> String {
        let parameter = |name: &str| parameters.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let region = parameter("RegionId").unwrap_or(&self.region);
        let id = parameter("ContainerGroupId").unwrap_or("*");
        format!("acs:eci:{region}:{}:containergroup/{id}", caller.account)
    }
}
