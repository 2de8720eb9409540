//! A container group: what was asked for ([`Facts`]), and what has become of it ([`Life`]).

mod container;
mod ending;
mod events;
mod facts;
mod incarnation;
mod life;
mod placing;
mod probes;
mod programs;
mod pull;
mod real;
mod renew;
mod spot;
mod status;
mod stopping;
mod switches;

pub(crate) use container::{Container, Phase};
pub(crate) use events::{Event, platform_reason};
pub(crate) use facts::{ContainerKind, Facts, Offer};
pub(crate) use incarnation::{Exit, Incarnation};
pub(crate) use life::Life;
pub(crate) use placing::Refusal;
pub(crate) use status::Status;

use jiff::Timestamp;

use crate::settings::Settings;

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) facts: Facts,
    pub(crate) life: Life,
}

impl Group {
    pub(crate) fn new(facts: Facts, settings: &Settings) -> Self {
        let life = Life::new(&facts, settings);
        Self { facts, life }
    }

    /// The platform has something to say about the group.
    pub(crate) fn report(&mut self, at: Timestamp, reason: &'static str, message: String) {
        self.life.events.platform(at, reason, message);
        self.life.changed_at = at;
    }

    /// Lets everything happen that is due by `now`; an offer that is due is taken.
    pub(crate) fn advance(&mut self, now: Timestamp, settings: &Settings) {
        while let Some((due, _)) = self.offer_due(now) {
            self.answer_offer(due, None, settings);
        }
        self.life.advance(&self.facts, now, settings);
    }
}
