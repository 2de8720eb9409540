//! How a group finds its place: its offers are tried in order until there is room for one.
//!
//! Whether there is room is not the group's to know. Whoever owns all groups asks for the offer that is due and
//! answers with what stands against it.

use jiff::Timestamp;

use super::events::Events;
use super::facts::Offer;
use super::life::Life;
use super::{Facts, Group, Status};
use crate::clock::{later, seconds_text};
use crate::settings::{NoStockReason, Settings, Stock, millis};

/// Why an offer cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The code that a create answers with, where it answers at once.
    pub(crate) code: &'static str,
    /// The reason of the event.
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn no_stock(settings: &Settings, message: String) -> Self {
        let reason = match settings.no_stock_reason {
            NoStockReason::Plain => "NoStock",
            NoStockReason::Prefixed => "ContainerGroup.NoStock",
        };
        Self { code: "OperationDenied.NoStock", reason, message }
    }
}

/// What is left to try.
#[derive(Clone, Debug)]
pub(super) struct Placing {
    /// When the next offer is tried.
    pub(super) at: Timestamp,
    /// The place of that offer among all.
    next: usize,
    /// It was made when the switch said that there is no stock at all.
    is_hopeless: bool,
    /// Flow control never lets it be placed.
    is_throttled: bool,
    /// What stood against the last offer.
    pub(super) refusal: Option<Refusal>,
}

impl Placing {
    pub(super) fn new(facts: &Facts, settings: &Settings) -> Self {
        Self {
            at: later(facts.created_at, settings.schedule()),
            next: 0,
            is_hopeless: settings.stock == Stock::ScheduleFailed,
            is_throttled: false,
            refusal: None,
        }
    }
}

impl Refusal {
    fn throttled() -> Self {
        let message = "The creation was throttled and is given up.".to_owned();
        Self { code: "Throttling", reason: "Throttling", message }
    }
}

impl Group {
    /// Its create was accepted and is held up by flow control: it is placed later, or never.
    pub(crate) fn throttle(&mut self, at: Timestamp, until: Option<Timestamp>) {
        let message = "The creation is throttled by the platform.".to_owned();
        self.life.events.warning(at, "Throttling", message);
        let placing = &mut self.life.placing;
        placing.is_throttled = until.is_none();
        placing.at = until.map_or(placing.at, |until| until.max(placing.at));
        self.life.changed_at = at;
    }

    /// The offer that is to be tried by `now`, and when that is due.
    pub(crate) fn offer_due(&self, now: Timestamp) -> Option<(Timestamp, &Offer)> {
        let Life { placing, .. } = &self.life;
        let waits = self.life.waits_for_place() && placing.at <= now;
        waits.then(|| self.facts.offers.get(placing.next)).flatten().map(|offer| (placing.at, offer))
    }

    /// Takes the offer that is due, or goes on to the next.
    pub(crate) fn answer_offer(&mut self, at: Timestamp, refusal: Option<Refusal>, settings: &Settings) {
        let Some(offer) = self.offer_due(at).map(|(_, offer)| offer.clone()) else { return };
        let hopeless =
            || Refusal::no_stock(settings, "The requested resource is sold out in the zone.".into());
        let refusal = refusal.or_else(|| self.life.placing.is_hopeless.then(hopeless));
        let refusal = self.life.placing.is_throttled.then(Refusal::throttled).or(refusal);
        match refusal {
            None => self.place(at, offer, settings),
            Some(refusal) => self.refuse(at, refusal, settings),
        }
    }

    fn place(&mut self, at: Timestamp, offer: Offer, settings: &Settings) {
        let first = &self.facts.offers[0];
        let events = &mut self.life.events;
        if offer.spec != first.spec {
            let message = format!("The container group was placed as {}.", offer.spec.kind());
            events.normal(at, "AutoInstanceTypeMatch", message);
        }
        if first.is_spot && !offer.is_spot {
            let message = "There is no spot stock; the container group is pay-as-you-go.".to_owned();
            events.warning(at, "SpotDegraded", message);
        }
        self.facts.take(offer);
        self.life.placed(&self.facts, at, settings);
    }

    fn refuse(&mut self, at: Timestamp, refusal: Refusal, settings: &Settings) {
        let placing = &mut self.life.placing;
        placing.next += 1;
        let is_over = placing.next >= self.facts.offers.len() || placing.is_hopeless || placing.is_throttled;
        placing.at = later(at, millis(settings.stock_retry_ms));
        tell_what_follows(&mut self.life.events, at, &refusal, &self.facts, (!is_over).then_some(placing.at));
        self.life.events.warning(at, refusal.reason, refusal.message.clone());
        placing.refusal = Some(refusal);
        // While other specifications are tried, the group counts as pending.
        self.life.unplaced(at, if is_over { Status::ScheduleFailed } else { Status::Pending });
    }
}

