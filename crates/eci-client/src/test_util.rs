//! Stands in for the cloud in tests: an ECI in memory, behind the [`Transport`] of a real client.
//!
//! It keeps state instead of answering from a script: a group that was created is listed, moves from `Scheduling` over
//! `Pending` to `Running`, has a log, ends, is deleted. It can throttle, refuse, and lose an answer before or after the
//! effect. It checks neither signatures nor most parameters: for that, run a simulator.
//!
//! ```
//! use eci_client::model::{CreateContainer, CreateContainerGroupRequest, DescribeContainerGroupsRequest, Status};
//! use eci_client::test_util::FakeEci;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let cloud = FakeEci::new();
//! let eci = cloud.client();
//!
//! let request = CreateContainerGroupRequest {
//!     container_group_name: "web".into(),
//!     client_token: Some("web-1".into()),
//!     container: vec![CreateContainer { name: "main".into(), image: "nginx".into(), ..Default::default() }],
//!     ..Default::default()
//! };
//! // The group is made, the answer is lost: only the same client token tells.
//! cloud.lose_answer_after("CreateContainerGroup", 1);
//! assert!(eci.create_container_group(&request).await.unwrap_err().is_indeterminate());
//! let created = eci.create_container_group(&request).await?;
//!
//! cloud.run(&created.container_group_id);
//! let groups = eci.list_container_groups(&DescribeContainerGroupsRequest::default()).await?;
//! assert_eq!((groups.len(), &groups[0].status), (1, &Status::Running));
//! assert_eq!(cloud.calls("CreateContainerGroup").len(), 2);
//! # Ok::<(), eci_client::Error>(()) }).unwrap();
//! ```

mod groups;
mod wire;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;

use self::groups::Groups;
use self::wire::Refusal;
use crate::client::Client;
use crate::credentials::AccessKey;
use crate::model::{ContainerGroupId, Parameters};
use crate::transport::{Transport, TransportError};

/// A cloud in memory. Clones are the same cloud.
#[derive(Clone, Default)]
pub struct FakeEci {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    groups: Groups,
    faults: Vec<Fault>,
    calls: Vec<FakeCall>,
    /// Replies to actions that it does not carry.
    replies: Vec<(String, Value)>,
}

/// A call that arrived.
#[derive(Clone, Debug)]
pub struct FakeCall {
    /// The action.
    pub action: String,
    /// Its parameters. `Debug` shows their names only.
    pub parameters: Parameters,
}

struct Fault {
    action: String,
    times: usize,
    kind: FaultKind,
}

#[derive(Clone)]
enum FaultKind {
    LoseBefore,
    LoseAfter,
    Refuse(Refusal),
}

impl FakeEci {
    /// A cloud without groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// A client of it, in the region `cn-fake`. For another deadline, retries or limits, give the fake to
    /// [`ClientBuilder::transport`](crate::ClientBuilder::transport).
    pub fn client(&self) -> Client {
        Client::builder("cn-fake")
            .credentials(AccessKey::new("fake-id", "fake-secret"))
            .transport(self.clone())
            .build()
            .expect("everything that a client needs is given")
    }

    /// Moves every group on by one status: `Scheduling`, `Pending`, `Running`. Nothing moves by itself.
    pub fn step(&self) {
        self.lock().groups.step();
    }

    /// Moves a group on to `Running`. Nothing happens to one that has ended, or that is not there.
    pub fn run(&self, id: &ContainerGroupId) {
        self.lock().groups.run(id);
    }

    /// Ends every container of a group with this exit code, and the group with them.
    pub fn end(&self, id: &ContainerGroupId, exit_code: i32) {
        self.lock().groups.end(id, exit_code);
    }

    /// Starts a container again: its log begins anew, the one before becomes that of the last run.
    pub fn restart(&self, id: &ContainerGroupId, container: &str) {
        self.lock().groups.restart(id, container);
    }

