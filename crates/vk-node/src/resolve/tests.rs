//! The resolver against a scripted API server: what it asks for, and what it makes of the answers.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use vk_core::TokenKey;

use super::*;
use crate::kube_call::scripted::{Answer, Scripted, Seen, WatchFeed};

/// Objects by path; what is not there is not found.
#[derive(Clone, Default)]
struct Objects(Arc<Mutex<BTreeMap<String, Answer>>>);

impl Objects {
    fn put(&self, path: &str, answer: Answer) {
        self.0.lock().unwrap().insert(path.to_owned(), answer);
    }

    fn with(self, resource: &str, name: &str, fields: Value) -> Self {
        let mut object = json!({"metadata": {"name": name, "namespace": "ns"}});
        object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.put(&format!("/api/v1/namespaces/ns/{resource}/{name}"), Answer::json(200, object));
        self
    }

    fn failing(self, path: &str, answer: Answer) -> Self {
        self.put(path, answer);
        self
    }
}

const TOKEN: &str = "/api/v1/namespaces/ns/serviceaccounts/default/token";

fn token_answer() -> Answer {
    Answer::json(
        201,
        json!({"kind": "TokenRequest", "status": {"token": "eyJ.secret", "expirationTimestamp": "2026-01-01T00:00:00Z"}}),
    )
}

fn service() -> Value {
    json!({"metadata": {"name": "kubernetes", "namespace": "default"}, "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 443}]}})
}

struct World {
    api: Scripted,
    resolver: Arc<Resolver>,
    shutdown: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn start(objects: Objects) -> World {
    let feed = WatchFeed::new();
    let api = Scripted::new(move |request: &Seen| match request.path.as_str() {
        "/api/v1/services" if request.is_watch() => feed.answer(),
        "/api/v1/services" => {
            Answer::json(200, json!({"metadata": {"resourceVersion": "1"}, "items": [service()]}))
        }
        path => {
            let kind = path.split('/').nth(5).unwrap_or_default();
            objects.0.lock().unwrap().get(path).cloned().unwrap_or_else(|| Answer::not_found(kind))
        }
    });
    let resolver = Arc::new(Resolver::new(api.client(), Random::new(|| 0.5)));
    let shutdown = CancellationToken::new();
    let (task, token) = (resolver.clone(), shutdown.clone());
    tokio::spawn(async move { task.run(token).await });
    World { api, resolver, shutdown }
}

fn pod(spec: Value) -> corev1::Pod {
    serde_json::from_value(json!({"metadata": {"name": "p", "namespace": "ns", "uid": "u1"}, "spec": spec}))
        .unwrap()
}

fn pod_with_env_from(names: &[&str]) -> corev1::Pod {
    let sources: Vec<_> = names.iter().map(|name| json!({"configMapRef": {"name": name}})).collect();
    pod(json!({"containers": [{"name": "c", "envFrom": sources}]}))
}

fn pod_with_token() -> corev1::Pod {
    pod(json!({
        "containers": [{"name": "c"}],
        "volumes": [{"name": "t", "projected": {"sources": [
            {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 3607}},
        ]}}],
    }))
}

impl World {
    async fn resolve(&self, pod: &corev1::Pod) -> Result<ResolvedPod, ResolveError> {
        self.resolver.resolve(pod, &PodKey::of(pod).unwrap()).await
    }

    fn asked(&self, line: &str) -> usize {
        self.api.lines().iter().filter(|seen| *seen == line).count()
    }
}

#[tokio::test(start_paused = true)]
async fn everything_a_pod_names_is_handed_over() {
    let objects = Objects::default()
        .with("configmaps", "env", json!({"data": {"a": "1"}}))
        .with("configmaps", "files", json!({"binaryData": {"logo.png": "aGk="}}))
        .with("secrets", "db", json!({"data": {"password": "aHVudGVyMg=="}}))
        .with("secrets", "registry", json!({"data": {}}))
        .failing(TOKEN, token_answer());
    let world = start(objects);
    let mut pod = pod_with_token();
    let spec = pod.spec.as_mut().unwrap();
    *spec = serde_json::from_value(json!({
        "imagePullSecrets": [{"name": "registry"}],
        "containers": [{"name": "c", "envFrom": [{"configMapRef": {"name": "env"}}], "env": [
            {"name": "P", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        ]}],
        "volumes": [
            {"name": "f", "configMap": {"name": "files", "items": [{"key": "logo.png", "path": "l"}]}},
            spec.volumes.as_ref().unwrap()[0],
        ],
    }))
    .unwrap();
    let resolved = world.resolve(&pod).await.unwrap();
    let inputs = &resolved.inputs;
    assert_eq!(inputs.config_maps.keys().collect::<Vec<_>>(), ["env", "files"]);
    assert_eq!(inputs.secrets.keys().collect::<Vec<_>>(), ["db", "registry"]);
    assert_eq!(inputs.services[0].metadata.name.as_deref(), Some("kubernetes"));
    assert_eq!(inputs.tokens.values().next().unwrap().expose(), "eyJ.secret");
    assert!(resolved.warnings.is_empty());
    assert!(!format!("{resolved:?}").contains("eyJ"));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_asked_for_this_pod_audience_and_life() {
    let world = start(Objects::default().failing(TOKEN, token_answer()));
    let resolved = world.resolve(&pod_with_token()).await.unwrap();
    let key = TokenKey { audience: Some("vault".to_owned()), expiration_seconds: Some(3607) };
    assert!(resolved.inputs.tokens.contains_key(&key));
    let request = world.api.seen().into_iter().find(|request| request.path == TOKEN).unwrap();
    assert_eq!(request.method, "POST");
    assert_eq!(
        request.body,
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {
            "audiences": ["vault"],
            "expirationSeconds": 3607,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u1"},
        }})
    );
}

#[tokio::test(start_paused = true)]
async fn all_missing_objects_and_keys_are_told_at_once() {
    let objects = Objects::default()
        .with("configmaps", "there", json!({"data": {"a": "1"}, "binaryData": {"b": "aGk="}}))
        .with("secrets", "s", json!({"data": {"x": "aGk="}}));
    let world = start(objects);
    let pod = pod(json!({
        "containers": [{"name": "c", "envFrom": [{"configMapRef": {"name": "gone"}}], "env": [
            {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "there", "key": "b"}}},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "y"}}},
            {"name": "C", "valueFrom": {"secretKeyRef": {"name": "s", "key": "z", "optional": true}}},
        ]}],
        "volumes": [{"name": "v", "secret": {"secretName": "absent"}}, {"name": "o", "secret": {"secretName": "whatever", "optional": true}}],
    }));
    let error = world.resolve(&pod).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "configmap \"gone\" not found; couldn't find key b in ConfigMap ns/there; secret \"absent\" not found; \
         couldn't find key y in Secret ns/s"
    );
    let ResolveError::Missing(missing) = error else { panic!() };
    assert_eq!(missing[0].wanted_by, "spec.containers[0].envFrom[0].configMapRef");
    assert_eq!(world.asked(&format!("POST {TOKEN}")), 0);
}

