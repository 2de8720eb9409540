//! The part of the control API that shows what spot has cost and will cost.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Refusal, Reply};
use crate::clock::{later, seconds_text};
use crate::market::spot_hour;
use crate::size::{of_instance_type, spec_of_kind};
use crate::state::Cloud;
use crate::wire::decode_pairs;

/// More hours would be a page that nobody reads.
const MAX_HOURS: i64 = 1000;

/// The spot price of `type` in `zone` for each of the last `hours`, oldest first, and the next one.
pub(super) fn history(cloud: &Cloud, now: Timestamp, query: &str) -> Reply {
    let query = decode_pairs(query);
    let parameter = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let zone = parameter("zone").map_or_else(|| format!("{}-a", cloud.region), str::to_owned);
    let kind = parameter("type").unwrap_or("2-4Gi");
    let size = of_instance_type(kind)
        .ok_or_else(|| Refusal(400, "type is an ECS type or a pair such as 2-4Gi".to_owned()))?;
    let hours: i64 = parameter("hours").and_then(|text| text.parse().ok()).unwrap_or(24).clamp(0, MAX_HOURS);
    let kind = spec_of_kind(kind, size).kind();
    let prices = (-hours..=1).map(|hour| {
        let at = later(now, SignedDuration::from_hours(hour));
        json!({"at": seconds_text(at), "price": spot_hour(&cloud.settings, &zone, &kind, size, at)})
    });
    Ok(json!({"zone": zone, "type": kind, "prices": prices.collect::<Vec<_>>()}))
}
