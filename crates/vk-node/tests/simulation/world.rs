//! A simulated cluster around the engine: an API server with a watch, users who create and delete pods, the
//! network between them, and the checks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use vk_core::{
    Attempt, Cursor, ErrorKind, Fetched, GroupId, GroupState, Observation, PodKey, ProviderError, Started,
};
use vk_node::engine::{
    Action, ApiError, CreateError, Engine, EngineConfig, Input, Outcome, PodPatch, Presence, Timing,
};
use vk_node::facts::AnnotationNames;

use crate::cloud::{Accepted, Cloud, Fate};

const NAMES: AnnotationNames =
    AnnotationNames { group: "cloud.example/group", attempt: "cloud.example/attempt" };

#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    /// Probability that a call's answer is lost; in half of the cases the call had its effect.
    pub(crate) lose: f64,
    /// Probability in each step that a process is killed and started anew.
    pub(crate) crash: f64,
    /// Probability that a create is refused definitely.
    pub(crate) refuse: f64,
    /// How long a new group stays invisible.
    pub(crate) lag_ms: u64,
    pub(crate) processes: usize,
    pub(crate) forgets_tokens: bool,
    /// The cloud answers nothing for the middle of the run.
    pub(crate) outage: bool,
    /// Probability in each step that somebody writes another pod's group into a pod's annotation.
    pub(crate) forge: f64,
    /// For a while reads are not permitted: they come back empty, as the cloud has it.
    pub(crate) blind: bool,
    /// Up to so long an observation is under way.
    pub(crate) slow_ms: u64,
    /// Probability that a create finds that a ConfigMap is missing.
    pub(crate) missing: f64,
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self {
            lose: 0.0,
            crash: 0.0,
            refuse: 0.0,
            lag_ms: 0,
            processes: 1,
            forgets_tokens: false,
            outage: false,
            forge: 0.0,
            blind: false,
            slow_ms: 300,
            missing: 0.0,
        }
    }
}

/// Numbers from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn chance(&mut self, probability: f64) -> bool {
        (self.next() % 1_000_000) as f64 / 1_000_000.0 < probability
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

struct Process {
    engine: Engine,
    /// Calls under way: when they reach the other side.
    calls: Vec<(Timestamp, Action)>,
    /// Answers and watch events under way.
    inputs: Vec<(Timestamp, u64, Input)>,
}

pub(crate) struct World {
    seed: u64,
    random: Random,
    faults: Faults,
    now: Timestamp,
    began: Timestamp,
    cloud: Cloud,
    pods: BTreeMap<String, Value>,
    fates: BTreeMap<String, Fate>,
    version: u64,
    made: u64,
    sequence: u64,
    processes: Vec<Process>,
    /// Phases as they were written, to see that none goes back.
    phases: BTreeMap<String, String>,
    /// Pods that were ever failed, with the reason.
    failed: BTreeMap<String, String>,
    quiet: bool,
    pub(crate) writes: u64,
}

fn config() -> EngineConfig {
    EngineConfig { node_ip: "192.0.2.1".to_owned(), annotations: NAMES, timing: Timing::default() }
}

fn key_of(pod: &Value) -> PodKey {
    let text = |field: &str| pod["metadata"][field].as_str().expect("a string").to_owned();
    PodKey { namespace: text("namespace"), name: text("name"), uid: text("uid") }
}

fn typed(pod: &Value) -> Arc<corev1::Pod> {
    Arc::new(serde_json::from_value(pod.clone()).expect("a pod"))
}