#[tokio::test(start_paused = true)]
async fn a_missing_pull_secret_is_a_warning() {
    let world = start(Objects::default());
    let pod = pod(json!({"imagePullSecrets": [{"name": "a"}, {"name": "b"}], "containers": [{"name": "c"}]}));
    let resolved = world.resolve(&pod).await.unwrap();
    assert_eq!(
        resolved.warnings,
        ["Unable to retrieve some image pull secrets (a, b); attempting to pull the image may not succeed."]
    );
}

#[tokio::test(start_paused = true)]
async fn a_thousand_pods_that_wait_for_one_config_map_cost_one_read_a_second() {
    let objects = Objects::default();
    let world = start(objects.clone());
    let pod = pod_with_env_from(&["late"]);
    let line = "GET /api/v1/namespaces/ns/configmaps/late";
    let outcomes = join_all((0..1000).map(|_| world.resolve(&pod))).await;
    assert!(outcomes.iter().all(Result::is_err));
    assert_eq!(world.asked(line), 1);
    let created_at = tokio::time::Instant::now();
    let created = Objects::default().with("configmaps", "late", json!({"data": {}}));
    objects.0.lock().unwrap().append(&mut created.0.lock().unwrap());
    while world.resolve(&pod).await.is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(created_at.elapsed() <= FRESH + Duration::from_millis(100), "{:?}", created_at.elapsed());
    assert_eq!(world.asked(line), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_verb_and_resource() {
    let refused = Answer::status(403, "Forbidden", "secrets", "secrets \"s\" is forbidden");
    let objects = Objects::default().failing("/api/v1/namespaces/ns/secrets/s", refused);
    let world = start(objects);
    let pod = pod(json!({"containers": [{"name": "c", "envFrom": [
        {"secretRef": {"name": "s"}}, {"configMapRef": {"name": "missing-too"}},
    ]}]}));
    let error = world.resolve(&pod).await.unwrap_err();
    assert!(matches!(&error, ResolveError::Denied { verb: "get", resource: "secrets", .. }), "{error:?}");
    assert_eq!(error.to_string(), "may not get secrets: secrets \"s\" is forbidden");
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_is_said_and_not_taken_for_absence() {
    let objects = Objects::default().failing("/api/v1/namespaces/ns/configmaps/c", Answer::Broken);
    let world = start(objects);
    let error = world.resolve(&pod_with_env_from(&["c", "missing"])).await.unwrap_err();
    assert!(matches!(error, ResolveError::Unavailable(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_refused_because_the_pod_is_gone_says_so() {
    for answer in [
        Answer::status(404, "NotFound", "pods", "pods \"p\" not found"),
        Answer::status(409, "Conflict", "Pod", "the UID in the bound object reference does not match"),
    ] {
        let world = start(Objects::default().failing(TOKEN, answer));
        assert_eq!(world.resolve(&pod_with_token()).await.unwrap_err(), ResolveError::PodGone);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_service_account_is_named() {
    let answer = Answer::status(404, "NotFound", "serviceaccounts", "serviceaccounts \"default\" not found");
    let world = start(Objects::default().failing(TOKEN, answer));
    let error = world.resolve(&pod_with_token()).await.unwrap_err();
    assert_eq!(error.to_string(), "serviceaccount \"default\" not found");
}

#[tokio::test(start_paused = true)]
async fn what_was_read_is_forgotten() {
    let objects = Objects::default().with("secrets", "s", json!({"data": {}}));
    let world = start(objects);
    let pod = pod(json!({"containers": [{"name": "c", "envFrom": [{"secretRef": {"name": "s"}}]}]}));
    world.resolve(&pod).await.unwrap();
    tokio::time::sleep(FRESH * 2).await;
    assert!(world.resolver.secrets.lock().is_empty());
}
