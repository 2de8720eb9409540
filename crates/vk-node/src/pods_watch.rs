//! Watches the pods that are bound to the node, and feeds the engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1 as corev1;
use kube::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use vk_core::PodKey;

use crate::engine::Input;

/// The server ends our watch after this; the next one goes on where it ended.
const WATCH_SECONDS: u32 = 60;

/// Delivers every pod of the node until shutdown. Survives restarts of the API server: after a gap the whole list
/// comes again, and [`Input::ListComplete`] tells which pods went meanwhile.
///
/// Waits where the engine is slower than the watch: nothing is dropped.
pub(crate) async fn run(
    client: kube::Client,
    node_name: String,
    inputs: mpsc::Sender<Input>,
    shutdown: CancellationToken,
) {
    // A dead connection is noticed when this has passed: by default nearly five minutes.
    let config =
        watcher::Config::default().timeout(WATCH_SECONDS).fields(&format!("spec.nodeName={node_name}"));
    let pods: Api<corev1::Pod> = Api::all(client);
    let mut events = std::pin::pin!(watcher::watcher(pods, config).default_backoff());
    let mut list = BTreeSet::new();
    loop {
        let event = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            event = events.next() => event,
        };
        let inputs_of_event = match event {
            Some(Ok(event)) => translate(event, &mut list),
            Some(Err(error)) => {
                warn!(%error, "watching pods failed; trying again");
                continue;
            }
            None => return,
        };
        let Some(input) = inputs_of_event else { continue };
        if inputs.send(input).await.is_err() {
            return;
        }
    }
}

fn translate(event: Event<corev1::Pod>, list: &mut BTreeSet<String>) -> Option<Input> {
    match event {
        Event::Init => {
            list.clear();
            None
        }
        Event::InitApply(pod) => {
            list.extend(pod.metadata.uid.clone());
            Some(seen(pod))
        }
        Event::InitDone => {
            debug!(pods = list.len(), "listed the pods of the node");
            Some(Input::ListComplete(std::mem::take(list)))
        }
        Event::Apply(pod) => Some(seen(pod)),
        Event::Delete(pod) => PodKey::of(&pod).map(Input::PodGone),
    }
}

fn seen(mut pod: corev1::Pod) -> Input {
    // As large as the rest of the object, and of no use to a node.
    pod.metadata.managed_fields = None;
    Input::PodSeen(Arc::new(pod))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(uid: &str) -> corev1::Pod {
        let mut pod = corev1::Pod::default();
        pod.metadata.namespace = Some("ns".into());
        pod.metadata.name = Some("web".into());
        pod.metadata.uid = Some(uid.into());
        pod
    }

    #[test]
    fn a_list_names_every_pod_it_held_and_no_other() {
        let mut list = BTreeSet::from(["of-an-interrupted-list".to_owned()]);
        assert!(translate(Event::Init, &mut list).is_none());
        translate(Event::InitApply(pod("u1")), &mut list);
        translate(Event::InitApply(pod("u2")), &mut list);
        let Some(Input::ListComplete(uids)) = translate(Event::InitDone, &mut list) else {
            panic!("no list")
        };
        assert_eq!(uids, BTreeSet::from(["u1".to_owned(), "u2".to_owned()]));
    }

    #[test]
    fn a_deletion_names_the_uid_that_went() {
        let Some(Input::PodGone(key)) = translate(Event::Delete(pod("u1")), &mut BTreeSet::new()) else {
            panic!("no deletion")
        };
        assert_eq!(key.uid, "u1");
    }
}
