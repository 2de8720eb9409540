//! Declares the reply of DescribeContainerGroupStatus: a light status in the shape of a Kubernetes pod's.
//!
//! The casing of this reply is uncertain, and every official SDK declares the slip `StartedAtstartedAt`; keys match
//! in any case and all three spellings are read.
//! [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerGroupStatus)

use jiff::Timestamp;

use crate::model::read::reply;
use crate::model::{ConditionStatus, ConditionType, ContainerGroupId, PodPhase, Status};

// The fields of what there is much of stand in the order of their names, in which writers of JSON often put them: read in
// that order each key is compared once.
reply! {
    /// One page of statuses.
    pub struct DescribeContainerGroupStatusReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The statuses of this page.
        pub data: Vec<ContainerGroupStatus> = "Data",
        /// The token of the next page; `None` on the last one.
        pub next_token: Option<String> = "NextToken",
        /// A number of results; whether of the page or of all is not documented. Do not rely on it.
        pub total_count: i64 = "TotalCount",
    }

    /// The status of one container group. There are neither tags nor init containers nor events in it.
    pub struct ContainerGroupStatus {
        /// Annotations as JSON text.
        pub annotations: Option<String> = "Annotations",
        /// The group.
        pub container_group_id: ContainerGroupId = required "ContainerGroupId",
        /// Its name.
        pub name: Option<String> = "Name",
        /// A namespace; meaningful to the vendor's own clusters.
        pub namespace: Option<String> = "Namespace",
        /// The status in Kubernetes' shape.
        pub pod_status: Option<PodStatus> = "PodStatus",
        /// Where the group stands in its life.
        pub status: Status = "Status",
        /// A uid; meaningful to the vendor's own clusters.
        pub uuid: Option<String> = "uuid",
    }

    /// A status in the shape of a Kubernetes pod's.
    pub struct PodStatus {
        /// Conditions, `Ready` among them.
        pub conditions: Vec<Condition> = "Conditions",
        /// Its containers; init containers are not declared here.
        pub container_statuses: Vec<ContainerStatus> = "ContainerStatuses",
        /// An address that stands for the host.
        pub host_ip: Option<String> = "HostIp",
        /// The phase.
        pub phase: Option<PodPhase> = "Phase",
        /// The group's IPv4 address.
        pub pod_ip: Option<String> = "PodIp",
        /// All its addresses.
        pub pod_ips: Vec<PodIp> = "PodIps",
        /// The quality-of-service class.
        pub qos_class: Option<String> = "QosClass",
        /// When the group started.
        pub start_time: Option<Timestamp> = "StartTime",
    }

    /// An address.
    pub struct PodIp {
        /// IPv4 or IPv6.
        pub ip: String = "Ip",
    }

    /// A condition, `Ready` or `ContainerInstanceCreated` for example.
    pub struct Condition {
        /// A sentence for people.
        pub message: Option<String> = "Message",
        /// One word for programs.
        pub reason: Option<String> = "Reason",
        /// When it last changed.
        pub last_transition_time: Option<Timestamp> = "lastTransitionTime",
        /// Whether it holds.
        pub status: ConditionStatus = "status",
        /// Which.
        pub r#type: ConditionType = "type",
    }

    /// How one container fares.
    pub struct ContainerStatus {
        /// Its image.
        pub image: Option<String> = "Image",
        /// The digest it was resolved to.
        pub image_id: Option<String> = "ImageID",
        /// How its last run ended.
        pub last_state: Option<StateDetail> = "LastState",
        /// Its name.
        pub name: String = "Name",
        /// Whether it can serve.
        pub ready: bool = "Ready",
        /// How often it was started again.
        pub restart_count: i32 = "RestartCount",
        /// Whether it has started.
        pub started: bool = "Started",
        /// What it does now.
        pub state: Option<StateDetail> = "State",
    }

    /// What a container does: the one field that is set says which state, and all of it.
    pub struct StateDetail {
        /// Set while it runs.
        pub running: Option<RunningState> = "Running",
        /// Set when it ended.
        pub terminated: Option<TerminatedState> = "Terminated",
        /// Set before it runs.
        pub waiting: Option<WaitingState> = "Waiting",
    }

    /// A container that runs.
    pub struct RunningState {
        /// Since when.
        pub started_at: Option<Timestamp> = "StartedAt" | "StartedAtstartedAt",
    }

    /// A container that ended.
    pub struct TerminatedState {
        /// Its exit code.
        pub exit_code: i32 = "ExitCode",
        /// The signal that ended it; 0 for none.
        pub signal: i32 = "Signal",
        /// How it ended (`OOMKilled`, `Error`, `Completed`).
        pub reason: Option<String> = "Reason",
        /// Its termination message.
        pub message: Option<String> = "Message",
        /// When it started.
        pub started_at: Option<Timestamp> = "StartedAt" | "StartedAtstartedAt",
        /// When it ended.
        pub finished_at: Option<Timestamp> = "FinishedAt" | "FinishedAtfinishedAt",
        /// The id of the container in its runtime.
        pub container_id: Option<String> = "ContainerID",
    }

    /// A container that has not started.
    pub struct WaitingState {
        /// Why (`ContainerCreating`, `ImagePullBackOff`).
        pub reason: Option<String> = "Reason",
        /// A sentence for people.
        pub message: Option<String> = "Message",
    }
}
