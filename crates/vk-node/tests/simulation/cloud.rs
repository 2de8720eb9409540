//! A simulated cloud: accepts creates by token, shows groups late, loses nothing by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use vk_core::{
    Attempt, ContainerState, GroupId, GroupState, ObservedContainer, ObservedPod, PodKey, Terminated,
};

/// What will become of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Runs,
    Ends(i32),
    NeverPlaced,
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) key: PodKey,
    pub(crate) attempt: Attempt,
    pub(crate) created: Timestamp,
    pub(crate) fate: Fate,
    /// Set once a delete was accepted: when it vanishes.
    pub(crate) vanishes: Option<Timestamp>,
}

#[derive(Default)]
pub(crate) struct Cloud {
    pub(crate) groups: BTreeMap<GroupId, Group>,
    pub(crate) tokens: BTreeMap<(String, Attempt), (GroupId, u64)>,
    pub(crate) lag: Duration,
    pub(crate) forgets: bool,
    pub(crate) counter: u64,
}

pub(crate) enum Accepted {
    Group(GroupId),
    Mismatch,
}

impl Cloud {
    /// `parameters` stands for the bytes of the request: a fresh service-account token makes them differ.
    pub(crate) fn create(
        &mut self,
        now: Timestamp,
        key: &PodKey,
        attempt: Attempt,
        parameters: u64,
        fate: Fate,
    ) -> Accepted {
        let token = (key.uid.clone(), attempt);
        if !self.forgets {
            match self.tokens.get(&token) {
                Some((id, same)) if *same == parameters => return Accepted::Group(id.clone()),
                Some(_) => return Accepted::Mismatch,
                None => {}
            }
        }
        self.counter += 1;
        let id = GroupId::new(format!("eci-{:05}", self.counter));
        let group = Group { key: key.clone(), attempt, created: now, fate, vanishes: None };
        self.groups.insert(id.clone(), group);
        self.tokens.insert(token, (id.clone(), parameters));
        Accepted::Group(id)
    }

    pub(crate) fn delete(&mut self, now: Timestamp, id: &GroupId) {
        if let Some(group) = self.groups.get_mut(id) {
            group.vanishes.get_or_insert(now + Duration::from_millis(700));
        }
    }

    pub(crate) fn vanish(&mut self, now: Timestamp) {
        self.groups.retain(|_, group| group.vanishes.is_none_or(|at| at > now));
    }

    pub(crate) fn visible(&self, now: Timestamp) -> impl Iterator<Item = ObservedPod> + '_ {
        let lag = self.lag;
        self.groups
            .iter()
            .filter(move |(_, group)| group.created + lag <= now)
            .map(move |(id, group)| observe(now, id, group))
    }
}

impl Group {
    pub(crate) fn state(&self, now: Timestamp) -> GroupState {
        let age = now.duration_since(self.created).as_millis();
        match self.fate {
            _ if age < 300 => GroupState::Scheduling,
            Fate::NeverPlaced => GroupState::NeverStarted,
            _ if age < 900 => GroupState::Pending,
            Fate::Ends(code) if age > 6_000 => {
                if code == 0 {
                    GroupState::Succeeded
                } else {
                    GroupState::Failed
                }
            }
            _ => GroupState::Running,
        }
    }
}

fn observe(now: Timestamp, id: &GroupId, group: &Group) -> ObservedPod {
    let state = group.state(now);
    let started_at = Some(group.created + Duration::from_secs(1));
    let container = match (&state, group.fate) {
        (GroupState::Running, _) => ContainerState::Running { started_at },
        (GroupState::Succeeded | GroupState::Failed, Fate::Ends(code)) => {
            ContainerState::Terminated(Terminated {
                exit_code: code,
                started_at,
                finished_at: Some(group.created + Duration::from_secs(6)),
                ..Terminated::default()
            })
        }
        _ => ContainerState::Waiting { reason: None, message: None },
    };
    let running = matches!(container, ContainerState::Running { .. });
    ObservedPod {
        key: group.key.clone(),
        group: id.clone(),
        attempt: group.attempt,
        created_at: Some(group.created),
        pod_ips: if matches!(state, GroupState::Scheduling | GroupState::NeverStarted) {
            vec![]
        } else {
            vec!["10.0.0.1".to_owned()]
        },
        state,
        reason: None,
        message: None,
        containers: vec![ObservedContainer {
            name: "main".to_owned(),
            state: container,
            last_terminated: None,
            ready: running,
            started: running,
            restart_count: 0,
            image: None,
            image_id: None,
            container_id: None,
        }],
        init_containers: vec![],
        annotations: BTreeMap::new(),
    }
}
