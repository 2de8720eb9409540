//! Where a new group may go, and as what: vSwitches and specifications of the request, in the order they are tried.

use jiff::Timestamp;

use super::Context;
use crate::error::ApiError;
use crate::group::{Facts, Offer, Refusal};
use crate::settings::{NoStock, vpc_of};
use crate::state::{Cloud, stock};
use crate::validate::specs_of;

/// The security group asked for, where the account has it.
pub(super) fn security_group(cloud: &Cloud, context: &Context<'_>) -> Result<String, ApiError> {
    let known = &cloud.network.security_groups;
    match context.parameter("SecurityGroupId") {
        Some(id) if !known.is_empty() && !known.iter().any(|known| known == id) => {
            let message = format!("The specified security group {id} does not exist.");
            Err(ApiError::new(404, "InvalidSecurityGroupId.NotFound", message))
        }
        asked => Ok(asked.unwrap_or("sg-default").to_owned()),
    }
}

/// The one VPC of all vSwitches; a security group that is named has to be in it.
pub(super) fn vpc(
    cloud: &Cloud,
    context: &Context<'_>,
    offers: &[Offer],
    security_group: &str,
) -> Result<String, ApiError> {
    let rules = &cloud.settings.vpcs;
    let vpc = vpc_of(rules, &offers[0].v_switch);
    if offers.iter().any(|offer| vpc_of(rules, &offer.v_switch) != vpc) {
        return Err(ApiError::new(400, "InvalidParameter", "VSwitchId: all vSwitches must be in one VPC"));
    }
    if context.parameter("SecurityGroupId").is_some() && vpc_of(rules, security_group) != vpc {
        let message = "The security group and the vSwitch are not in the same VPC.";
        return Err(ApiError::new(403, "OperationDenied.SecurityGroupMisMatch", message));
    }
    Ok(vpc.to_owned())
}

/// Every specification on every vSwitch, at least one: all vSwitches are tried before the next specification, and
/// pay-as-you-go after spot where that is allowed.
pub(super) fn offers(cloud: &Cloud, context: &Context<'_>) -> Result<Vec<Offer>, ApiError> {
    let places = places(cloud, context)?;
    let refused = |message| ApiError::new(400, "InvalidParameter.CPU.Memory", message);
    let specs = specs_of(&context.root).map_err(refused)?;
    let is_spot = context.parameter("SpotStrategy").is_some_and(|strategy| strategy != "NoSpot");
    let degrades = is_spot && !context.root.flag("StrictSpot");
    let ways = if degrades { vec![true, false] } else { vec![is_spot] };
    let mut offers = Vec::new();
    for is_spot in ways {
        for spec in &specs {
            offers.extend(places.iter().map(|(zone, v_switch)| Offer {
                zone: zone.clone(),
                v_switch: v_switch.clone(),
                spec: spec.clone(),
                is_spot,
            }));
        }
    }
    Ok(offers)
}

/// Zones and vSwitches in the order of the request, those of another zone than the one asked for left out.
fn places(cloud: &Cloud, context: &Context<'_>) -> Result<Vec<(String, String)>, ApiError> {
    let zone_asked = context.parameter("ZoneId");
    let ids: Vec<&str> = match context.parameter("VSwitchId") {
        Some(list) => list.split(',').map(str::trim).collect(),
        None => Vec::new(),
    };
    let known = &cloud.network.v_switches;
    let zone_of =
        |id: &str| known.iter().find(|v_switch| v_switch.id == id).map(|v_switch| v_switch.zone.clone());
    if !known.is_empty()
        && let Some(unknown) = ids.iter().find(|id| zone_of(id).is_none())
    {
        let message = format!("The specified vSwitch {unknown} does not exist.");
        return Err(ApiError::new(404, "InvalidVSwitchId.NotFound", message));
    }
    let default_zone = zone_asked.map_or_else(|| format!("{}-a", context.region(cloud)), str::to_owned);
    let sold = |zone: &str| known.is_empty() || known.iter().any(|v_switch| v_switch.zone == zone);
    if ids.is_empty() && !sold(&default_zone) && zone_asked.is_some() {
        let message = format!("Container groups are not sold in {default_zone}.");
        return Err(ApiError::new(403, "Zone.NotOnSale", message));
    }
    if ids.is_empty() {
        return Ok(vec![(default_zone, "vsw-default".to_owned())]);
    }
    let places = ids.iter().map(|id| (zone_of(id).unwrap_or(default_zone.clone()), (*id).to_owned()));
    let places: Vec<(String, String)> =
        places.filter(|(zone, _)| zone_asked.is_none_or(|asked| asked == zone)).collect();
    if places.is_empty() {
        let message = "The vSwitch is not in the specified zone.";
        return Err(ApiError::new(403, "OperationDenied.VswZoneMisMatch", message));
    }
    Ok(places)
}

/// Under `VSwitchRandom` the vSwitches are tried in any order, for each specification anew.
pub(super) fn shuffle(cloud: &mut Cloud, context: &Context<'_>, offers: &mut [Offer]) {
    if context.parameter("ScheduleStrategy") != Some("VSwitchRandom") {
        return;
    }
    let rng = &mut cloud.rng;
    for group in offers.chunk_by_mut(|a, b| a.spec == b.spec && a.is_spot == b.is_spot) {
        for last in (1..group.len()).rev() {
            let other = usize::try_from(rng.next() % (last as u64 + 1)).unwrap_or(0);
            group.swap(last, other);
        }
    }
}

/// Refuses at once what cannot be placed, as far as the cloud does: without an address or below the price always,
/// without stock where the switch says so.
pub(super) fn check_room(cloud: &Cloud, facts: &Facts, now: Timestamp) -> Result<(), ApiError> {
    let settings = &cloud.settings;
    let look =
        |offer: &Offer| (offer.is_spot, stock::refusal(offer, facts, settings, now, cloud.store.groups()));
    let seen: Vec<(bool, Option<Refusal>)> = facts.offers.iter().map(look).collect();
    let refusals: Vec<&Refusal> = seen.iter().filter_map(|(_, refusal)| refusal.as_ref()).collect();
    let is_spot_outbid = facts.is_spot
        && seen
            .iter()
            .filter(|(is_spot, _)| *is_spot)
            .all(|(_, refusal)| refusal.as_ref().is_some_and(|refusal| refusal.code == "Spot.NotMatched"));
    let is_full = refusals.len() == seen.len();
    let lacks_addresses = refusals.iter().all(|refusal| refusal.code == "InvalidVSwitchId.IpNotEnough");
    let refused = is_full && (lacks_addresses || settings.no_stock == NoStock::Refused);
    match refusals.first() {
        Some(first) if refused || is_spot_outbid => {
            Err(ApiError::of_code(first.code, first.message.clone(), settings.throttling_http_status))
        }
        _ => Ok(()),
    }
}
