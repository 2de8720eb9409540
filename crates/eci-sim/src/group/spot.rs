//! A spot group's life beside that of its containers: protected for a while, then looked at again and again, told
//! that it is to be released, and ended.

use jiff::{SignedDuration, Timestamp};

use super::events::Events;
use super::facts::Facts;
use crate::clock::{later, seconds_text};
use crate::market::spot_hour;
use crate::settings::{Count, Settings, SpotReclaim, millis};

#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// When the platform looks at it next.
    check_at: Timestamp,
    /// When it ends, once that is decided.
    pub(super) release_at: Option<Timestamp>,
}

impl Spot {
    /// A group that was placed at `at`.
    pub(super) fn new(facts: &Facts, at: Timestamp) -> Self {
        Self { check_at: later(at, facts.spot_protection()), release_at: None }
    }

    pub(super) fn due(&self) -> Timestamp {
        self.release_at.unwrap_or(self.check_at)
    }

    /// Looks at whether the group is to be taken back. Returns whether it is.
    pub(super) fn step(
        &mut self,
        facts: &Facts,
        at: Timestamp,
        settings: &Settings,
        events: &mut Events,
    ) -> bool {
        // Never in the same instant again, whatever the setting says.
        self.check_at = later(at, millis(settings.spot_check_ms.max(1)));
        let Some(why) = taken_back(facts, at, settings) else { return false };
        self.announce(at, millis(settings.spot_notice_ms), why, events);
        true
    }

    /// The group ends after `notice`.
    pub(super) fn announce(&mut self, at: Timestamp, notice: SignedDuration, why: &str, events: &mut Events) {
        let release_at = later(at, notice);
        self.release_at = Some(release_at);
        let message = format!("{why}; the spot instance is released at {}.", seconds_text(release_at));
        events.warning(at, "SpotToBeReleased", message);
    }
}

/// Why the platform takes a spot group back, if it does.
fn taken_back(facts: &Facts, at: Timestamp, settings: &Settings) -> Option<&'static str> {
    match settings.spot_reclaim {
        SpotReclaim::Never => None,
        SpotReclaim::Always => Some("The capacity is needed"),
        SpotReclaim::ByPrice => {
            let kind = facts.kind();
            let price = spot_hour(settings, &facts.zone, &kind, facts.size, at);
            let rule =
                settings.stock_rules.iter().find(|rule| rule.is_spot && rule.covers(&facts.zone, &kind));
            let is_sold_out = rule.is_some_and(|rule| matches!(rule.count, Count::Closed | Count::Of(0)));
            let is_outbid = facts.spot_limit().is_some_and(|limit| price > limit);
            match (is_outbid, is_sold_out) {
                (true, _) => Some("The price is above the limit"),
                (false, true) => Some("The capacity is needed"),
                (false, false) => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::facts;
    use super::super::{Group, Status};
    use super::*;

    const LIMIT: [(&str, &str); 2] = [("SpotStrategy", "SpotWithPriceLimit"), ("SpotPriceLimit", "0.1")];

    struct World {
        group: Group,
        settings: Settings,
        now: Timestamp,
    }

    impl World {
        fn new(settings: Settings, changes: &[(&str, &str)]) -> Self {
            let mut facts = facts(changes);
            facts.offers[0].is_spot = true;
            let now = facts.created_at;
            Self { group: Group::new(facts, &settings), settings, now }
        }

        fn after(&mut self, minutes: i64) -> Status {
            self.now += SignedDuration::from_mins(minutes);
            self.group.advance(self.now, &self.settings);
            self.group.life.status()
        }

        fn is_warned(&self) -> bool {
            self.group.life.events.iter().any(|event| event.reason == "SpotToBeReleased")
        }
    }

    #[test]
    fn a_price_above_the_limit_ends_the_group_once_it_is_no_longer_protected() {
        // 2 vCPU and 4 GiB cost 0.441 an hour.
        let mut world = World::new(Settings { spot_price_percent: 50, ..Settings::default() }, &LIMIT);
        assert_eq!(world.after(59), Status::Running);
        assert!(!world.is_warned(), "it is protected for an hour");
        assert_eq!(world.after(2), Status::Running);
        assert!(world.is_warned());
        assert_eq!(world.after(1), Status::Running, "three minutes are its notice");
        assert_eq!(world.after(2), Status::Expired);
    }

    #[test]
    fn a_price_that_rises_later_is_seen_at_the_next_look() {
        let mut world = World::new(Settings { spot_price_percent: 10, ..Settings::default() }, &LIMIT);
        assert_eq!(world.after(62), Status::Running);
        world.settings.spot_price_percent = 50;
        world.after(2);
        assert!(!world.is_warned());
        world.after(2);
        assert!(world.is_warned());
    }

    #[test]
    fn without_protection_it_is_looked_at_from_the_start() {
        let changes = [&LIMIT[..], &[("SpotDuration", "0")]].concat();
        let mut world = World::new(Settings { spot_price_percent: 50, ..Settings::default() }, &changes);
        assert_eq!(world.after(2), Status::Running);
        assert_eq!(world.after(2), Status::Expired);
    }

    #[test]
    fn the_switch_takes_back_always_or_never() {
        let any_price = [("SpotStrategy", "SpotAsPriceGo")];
        let mut world = World::new(Settings::default(), &any_price);
        assert_eq!(world.after(48 * 60), Status::Running, "it pays any price");
        world.settings.spot_reclaim = SpotReclaim::Always;
        assert_eq!(world.after(10), Status::Expired);
        let never =
            Settings { spot_price_percent: 90, spot_reclaim: SpotReclaim::Never, ..Settings::default() };
        assert_eq!(World::new(never, &LIMIT).after(48 * 60), Status::Running);
    }
}
