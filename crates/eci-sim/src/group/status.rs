//! The states of a group, by the names the cloud gives them.

use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Status {
    Scheduling,
    Pending,
    Running,
    Restarting,
    Updating,
    Terminating,
    Succeeded,
    Failed,
    Expired,
    ScheduleFailed,
}

impl Status {
    /// Never left again.
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Expired | Self::ScheduleFailed)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Scheduling => "Scheduling",
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Restarting => "Restarting",
            Self::Updating => "Updating",
            Self::Terminating => "Terminating",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Expired => "Expired",
            Self::ScheduleFailed => "ScheduleFailed",
        }
    }

    /// The phase of the pod that the group runs.
    pub(crate) fn pod_phase(self) -> &'static str {
        match self {
            Self::Scheduling | Self::Pending | Self::Restarting | Self::Updating => "Pending",
            Self::Running | Self::Terminating => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed | Self::Expired | Self::ScheduleFailed => "Failed",
        }
    }
}
