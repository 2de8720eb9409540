//! The Node object: what happens when somebody deletes or changes it.

use crate::bed::{Bed, condition, group_of, uid};
use crate::manifests::{NGINX, pod};
use crate::waits::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_node_comes_back_and_its_pods_stay() {
    let bed = Bed::new("node-deleted").await;
    bed.apply(&pod("web", "node-deleted", NGINX));
    let web = bed.running("web").await;
    let first = bed.node_object().await.metadata.uid;

    bed.kubectl_ok(&["delete", "node", "node-deleted"]);
    until("the Node is registered again and Ready", async || {
        let nodes: kube::Api<k8s_openapi::api::core::v1::Node> = kube::Api::all(bed.api.clone());
        let node = nodes.get("node-deleted").await.map_err(|error| error.to_string())?;
        if node.metadata.uid == first {
            return Err("it is still the old one".to_owned());
        }
        if condition(&node, "Ready").0 == "True" { Ok(()) } else { Err(format!("{:?}", node.status)) }
    })
    .await;
    let again = bed.running("web").await;
    assert_eq!((uid(&again), group_of(&again)), (uid(&web), group_of(&web)));
    assert_eq!(bed.cloud.group_ids().await, [group_of(&web)]);
    assert_eq!(bed.cloud.requests("CreateContainerGroup").len(), 1);

    // It serves as before.
    bed.apply(&pod("later", "node-deleted", NGINX));
    bed.running("later").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_belongs_to_the_node_and_is_renewed() {
    let bed = Bed::new("lease").await;
    let leases: kube::Api<k8s_openapi::api::coordination::v1::Lease> =
        kube::Api::namespaced(bed.api.clone(), "kube-node-lease");
    let renewed = async || leases.get("lease").await.ok().and_then(|lease| lease.spec?.renew_time);
    let first =
        until("the lease exists", async || renewed().await.ok_or_else(|| "no lease".to_owned())).await;
    until("the lease is renewed", async || match renewed().await {
        Some(time) if time.0 > first.0 => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let owners = leases.get("lease").await.unwrap().metadata.owner_references.unwrap();
    assert_eq!(Some(owners[0].uid.clone()), bed.node_object().await.metadata.uid);
}
