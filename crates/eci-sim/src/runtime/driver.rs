//! Sees what the groups want and starts, stops and clears away accordingly.
//!
//! Level, not edge: every round compares what should run with what does, so that a group that is deleted,
//! restarted, expired or taken away by the control API needs no message of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell, watch};
use tokio_util::task::TaskTracker;

use super::Oci;
use super::bundle::empty_volumes;
use super::process::{Launch, pull, run_container};
use super::{spec, sweep};
use crate::group::{Container, Group, Phase, Status};
use crate::server::Shared;
use crate::state::record::Report;

/// How often the groups are looked at. Their time is lazy: nothing announces that something is due.
const ROUND: Duration = Duration::from_millis(20);

/// How a container is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    No,
    /// The preStop hook, the signal, the grace period.
    Gracefully,
    AtOnce,
}

/// A pull or a run under way.
struct Task {
    stop: watch::Sender<Stop>,
    /// The run that was reported as launched.
    run: watch::Receiver<Option<String>>,
    /// The same, as it was before this round's wishes were read: a run that begins after that is in none of them.
    known_run: Option<String>,
    done: watch::Receiver<bool>,
}

/// What is there of a group.
struct Pod {
    link: u32,
    address: Ipv4Addr,
    network: Arc<OnceCell<String>>,
    volumes: Arc<Mutex<()>>,
    /// Its volumes were emptied for the restart under way.
    is_emptied: bool,
    tasks: BTreeMap<String, Task>,
    /// Runs so far; their folders are numbered.
    runs: u32,
}

/// What a group wants of its containers.
struct Wish {
    group: String,
    address: Ipv4Addr,
    /// It has ended or is being deleted; `Stop::No` otherwise.
    stop: Stop,
    is_deleted: bool,
    /// It is being restarted or updated.
    is_renewed: bool,
    /// It is being restarted, and its empty volumes are to be empty again.
    is_restarted: bool,
    pulls: Vec<(String, String)>,
    launches: Vec<Launch>,
    /// The runs that go on, by container.
    runs: BTreeMap<String, String>,
    /// Containers that are to end before their group does.
    leaving: BTreeSet<String>,
}

/// Runs containers until the simulator stops.
pub(crate) async fn drive(oci: Arc<Oci>, shared: Arc<Shared>) {
    let tasks = TaskTracker::new();
    let mut pods: BTreeMap<String, Pod> = BTreeMap::new();
    let mut links = 0;
    while !shared.stop.is_cancelled() {
        // Before the wishes are read, lest what begins or ends in between is taken for unwanted, or begun twice.
        for pod in pods.values_mut() {
            pod.tasks.retain(|_, task| !*task.done.borrow());
            pod.tasks.values_mut().for_each(|task| task.known_run = task.run.borrow().clone());
        }
        let wishes = wishes(&shared);
        for wish in &wishes {
            if wish.stop == Stop::No && !pods.contains_key(&wish.group) {
                links += 1;
                let (network, tasks) = (Arc::default(), BTreeMap::new());
                let pod = Pod {
                    link: links,
                    address: wish.address,
                    network,
                    volumes: Arc::default(),
                    is_emptied: false,
                    tasks,
                    runs: 0,
                };
                pods.insert(wish.group.clone(), pod);
            }
        }
        for wish in wishes {
            let group = wish.group.clone();
            let deletes = wish.is_deleted;
            if let Some(pod) = pods.get_mut(&group) {
                fulfil(&oci, &shared, &tasks, pod, wish);
            }
            if deletes && pods.get(&group).is_none_or(|pod| pod.tasks.is_empty()) {
                shared.report(&group, Report::Stopped);
            }
        }
        clear(&oci, &shared, &mut pods).await;
        tokio::select! {
            () = shared.stop.cancelled() => break,
            () = tokio::time::sleep(ROUND) => {}
        }
    }
    for task in pods.values().flat_map(|pod| pod.tasks.values()) {
        task.stop.send_replace(Stop::AtOnce);
    }
    oci.end().await;
    tasks.close();
    tasks.wait().await;
    // A container that was being started meanwhile has left something.
    oci.end().await;
}

/// What all groups want now.
fn wishes(shared: &Shared) -> Vec<Wish> {
    shared.with_cloud(|cloud, _| {
        let file_mode = cloud.settings.file_mode;
        cloud.store.groups().filter(|group| group.facts.is_real).map(|group| wish(group, file_mode)).collect()
    })
}

