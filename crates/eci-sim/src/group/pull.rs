//! How a container comes by its image: from an image cache, by a pull, or not at all.

use jiff::{SignedDuration, Timestamp};

use super::container::{Container, Phase};
use super::events::Events;
use super::facts::PullPolicy;
use super::incarnation::hex_digest;
use crate::clock::later;
use crate::settings::{Settings, millis, number_of};

/// An image whose name contains this cannot be pulled.
const MISSING_IMAGE: &str = "does-not-exist";

impl Container {
    /// Its turn has come.
    pub(crate) fn begin(&mut self, at: Timestamp, settings: &Settings, events: &mut Events) {
        if !self.image_id.is_empty() {
            self.phase = Phase::Starting { until: later(at, settings.start()) };
        } else if self.is_cached && !self.is_real && self.pull_policy != PullPolicy::Always {
            let message = format!("Container image \"{}\" already present on machine", self.image);
            events.normal(at, "Pulled", message);
            self.has_image(at, &hex_digest(&self.image), settings);
        } else if self.pull_policy == PullPolicy::Never && !self.is_real {
            let message =
                format!("Container image \"{}\" is not present with pull policy of Never", self.image);
            events.warning(at, "ErrImageNeverPull", message);
            self.phase = Phase::NoImage;
        } else {
            events.normal(at, "Pulling", format!("Pulling image \"{}\"", self.image));
            let until = if self.is_real { Timestamp::MAX } else { later(at, self.pull_time(settings)) };
            self.phase = Phase::Pulling { until };
        }
    }

    /// How long the pull takes: what the container says, or the setting and what the size of the image adds.
    fn pull_time(&self, settings: &Settings) -> SignedDuration {
        let size = || {
            // With the layers there, only their digests are asked for.
            let mib = number_of(&settings.image_sizes, &self.image).filter(|_| !self.is_cached).unwrap_or(0);
            let speed = u64::from(settings.pull_mib_per_s);
            millis((u64::from(mib) * 1000).checked_div(speed).unwrap_or(0))
        };
        self.switches.pull.unwrap_or_else(|| settings.pull().saturating_add(size()))
    }

    pub(super) fn pulled(&mut self, at: Timestamp, settings: &Settings, events: &mut Events) {
        let found = if self.image.contains(MISSING_IMAGE) {
            Err("not found".to_owned())
        } else {
            Ok(hex_digest(&self.image))
        };
        self.pull_ended(at, found, settings, events);
    }

    /// The pull has ended, with the image's digest or the reason of its failure.
    pub(super) fn pull_ended(
        &mut self,
        at: Timestamp,
        found: Result<String, String>,
        settings: &Settings,
        events: &mut Events,
    ) {
        match found {
            Err(reason) => {
                let message = format!("Failed to pull image \"{}\": {reason}", self.image);
                events.warning(at, "Failed", message);
                self.phase = Phase::PullFailed { until: later(at, settings.pull()) };
            }
            Ok(digest) => {
                events.normal(at, "Pulled", format!("Successfully pulled image \"{}\"", self.image));
                self.has_image(at, &digest, settings);
            }
        }
    }

    fn has_image(&mut self, at: Timestamp, digest: &str, settings: &Settings) {
        self.image_id = format!("{}@sha256:{digest}", self.image);
        self.attempts = 0;
        self.phase = Phase::Starting { until: later(at, settings.start()) };
    }
}
