//! DescribeAvailableResource: what can be had in which zone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Context;
use crate::error::ApiError;
use crate::settings::{Count, Stock, StockRule};
use crate::size::{Size, of_instance_type, sellable};
use crate::state::{Cloud, stock};

pub(super) fn run(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let region = context.region(cloud);
    let category = context.parameter("DestinationResource.Category").unwrap_or_default();
    let value = value(context, category, &region)?;
    let asked = context.parameter("ZoneId");
    let zones = zones(cloud, &region).into_iter().filter(|zone| asked.is_none_or(|asked| asked == zone));
    let zones = zones.map(|zone| {
        let status = status(cloud, context, &zone, &value);
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

/// The zones of a region: those of its vSwitches and those that rules speak of, or two where neither names any.
pub(super) fn zones(cloud: &Cloud, region: &str) -> Vec<String> {
    let switches = cloud.network.v_switches.iter().map(|v_switch| &v_switch.zone);
    let rules = cloud.settings.stock_rules.iter().map(|rule| &rule.zone).filter(|zone| !zone.ends_with('*'));
    let mut zones: BTreeSet<String> =
        switches.chain(rules).filter(|zone| zone.starts_with(region)).cloned().collect();
    if zones.is_empty() {
        zones.extend(["a", "b"].map(|letter| format!("{region}-{letter}")));
    }
    zones.into_iter().collect()
}

fn status(cloud: &Cloud, context: &Context<'_>, zone: &str, value: &str) -> &'static str {
    let settings = &cloud.settings;
    if settings.stock != Stock::Available {
        return "WithoutStock";
    }
    let strategy = context.parameter("SpotResource.SpotStrategy");
    let is_spot = strategy.is_some_and(|strategy| strategy != "NoSpot");
    let rules = [false, is_spot].map(|is_spot| stock::rule_for(settings, zone, value, is_spot));
    let left = |rule: &StockRule| match rule.count {
        Count::Closed => "ClosedWithoutStock",
        Count::Of(room) if stock::used(rule, cloud.store.groups()) >= room as usize => "WithoutStock",
        Count::Of(_) => "WithStock",
    };
    let all: Vec<&str> = rules.into_iter().flatten().map(left).collect();
    let worse = ["ClosedWithoutStock", "WithoutStock"].into_iter().find(|worse| all.contains(worse));
    worse.unwrap_or("WithStock")
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
