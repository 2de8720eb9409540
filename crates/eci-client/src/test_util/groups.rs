//! The groups of the fake: made by calls, moved by the test, told as the cloud tells them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::wire::Refusal;
use crate::model::{ContainerGroupId, Parameters};

/// Lines of a log, unless the request says otherwise.
const DEFAULT_TAIL: usize = 500;

/// All groups.
#[derive(Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    /// By client token: the group, and the parameters it was made with.
    tokens: BTreeMap<String, (String, Parameters)>,
    made: usize,
}

struct Group {
    name: String,
    tags: Vec<(String, String)>,
    cpu: f64,
    memory: f64,
    phase: Phase,
    containers: Vec<Container>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Scheduling,
    Pending,
    Running,
    Succeeded,
    Failed,
}

struct Container {
    name: String,
    image: String,
    restarts: i32,
    exit_code: Option<i32>,
    log: Vec<(Timestamp, String)>,
    previous_log: Option<Vec<(Timestamp, String)>>,
}

type Answer = Result<Value, Refusal>;

impl Groups {
    pub(super) fn step(&mut self) {
        for group in self.groups.values_mut() {
            group.phase = match group.phase {
                Phase::Scheduling => Phase::Pending,
                Phase::Pending => Phase::Running,
                other => other,
            };
        }
    }

    pub(super) fn run(&mut self, id: &ContainerGroupId) {
        let group = self.groups.get_mut(id.as_str());
        if let Some(group) = group.filter(|group| !group.has_ended()) {
            group.phase = Phase::Running;
        }
    }

    pub(super) fn end(&mut self, id: &ContainerGroupId, exit_code: i32) {
        if let Some(group) = self.groups.get_mut(id.as_str()) {
            group.phase = if exit_code == 0 { Phase::Succeeded } else { Phase::Failed };
            group.containers.iter_mut().for_each(|container| container.exit_code = Some(exit_code));
        }
    }

    pub(super) fn restart(&mut self, id: &ContainerGroupId, container: &str) {
        if let Some(container) = self.container(id.as_str(), container) {
            container.restart();
        }
    }

    pub(super) fn write_log(&mut self, id: &ContainerGroupId, container: &str, line: &str) {
        if let Some(container) = self.container(id.as_str(), container) {
            container.write(line);
        }
    }

    fn container(&mut self, id: &str, name: &str) -> Option<&mut Container> {
        let group = self.groups.get_mut(id)?;
        group.containers.iter_mut().find(|container| container.name == name)
    }

    pub(super) fn create(&mut self, parameters: &Parameters) -> Answer {
        let token = parameters.get("ClientToken").filter(|token| !token.is_empty());
        if let Some((id, earlier)) = token.and_then(|token| self.tokens.get(token)) {
            let same = unsigned(earlier).eq(unsigned(parameters));
            let mismatch = || Refusal::new(400, "IdempotentParameterMismatch");
            return same.then(|| json!({ "ContainerGroupId": id })).ok_or_else(mismatch);
        }
        self.made += 1;
        let id = format!("eci-fake{:06}", self.made);
        if let Some(token) = token {
            self.tokens.insert(token.to_owned(), (id.clone(), parameters.clone()));
        }
        self.groups.insert(id.clone(), Group::new(parameters));
        Ok(json!({ "ContainerGroupId": id }))
    }

    pub(super) fn delete(&mut self, parameters: &Parameters) -> Answer {
        let id = parameters.get("ContainerGroupId").unwrap_or_default();
        self.groups.remove(id).map(|_| json!({})).ok_or_else(not_found)
    }

    pub(super) fn restart_all(&mut self, parameters: &Parameters) -> Answer {
        let id = parameters.get("ContainerGroupId").unwrap_or_default();
        let group = self.groups.get_mut(id).ok_or_else(not_found)?;
        if group.has_ended() || group.phase == Phase::Scheduling {
            return Err(Refusal::new(400, "IncorrectStatus"));
        }
        group.containers.iter_mut().for_each(Container::restart);
        Ok(json!({}))
    }

    pub(super) fn describe(&self, parameters: &Parameters) -> Value {
        let groups: Vec<_> = self.wanted(parameters).map(|(id, group)| group.described(id)).collect();
        json!({ "TotalCount": groups.len(), "ContainerGroups": groups })
    }

    pub(super) fn statuses(&self, parameters: &Parameters) -> Value {
        let groups: Vec<_> = self.wanted(parameters).map(|(id, group)| group.status(id)).collect();
        json!({ "TotalCount": groups.len(), "Data": groups })
    }

    /// Filters by ids, name, status and tags; all on one page.
    fn wanted(&self, parameters: &Parameters) -> impl Iterator<Item = (&String, &Group)> {
        let ids: Vec<String> = parameters
            .get("ContainerGroupIds")
            .and_then(|ids| serde_json::from_str(ids).ok())
            .unwrap_or_default();
        let is = |name: &str, value: &str| parameters.get(name).is_none_or(|wanted| wanted == value);
        self.groups.iter().filter(move |(id, group)| {
            (ids.is_empty() || ids.contains(id))
                && is("ContainerGroupName", &group.name)
                && is("Status", group.phase.word())
                && tags(parameters).iter().all(|tag| group.tags.contains(tag))
        })
    }