/// What the platform says of a refusal before the refusal itself: that another offer is tried at `again`, or that there is
/// none left, and what would help.
fn tell_what_follows(
    events: &mut Events,
    at: Timestamp,
    refusal: &Refusal,
    facts: &Facts,
    again: Option<Timestamp>,
) {
    if let Some(again) = again {
        let message = format!("The creation is tried again at {}.", seconds_text(again));
        return events.warning(at, "CreateBackoff", message);
    }
    if refusal.code != "OperationDenied.NoStock" {
        return;
    }
    let zone = &facts.offers[0].zone;
    if facts.offers.iter().all(|offer| offer.zone == *zone) {
        let message = format!("Only {zone} was asked; vSwitches of several zones raise the chances.");
        events.normal(at, "MultiZoneRecommendations", message);
    }
    let message = "The stock of all zones and specifications that were asked for is exhausted.".to_owned();
    events.warning(at, "StockExhaust", message);
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::facts;
    use super::*;
    use crate::size::{Size, Spec};

    fn group(sizes: &[&str]) -> (Group, Settings) {
        let mut facts = facts(&[]);
        let one = facts.offers[0].clone();
        let offer = |kind: &&str| Offer {
            spec: Spec {
                instance_type: (*kind).to_owned(),
                category: String::new(),
                size: crate::size::of_instance_type(kind).unwrap(),
            },
            ..one.clone()
        };
        facts.offers = sizes.iter().map(offer).collect();
        let settings = Settings::default();
        (Group::new(facts, &settings), settings)
    }

    fn refusal() -> Option<Refusal> {
        Some(Refusal::no_stock(&Settings::default(), "none".into()))
    }

    fn at(milliseconds: i64) -> Timestamp {
        later("2026-01-01T00:00:00Z".parse().unwrap(), jiff::SignedDuration::from_millis(milliseconds))
    }

    #[test]
    fn specifications_are_tried_in_order_while_the_group_is_pending() {
        let (mut group, settings) = group(&["ecs.c6.large", "2-8Gi"]);
        assert_eq!(group.offer_due(at(299)), None);
        group.answer_offer(at(300), refusal(), &settings);
        assert_eq!((group.life.status(), group.life.placed_at), (Status::Pending, None));
        assert_eq!(group.offer_due(at(1_299)), None, "the next try is a second later");
        group.answer_offer(at(1_300), None, &settings);
        assert_eq!(group.facts.size, Size { cpu: 2.0, memory: 8.0 });
        assert_eq!(group.facts.instance_type, "2-8Gi");
        let reasons: Vec<_> = group.life.events.iter().map(|event| event.reason).collect();
        assert_eq!(reasons[..4], ["CreateBackoff", "NoStock", "AutoInstanceTypeMatch", "Scheduled"]);
    }

    #[test]
    fn a_group_waits_for_its_place_no_longer_than_it_may_be_pending() {
        let (mut group, mut settings) = group(&["ecs.c6.large", "2-8Gi"]);
        settings.stock_retry_ms = 10 * 3_600_000;
        group.answer_offer(at(300), refusal(), &settings);
        let limit = at(4 * 3_600_000);
        assert_eq!(group.life.due(), Some(limit));
        group.advance(limit, &settings);
        assert_eq!((group.life.status(), group.life.ended_at), (Status::Failed, Some(limit)));
        assert_eq!(group.life.events.iter().last().map(|event| event.reason), Some("PendingTimeout"));
        assert_eq!(group.offer_due(at(11 * 3_600_000)), None);
    }

    #[test]
    fn a_group_without_room_anywhere_ends_in_schedule_failed() {
        let (mut group, settings) = group(&["2-4Gi", "2-8Gi"]);
        group.answer_offer(at(300), refusal(), &settings);
        group.answer_offer(at(1_300), refusal(), &settings);
        assert_eq!(group.life.status(), Status::ScheduleFailed);
        assert_eq!(group.life.ended_at, Some(at(1_300)));
        let reasons: Vec<_> =
            group.life.events.iter().map(|event| (event.reason, event.is_warning)).collect();
        let expected = [("CreateBackoff", true), ("NoStock", true), ("MultiZoneRecommendations", false)];
        assert_eq!((&reasons[..3], reasons[3].0), (&expected[..], "StockExhaust"));
        assert_eq!(group.offer_due(at(9_000)), None);
    }

    #[test]
    fn an_answer_that_nobody_waits_for_changes_nothing() {
        let (mut group, settings) = group(&["2-4Gi"]);
        group.answer_offer(at(299), None, &settings);
        assert_eq!(group.life.placed_at, None);
        group.answer_offer(at(300), None, &settings);
        group.answer_offer(at(400), refusal(), &settings);
        assert_eq!(group.life.status(), Status::Pending);
    }
}
