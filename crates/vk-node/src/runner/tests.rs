//! What the runner does with each action, on mocked seams.

use std::collections::BTreeMap;
use std::sync::Mutex;

use k8s_openapi::api::core::v1 as corev1;
use mockall::predicate::{always, eq};
use prometheus_client::registry::Registry;
use vk_core::{Attempt, GroupId, MockProvider, PodKey, Resolved, Started};

use super::*;
use crate::engine::{PodPatch, Presence};
use crate::pod_api::MockPodApi;
use crate::resolve::{MissingObject, MockResolvePod, ObjectKind, ResolvedPod};

fn key() -> PodKey {
    PodKey { namespace: "ns".into(), name: "web".into(), uid: "u1".into() }
}

#[derive(Default)]
struct Told(Mutex<Vec<PodEvent>>);

impl EventSink for Arc<Told> {
    fn publish(&self, event: PodEvent) {
        self.0.lock().unwrap().push(event);
    }
}

struct Bench {
    provider: MockProvider,
    resolver: MockResolvePod,
    api: MockPodApi,
    told: Arc<Told>,
}

impl Bench {
    fn new() -> Self {
        Self {
            provider: MockProvider::new(),
            resolver: MockResolvePod::new(),
            api: MockPodApi::new(),
            told: Arc::default(),
        }
    }

    fn runner(self, lanes: Lanes) -> Runner {
        let tools = Tools {
            provider: Arc::new(self.provider),
            resolver: Arc::new(self.resolver),
            api: Arc::new(self.api),
            events: Arc::new(self.told),
        };
        Runner::new(tools, lanes, Calls::register(&mut Registry::default()))
    }
}

fn create() -> Action {
    Action::Create { key: key(), pod: Arc::new(corev1::Pod::default()), attempt: Attempt(2) }
}

fn resolved(warnings: &[&str]) -> ResolvedPod {
    ResolvedPod {
        inputs: Resolved::default(),
        warnings: warnings.iter().map(|text| (*text).to_owned()).collect(),
    }
}

#[tokio::test]
async fn a_create_resolves_first_and_hands_the_attempt_on() {
    let mut bench = Bench::new();
    let mut order = mockall::Sequence::new();
    bench
        .resolver
        .expect_resolve()
        .once()
        .in_sequence(&mut order)
        .returning(|_, _| Ok(resolved(&["pull secret \"p\" not found"])));
    bench
        .provider
        .expect_create_pod()
        .with(always(), eq(Attempt(2)), always())
        .once()
        .in_sequence(&mut order)
        .returning(|_, _, _| {
            Ok(Started::Group { group: GroupId::new("g1"), annotations: BTreeMap::new(), ignored: vec![] })
        });
    let told = Arc::clone(&bench.told);
    let outcome = bench.runner(Lanes::default()).run(create()).await;
    assert!(
        matches!(outcome, Some(Outcome::Created { result: Ok(Started::Group { .. }), .. })),
        "{outcome:?}"
    );
    let told = told.0.lock().unwrap();
    assert_eq!(told[0].reason, "FailedToRetrieveImagePullSecret");
    assert_eq!(told[0].message, "pull secret \"p\" not found");
}

#[tokio::test]
async fn what_is_missing_keeps_the_provider_from_being_called() {
    let mut bench = Bench::new();
    bench.resolver.expect_resolve().once().returning(|_, _| {
        Err(ResolveError::Missing(vec![MissingObject {
            kind: ObjectKind::ConfigMap,
            namespace: "ns".into(),
            name: "settings".into(),
            key: None,
            wanted_by: "spec.volumes[0]".into(),
        }]))
    });
    bench.provider.expect_create_pod().never();
    let outcome = bench.runner(Lanes::default()).run(create()).await;
    let Some(Outcome::Created { result: Err(CreateError::Missing(sentences)), .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(sentences[0].contains("settings"), "{sentences:?}");
}

#[tokio::test(start_paused = true)]
async fn a_create_without_answer_is_indeterminate_and_never_lost() {
    struct Silent;
    #[async_trait::async_trait]
    impl Provider for Silent {
        async fn create_pod(
            &self,
            _: &corev1::Pod,
            _: Attempt,
            _: &Resolved,
        ) -> Result<Started, ProviderError> {
            std::future::pending().await
        }
        async fn find(&self, _: &PodKey) -> Result<Vec<vk_core::ObservedPod>, ProviderError> {
            std::future::pending().await
        }
        async fn delete_pod(&self, _: &GroupId, _: Duration) -> Result<(), ProviderError> {
            std::future::pending().await
        }
        async fn observe(&self, _: Option<vk_core::Cursor>) -> Result<vk_core::Observation, ProviderError> {
            std::future::pending().await
        }
        async fn fetch(&self, _: &[GroupId]) -> Result<vk_core::Fetched, ProviderError> {
            std::future::pending().await
        }
    }
    let mut resolver = MockResolvePod::new();
    resolver.expect_resolve().returning(|_, _| Ok(resolved(&[])));
    let tools = Tools {
        provider: Arc::new(Silent),
        resolver: Arc::new(resolver),
        api: Arc::new(MockPodApi::new()),
        events: Arc::new(Arc::new(Told::default())),
    };
    let runner = Runner::new(tools, Lanes::default(), Calls::register(&mut Registry::default()));
    let outcome = runner.run(create()).await;
    let Some(Outcome::Created { result: Err(CreateError::Provider(error)), .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(*error.kind(), ErrorKind::Indeterminate);
    let outcome = runner.run(Action::Observe(None)).await;
    assert!(matches!(outcome, Some(Outcome::Observed(Err(_)))), "the poller goes on: {outcome:?}");
}

#[tokio::test]
async fn writes_and_reads_of_pods_come_back_under_their_uid() {
    let mut bench = Bench::new();
    bench.api.expect_patch().once().returning(|_| Ok(Some(7)));
    bench.api.expect_remove().with(eq(key())).once().returning(|_| Err(ApiError::Gone));
    bench.api.expect_presence().with(eq(key())).once().returning(|_| Ok(Presence::Gone));
    let runner = bench.runner(Lanes::default());
    let patch = PodPatch {
        key: key(),
        version: None,
        status: corev1::PodStatus::default(),
        annotations: BTreeMap::new(),
    };
    let outcome = runner.run(Action::Patch(Box::new(patch))).await;
    assert!(matches!(outcome, Some(Outcome::Patched { uid, result: Ok(Some(7)) }) if uid == "u1"));
    let outcome = runner.run(Action::Remove(key())).await;
    assert!(matches!(outcome, Some(Outcome::Removed { uid, result: Err(ApiError::Gone) }) if uid == "u1"));
    let outcome = runner.run(Action::Read(key())).await;
    assert!(matches!(outcome, Some(Outcome::Read { uid, result: Ok(Presence::Gone) }) if uid == "u1"));
}

#[tokio::test]
async fn a_delete_does_not_wait_behind_creates() {
    let mut bench = Bench::new();
    bench.resolver.expect_resolve().returning(|_, _| Ok(resolved(&[])));
    bench.provider.expect_delete_pod().once().returning(|_, _| Ok(()));
    let runner = bench.runner(Lanes { create: 1, ..Lanes::default() });
    let _the_only_create = runner.create.acquire().await.expect("open");
    let delete = Action::Delete { key: key(), group: GroupId::new("g1"), grace: Duration::from_secs(30) };
    let outcome = timeout(Duration::from_secs(5), runner.run(delete)).await.expect("in time");
    assert!(matches!(outcome, Some(Outcome::Deleted { result: Ok(()), .. })));
}
