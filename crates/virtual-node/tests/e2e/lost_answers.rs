//! Creates whose answer is lost, and processes that die in the middle: one group for a pod at the end, and no second ever.
//!
//! Every pod here is a default pod: its service-account token is made anew for each process, so that a repeated create
//! may differ from the first one, which the cloud answers with `IdempotentParameterMismatch`. The simulator's record of
//! requests shows by what the doubt was settled.

use k8s_openapi::api::core::v1 as corev1;
use serde_json::{Value, json};

use crate::bed::{Bed, group_of, uid};
use crate::cloud::{outcomes, parameter};
use crate::manifests::{NGINX, pod};
use crate::waits::until;

const CREATE: &str = "CreateContainerGroup";
const MISMATCH: &str = "IdempotentParameterMismatch";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_lost_before_the_effect_leads_to_one_group() {
    let bed = Bed::new("lost-before").await;
    bed.cloud.fault(json!({"action": CREATE, "kind": "drop_before"}));
    let web = start(&bed).await;
    let creates = one_group_by_one_token(&bed, &web).await;
    assert!(creates.len() >= 2, "the first had no effect, so another made the group\n{}", outcomes(&creates));
    assert_eq!(fault(&creates[0]), "drop_before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_lost_after_the_effect_leads_to_one_group() {
    let bed = Bed::new("lost-after").await;
    bed.cloud.fault(json!({"action": CREATE, "kind": "drop_after"}));
    let web = start(&bed).await;
    let creates = one_group_by_one_token(&bed, &web).await;
    assert_eq!(fault(&creates[0]), "drop_after");
    settled_by_token_or_lookup(&bed, &web, &creates);
}

/// The group is there but no read shows it for five seconds: an empty lookup proves nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_lost_while_reads_lag_behind_leads_to_one_group() {
    let bed = Bed::plan("lost-lag").simulator(&["--visibility-lag-ms", "5000"]).start().await;
    bed.cloud.fault(json!({"action": CREATE, "kind": "drop_after"}));
    let web = start(&bed).await;
    let creates = one_group_by_one_token(&bed, &web).await;
    settled_by_token_or_lookup(&bed, &web, &creates);
}

/// The effect is there and the process that asked for it is not: the next one knows of it only what the cloud tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_after_the_effect_leads_to_one_group() {
    let mut bed = Bed::new("killed-after").await;
    bed.cloud.fault(json!({"action": CREATE, "kind": "delay", "delay_ms": 20_000}));
    bed.apply(&pod("web", "killed-after", NGINX));
    creating(&bed).await;
    bed.kill_node();
    assert_eq!(bed.cloud.ever_created_for(&uid(&bed.pod("web").await)).len(), 1);
    bed.start_node().await;
    let web = bed.running("web").await;
    let creates = one_group_by_one_token(&bed, &web).await;
    settled_by_token_or_lookup(&bed, &web, &creates);
}

/// The first create has its effect only when the second process has long sent its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_before_a_late_effect_leads_to_one_group() {
    let mut bed = Bed::new("killed-before").await;
    bed.cloud.fault(json!({"action": CREATE, "kind": "delay_before", "delay_ms": 8000}));
    bed.apply(&pod("web", "killed-before", NGINX));
    creating(&bed).await;
    bed.kill_node();
    bed.start_node().await;
    bed.running("web").await;
    until("the first create was answered after all", async || {
        let creates = bed.cloud.requests(CREATE);
        let answered = |create: &&Value| create["outcome"]["http_status"].is_number();
        if creates.iter().filter(answered).count() >= 2 { Ok(()) } else { Err(outcomes(&creates)) }
    })
    .await;
    let web = bed.running("web").await;
    one_group_by_one_token(&bed, &web).await;
}

