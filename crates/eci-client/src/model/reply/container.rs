//! Declares the replies about single containers: log, exec, the saving as an image.

use crate::model::read::reply;
use crate::model::{CommitPhase, CommitTaskId, CommitTaskStatus, Secret};

reply! {
    /// The log of a container.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerLog)
    pub struct DescribeContainerLogReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The container.
        pub container_name: Option<String> = "ContainerName",
        /// Its lines, stdout and stderr merged, 1 MB at most.
        pub content: String = "Content",
    }

    /// Where to talk to the command that was asked for, or what it said.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/ExecContainerCommand)
    pub struct ExecContainerCommandReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The web socket the command starts on. Whoever has this URL has the command: never shown by `Debug`.
        /// `None` when the command ran to its end already.
        pub web_socket_uri: Option<Secret> = "WebSocketUri",
        /// A page with a terminal for browsers, to be opened within 30 seconds. A secret for the same reason.
        pub http_url: Option<Secret> = "HttpUrl",
        /// What the command wrote; only for requests with `sync`.
        pub sync_response: Option<String> = "SyncResponse",
    }

    /// One page of tasks that save containers as images.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeCommitContainerTask)
    pub struct DescribeCommitContainerTaskReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The tasks of this page.
        pub commit_tasks: Vec<CommitTask> = "CommitTasks",
        /// The size of a page. Comes as text.
        pub max_results: i64 = "MaxResults",
        /// The token of the next page; `None` on the last one.
        pub next_token: Option<String> = "NextToken",
        /// A number of results; whether of the page or of all is not documented. Do not rely on it.
        pub total_count: i64 = "TotalCount",
    }

    /// The saving of a container as an image.
    pub struct CommitTask {
        /// Its id.
        pub task_id: CommitTaskId = required "TaskId",
        /// The container.
        pub container_name: Option<String> = "ContainerName",
        /// Where it stands.
        pub task_status: CommitTaskStatus = "TaskStatus",
        /// How far it is, in percent, as text.
        pub task_progress: Option<String> = "TaskProgress",
        /// A sentence about the status.
        pub status_message: Option<String> = "StatusMessage",
        /// When it began; the format is not documented.
        pub task_creation_time: Option<String> = "TaskCreationTime",
        /// When it ended; the format is not documented. `None` until then.
        pub task_finished_time: Option<String> = "TaskFinishedTime",
        /// Its steps so far.
        pub commit_phase_infos: Vec<CommitPhaseInfo> = "CommitPhaseInfos",
    }

    /// A step of saving a container as an image.
    pub struct CommitPhaseInfo {
        /// Which step.
        pub phase: CommitPhase = "Phase",
        /// How it stands; its words are not documented.
        pub status: Option<String> = "Status",
        /// A sentence about it.
        pub message: Option<String> = "Message",
        /// When this was noted; the format is not documented.
        pub record_time: Option<String> = "RecordTime",
    }
}