impl World {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let began = Timestamp::from_second(1_767_000_000).expect("in range");
        let cloud = Cloud {
            lag: Duration::from_millis(faults.lag_ms),
            forgets: faults.forgets_tokens,
            ..Cloud::default()
        };
        let mut world = Self {
            seed,
            random: Random(seed),
            faults,
            now: began,
            began,
            cloud,
            pods: BTreeMap::new(),
            fates: BTreeMap::new(),
            version: 100,
            made: 0,
            sequence: 0,
            processes: vec![],
            phases: BTreeMap::new(),
            failed: BTreeMap::new(),
            quiet: false,
            writes: 0,
        };
        for _ in 0..faults.processes {
            let process = world.start();
            world.processes.push(process);
        }
        world
    }

    /// A new process lists the pods, then watches.
    fn start(&mut self) -> Process {
        let mut process = Process { engine: Engine::new(config()), calls: vec![], inputs: vec![] };
        let at = self.now + Duration::from_millis(20 + self.random.below(300));
        for pod in self.pods.values() {
            self.sequence += 1;
            process.inputs.push((at, self.sequence, Input::PodSeen(typed(pod))));
        }
        self.sequence += 1;
        let uids: BTreeSet<_> = self.pods.keys().cloned().collect();
        process.inputs.push((at, self.sequence, Input::ListComplete(uids)));
        process.inputs.push((self.now, 0, Input::Tick));
        process
    }

    pub(crate) fn stop_faults(&mut self) {
        self.quiet = true;
        self.faults = Faults { processes: self.faults.processes, ..Faults::none() };
    }

    pub(crate) fn run_for(&mut self, milliseconds: u64) {
        let until = self.now + Duration::from_millis(milliseconds);
        while self.now < until {
            self.now += Duration::from_millis(if self.quiet { 250 } else { 100 });
            self.cloud.vanish(self.now);
            if !self.quiet {
                self.users();
                self.crashes();
            }
            for index in 0..self.processes.len() {
                self.serve(index);
                self.drive(index);
            }
            self.check_always();
        }
    }

    /// Creates, deletes gracefully and deletes by force, each now and then.
    fn users(&mut self) {
        if self.random.chance(0.06) && self.made < 25 {
            self.made += 1;
            let uid = format!("uid-{}", self.made);
            // Names come again: two generations of one name may overlap.
            let name = format!("pod-{}", self.made % 7);
            let fate = match self.random.below(10) {
                0..=5 => Fate::Runs,
                6..=7 => Fate::Ends(0),
                8 => Fate::Ends(3),
                _ => Fate::NeverPlaced,
            };
            if self.pods.values().any(|pod| pod["metadata"]["name"] == name.as_str()) {
                return;
            }
            let policy = if fate == Fate::Runs { "Always" } else { "Never" };
            let pod = json!({
                "metadata": {"namespace": "ns", "name": name, "uid": uid, "generation": 1},
                "spec": {"nodeName": "vk", "restartPolicy": policy,
                         "containers": [{"name": "main", "image": "img"}]},
                "status": {"phase": "Pending"},
            });
            self.fates.insert(uid.clone(), fate);
            self.store(&uid, pod);
        }
        if self.random.chance(self.faults.forge) {
            self.forge();
        }
        if self.random.chance(0.03) {
            let uids: Vec<_> = self.pods.keys().cloned().collect();
            if uids.is_empty() {
                return;
            }
            let index = usize::try_from(self.random.below(uids.len() as u64)).expect("small");
            let force = self.random.chance(0.3);
            self.delete_pod(&uids[index].clone(), force);
        }
    }

    /// Whoever may edit a pod may write our annotations: here with the group of somebody else's pod.
    fn forge(&mut self) {
        let uids: Vec<_> = self.pods.keys().cloned().collect();
        let groups: Vec<_> = self.cloud.groups.keys().cloned().collect();
        if uids.is_empty() || groups.is_empty() {
            return;
        }
        let mut pick = |length: usize| usize::try_from(self.random.below(length as u64)).expect("small");
        let (uid, group) = (uids[pick(uids.len())].clone(), groups[pick(groups.len())].clone());
        let mut pod = self.pods[&uid].clone();
        pod["metadata"]["annotations"][NAMES.group] = json!(group.as_str());
        self.store(&uid, pod);
    }

    fn delete_pod(&mut self, uid: &str, force: bool) {
        let Some(mut pod) = self.pods.get(uid).cloned() else { return };
        let terminal = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        if force || terminal {
            self.remove(uid);
        } else if pod["metadata"]["deletionTimestamp"].is_null() {
            pod["metadata"]["deletionTimestamp"] = json!(self.now.to_string());
            pod["metadata"]["deletionGracePeriodSeconds"] = json!(30);
            self.store(uid, pod);
        }
    }

    fn store(&mut self, uid: &str, mut pod: Value) {
        self.version += 1;
        pod["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.pods.insert(uid.to_owned(), pod.clone());
        self.broadcast(|| Input::PodSeen(typed(&pod)));
    }

    fn remove(&mut self, uid: &str) {
        if let Some(pod) = self.pods.remove(uid) {
            self.broadcast(|| Input::PodGone(key_of(&pod)));
        }
    }

    fn broadcast(&mut self, input: impl Fn() -> Input) {
        let at = self.now + Duration::from_millis(20 + self.random.below(200));
        for process in &mut self.processes {
            self.sequence += 1;
            // Watch events keep their order.
            let last = process
                .inputs
                .iter()
                .filter(|(_, _, i)| !matches!(i, Input::Outcome(_)))
                .map(|(at, ..)| *at)
                .max();
            process.inputs.push((last.map_or(at, |last| last.max(at)), self.sequence, input()));
        }
    }

    fn crashes(&mut self) {
        for index in 0..self.processes.len() {
            if self.random.chance(self.faults.crash) {
                // Calls under way may still reach the other side.
                let calls = std::mem::take(&mut self.processes[index].calls);
                for (_, action) in calls {
                    if self.random.chance(0.5) {
                        let _ = self.carry_out(&action);
                    }
                }
                self.processes[index] = self.start();
            }
        }
    }

    fn serve(&mut self, index: usize) {
        let now = self.now;
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.processes[index].calls).into_iter().partition(|(at, _)| *at <= now);
        self.processes[index].calls = later;
        for (_, action) in due {
            let lost = self.random.chance(self.faults.lose);
            let reached = !lost || self.random.chance(0.5);
            let outcome = if self.cloud_is_down() && to_cloud(&action) {
                Some(failure(&action, ErrorKind::InvalidCredentials))
            } else if reached {
                self.carry_out(&action)
            } else {
                None
            };
            let answered = !matches!(action, Action::Event(_));
            let outcome =
                if lost && answered { Some(failure(&action, ErrorKind::Indeterminate)) } else { outcome };
            if let Some(outcome) = outcome {
                let slowest = if matches!(action, Action::Observe(_)) { self.faults.slow_ms } else { 300 };
                let at = self.now + Duration::from_millis(self.random.below(slowest));
                self.sequence += 1;
                self.processes[index].inputs.push((at, self.sequence, Input::Outcome(outcome)));
            }
        }
    }

    fn cloud_is_down(&self) -> bool {
        let age = self.now.duration_since(self.began).as_secs();
        self.faults.outage && (20..50).contains(&age)
    }

    fn is_blind(&self) -> bool {
        let age = self.now.duration_since(self.began).as_secs();
        self.faults.blind && (15..45).contains(&age)
    }

    fn drive(&mut self, index: usize) {
        let now = self.now;
        let process = &mut self.processes[index];
        let (mut due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut process.inputs).into_iter().partition(|(at, ..)| *at <= now);
        process.inputs = later;
        due.sort_by_key(|(at, sequence, _)| (*at, *sequence));
        due.push((now, u64::MAX, Input::Tick));
        for (_, _, input) in due {
            trace(now, index, "<-", &input);
            for action in process.engine.step(now, input) {
                trace(now, index, "->", &action);
                let at = now + Duration::from_millis(self.random.below(400));
                process.calls.push((at, action));
            }
        }
    }

    fn carry_out(&mut self, action: &Action) -> Option<Outcome> {
        let now = self.now;
        Some(match action {
            Action::Create { key, attempt, .. } => {
                let uid = key.uid.clone();
                if self.random.chance(self.faults.missing) {
                    let missing = CreateError::Missing(vec!["configmap \"c\" not found".to_owned()]);
                    return Some(Outcome::Created { uid, result: Err(missing) });
                }
                if self.random.chance(self.faults.refuse) {
                    return Some(failure(action, ErrorKind::OutOfStock));
                }
                // The second attempt of a pod that could not be placed succeeds.
                let fate = match self.fates[&uid] {
                    Fate::NeverPlaced if *attempt != Attempt(0) => Fate::Runs,
                    fate => fate,
                };
                let parameters = if self.random.chance(0.5) { self.random.next() } else { 7 };
                let result = match self.cloud.create(now, key, *attempt, parameters, fate) {
                    Accepted::Group(group) => {
                        Started::Group { group, annotations: BTreeMap::new(), ignored: vec![] }
                    }
                    Accepted::Mismatch => Started::AcceptedEarlier,
                };
                Outcome::Created { uid, result: Ok(result) }
            }
            Action::Find(key) if self.is_blind() => {
                Outcome::Found { uid: key.uid.clone(), result: Ok(vec![]) }
            }
            Action::Observe(_) if self.is_blind() => {
                let observation = Observation { groups: vec![], complete: false, cursor: Cursor(now) };
                Outcome::Observed(Ok(observation))
            }
            Action::Fetch(_) if self.is_blind() => failure(action, ErrorKind::Denied),
            Action::Find(key) => Outcome::Found {
                uid: key.uid.clone(),
                result: Ok(self.cloud.visible(now).filter(|seen| seen.key.uid == key.uid).collect()),
            },
            Action::Delete { key, group, .. } => {
                self.check_delete(key, group);
                self.cloud.delete(now, group);
                Outcome::Deleted { uid: key.uid.clone(), group: group.clone(), result: Ok(()) }
            }
            Action::Observe(since) => {
                let groups: Vec<_> = self.cloud.visible(now).collect();
                let complete = since.is_none();
                Outcome::Observed(Ok(Observation { groups, complete, cursor: Cursor(now) }))
            }
            Action::Fetch(ids) => {
                let present: Vec<_> =
                    self.cloud.visible(now).filter(|seen| ids.contains(&seen.group)).collect();
                let found: BTreeSet<_> = present.iter().map(|seen| seen.group.clone()).collect();
                let absent = ids.iter().filter(|id| !found.contains(id)).cloned().collect();
                Outcome::Fetched(Ok(Fetched { present, absent }))
            }
            Action::Patch(patch) => {
                Outcome::Patched { uid: patch.key.uid.clone(), result: self.patch(patch) }
            }
            Action::Remove(key) => {
                let result = if self.pods.contains_key(&key.uid) {
                    self.check_remove(key);
                    self.remove(&key.uid);
                    Ok(())
                } else {
                    Err(ApiError::Gone)
                };
                Outcome::Removed { uid: key.uid.clone(), result }
            }
            Action::Read(key) => {
                let presence = self.pods.get(&key.uid).map_or(Presence::Gone, |pod| Presence::Present {
                    terminating: !pod["metadata"]["deletionTimestamp"].is_null(),
                    annotated: pod["metadata"]["annotations"][NAMES.group].as_str().map(GroupId::new),
                });
                Outcome::Read { uid: key.uid.clone(), result: Ok(presence) }
            }
            Action::Event(_) => return None,
        })
    }

    fn patch(&mut self, patch: &PodPatch) -> Result<Option<u64>, ApiError> {
        let uid = &patch.key.uid;
        let Some(mut pod) = self.pods.get(uid).cloned() else { return Err(ApiError::Gone) };
        let stored = pod["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok());
        if patch.version.is_some() && patch.version != stored {
            return Err(ApiError::Conflict);
        }
        self.writes += 1;
        let status = serde_json::to_value(&patch.status).expect("a status");
        let phase = status["phase"].as_str().expect("a phase").to_owned();
        self.check_phase(uid, &phase, &status);
        pod["status"] = status;
        for (name, value) in &patch.annotations {
            pod["metadata"]["annotations"][name] = json!(value);
        }
        self.store(uid, pod);
        Ok(Some(self.version))
    }

    // ---- the invariants ----

    fn context(&self) -> String {
        let second = self.now.duration_since(self.began).as_secs();
        format!("seed {} at second {second} ({:?})", self.seed, self.faults)
    }

    /// S6: a phase never goes back and a terminal one is final. S9: an outage fails no pod.
    fn check_phase(&mut self, uid: &str, phase: &str, status: &Value) {
        let rank = |phase: &str| match phase {
            "Pending" => 0,
            "Running" => 1,
            _ => 2,
        };
        let before = self.phases.insert(uid.to_owned(), phase.to_owned()).unwrap_or_default();
        let back =
            !before.is_empty() && (rank(phase) < rank(&before) || rank(&before) == 2 && before != phase);
        assert!(!back, "{uid} went from {before} to {phase}: {}", self.context());
        let doomed = self.pods.get(uid).is_some_and(|pod| !pod["metadata"]["deletionTimestamp"].is_null());
        if phase == "Failed" && !doomed {
            self.failed.insert(uid.to_owned(), status["reason"].to_string());
            let ends_badly = matches!(self.fates[uid], Fate::Ends(code) if code != 0);
            assert!(ends_badly, "{uid} was failed without evidence: {status} {}", self.context());
        }
    }

    /// S3: what a live pod runs in is deleted only if it is not the one group of that pod.
    fn check_delete(&self, key: &PodKey, group: &GroupId) {
        let owner = self.cloud.groups.get(group).map(|group| &group.key.uid);
        assert!(owner.is_none_or(|uid| *uid == key.uid), "{group} was deleted for {key}: {}", self.context());
        let Some(pod) = self.pods.get(&key.uid) else { return };
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            return;
        }
        let others = self
            .cloud
            .groups
            .iter()
            .filter(|(id, other)| *id != group && other.key.uid == key.uid && other.vanishes.is_none())
            .count();
        let state = self.cloud.groups.get(group).map(|group| group.state(self.now));
        let useless = matches!(state, None | Some(GroupState::NeverStarted));
        assert!(useless || others > 0, "{group} of the live pod {key} was deleted: {}", self.context());
    }

    /// S7: the object goes only after its group is gone or terminal.
    ///
    /// Where nothing may be read and nobody wrote down a group, nobody can know of one: it is found and deleted once
    /// reading is permitted again, which [`Self::check_settled`] sees.
    fn check_remove(&self, key: &PodKey) {
        let annotated = &self.pods[&key.uid]["metadata"]["annotations"][NAMES.group];
        if self.faults.blind && annotated.as_str().is_none_or(str::is_empty) {
            return;
        }
        for (id, group) in &self.cloud.groups {
            let lagging = group.created + self.cloud.lag + Duration::from_secs(10) > self.now;
            let ending = group.vanishes.is_some() || group.state(self.now).is_terminal();
            let ours = group.key.uid == key.uid;
            assert!(!ours || ending || lagging, "{key} was removed before {id} ended: {}", self.context());
        }
    }

    /// S1: at most one live group for a UID, where the cloud remembers tokens.
    fn check_always(&self) {
        if self.cloud.forgets {
            return;
        }
        let mut live: BTreeMap<&str, Vec<&GroupId>> = BTreeMap::new();
        for (id, group) in &self.cloud.groups {
            if group.vanishes.is_none() && !group.state(self.now).is_terminal() {
                live.entry(&group.key.uid).or_default().push(id);
            }
        }
        for (uid, groups) in live {
            assert!(groups.len() <= 1, "{uid} has the groups {groups:?}: {}", self.context());
        }
    }

    /// At most three writes for a pod's life; one that could not be placed needs those of its second attempt too.
    pub(crate) fn check_writes(&self) {
        let again = self.fates.values().filter(|fate| **fate == Fate::NeverPlaced).count() as u64;
        let most = 3 * self.made + 3 * again;
        assert!(self.writes <= most, "{} writes for {} pods: {}", self.writes, self.made, self.context());
    }

    /// L1, L3: every bound pod has one group and its true status; nothing else is left.
    pub(crate) fn check_settled(&self) {
        for (uid, pod) in &self.pods {
            assert!(
                pod["metadata"]["deletionTimestamp"].is_null(),
                "{uid} is still being deleted: {pod} {}",
                self.context()
            );
            let groups: Vec<_> =
                self.cloud.groups.iter().filter(|(_, group)| group.key.uid == *uid).collect();
            let phase = pod["status"]["phase"].as_str().unwrap_or_default();
            let expected = match self.fates[uid] {
                Fate::Ends(0) => "Succeeded",
                Fate::Ends(_) => "Failed",
                Fate::Runs | Fate::NeverPlaced => "Running",
            };
            assert_eq!(phase, expected, "{uid} {pod} {}", self.context());
            assert_eq!(groups.len(), 1, "{uid} has {groups:?}: {}", self.context());
            let annotated = pod["metadata"]["annotations"][NAMES.group].as_str();
            assert_eq!(annotated, Some(groups[0].0.as_str()), "{uid}: {}", self.context());
            if let Fate::Ends(code) = self.fates[uid] {
                let seen = &pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"];
                assert_eq!(seen, &json!(code), "{uid} {pod} {}", self.context());
            }
        }
        for (id, group) in &self.cloud.groups {
            assert!(
                self.pods.contains_key(&group.key.uid),
                "{id} of {} was leaked: {}",
                group.key,
                self.context()
            );
        }
    }
}

