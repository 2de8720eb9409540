//! A cloud that fails: every read is an error then, never a short list.

use serde_json::json;
use vk_core::{ErrorKind, Provider};

use crate::world::{World, cursor, pod, start, sweep};

#[tokio::test]
async fn a_read_that_fails_is_an_error_of_its_kind() {
    let cases = [
        ("ServiceUnavailable", ErrorKind::Unavailable),
        ("InternalError", ErrorKind::Unavailable),
        ("InvalidAccessKeyId.NotFound", ErrorKind::InvalidCredentials),
        ("Forbidden.RAM", ErrorKind::Denied),
    ];
    let world = World::start().await;
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    let key = vk_core::PodKey::of(&pod("web")).unwrap();
    for (code, kind) in cases {
        for action in ["DescribeContainerGroupStatus", "DescribeContainerGroups"] {
            world.fault(json!({"action": action, "kind": "error", "code": code}));
        }
        let error = provider.observe(None).await.unwrap_err();
        assert_eq!(*error.kind(), kind, "{}", error.chain());
        let error = provider.find(&key).await.unwrap_err();
        assert_eq!(*error.kind(), kind, "{}", error.chain());
        world.fault(json!({"action": "DescribeContainerGroups", "kind": "error", "code": code}));
        let error = provider.fetch(std::slice::from_ref(&group)).await.unwrap_err();
        assert_eq!(*error.kind(), kind, "{}", error.chain());
    }
    assert_eq!(sweep(&provider).await.len(), 1);
}

#[tokio::test]
async fn a_page_that_fails_fails_the_sweep() {
    let world = World::start().await;
    world.set(json!({"page_cap": 1}));
    let (provider, calls) = world.process("cluster-1", "virtual-kubelet");
    for name in ["a", "b", "c", "d"] {
        start(&provider, &pod(name)).await;
    }
    // Half of all pages: with this seed the first is answered and a later one is not.
    world.fault(json!({
        "action": "DescribeContainerGroupStatus", "kind": "drop_before", "times": null,
        "probability": 0.5, "seed": 7,
    }));
    let mut failed_late = 0;
    for _ in 0..20 {
        calls.forget();
        match provider.observe(None).await {
            Ok(observation) => assert_eq!(observation.groups.len(), 4),
            Err(error) => {
                assert_eq!(*error.kind(), ErrorKind::Unavailable, "{}", error.chain());
                failed_late += usize::from(calls.count("DescribeContainerGroupStatus") > 1);
            }
        }
    }
    assert!(failed_late > 0, "some sweep failed after its first page");
}

#[tokio::test]
async fn light_statuses_are_reported_although_full_ones_cannot_be_read() {
    let world = World::start().await;
    let provider = world.provider();
    start(&provider, &pod("web")).await;
    world.fault(
        json!({"action": "DescribeContainerGroups", "kind": "error", "code": "Throttling", "times": null}),
    );
    assert_eq!(sweep(&provider).await.len(), 1);
    let since = cursor(&provider).await;
    assert_eq!(provider.observe(Some(since)).await.unwrap().groups.len(), 1);
    // A process that knows nothing of the group cannot tell what the statuses are of.
    let error = world.provider().observe(None).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Throttled { .. }), "{}", error.chain());
}

#[tokio::test]
async fn each_call_is_counted_with_what_came_of_it() {
    let world = World::start().await;
    let (provider, calls) = world.process("cluster-1", "virtual-kubelet");
    world.fault(json!({"action": "CreateContainerGroup", "kind": "error", "code": "Throttling"}));
    let web = pod("web");
    let refused = provider.create_pod(&web, vk_core::Attempt(0), &vk_core::Resolved::default()).await;
    assert!(refused.is_err());
    start(&provider, &web).await;
    assert_eq!(calls.outcomes(), [("CreateContainerGroup", "Throttled"), ("CreateContainerGroup", "ok")]);
    assert_eq!(calls.skipped(), 0);
}
