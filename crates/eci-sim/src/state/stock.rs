//! Whether there is room for a group: stock by zone and size, free addresses of vSwitches, the price of spot.
//!
//! Nothing is counted along: what is used is read off the groups that live, so that a rule may change at any time.

use jiff::Timestamp;

use crate::group::{Facts, Group, Offer, Refusal};
use crate::market::spot_hour;
use crate::settings::{Count, Settings, StockRule, number_of};

/// What stands against an offer at `at`, beside the groups that there are.
pub(crate) fn refusal<'g>(
    offer: &Offer,
    facts: &Facts,
    settings: &Settings,
    at: Timestamp,
    groups: impl Iterator<Item = &'g Group> + Clone,
) -> Option<Refusal> {
    no_address(offer, settings, groups.clone())
        .or_else(|| no_stock(offer, settings, groups))
        .or_else(|| outbid(offer, facts.spot_limit(), settings, at))
}

/// Those that have a place and take up room there.
fn placed<'g>(groups: impl Iterator<Item = &'g Group>) -> impl Iterator<Item = &'g Group> {
    groups.filter(|group| group.life.placed_at.is_some() && !group.life.is_terminal())
}

/// How much of a rule's room is taken.
pub(crate) fn used<'g>(rule: &StockRule, groups: impl Iterator<Item = &'g Group>) -> usize {
    let counts = |group: &&Group| {
        rule.covers(&group.facts.zone, &group.facts.kind()) && (!rule.is_spot || group.facts.is_spot)
    };
    placed(groups).filter(counts).count()
}

fn no_address<'g>(
    offer: &Offer,
    settings: &Settings,
    groups: impl Iterator<Item = &'g Group>,
) -> Option<Refusal> {
    let free = number_of(&settings.v_switch_addresses, &offer.v_switch)?;
    let used = placed(groups).filter(|group| group.facts.v_switch == offer.v_switch).count();
    (used >= free as usize).then(|| Refusal {
        code: "InvalidVSwitchId.IpNotEnough",
        reason: "FailedScheduling",
        message: format!("The vSwitch {} has no address left.", offer.v_switch),
    })
}

fn no_stock<'g>(
    offer: &Offer,
    settings: &Settings,
    groups: impl Iterator<Item = &'g Group> + Clone,
) -> Option<Refusal> {
    let (zone, kind) = (&offer.zone, offer.spec.kind());
    let rules = [false, true].into_iter().filter(|is_spot| offer.is_spot || !is_spot);
    let rules = rules.filter_map(|is_spot| rule_for(settings, zone, &kind, is_spot));
    rules.into_iter().find_map(|rule| match rule.count {
        Count::Closed => Some(Refusal {
            code: "Zone.NotOnSale",
            reason: "StockClose",
            message: format!("{kind} is not on sale in {zone}."),
        }),
        Count::Of(room) => {
            let used = used(rule, groups.clone());
            let message = || format!("{kind} is sold out in {zone}.");
            (used >= room as usize).then(|| Refusal::no_stock(settings, message()))
        }
    })
}

/// The rule that decides about a size in a zone.
pub(crate) fn rule_for<'s>(
    settings: &'s Settings,
    zone: &str,
    kind: &str,
    is_spot: bool,
) -> Option<&'s StockRule> {
    settings.stock_rules.iter().find(|rule| rule.is_spot == is_spot && rule.covers(zone, kind))
}

fn outbid(offer: &Offer, limit: Option<f64>, settings: &Settings, at: Timestamp) -> Option<Refusal> {
    let limit = limit.filter(|_| offer.is_spot)?;
    let kind = offer.spec.kind();
    let price = spot_hour(settings, &offer.zone, &kind, offer.spec.size, at);
    (price > limit).then(|| Refusal {
        code: "Spot.NotMatched",
        reason: "NoStock",
        message: format!("{kind} costs {price} an hour in {}, more than the limit of {limit}.", offer.zone),
    })
}