fn wish(group: &Group, file_mode: crate::settings::FileMode) -> Wish {
    let Group { facts, life } = group;
    let stop = match life.deletion {
        Some(deletion) if deletion.force => Stop::AtOnce,
        Some(_) => Stop::Gracefully,
        None if life.is_terminal() => Stop::AtOnce,
        None => Stop::No,
    };
    let mut wish = Wish {
        group: facts.id.clone(),
        address: facts.address,
        stop,
        is_deleted: life.deletion.is_some(),
        is_renewed: matches!(life.status(), Status::Restarting | Status::Updating),
        is_restarted: life.status() == Status::Restarting,
        pulls: Vec::new(),
        launches: Vec::new(),
        runs: BTreeMap::new(),
        leaving: BTreeSet::new(),
    };
    if stop == Stop::AtOnce {
        return wish;
    }
    for container in life.init.iter().chain(&life.apps) {
        if container.is_leaving {
            wish.leaving.insert(container.name.clone());
        }
        match container.phase {
            Phase::Pulling { .. } => wish.pulls.push((container.name.clone(), container.image.clone())),
            Phase::Launching => wish.launches.push(Launch {
                group: spec::group(facts, file_mode),
                container: spec::container(facts, container.kind, container.index),
            }),
            Phase::Running => wish.runs.extend(running(container)),
            _ => {}
        }
    }
    wish
}

fn running(container: &Container) -> Option<(String, String)> {
    Some((container.name.clone(), container.current.as_ref()?.id.clone()))
}

/// Stops what is no longer wanted and starts what is.
fn fulfil(oci: &Arc<Oci>, shared: &Arc<Shared>, tasks: &TaskTracker, pod: &mut Pod, wish: Wish) {
    for (name, task) in &pod.tasks {
        let is_wanted = task.known_run.as_ref().is_none_or(|run| wish.runs.get(name) == Some(run));
        let stop = match (is_wanted, wish.is_renewed) {
            (true, _) if wish.leaving.contains(name) => wish.stop.max(Stop::Gracefully),
            (true, _) => wish.stop,
            (false, true) => Stop::Gracefully,
            (false, false) => Stop::AtOnce,
        };
        task.stop.send_if_modified(|asked| {
            let harder = stop > *asked;
            *asked = stop.max(*asked);
            harder
        });
    }
    if wish.stop != Stop::No {
        return;
    }
    for (name, image) in wish.pulls {
        if !pod.tasks.contains_key(&name) {
            let (task, _, _, finished) = task();
            pod.tasks.insert(name.clone(), task);
            let (oci, shared, group) = (Arc::clone(oci), Arc::clone(shared), wish.group.clone());
            tasks.spawn(async move {
                pull(&oci, &shared, &group, &name, &image).await;
                finished.send_replace(true);
            });
        }
    }
    pod.is_emptied &= wish.is_restarted;
    for launch in wish.launches {
        if wish.is_restarted && !pod.is_emptied {
            if pod.tasks.values().any(|task| task.known_run.is_some()) {
                // What still ends may still write.
                return;
            }
            let directory = oci.group_directory(&launch.group.id);
            if let Err(error) = empty_volumes(&directory, &launch.group) {
                tracing::warn!(%error, "a volume could not be emptied");
            }
            pod.is_emptied = true;
        }
        if !pod.tasks.contains_key(&launch.container.name) {
            pod.runs += 1;
            let (task, stop, launched, finished) = task();
            pod.tasks.insert(launch.container.name.clone(), task);
            let (oci, shared) = (Arc::clone(oci), Arc::clone(shared));
            let (network, volumes) = (Arc::clone(&pod.network), Arc::clone(&pod.volumes));
            let (link, number) = (pod.link, pod.runs);
            tasks.spawn(async move {
                let place = super::process::Place { network, volumes, link, number };
                run_container(&oci, &shared, launch, place, stop, launched).await;
                finished.send_replace(true);
            });
        }
    }
}

type Ends = (Task, watch::Receiver<Stop>, watch::Sender<Option<String>>, watch::Sender<bool>);

fn task() -> Ends {
    let (stop, stops) = watch::channel(Stop::No);
    let (launched, run) = watch::channel(None);
    let (finished, done) = watch::channel(false);
    (Task { stop, run, known_run: None, done }, stops, launched, finished)
}

/// Removes what is left of groups that have ended or gone, once nothing of them runs.
async fn clear(oci: &Oci, shared: &Shared, pods: &mut BTreeMap<String, Pod>) {
    let alive = |id: &str| {
        shared.with_cloud(|cloud, _| {
            cloud.store.find(id).is_some_and(|group| {
                let is_stopped = group.life.deletion.is_some_and(|deletion| {
                    deletion.stopped_at <= deletion.gone_at && deletion.stopped_at < jiff::Timestamp::MAX
                });
                !group.life.is_terminal() && !is_stopped
            })
        })
    };
    let over: Vec<String> = pods.keys().filter(|id| !alive(id)).cloned().collect();
    for id in over {
        let Some(pod) = pods.get(&id) else { continue };
        for task in pod.tasks.values() {
            task.stop.send_replace(Stop::AtOnce);
        }
        if !pod.tasks.is_empty() {
            continue;
        }
        if pod.network.initialized() {
            oci.network.leave(&id, pod.link, pod.address).await;
        }
        sweep::remove_cgroups(&oci.instance, &id);
        let directory = oci.group_directory(&id);
        sweep::unmount_below(&oci.instance, &directory).await;
        if let Err(error) = std::fs::remove_dir_all(&directory)
            && directory.exists()
        {
            tracing::warn!(%error, directory = %directory.display(), "could not be removed");
        }
        pods.remove(&id);
    }
}
