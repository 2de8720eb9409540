//! The events of a group: the newest fifty, equal ones counted.

use jiff::Timestamp;

/// The cloud keeps no more for a group.
const MAX_EVENTS: usize = 50;

/// Reasons that the platform gives; all others are the agent's inside the instance.
const PLATFORM: &[&str] = &[
    "AttachDiskFailed",
    "AutoInstanceTypeMatch",
    "ContainerGroup.NoStock",
    "CpuOptionsNotSupported",
    "CpuOptionsNotValid",
    "CreateBackoff",
    "DeadlineExceeded",
    "DiskCapacityQuotaFull",
    "FailedScheduling",
    "InsufficientBalance",
    "MultiZoneRecommendations",
    "NoStock",
    "OOMKilled",
    "PendingTimeout",
    "QuotaExceeded",
    "SYSTEM_FAILURE",
    "Scheduled",
    "SpotDegraded",
    "SpotToBeReleased",
    "StartingFailed",
    "StockClose",
    "StockExhaust",
    "SystemFailureReboot",
    "SystemReboot",
    "Throttling",
    "UnknownError",
];

/// The reason by that name, if it is one of the platform's.
pub(crate) fn platform_reason(name: &str) -> Option<&'static str> {
    PLATFORM.iter().copied().find(|reason| *reason == name)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) is_warning: bool,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) count: u32,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Events(Vec<Event>);

impl Events {
    pub(crate) fn normal(&mut self, at: Timestamp, reason: &'static str, message: String) {
        self.add(at, false, reason, message);
    }

    pub(crate) fn warning(&mut self, at: Timestamp, reason: &'static str, message: String) {
        self.add(at, true, reason, message);
    }

    /// What the platform reports. All of its reasons are warnings but three.
    pub(super) fn platform(&mut self, at: Timestamp, reason: &'static str, message: String) {
        let is_normal = ["AutoInstanceTypeMatch", "MultiZoneRecommendations", "Scheduled"].contains(&reason);
        self.add(at, !is_normal, reason, message);
    }

    fn add(&mut self, at: Timestamp, is_warning: bool, reason: &'static str, message: String) {
        let same = self.0.iter_mut().find(|event| event.reason == reason && event.message == message);
        if let Some(event) = same {
            event.count += 1;
            event.last = at;
            return;
        }
        if self.0.len() == MAX_EVENTS {
            self.0.remove(0);
        }
        self.0.push(Event { is_warning, reason, message, count: 1, first: at, last: at });
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_events_are_counted_and_old_ones_dropped() {
        let mut events = Events::default();
        let at = Timestamp::UNIX_EPOCH;
        events.warning(at, "BackOff", "first".into());
        events.warning(at, "BackOff", "first".into());
        assert_eq!(events.iter().map(|event| event.count).collect::<Vec<_>>(), [2]);
        for n in 0..60 {
            events.normal(at, "Pulled", n.to_string());
        }
        assert_eq!(events.iter().count(), 50);
        assert_eq!(events.iter().next().unwrap().message, "10");
    }
}
