//! DescribeAvailableResource: what can be had in which zone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Context;
use crate::error::ApiError;
use crate::settings::Stock;
use crate::size::{Size, of_instance_type, sellable};
use crate::state::Cloud;

pub(super) fn run(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let region = context.region(cloud);
    let category = context.parameter("DestinationResource.Category").unwrap_or_default();
    let value = value(context, category, &region)?;
    let status = match cloud.settings.stock {
        Stock::Available => "WithStock",
        Stock::Refused | Stock::ScheduleFailed => "WithoutStock",
    };
    let mut zones: BTreeSet<String> =
        cloud.network.v_switches.iter().map(|v_switch| v_switch.zone.clone()).collect();
    if zones.is_empty() {
        zones.extend(["a", "b"].map(|letter| format!("{region}-{letter}")));
    }
    let asked = context.parameter("ZoneId");
    let zones = zones.into_iter().filter(|zone| asked.is_none_or(|asked| asked == zone)).map(|zone| {
        json!({
            "RegionId": region,
            "ZoneId": zone,
            "AvailableResources": {"AvailableResource": [{
                "Type": category,
                "SupportedResources": {"SupportedResource": [{"Value": value, "StatusCategory": status}]},
            }]},
        })
    });
    Ok(json!({"AvailableZones": {"AvailableZone": zones.collect::<Vec<_>>()}}))
}

/// The type or family asked for, or the pair that holds the size asked for.
fn value(context: &Context<'_>, category: &str, region: &str) -> Result<String, ApiError> {
    let refused = |message: &str| ApiError::new(400, "InvalidParameter", message);
    let number = |name: &str| context.root.number::<f64>(name);
    match (category, context.parameter("DestinationResource.Value")) {
        ("InstanceTypeFamily", Some(family)) => Ok(family.to_owned()),
        ("InstanceType", Some(name)) if of_instance_type(name).is_some() => Ok(name.to_owned()),
        ("InstanceType", Some(_)) => Err(refused("DestinationResource.Value is no instance type")),
        ("InstanceType" | "InstanceTypeFamily", None) => {
            let wish = number("DestinationResource.Cores").zip(number("DestinationResource.Memory"));
            let (cpu, memory) = wish.ok_or_else(|| {
                let message = "Either DestinationResource.Value, or Cores and Memory, must be given.";
                ApiError::new(400, "MissingParameter", message)
            })?;
            let message = "no size sold holds that many vCPU and GiB";
            let size = sellable(Size { cpu, memory }, region, false)
                .ok_or_else(|| ApiError::new(400, "InvalidParameter.CPU.Memory", message))?;
            Ok(format!("{}-{}Gi", size.cpu, size.memory))
        }
        _ => Err(refused("DestinationResource.Category must be InstanceTypeFamily or InstanceType")),
    }
}
