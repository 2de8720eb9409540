//! Finds the word for why a group is where it is: among its events, or among its conditions.
//!
//! Only what the platform says about the group counts. That an image is pulled or a container backs off, its
//! container's state tells.

use eci_client::model::{Condition, ConditionStatus, Event, EventType};
use vk_core::GroupState;

/// Reasons of the platform, from the pages on its events and conditions. They also come with `ContainerGroup.` before
/// them.
const OF_PLATFORM: &[&str] = &[
    "AttachDiskFailed",
    "CpuOptionsNotSupported",
    "CpuOptionsNotValid",
    "CreateBackoff",
    "DeadlineExceeded",
    "DiskCapacityQuotaFull",
    "FailedScheduling",
    "InstanceFailure.Reboot",
    "InsufficientBalance",
    "NoStock",
    "QuotaExceeded",
    "QuotaFull",
    "ResourceInsufficient",
    "SYSTEM_FAILURE",
    "SpotToBeReleased",
    "StartingFailed",
    "StockClose",
    "StockExhaust",
    "SystemFailure.Reboot",
    "SystemFailure.Redeploy",
    "SystemFailureReboot",
    "SystemReboot",
    "Throttling",
    "Unauthorized",
    "UnknownError",
];

/// Conditions by which the platform speaks of the group. `Ready` and its like only repeat the containers' states.
const PLATFORM_CONDITIONS: &[&str] =
    &["ContainerInstanceCreated", "Unschedulable", "SandboxReady", "ContainerHasSufficientDisk"];

/// A word and a sentence.
type Reason = (Option<String>, Option<String>);

/// What the newest event of the platform says.
pub(super) fn of_events(events: &[Event], state: &GroupState) -> Reason {
    by_state(state, || {
        let telling = events.iter().filter(|event| {
            event.r#type != Some(EventType::Normal) && event.reason.as_deref().is_some_and(is_of_platform)
        });
        // Of equally old ones the last in the list.
        let newest = telling.max_by_key(|event| event.last_timestamp)?;
        Some((newest.reason.clone(), newest.message.clone()))
    })
}

/// What the condition that went wrong last says.
pub(super) fn of_conditions(conditions: &[Condition], state: &GroupState) -> Reason {
    by_state(state, || {
        let telling = conditions.iter().filter(|condition| {
            // The one condition whose `True` is trouble.
            let bad = match condition.r#type.as_str() {
                "Unschedulable" => ConditionStatus::True,
                _ => ConditionStatus::False,
            };
            PLATFORM_CONDITIONS.contains(&condition.r#type.as_str())
                && condition.status == bad
                && condition.reason.as_deref().is_some_and(is_of_platform)
        });
        let newest = telling.max_by_key(|condition| condition.last_transition_time)?;
        Some((newest.reason.clone(), newest.message.clone()))
    })
}

/// A group that runs or ended well needs no excuse, whatever happened on its way there, and one that was reclaimed has
/// one excuse, whichever source is read.
fn by_state(state: &GroupState, told: impl FnOnce() -> Option<Reason>) -> Reason {
    match state {
        GroupState::Running | GroupState::Succeeded | GroupState::Stopping | GroupState::Unknown(_) => {
            (None, None)
        }
        GroupState::Scheduling | GroupState::Pending | GroupState::Failed | GroupState::NeverStarted => {
            told().unwrap_or_default()
        }
        GroupState::Reclaimed => {
            let sentence = "the cloud took back the capacity that the pod ran on";
            (Some("SpotReclaimed".to_owned()), Some(sentence.to_owned()))
        }
    }
}

fn is_of_platform(reason: &str) -> bool {
    OF_PLATFORM.contains(&reason.strip_prefix("ContainerGroup.").unwrap_or(reason))
}
