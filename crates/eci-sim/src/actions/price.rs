//! DescribeContainerGroupPrice: CNY per second for a group, CNY per hour for its spot price.
//!
//! The unit of the main price follows the published sample, where 2 vCPU and 4 GiB cost 0.00012252.

use serde_json::{Value, json};

use super::{Context, available};
use crate::error::ApiError;
use crate::market::{Price, spot_hour, spot_share};
use crate::size::{Size, of_instance_type, spec_of_kind};
use crate::state::Cloud;
use crate::validate::size_of;

/// Extra ephemeral storage, for each GiB.
const STORAGE_SECOND: f64 = 0.000_000_08;

pub(super) fn run(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let instance_type = context.parameter("InstanceType");
    let size = size(context, instance_type)?;
    let is_economy = context.parameter("ComputeCategory") == Some("economy");
    let Price { cpu, memory } = Price::of(size, is_economy);
    let storage = context.root.number::<f64>("EphemeralStorage").unwrap_or(0.0) * STORAGE_SECOND;
    let is_spot = context.parameter("SpotStrategy").is_some_and(|strategy| strategy != "NoSpot");
    let zones = zones(cloud, context);
    let kind = kind(instance_type, size);
    let share = |zone: &String| spot_share(&cloud.settings, zone, &kind, context.now);
    // Without a zone, the cheapest one counts.
    let paid = if is_spot { zones.iter().map(share).fold(1.0, f64::min) } else { 1.0 };
    let mut details = vec![detail("cpu", cpu, paid), detail("memory", memory, paid)];
    if storage > 0.0 {
        details.push(detail("ephemeralStorage", storage, 1.0));
    }
    let original = cpu + memory + storage;
    let trade = (cpu + memory) * paid + storage;
    let spot_prices = match is_spot {
        true => zones.iter().map(|zone| spot(cloud, context, zone, &kind, size)).collect(),
        false => Vec::new(),
    };
    Ok(json!({"PriceInfo": {
        "Price": {
            "Currency": "CNY",
            "OriginalPrice": original,
            "DiscountPrice": original - trade,
            "TradePrice": trade,
            "DetailInfos": {"DetailInfo": details},
        },
        "Rules": {"Rule": []},
        "SpotPrices": {"SpotPrice": spot_prices},
    }}))
}

/// An instance type decides the size; otherwise it is rounded up as for a group.
fn size(context: &Context<'_>, instance_type: Option<&str>) -> Result<Size, ApiError> {
    let asked = |name| context.root.number::<f64>(name).is_some_and(|number| number > 0.0);
    if instance_type.is_none() && !(asked("Cpu") && asked("Memory")) {
        let message = "Either InstanceType, or Cpu and Memory, must be given.";
        return Err(ApiError::new(400, "MissingParameter", message));
    }
    if let Some(unknown) = instance_type.filter(|name| of_instance_type(name).is_none()) {
        let message = format!("InstanceType: {unknown:?} is neither an ECS type nor a pair like 2-4Gi");
        return Err(ApiError::new(400, "InvalidParameter", message));
    }
    size_of(&context.root).map_err(|message| ApiError::new(400, "InvalidParameter.CPU.Memory", message))
}

fn detail(resource: &str, price: f64, paid: f64) -> Value {
    json!({
        "Resource": resource,
        "OriginalPrice": price,
        "DiscountPrice": price * (1.0 - paid),
        "TradePrice": price * paid,
        "Rules": {"Rule": []},
    })
}

/// The zone asked for, or all of the region.
fn zones(cloud: &Cloud, context: &Context<'_>) -> Vec<String> {
    match context.parameter("ZoneId") {
        Some(zone) => vec![zone.to_owned()],
        None => available::zones(cloud, &context.region(cloud)),
    }
}

/// What the market knows a size by.
fn kind(instance_type: Option<&str>, size: Size) -> String {
    spec_of_kind(instance_type.unwrap_or_default(), size).kind()
}

fn spot(cloud: &Cloud, context: &Context<'_>, zone: &str, kind: &str, size: Size) -> Value {
    json!({
        "InstanceType": kind,
        "OriginPrice": Price::of(size, false).hour(),
        "SpotPrice": spot_hour(&cloud.settings, zone, kind, size, context.now),
        "ZoneId": zone,
    })
}