/// With `TRACE=uid-3`, what concerns that pod; only what follows a process's inputs and actions explains a failed seed.
#[allow(clippy::print_stderr, reason = "for the person who repeats one seed")]
fn trace(now: Timestamp, process: usize, direction: &str, what: &impl std::fmt::Debug) {
    let Ok(uid) = std::env::var("TRACE") else { return };
    let text = format!("{what:?}");
    if text.contains(&format!("{uid}\"")) && !text.starts_with("Outcome(Observed") {
        let text: String = text.chars().take(240).collect();
        eprintln!("{now} #{process} {direction} {text}");
    }
}

fn to_cloud(action: &Action) -> bool {
    matches!(
        action,
        Action::Create { .. }
            | Action::Find(_)
            | Action::Delete { .. }
            | Action::Observe(_)
            | Action::Fetch(_)
    )
}

fn failure(action: &Action, kind: ErrorKind) -> Outcome {
    let error = || ProviderError::new(kind.clone(), "simulated");
    let lost = || ApiError::Unavailable("simulated".to_owned());
    match action {
        Action::Create { key, .. } => {
            Outcome::Created { uid: key.uid.clone(), result: Err(CreateError::Provider(error())) }
        }
        Action::Find(key) => Outcome::Found { uid: key.uid.clone(), result: Err(error()) },
        Action::Delete { key, group, .. } => {
            Outcome::Deleted { uid: key.uid.clone(), group: group.clone(), result: Err(error()) }
        }
        Action::Observe(_) => Outcome::Observed(Err(error())),
        Action::Fetch(_) => Outcome::Fetched(Err(error())),
        Action::Patch(patch) => Outcome::Patched { uid: patch.key.uid.clone(), result: Err(lost()) },
        Action::Remove(key) => Outcome::Removed { uid: key.uid.clone(), result: Err(lost()) },
        Action::Read(key) => Outcome::Read { uid: key.uid.clone(), result: Err(lost()) },
        Action::Event(_) => unreachable!("events are not answered"),
    }
}
