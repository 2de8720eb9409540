//! What all connections share: the cloud under its lock, the clock, and what writes down what happens.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, later};
use crate::control::{self, ControlRequest};
use crate::error::Error;
use crate::group::Group;
use crate::keep::Keeper;
use crate::runtime::Oci;
use crate::settings::Settings;
use crate::state::Cloud;
use crate::state::record::Report;

/// What all connections share.
pub(crate) struct Shared {
    cloud: Mutex<Cloud>,
    pub(super) clock: Arc<dyn Clock>,
    /// What runs containers for real.
    pub(super) oci: Option<Arc<Oci>>,
    pub(crate) about: About,
    /// Writes down what happens; taken after the cloud, never before.
    keeper: Mutex<Option<Keeper>>,
    /// Tells whoever waits for it that virtual time has moved.
    moved: watch::Sender<()>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// What a person wants to know of a simulator that has started.
#[derive(Debug)]
pub(crate) struct About {
    /// What runs containers.
    pub(crate) runtime: String,
    pub(crate) seed: u64,
}

impl Shared {
    pub(crate) fn new(
        cloud: Cloud,
        clock: Arc<dyn Clock>,
        oci: Option<Arc<Oci>>,
        keeper: Option<Keeper>,
        about: About,
    ) -> Self {
        Self {
            cloud: Mutex::new(cloud),
            clock,
            oci,
            about,
            keeper: Mutex::new(keeper),
            moved: watch::Sender::new(()),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// The cloud. A panic under the lock leaves a state that is no worse than a bug's usual trace.
    pub(super) fn cloud(&self) -> Kept<'_> {
        let cloud = self.cloud.lock().unwrap_or_else(PoisonError::into_inner);
        Kept { cloud, keeper: &self.keeper, stop: &self.stop }
    }

    /// Why the state could not be written, if that has ended the simulator.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.failure()
    }

    /// The last that is written down.
    pub(crate) fn put_away(&self) {
        let cloud = self.cloud();
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(error)) = keeper.as_mut().map(|keeper| keeper.save_tally(&cloud)) {
            tracing::error!(%error, "the counts could not be written");
        }
    }

    /// Looks at the cloud as it is now.
    pub(crate) fn with_cloud<T>(&self, look: impl FnOnce(&mut Cloud, Timestamp) -> T) -> T {
        let mut cloud = self.cloud();
        let now = cloud.advance(self.clock.now());
        look(&mut cloud, now)
    }

    /// Changes a group as it is now; `None` when it is gone.
    pub(crate) fn change_group<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Group, Timestamp, &Settings) -> T,
    ) -> Option<T> {
        self.with_cloud(|cloud, now| {
            let Cloud { store, settings, .. } = cloud;
            store.change(id, settings, |group| change(group, now, settings))
        })
    }

    /// Lets a group know what its runtime says; what of that outlives the runtime is written down. Returns the id of the
    /// run that has begun, if one has.
    pub(crate) fn report(&self, id: &str, report: Report) -> Option<String> {
        self.with_cloud(|cloud, now| cloud.told(id, report, now))
    }

    pub(crate) fn control(&self, request: ControlRequest<'_>) -> (u16, serde_json::Value) {
        if (request.method, request.path) == ("GET", "about") {
            return (200, self.about());
        }
        let answer = control::handle(&mut self.cloud(), self.clock.now(), request);
        self.moved.send_replace(());
        answer
    }

    /// Waits so long, by virtual time where there is one.
    pub(super) async fn wait(&self, duration: SignedDuration) {
        if duration.is_zero() {
            return;
        }
        let mut moved = self.moved.subscribe();
        let until = {
            let cloud = self.cloud();
            cloud.virtual_start.map(|_| later(cloud.time(cloud.wall), duration))
        };
        match until {
            None => sleep(duration).await,
            Some(until) => {
                let is_over = || self.with_cloud(|_, now| now >= until);
                while !is_over() && moved.changed().await.is_ok() {}
            }
        }
    }

    fn about(&self) -> serde_json::Value {
        let About { runtime, seed } = &self.about;
        serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "region": self.cloud().region,
            "runtime": runtime,
            // A text: a browser's numbers are not exact beyond 53 bits.
            "seed": seed.to_string(),
        })
    }
}

impl Shared {
    /// The time by which answers are measured: virtual where there is one, so that a seed repeats it.
    pub(super) fn stopwatch(&self) -> Timestamp {
        let cloud = self.cloud();
        cloud.virtual_start.map_or_else(|| self.clock.now(), |_| cloud.time(cloud.wall))
    }

    /// A caller as the journal has it. No seed repeats a port, so where time is virtual it is left out.
    pub(super) fn name_of(&self, peer: SocketAddr) -> String {
        match self.cloud().virtual_start {
            Some(_) => peer.ip().to_string(),
            None => peer.to_string(),
        }
    }

    pub(super) fn date(&self) -> String {
        self.cloud().date(self.clock.now())
    }
}

async fn sleep(duration: SignedDuration) {
    if let Ok(duration) = Duration::try_from(duration)
        && !duration.is_zero()
    {
        tokio::time::sleep(duration).await;
    }
}

/// The cloud while somebody has it; what was done to it is written down when it is let go, before any answer is sent.
pub(super) struct Kept<'s> {
    cloud: MutexGuard<'s, Cloud>,
    keeper: &'s Mutex<Option<Keeper>>,
    stop: &'s CancellationToken,
}

impl Deref for Kept<'_> {
    type Target = Cloud;

    fn deref(&self) -> &Cloud {
        &self.cloud
    }
}

impl DerefMut for Kept<'_> {
    fn deref_mut(&mut self) -> &mut Cloud {
        &mut self.cloud
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        if self.cloud.unsaved.is_none() {
            return;
        }
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keeper) = keeper.as_mut()
            && !keeper.save(&mut self.cloud)
        {
            self.stop.cancel();
        }
    }
}