    /// Writes a line to a container's log, a millisecond after the one before.
    pub fn write_log(&self, id: &ContainerGroupId, container: &str, line: &str) {
        self.lock().groups.write_log(id, container, line);
    }

    /// Refuses the next calls of an action with `Throttling.User`; `*` is any action. Advice to wait goes along.
    pub fn throttle(&self, action: &str, times: usize, retry_after: Option<Duration>) {
        let refusal = Refusal { status: 429, code: "Throttling.User".to_owned(), retry_after };
        self.add(action, times, FaultKind::Refuse(refusal));
    }

    /// Refuses the next calls of an action with this HTTP status and code.
    pub fn refuse(&self, action: &str, times: usize, status: u16, code: &str) {
        let refusal = Refusal { status, code: code.to_owned(), retry_after: None };
        self.add(action, times, FaultKind::Refuse(refusal));
    }

    /// Lets the next calls of an action have no effect and no answer.
    pub fn lose_answer_before(&self, action: &str, times: usize) {
        self.add(action, times, FaultKind::LoseBefore);
    }

    /// Lets the next calls of an action have their effect, and no answer.
    pub fn lose_answer_after(&self, action: &str, times: usize) {
        self.add(action, times, FaultKind::LoseAfter);
    }

    /// Answers an action that the fake does not carry, from now on. A `RequestId` is added.
    pub fn answer(&self, action: &str, reply: Value) {
        self.lock().replies.push((action.to_owned(), reply));
    }

    /// The calls of an action so far, those that a fault met too; `*` is any action.
    pub fn calls(&self, action: &str) -> Vec<FakeCall> {
        self.lock().calls.iter().filter(|call| matches(action, &call.action)).cloned().collect()
    }

    fn add(&self, action: &str, times: usize, kind: FaultKind) {
        self.lock().faults.push(Fault { action: action.to_owned(), times, kind });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn matches(pattern: &str, action: &str) -> bool {
    pattern == "*" || pattern == action
}

impl State {
    fn take(
        &mut self,
        action: &str,
        parameters: Parameters,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let request_id = format!("fake-request-{}", self.calls.len() + 1);
        self.calls.push(FakeCall { action: action.to_owned(), parameters: parameters.clone() });
        let fault = self.faults.iter_mut().find(|fault| fault.times > 0 && matches(&fault.action, action));
        let fault = fault.map(|fault| {
            fault.times -= 1;
            fault.kind.clone()
        });
        let lost = || TransportError::unanswered(io::Error::other("the fake loses this answer"));
        match fault {
            Some(FaultKind::LoseBefore) => Err(lost()),
            Some(FaultKind::Refuse(refusal)) => Ok(wire::response(Err(refusal), &request_id)),
            Some(FaultKind::LoseAfter) => {
                // Whether it would have been refused is lost as well.
                let _ = self.carry_out(action, &parameters);
                Err(lost())
            }
            None => Ok(wire::response(self.carry_out(action, &parameters), &request_id)),
        }
    }

    fn carry_out(&mut self, action: &str, parameters: &Parameters) -> Result<Value, Refusal> {
        if let Some((_, reply)) = self.replies.iter().rev().find(|(known, _)| known == action) {
            return Ok(reply.clone());
        }
        match action {
            "CreateContainerGroup" => self.groups.create(parameters),
            "DescribeContainerGroups" => Ok(self.groups.describe(parameters)),
            "DescribeContainerGroupStatus" => Ok(self.groups.statuses(parameters)),
            "DescribeContainerLog" => self.groups.log(parameters),
            "RestartContainerGroup" => self.groups.restart_all(parameters),
            "DeleteContainerGroup" => self.groups.delete(parameters),
            _ => Err(Refusal::new(404, "InvalidAction.NotFound")),
        }
    }
}

#[async_trait]
impl Transport for FakeEci {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let (action, parameters) = wire::read(&request);
        self.lock().take(&action, parameters)
    }
}

impl fmt::Debug for FakeEci {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeEci").field("calls", &self.lock().calls.len()).finish_non_exhaustive()
    }
}
