//! A container group: what was asked for ([`Facts`]), and what has become of it ([`Life`]).

mod container;
mod events;
mod facts;
mod incarnation;
mod life;
mod real;
mod renew;
mod status;

pub(crate) use container::{Container, Phase};
pub(crate) use events::Event;
pub(crate) use facts::{ContainerKind, Facts};
pub(crate) use incarnation::{Exit, Incarnation};
pub(crate) use life::Life;
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

    /// Lets everything happen that is due by `now`.
    pub(crate) fn advance(&mut self, now: Timestamp, settings: &Settings) {
        self.life.advance(&self.facts, now, settings);
    }
}