/// Killed while the group is not yet visible: neither the first sweep nor a lookup of the new process shows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_while_reads_lag_behind_leads_to_one_group() {
    let mut bed = Bed::plan("killed-lag").simulator(&["--visibility-lag-ms", "5000"]).start().await;
    bed.cloud.fault(json!({"action": CREATE, "kind": "drop_after"}));
    bed.apply(&pod("web", "killed-lag", NGINX));
    creating(&bed).await;
    bed.kill_node();
    bed.start_node().await;
    let web = bed.running("web").await;
    let creates = one_group_by_one_token(&bed, &web).await;
    settled_by_token_or_lookup(&bed, &web, &creates);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_live_processes_lead_to_one_group() {
    let mut bed = Bed::new("two").await;
    bed.start_node().await;
    for (name, kind) in [("calm", None), ("before", Some("drop_before")), ("after", Some("drop_after"))] {
        if let Some(kind) = kind {
            bed.cloud.fault(json!({"action": CREATE, "kind": kind}));
        }
        bed.apply(&pod(name, "two", NGINX));
        let web = bed.running(name).await;
        one_group_by_one_token(&bed, &web).await;
    }
    assert!(bed.is_running(), "both processes are alive");
    let peers: std::collections::BTreeSet<_> =
        bed.cloud.requests(CREATE).iter().map(|create| create["peer"].to_string()).collect();
    assert!(peers.len() >= 2, "both processes have created: {peers:?}");
    bed.kubectl_ok(&["delete", "pods", "--all"]);
    bed.no_group_left().await;
}

async fn start(bed: &Bed) -> corev1::Pod {
    bed.apply(&pod("web", &bed.node, NGINX));
    bed.running("web").await
}

async fn creating(bed: &Bed) {
    until("the create is under way", async || {
        if bed.cloud.requests(CREATE).is_empty() { Err("no call yet".to_owned()) } else { Ok(()) }
    })
    .await;
}

fn fault(request: &Value) -> &str {
    request["outcome"]["fault"]["kind"].as_str().unwrap_or_default()
}

/// What has to hold whatever was lost: the pod names the only group that carries its UID, none other ever did, and every
/// create for it used the same token. Returns those creates.
async fn one_group_by_one_token(bed: &Bed, web: &corev1::Pod) -> Vec<Value> {
    let creates = creates_for(bed, web);
    let calls = outcomes(&creates);
    let groups = bed.cloud.groups_of(&uid(web)).await;
    assert_eq!(groups.len(), 1, "one group carries the UID\n{calls}");
    assert_eq!(groups[0].container_group_id.as_str(), group_of(web), "{calls}");
    assert_eq!(bed.cloud.ever_created_for(&uid(web)).len(), 1, "no other group ever did\n{calls}");
    let token = parameter(&creates[0], "ClientToken");
    assert!(!token.is_empty() && token.len() <= 64);
    assert!(creates.iter().all(|create| parameter(create, "ClientToken") == token), "{calls}");
    creates
}

fn creates_for(bed: &Bed, web: &corev1::Pod) -> Vec<Value> {
    let uid = uid(web);
    let creates = bed.cloud.requests(CREATE);
    creates.into_iter().filter(|create| create["parameters"].to_string().contains(&uid)).collect()
}

/// Either a repeated create was answered with the same group, or it was refused as differing, or it was not needed: and
/// where no answer named the group, a read by the pod's tag (or a sweep of all groups) did.
fn settled_by_token_or_lookup(bed: &Bed, web: &corev1::Pod, creates: &[Value]) {
    let answered = |create: &&Value| create["outcome"]["http_status"] == 200 && fault(create).is_empty();
    if creates.iter().any(|create| answered(&create)) {
        return;
    }
    let refused_again: Vec<_> =
        creates.iter().skip(1).map(|create| create["outcome"]["code"].as_str().unwrap_or_default()).collect();
    assert!(refused_again.iter().all(|code| *code == MISMATCH), "{refused_again:?}");
    let uid = uid(web);
    let lookups = bed.cloud.requests("DescribeContainerGroups");
    let by_uid = |request: &&Value| request["parameters"].to_string().contains(&uid);
    let by_id = |request: &&Value| request["parameters"].to_string().contains(group_of(web));
    let sought = lookups.iter().filter(|request| by_uid(request) || by_id(request)).count();
    assert!(sought > 0, "nobody looked the group up: {}", outcomes(&lookups));
}
