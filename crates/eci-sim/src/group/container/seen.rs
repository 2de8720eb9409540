//! What is seen of a container from outside: whether it waits, runs, is ready or has ended.

use super::{Container, ContainerKind, Incarnation, Phase};

impl Container {
    /// Whether it has been started since its group was asked to start anew.
    pub(in crate::group) fn is_settled(&self) -> bool {
        self.current.is_some() || matches!(self.phase, Phase::BackOff { .. } | Phase::Ended)
    }

    /// Whether its turn has not come yet.
    pub(crate) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    pub(crate) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    pub(crate) fn is_ready(&self) -> bool {
        match self.kind {
            ContainerKind::App => {
                self.is_running() && self.current.as_ref().is_some_and(|current| current.ready)
            }
            ContainerKind::Init => self.has_succeeded(),
        }
    }

    pub(crate) fn set_ready(&mut self, ready: bool) {
        if let Some(current) = &mut self.current {
            current.ready = ready;
            // The probe's own verdict no longer counts.
            current.turns.clear();
        }
    }

    /// Whether it has been started at least once.
    pub(crate) fn was_created(&self) -> bool {
        self.current.is_some() || self.previous.is_some()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    pub(crate) fn has_succeeded(&self) -> bool {
        let exit = self.current.as_ref().and_then(Incarnation::exit);
        self.has_ended() && exit.is_some_and(|exit| exit.code == 0)
    }

    /// The waiting reason and message that a kubelet would show; `None` when it does not wait.
    pub(crate) fn waiting(&self) -> Option<(&'static str, String)> {
        match &self.phase {
            Phase::Idle if self.behind_init => Some(("PodInitializing", String::new())),
            Phase::Idle | Phase::Pulling { .. } | Phase::Starting { .. } | Phase::Launching => {
                Some(("ContainerCreating", String::new()))
            }
            Phase::PullFailed { .. } => {
                Some(("ErrImagePull", format!("failed to pull image \"{}\": not found", self.image)))
            }
            Phase::NoImage => Some((
                "ErrImageNeverPull",
                format!("Container image \"{}\" is not present with pull policy of Never", self.image),
            )),
            Phase::PullBackOff { .. } => {
                Some(("ImagePullBackOff", format!("Back-off pulling image \"{}\"", self.image)))
            }
            Phase::BackOff { .. } => {
                Some(("CrashLoopBackOff", format!("back-off restarting container {}", self.name)))
            }
            Phase::Running => None,
            Phase::Ended if self.current.is_none() => Some(("ContainerCreating", String::new())),
            Phase::Ended => None,
        }
    }
}