    pub(super) fn log(&mut self, parameters: &Parameters) -> Answer {
        let get = |name: &str| parameters.get(name).unwrap_or_default();
        let name = get("ContainerName").to_owned();
        let container = self.container(get("ContainerGroupId"), &name).ok_or_else(not_found)?;
        let previous = get("LastTime") == "true";
        let log = if previous { container.previous_log.as_ref() } else { Some(&container.log) };
        let log = log.ok_or_else(|| Refusal::new(400, "IncorrectStatus"))?;
        let from = get("StartTime").parse().unwrap_or(Timestamp::MIN);
        let lines: Vec<_> = log.iter().filter(|(at, _)| *at >= from).collect();
        let tail = get("Tail").parse().unwrap_or(DEFAULT_TAIL);
        let stamped = get("Timestamps") == "true";
        let line = |(at, text): &&(Timestamp, String)| {
            if stamped { format!("{at:.9} {text}\n") } else { format!("{text}\n") }
        };
        let content: String = lines[lines.len().saturating_sub(tail)..].iter().map(line).collect();
        Ok(json!({ "ContainerName": name, "Content": content }))
    }
}

fn not_found() -> Refusal {
    Refusal::new(404, "InvalidParameter.NotFound")
}

/// What the caller says, without what signing adds: parameters of version 1 change with every attempt.
fn unsigned(parameters: &Parameters) -> impl Iterator<Item = (&str, &str)> {
    const SIGNING: [&str; 3] = ["Signature", "SignatureNonce", "Timestamp"];
    parameters.iter().filter(|(name, _)| !SIGNING.contains(name))
}

fn tags(parameters: &Parameters) -> Vec<(String, String)> {
    let tag = |n: usize| {
        let key = parameters.get(&format!("Tag.{n}.Key"))?;
        Some((key.to_owned(), parameters.get(&format!("Tag.{n}.Value")).unwrap_or_default().to_owned()))
    };
    (1..).map_while(tag).collect()
}

impl Group {
    fn new(parameters: &Parameters) -> Self {
        let number = |name: &str| parameters.get(name).and_then(|text| text.parse().ok()).unwrap_or_default();
        let container = |n: usize| {
            let name = parameters.get(&format!("Container.{n}.Name"))?;
            let image = parameters.get(&format!("Container.{n}.Image")).unwrap_or_default();
            Some(Container::new(name, image))
        };
        Self {
            name: parameters.get("ContainerGroupName").unwrap_or_default().to_owned(),
            tags: tags(parameters),
            cpu: number("Cpu"),
            memory: number("Memory"),
            phase: Phase::Scheduling,
            containers: (1..).map_while(container).collect(),
        }
    }

    fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    fn described(&self, id: &str) -> Value {
        let tags: Vec<_> =
            self.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let containers: Vec<_> = self.containers.iter().map(|one| one.described(self.phase)).collect();
        json!({
            "ContainerGroupId": id,
            "ContainerGroupName": self.name,
            "Status": self.phase.word(),
            "Cpu": self.cpu,
            "Memory": self.memory,
            "Tags": tags,
            "Containers": containers,
        })
    }

    fn status(&self, id: &str) -> Value {
        json!({ "ContainerGroupId": id, "Name": self.name, "Status": self.phase.word() })
    }
}

impl Phase {
    fn word(self) -> &'static str {
        match self {
            Self::Scheduling => "Scheduling",
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

impl Container {
    fn new(name: &str, image: &str) -> Self {
        let (name, image) = (name.to_owned(), image.to_owned());
        Self { name, image, restarts: 0, exit_code: None, log: Vec::new(), previous_log: None }
    }

    fn restart(&mut self) {
        self.restarts += 1;
        self.exit_code = None;
        self.previous_log = Some(std::mem::take(&mut self.log));
    }

    fn write(&mut self, line: &str) {
        let before = self.log.last().or_else(|| self.previous_log.as_ref()?.last());
        let start = Timestamp::UNIX_EPOCH;
        let at = before.map_or(start, |(at, _)| {
            at.saturating_add(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MAX)
        });
        self.log.push((at, line.to_owned()));
    }

    fn described(&self, phase: Phase) -> Value {
        let state = match (self.exit_code, phase) {
            (Some(code), _) => json!({ "State": "Terminated", "ExitCode": code }),
            (None, Phase::Running) => json!({ "State": "Running" }),
            (None, _) => json!({ "State": "Waiting" }),
        };
        json!({
            "Name": self.name,
            "Image": self.image,
            "RestartCount": self.restarts,
            "CurrentState": state,
        })
    }
}
