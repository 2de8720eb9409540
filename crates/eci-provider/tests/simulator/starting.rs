//! Starting pods: once, again, by two processes, with lost answers, with refusals.

use k8s_openapi::api::core::v1 as corev1;
use serde_json::json;
use vk_core::{Attempt, ErrorKind, Provider, Resolved, Started};

use crate::world::{World, ids, pod, pod_with, start};

#[tokio::test]
async fn a_started_pod_is_found_by_its_uid() {
    let world = World::start().await;
    let provider = world.provider();
    let web = pod("web");
    let group = start(&provider, &web).await;
    let key = vk_core::PodKey::of(&web).unwrap();
    let found = provider.find(&key).await.unwrap();
    assert_eq!(ids(&found), [group]);
    assert_eq!((&found[0].key, found[0].attempt), (&key, Attempt(0)));
    let stranger = vk_core::PodKey { uid: "another".to_owned(), ..key };
    assert!(provider.find(&stranger).await.unwrap().is_empty());
}

#[tokio::test]
async fn repeating_an_attempt_yields_the_same_group() {
    let world = World::start().await;
    let group = start(&world.provider(), &pod("web")).await;
    let after_a_crash = world.provider();
    assert_eq!(start(&after_a_crash, &pod("web")).await, group);
    assert_eq!(world.groups().len(), 1);
}

#[tokio::test]
async fn the_next_attempt_is_another_group() {
    let world = World::start().await;
    let provider = world.provider();
    start(&provider, &pod("web")).await;
    let second = provider.create_pod(&pod("web"), Attempt(1), &Resolved::default()).await.unwrap();
    assert!(matches!(second, Started::Group { .. }));
    let key = vk_core::PodKey::of(&pod("web")).unwrap();
    let mut attempts: Vec<_> = provider.find(&key).await.unwrap().iter().map(|it| it.attempt).collect();
    attempts.sort();
    assert_eq!(attempts, [Attempt(0), Attempt(1)]);
}

#[tokio::test]
async fn an_attempt_repeated_with_other_inputs_is_told_to_be_accepted_already() {
    let world = World::start().await;
    let web = pod_with(
        "web",
        json!([{"name": "app", "image": "nginx", "envFrom": [{"configMapRef": {"name": "settings"}}]}]),
        json!(null),
    );
    let inputs = |colour: &str| {
        let data = [("COLOUR".to_owned(), colour.to_owned())].into();
        let map = corev1::ConfigMap { data: Some(data), ..Default::default() };
        Resolved { config_maps: [("settings".to_owned(), map)].into(), ..Default::default() }
    };
    let provider = world.provider();
    let first = provider.create_pod(&web, Attempt(0), &inputs("red")).await.unwrap();
    let Started::Group { group, .. } = first else { panic!("nothing was started earlier") };
    let again = provider.create_pod(&web, Attempt(0), &inputs("green")).await.unwrap();
    assert_eq!(again, Started::AcceptedEarlier);
    let found = provider.find(&vk_core::PodKey::of(&web).unwrap()).await.unwrap();
    assert_eq!(ids(&found), [group]);
}

#[tokio::test]
async fn a_lost_answer_leaves_it_open_and_repeating_the_attempt_settles_it() {
    for kind in ["drop_before", "drop_after", "reset"] {
        let world = World::start().await;
        let provider = world.provider();
        world.fault(json!({"action": "CreateContainerGroup", "kind": kind}));
        let lost = provider.create_pod(&pod("web"), Attempt(0), &Resolved::default()).await.unwrap_err();
        assert_eq!(*lost.kind(), ErrorKind::Indeterminate, "{kind}: {}", lost.chain());
        start(&provider, &pod("web")).await;
        assert_eq!(world.groups().len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn a_group_accepted_moments_ago_may_not_be_found_yet() {
    let world = World::start().await;
    world.set(json!({"visibility_lag_ms": 60_000}));
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    let key = vk_core::PodKey::of(&pod("web")).unwrap();
    assert!(provider.find(&key).await.unwrap().is_empty());
    world.pass(61_000);
    assert_eq!(ids(&provider.find(&key).await.unwrap()), [group]);
}

#[tokio::test]
async fn what_cannot_be_honoured_is_refused_whole_and_nothing_is_sent() {
    let world = World::start().await;
    let provider = world.provider();
    let mut web = pod("web");
    let spec = web.spec.as_mut().unwrap();
    spec.host_network = Some(true);
    spec.host_pid = Some(true);
    let refused = provider.create_pod(&web, Attempt(0), &Resolved::default()).await.unwrap_err();
    let ErrorKind::Rejected(problems) = refused.kind() else { panic!("{}", refused.chain()) };
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(world.requests("CreateContainerGroup").is_empty());
}

#[tokio::test]
async fn refusals_of_the_cloud_keep_their_kind() {
    let cases = [
        ("OperationDenied.NoStock", ErrorKind::OutOfStock),
        ("QuotaExceeded", ErrorKind::QuotaExceeded),
        ("InvalidParameter.CPU.Memory", ErrorKind::InvalidRequest),
        ("ImageSnapshot.NotFound", ErrorKind::InvalidRequest),
        ("InvalidParameter.NotFound", ErrorKind::InvalidRequest),
        ("Forbidden.RAM", ErrorKind::Denied),
        ("InvalidAccessKeyId.NotFound", ErrorKind::InvalidCredentials),
        ("ServiceUnavailable", ErrorKind::Indeterminate),
        ("InvalidTimeStamp.Expired", ErrorKind::Unavailable),
        ("SomethingNew", ErrorKind::Bug),
    ];
    let world = World::start().await;
    let provider = world.provider();
    for (code, kind) in cases {
        world.fault(json!({"action": "CreateContainerGroup", "kind": "error", "code": code}));
        let error = provider.create_pod(&pod("web"), Attempt(0), &Resolved::default()).await.unwrap_err();
        assert_eq!(*error.kind(), kind, "{}", error.chain());
        assert!(error.chain().contains(code), "{}", error.chain());
    }
    world.fault(json!({
        "action": "CreateContainerGroup", "kind": "error", "code": "Throttling.User", "retry_after_ms": 1500,
    }));
    let error = provider.create_pod(&pod("web"), Attempt(0), &Resolved::default()).await.unwrap_err();
    let ErrorKind::Throttled { retry_after } = error.kind() else { panic!("{}", error.chain()) };
    assert_eq!(retry_after.map(|after| after.as_millis()), Some(1500));
    assert!(world.groups().is_empty());
}
