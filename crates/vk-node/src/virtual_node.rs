//! Puts a virtual node together and keeps it alive: watch, engine, runner, node object, lease, events.
//!
//! ```text
//!   pods_watch ──▶ inputs ──▶ drive: Engine::step ──▶ Runner (one task an action)
//!                               ▲   │                        │
//!                               │   └─ CloudHealth ─▶ NodeController
//!                               └──────── outcomes ──────────┘
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};
use vk_core::{Clock, Provider};

use crate::engine::{Action, CloudView, Engine, EngineConfig, Input, Outcome, Summary};
use crate::events::{About, Event, EventTask, EventType, EventWriter};
use crate::kube_call::Random;
use crate::lease::NodeLease;
use crate::metrics::{Calls, Gauges};
use crate::node::{CloudHealth, NodeController, NodeSettings};
use crate::pod_api::KubePodApi;
use crate::pods_watch;
use crate::resolve::Resolver;
use crate::runner::{Lanes, Runner, Tools};

/// Inputs that may wait for the engine, which takes microseconds for each: a burst of a whole list's first page.
/// Beyond that the watch waits.
const INPUTS: usize = 1_024;

/// How long calls under way may go on after shutdown began.
const DRAIN: Duration = Duration::from_secs(10);

/// How often the gauges are set.
const COUNT_EVERY_MS: i128 = 1_000;

/// The longest wait between two looks at the time.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What a virtual node is made of.
pub struct Parts {
    /// For pods and everything else.
    pub client: kube::Client,
    /// For node object and lease alone: a slow path of the pods must not starve them.
    pub node_client: kube::Client,
    /// Runs the pods.
    pub provider: Arc<dyn Provider>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub random: Random,
    /// What the Node object says.
    pub node: NodeSettings,
    /// What the engine needs to know.
    pub engine: EngineConfig,
    /// How many calls may be under way.
    pub lanes: Lanes,
}

/// What ends a virtual node before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A task that must live ended. The process should end too: what it knew is lost.
    #[error("task \"{0}\" ended unexpectedly")]
    TaskEnded(&'static str),
    /// A task panicked.
    #[error("a task failed")]
    Task(#[source] JoinError),
}

/// A node that is about to run.
pub struct VirtualNode {
    parts: Parts,
    engine: Arc<Mutex<Engine>>,
    calls: Calls,
    gauges: Gauges,
    health: watch::Sender<CloudHealth>,
    controller: NodeController,
    lease: NodeLease,
    events: EventWriter,
    event_task: EventTask,
}

/// Answers questions about a running node from memory.
#[derive(Clone)]
pub struct Handle {
    engine: Arc<Mutex<Engine>>,
}

impl Handle {
    /// Whether the first list of pods has arrived.
    pub fn is_ready(&self) -> bool {
        lock(&self.engine).is_ready()
    }

    /// The newest pod of this name.
    pub fn summary(&self, namespace: &str, name: &str) -> Option<Summary> {
        lock(&self.engine).summary(namespace, name)
    }
}

/// The engine is never left half-changed: a panic in it ends the process.
fn lock(engine: &Mutex<Engine>) -> MutexGuard<'_, Engine> {
    engine.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches `CloudView` and turns it into what the node object says.
fn health(view: CloudView, before: &CloudHealth) -> CloudHealth {
    match (view, before) {
        (CloudView::Unknown, _) => CloudHealth::Unknown,
        (CloudView::Reachable, _) => CloudHealth::Reachable,
        // The same trouble in other words (another request, another pod) is no news, and each change is a write.
        (CloudView::Unreachable { reason, .. }, CloudHealth::Unreachable { reason: told, .. })
            if *told == reason =>
        {
            before.clone()
        }
        (CloudView::Unreachable { reason, message }, _) => {
            CloudHealth::Unreachable { reason: reason.to_owned(), message }
        }
    }
}

impl VirtualNode {
    /// A node made of these parts. It does nothing until it runs.
    pub fn new(parts: Parts, registry: &mut Registry) -> Self {
        let engine = Arc::new(Mutex::new(Engine::new(parts.engine.clone())));
        let gauges = Gauges::register(registry);
        let calls = Calls::register(registry);
        let (health, _) = watch::channel(CloudHealth::default());
        let clock = Arc::clone(&parts.clock);
        let controller = NodeController::new(
            parts.node_client.clone(),
            parts.node.clone(),
            Arc::clone(&clock),
            parts.random.clone(),
            health.subscribe(),
        );
        controller.register_metrics(registry);
        let lease = NodeLease::new(
            parts.node_client.clone(),
            parts.node.name.clone(),
            controller.registered(),
            clock,
            parts.random.clone(),
        );
        lease.register_metrics(registry);
        let (events, event_task) = EventWriter::new(
            parts.client.clone(),
            parts.node.name.clone(),
            controller.registered(),
            Arc::clone(&parts.clock),
            parts.random.clone(),
        );
        events.register_metrics(registry);
        Self { parts, engine, calls, gauges, health, controller, lease, events, event_task }
    }

    /// For questions while it runs.
    pub fn handle(&self) -> Handle {
        Handle { engine: Arc::clone(&self.engine) }
    }

    /// Runs until the token is cancelled. Groups go on running; the Node object stays.
    ///
    /// # Errors
    /// When a task that must live ended: what the engine knew is then incomplete, and a new process should begin.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let Self { parts, engine, calls, gauges, health, controller, lease, events, event_task } = self;
        let resolver = Arc::new(Resolver::new(parts.client.clone(), parts.random.clone()));
        let names = parts.engine.annotations;
        let started = events.clone();
        let tools = Tools {
            provider: Arc::clone(&parts.provider),
            resolver: Arc::clone(&resolver) as _,
            api: Arc::new(KubePodApi::new(parts.client.clone(), parts.node.name.clone(), names)),
            events: Arc::new(events),
        };
        started.publish(Event {
            about: About::Node { name: parts.node.name.clone() },
            type_: EventType::Normal,
            reason: "Starting".to_owned(),
            message: "Starting virtual node.".to_owned(),
        });
        let runner = Arc::new(Runner::new(tools, parts.lanes, calls));
        let (inputs, received) = mpsc::channel(INPUTS);
        let mut tasks: JoinSet<&'static str> = JoinSet::new();
        let stop = shutdown.child_token();
        let token = || stop.clone();
        tasks.spawn(named(
            "pod watch",
            pods_watch::run(parts.client.clone(), parts.node.name.clone(), inputs, token()),
        ));
        tasks.spawn(named("node object", controller.run(token())));
        tasks.spawn(named("node lease", lease.run(token())));
        tasks.spawn(named("events", event_task.run(token())));
        let services = token();
        tasks.spawn(named("service index", async move { resolver.run(services).await }));
        let began = (parts.clock.now(), Instant::now());
        let counted = Timestamp::UNIX_EPOCH;
        let driver = Driver { engine, runner, clock: parts.clock, health, gauges, counted, began };
        let driven = driver.drive(received, token());
        let ended = watchdog(&mut tasks, &shutdown);
        let result = tokio::select! {
            biased;
            result = driven => result,
            error = ended => Err(error),
        };
        stop.cancel();
        let _ = tokio::time::timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
        result
    }
}

