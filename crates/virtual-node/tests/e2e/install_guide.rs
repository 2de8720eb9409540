//! The manifests of the install guide, and the other examples, exactly as they are published, by the real scheduler.

use k8s_openapi::api::core::v1 as corev1;
use kube::Api;
use vk_testkit::control_plane::Options;

use crate::bed::{Bed, condition, group_of, phase, pod_condition, taints, uid};
use crate::cluster::Cluster;
use crate::manifests::NGINX;
use crate::waits::until;

const BY_SELECTOR: &str = include_str!("../../../../examples/nginx-by-node-selector.yaml");
const BY_NAME: &str = include_str!("../../../../examples/nginx-by-node-name.yaml");
const DEPLOYMENT: &str = include_str!("../../../../examples/deployment.yaml");
const JOB: &str = include_str!("../../../../examples/job.yaml");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_manifests_of_the_install_guide_run_as_they_are() {
    let cluster = Cluster::own(Options::default());
    let mut bed = Bed::plan("guide").on(&cluster).node("virtual-kubelet").start().await;
    shows_itself_as_the_guide_says(&bed).await;

    let mut uids = Vec::new();
    for (namespace, manifest) in [("by-selector", BY_SELECTOR), ("by-name", BY_NAME)] {
        bed.make_namespace(namespace).await;
        bed.apply_in(namespace, manifest);
    }
    for namespace in ["by-selector", "by-name"] {
        namespace.clone_into(&mut bed.namespace);
        let pod = bed.running("nginx").await;
        assert_has_an_address(&pod);
        assert_eq!(pod.spec.as_ref().unwrap().node_name.as_deref(), Some("virtual-kubelet"));
        let groups = bed.cloud.groups_of(&uid(&pod)).await;
        assert_eq!(groups.len(), 1, "{groups:?}");
        assert_eq!(groups[0].container_group_id.as_str(), group_of(&pod));
        let shown = bed.kubectl_ok(&["get", "pods", "-o", "wide"]);
        assert!(
            shown.contains("1/1") && shown.contains("Running") && shown.contains("virtual-kubelet"),
            "{shown}"
        );
        uids.push(uid(&pod));
    }
    assert_ne!(uids[0], uids[1]);

    for namespace in ["by-selector", "by-name"] {
        namespace.clone_into(&mut bed.namespace);
        bed.kubectl_ok(&["delete", "pod", "nginx"]);
    }
    bed.no_group_left().await;
    other_examples_run(&mut bed).await;
    an_ordinary_pod_stays_away(&mut bed).await;
}

async fn shows_itself_as_the_guide_says(bed: &Bed) {
    let node = bed.node_object().await;
    let labels = node.metadata.labels.clone().unwrap_or_default();
    assert_eq!(labels.get("type").map(String::as_str), Some("virtual-kubelet"));
    assert!(taints(&node).contains(&("virtual-kubelet.io/provider".to_owned(), "NoSchedule".to_owned())));
    until("the node knows that the cloud answers", async || {
        let node = bed.node_object().await;
        match condition(&node, "CloudReachable") {
            (status, _, _) if status == "True" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let shown = bed.kubectl_ok(&["get", "nodes"]);
    let row = shown.lines().find(|line| line.starts_with("virtual-kubelet ")).unwrap_or_default();
    assert!(row.contains("Ready") && row.contains("agent"), "{shown}");
}

fn assert_has_an_address(pod: &corev1::Pod) {
    let status = pod.status.as_ref().unwrap();
    let ip = status.pod_ip.clone().unwrap_or_default();
    assert!(ip.starts_with("10.250."), "podIP {ip:?} is not one of the cloud's");
    assert_eq!(status.pod_ips.as_ref().unwrap()[0].ip, ip);
    assert_eq!(status.host_ip.as_deref(), Some("127.0.0.1"));
    assert!(status.start_time.is_some());
    for kind in ["PodScheduled", "Initialized", "ContainersReady", "Ready"] {
        assert_eq!(pod_condition(pod, kind), "True", "{kind}");
    }
}

async fn other_examples_run(bed: &mut Bed) {
    bed.make_namespace("examples").await;
    "examples".clone_into(&mut bed.namespace);
    bed.apply(DEPLOYMENT);
    bed.apply(JOB);
    bed.kubectl_ok(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    bed.kubectl_ok(&["wait", "--for=condition=Complete", "job/countdown", "--timeout=60s"]);
    assert_eq!(bed.kubectl_ok(&["logs", "job/countdown"]), "3\n2\n1\ndone\n");
    bed.kubectl_ok(&["delete", "deployment/web", "job/countdown"]);
    bed.no_group_left().await;
}

/// The taint keeps away what does not ask for a virtual node, although it is the only node.
async fn an_ordinary_pod_stays_away(bed: &mut Bed) {
    let calls = bed.cloud.requests("CreateContainerGroup").len();
    bed.apply(&format!("{{apiVersion: v1, kind: Pod, metadata: {{name: ordinary}}, spec: {{{NGINX}}}}}"));
    let pods: Api<corev1::Pod> = bed.pods();
    until("the scheduler finds no node for it", async || {
        let pod = pods.get("ordinary").await.map_err(|error| error.to_string())?;
        match pod_condition(&pod, "PodScheduled") {
            "False" => Ok(()),
            other => Err(format!("PodScheduled {other:?}, phase {}", phase(&pod))),
        }
    })
    .await;
    assert_eq!(bed.cloud.requests("CreateContainerGroup").len(), calls);
}
