//! How a group ends by itself: its time is over, its host is gone, somebody says so, or its containers have all ended.
//! A deletion is another matter.

use jiff::Timestamp;

use super::container::Container;
use super::incarnation::Exit;
use super::life::Life;
use super::status::Status;

impl Life {
    /// Ends a group whose time is over, placed or not. Returns whether it was.
    pub(super) fn give_up(&mut self, at: Timestamp) -> bool {
        let (reason, message) = if self.deadline.is_some_and(|deadline| deadline <= at) {
            ("DeadlineExceeded", "the group was active longer than its deadline")
        } else if self.status == Status::Pending && self.pending_until <= at {
            ("PendingTimeout", "the group was pending longer than it may be")
        } else {
            return false;
        };
        self.finish(at, Status::Failed, reason, message);
        true
    }

    /// Ends the sidecars once nothing else runs.
    pub(super) fn end_sidecars(&mut self, at: Timestamp) {
        let mut others = self.apps.iter().filter(|container| !container.switches.is_sidecar).peekable();
        if others.peek().is_some() && others.all(Container::has_ended) {
            for sidecar in self.apps.iter_mut().filter(|container| !container.has_ended()) {
                if sidecar.is_real && sidecar.is_running() {
                    // Its runtime stops it, and says how that ended.
                    sidecar.is_leaving = true;
                    continue;
                }
                sidecar.stop(at, Exit::of_code(128 + 15, String::new()));
            }
        }
    }

    /// Whether the group ended well, as far as the containers that count tell.
    pub(super) fn outcome(&self) -> Status {
        let is_job = self.apps.iter().any(|container| !container.switches.is_sidecar);
        let counts = |container: &&Container| {
            !(container.switches.ignores_exit_code || is_job && container.switches.is_sidecar)
        };
        let succeeded = self.apps.iter().filter(counts).all(Container::has_succeeded);
        if succeeded { Status::Succeeded } else { Status::Failed }
    }

    /// Ends the group from outside its containers.
    pub(super) fn finish(&mut self, at: Timestamp, status: Status, reason: &'static str, message: &str) {
        let exit = Exit { code: 137, signal: 9, reason: reason.to_owned(), message: message.to_owned() };
        for container in self.init.iter_mut().chain(&mut self.apps) {
            container.stop(at, exit.clone());
        }
        self.events.warning(at, reason, message.to_owned());
        self.changed_at = at;
        self.ready = (false, at);
        self.status = status;
        self.forced = None;
        self.ended_at = Some(at);
    }

    /// What its containers ran on is gone while they were being ended.
    pub(crate) fn lose_containers(&mut self, at: Timestamp) {
        for container in self.init.iter_mut().chain(&mut self.apps) {
            container.stop(at, Exit::of_code(128 + 9, String::new()));
        }
        self.changed_at = at;
    }

    /// What its containers ran on is gone, and they with it. A group is never started elsewhere.
    pub(crate) fn lose_host(&mut self, at: Timestamp) {
        let message = "the machine that ran the containers has failed";
        self.finish(at, Status::Failed, "SYSTEM_FAILURE", message);
    }

    /// A person or a test says what the status is. A terminal one ends the containers, another only hides
    /// the real one until the next is forced or the group ends.
    pub(crate) fn force(&mut self, at: Timestamp, status: Option<Status>, message: &str) {
        match status {
            Some(status) if status.is_terminal() => {
                let reason = match status {
                    Status::ScheduleFailed => "NoStock",
                    Status::Expired => "SpotToBeReleased",
                    Status::Succeeded => "Completed",
                    _ => "UnknownError",
                };
                self.finish(at, status, reason, message);
            }
            other => {
                self.forced = other;
                self.changed_at = at;
            }
        }
    }
}