async fn named(name: &'static str, task: impl Future<Output = ()>) -> &'static str {
    task.await;
    name
}

/// Ends when a task ended before shutdown was asked for.
async fn watchdog(tasks: &mut JoinSet<&'static str>, shutdown: &CancellationToken) -> Error {
    loop {
        let ended = tasks.join_next().await;
        if shutdown.is_cancelled() {
            // The driver ends by itself and decides.
            std::future::pending::<()>().await;
        }
        match ended {
            Some(Ok(name)) => return Error::TaskEnded(name),
            Some(Err(error)) => return Error::Task(error),
            None => std::future::pending::<()>().await,
        }
    }
}

/// The loop around the engine.
struct Driver {
    engine: Arc<Mutex<Engine>>,
    runner: Arc<Runner>,
    clock: Arc<dyn Clock>,
    health: watch::Sender<CloudHealth>,
    gauges: Gauges,
    counted: Timestamp,
    /// The wall clock when the node began, and the stopwatch since.
    began: (Timestamp, Instant),
}

impl Driver {
    async fn drive(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        shutdown: CancellationToken,
    ) -> Result<(), Error> {
        let mut calls: JoinSet<Option<Outcome>> = JoinSet::new();
        let mut input = Input::Tick;
        loop {
            let (actions, wait) = self.step(input);
            for action in actions {
                self.spawn(&mut calls, action);
            }
            input = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Self::drain(calls).await,
                Some(ended) = calls.join_next(), if !calls.is_empty() => match ended.map_err(Error::Task)? {
                    Some(outcome) => Input::Outcome(outcome),
                    None => continue_with(&mut inputs),
                },
                received = inputs.recv() => received.ok_or(Error::TaskEnded("pod watch"))?,
                () = sleep(wait) => Input::Tick,
            };
        }
    }

    fn step(&mut self, input: Input) -> (Vec<Action>, Duration) {
        // A clock that somebody sets back must not stop polls and retries until it catches up.
        let wall = self.clock.now();
        let now = self.began.0.checked_add(self.began.1.elapsed()).unwrap_or(wall);
        let mut engine = lock(&self.engine);
        engine.set_wall_ahead(wall.duration_since(now));
        let actions = engine.step(now, input);
        let wait = Duration::try_from(engine.next_tick(now).duration_since(now)).unwrap_or_default();
        let view = engine.cloud(now);
        // Counting looks at every pod: not for each of ten thousand inputs.
        let count_due = now.duration_since(self.counted).as_millis() >= COUNT_EVERY_MS;
        let census = count_due.then(|| engine.census());
        drop(engine);
        if let Some(census) = census {
            self.counted = now;
            self.gauges.set(&census, view == CloudView::Reachable);
        }
        self.health.send_if_modified(|before| {
            let after = health(view, before);
            let changed = after != *before;
            if changed {
                info!(?after, "the cloud's state changed");
                *before = after;
            }
            changed
        });
        (actions, wait.min(LONGEST_WAIT))
    }

    fn spawn(&self, calls: &mut JoinSet<Option<Outcome>>, action: Action) {
        let runner = Arc::clone(&self.runner);
        calls.spawn(async move { runner.run(action).await });
    }

    /// What was sent is waited for, so that a create that is under way is not made indeterminate without need.
    async fn drain(mut calls: JoinSet<Option<Outcome>>) -> Result<(), Error> {
        info!(calls = calls.len(), "stopping; container groups go on running");
        let all = async { while calls.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            error!("calls under way did not end in time; the next start settles them");
        }
        Ok(())
    }
}

/// After an action without an answer: what waits already, else just the time.
fn continue_with(inputs: &mut mpsc::Receiver<Input>) -> Input {
    inputs.try_recv().unwrap_or(Input::Tick)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_in_other_words_is_no_news() {
        let view =
            |message: &str| CloudView::Unreachable { reason: "Throttled", message: message.to_owned() };
        let first = health(view("request 1"), &CloudHealth::Reachable);
        assert_eq!(health(view("request 2"), &first), first);
    }
}
