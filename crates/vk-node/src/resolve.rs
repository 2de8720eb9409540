//! Reads what a pod names: ConfigMaps, Secrets, Services and service-account tokens.
//!
//! ```text
//!   Pod ──▶ Needs (pure) ──▶ Resolver ──GET one object, coalesced──▶ API server
//!                               ├── ServiceIndex (one watch)
//!                               └── TokenRequest, bound to the pod
//! ```
//!
//! Objects are read one by one and never listed or watched: that is all that a node's identity may do, and a pod's
//! start needs each of them once. Only what a pod names is ever read.

mod cache;
mod error;
mod needs;
mod services;
mod token;

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use k8s_openapi::api::core::v1 as corev1;
use kube::api::GetParams;
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use vk_core::{PodKey, Resolved};

pub use error::{MissingObject, ObjectKind, ResolveError};
pub use needs::{KeyUse, Needs, ObjectNeed};

use crate::kube_call::{KubeError, KubeErrorKind, Random, call_secret};
use cache::{Answer, FRESH, ObjectCache};
use services::ServiceIndex;

/// Reason of the event for each of [`ResolvedPod::warnings`], the kubelet's word.
pub const FAILED_TO_RETRIEVE_IMAGE_PULL_SECRET: &str = "FailedToRetrieveImagePullSecret";

/// A pod's inputs, complete.
#[derive(Clone, Debug, Default)]
pub struct ResolvedPod {
    /// The objects, for the provider.
    pub inputs: Resolved,
    /// Sentences for Warning events with the reason [`FAILED_TO_RETRIEVE_IMAGE_PULL_SECRET`].
    pub warnings: Vec<String>,
}

/// Reads what a pod names.
///
/// # Guarantees
/// What it yields is complete: all that the pod requires is there, with the keys it requires.
///
/// # Assumptions
/// May be called concurrently and repeated; the future may be dropped. It writes nothing but TokenRequests, which leave
/// nothing behind.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait ResolvePod: Send + Sync + 'static {
    /// The objects that the pod names.
    ///
    /// # Errors
    /// As the kind says.
    async fn resolve(&self, pod: &corev1::Pod, key: &PodKey) -> Result<ResolvedPod, ResolveError>;
}

/// Resolves pods by the API server. Needs [`Resolver::run`] to be running.
pub struct Resolver {
    client: Client,
    random: Random,
    config_maps: ObjectCache<corev1::ConfigMap>,
    secrets: ObjectCache<corev1::Secret>,
    services: ServiceIndex,
}

impl Resolver {
    /// A resolver that asks through this client.
    pub fn new(client: Client, random: Random) -> Self {
        Self {
            client,
            random,
            config_maps: ObjectCache::new(),
            secrets: ObjectCache::new(),
            services: ServiceIndex::new(),
        }
    }

    /// Follows the Services and forgets what was read, until the token is cancelled.
    pub async fn run(&self, shutdown: CancellationToken) {
        let forget = async {
            loop {
                tokio::time::sleep(FRESH).await;
                self.config_maps.sweep();
                self.secrets.sweep();
            }
        };
        let follow = self.services.run(self.client.clone(), self.random.clone());
        shutdown.run_until_cancelled(futures::future::join(forget, follow)).await;
    }

    /// Reads the objects, all of them whatever fails, so that every missing one is known.
    async fn read_objects(&self, namespace: &str, needs: &Needs) -> Result<ResolvedPod, ResolveError> {
        let secret_names = needs.secrets.keys().chain(&needs.pull_secrets);
        let secret_names: std::collections::BTreeSet<_> = secret_names.collect();
        let config_maps = join_all(needs.config_maps.keys().map(|name| async move {
            let fetch = || fetch::<corev1::ConfigMap>(self.client.clone(), namespace, name);
            (name.clone(), self.config_maps.get(namespace, name, fetch).await)
        }));
        let secrets = join_all(secret_names.into_iter().map(|name| async move {
            let fetch = || fetch::<corev1::Secret>(self.client.clone(), namespace, name);
            (name.clone(), self.secrets.get(namespace, name, fetch).await)
        }));
        let services = self.services.of_namespace(namespace, needs.service_links);
        let (config_maps, secrets, services) = tokio::join!(config_maps, secrets, services);

        let mut failures = Failures::default();
        let config_maps =
            present(config_maps, |error| failures.add(ResolveError::of("get", "configmaps", error)));
        let secrets = present(secrets, |error| failures.add(ResolveError::of("get", "secrets", error)));
        let services = services.unwrap_or_else(|error| {
            failures.add(ResolveError::of("list", "services", &error));
            Vec::new()
        });
        let inputs = Resolved { config_maps, secrets, services, ..Resolved::default() };
        failures.add_missing(missing(namespace, needs, &inputs));
        failures.into_result()?;
        let warnings = missing_pull_secrets(needs, &inputs).into_iter().collect();
        Ok(ResolvedPod { inputs, warnings })
    }
}

#[async_trait]
impl ResolvePod for Resolver {
    async fn resolve(&self, pod: &corev1::Pod, key: &PodKey) -> Result<ResolvedPod, ResolveError> {
        let needs = Needs::of(pod);
        let mut resolved = self.read_objects(&key.namespace, &needs).await?;
        // Tokens come last: a pod that waits for a ConfigMap should not be given a new token with every try.
        resolved.inputs.tokens = token::request_all(&self.client, key, &needs).await?;
        Ok(resolved)
    }
}

/// Failures so far, reduced to the one to report.
#[derive(Default)]
struct Failures(Option<ResolveError>);

impl Failures {
    fn add(&mut self, failure: ResolveError) {
        self.0 = Some(match self.0.take() {
            Some(before) => before.weightier(failure),
            None => failure,
        });
    }

    fn add_missing(&mut self, missing: Vec<MissingObject>) {
        if !missing.is_empty() {
            self.add(ResolveError::Missing(missing));
        }
    }

    fn into_result(self) -> Result<(), ResolveError> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Reads one object; what does not exist is `None`.
fn fetch<K>(client: Client, namespace: &str, name: &str) -> BoxFuture<'static, Answer<K>>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Send + Sync + 'static,
{
    let request =
        kube::core::Request::new(K::url_path(&(), Some(namespace))).get(name, &GetParams::default());
    let action = format!("get {} \"{namespace}/{name}\"", K::kind(&()));
    async move {
        match call_secret::<K>(&client, action, request).await {
            Ok(object) => Ok(Some(Arc::new(object))),
            Err(error) if error.kind == KubeErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
    .boxed()
}

fn present<K: Clone>(
    answers: Vec<(String, Answer<K>)>,
    mut failed: impl FnMut(&KubeError),
) -> std::collections::BTreeMap<String, K> {
    let found = answers.into_iter().filter_map(|(name, answer)| match answer {
        Ok(object) => Some((name, K::clone(object?.as_ref()))),
        Err(error) => {
            failed(&error);
            None
        }
    });
    found.collect()
}

/// What is required and not there.
fn missing(namespace: &str, needs: &Needs, found: &Resolved) -> Vec<MissingObject> {
    let missing = |kind, name: &str, key: Option<&str>, wanted_by: &str| MissingObject {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        key: key.map(str::to_owned),
        wanted_by: wanted_by.to_owned(),
    };
    let of_kind = |kind, name: &str, need: &ObjectNeed, exists: bool, has: &dyn Fn(&str, KeyUse) -> bool| {
        let mut all = Vec::new();
        if let Some(path) = need.required_by.as_deref().filter(|_| !exists) {
            all.push(missing(kind, name, None, path));
        }
        if exists {
            let absent = need.keys.iter().filter(|((key, use_), _)| !has(key, *use_));
            all.extend(absent.map(|((key, _), path)| missing(kind, name, Some(key), path)));
        }
        all
    };
    let config_maps = needs.config_maps.iter().flat_map(|(name, need)| {
        let object = found.config_maps.get(name);
        let has = |key: &str, use_| object.is_some_and(|object| config_map_has(object, key, use_));
        of_kind(ObjectKind::ConfigMap, name, need, object.is_some(), &has)
    });
    let secrets = needs.secrets.iter().flat_map(|(name, need)| {
        let object = found.secrets.get(name);
        let data = object.and_then(|object| object.data.as_ref());
        let has = |key: &str, _| data.is_some_and(|data| data.contains_key(key));
        of_kind(ObjectKind::Secret, name, need, object.is_some(), &has)
    });
    config_maps.chain(secrets).collect()
}

fn config_map_has(object: &corev1::ConfigMap, key: &str, use_: KeyUse) -> bool {
    let text = object.data.as_ref().is_some_and(|data| data.contains_key(key));
    let binary = object.binary_data.as_ref().is_some_and(|data| data.contains_key(key));
    match use_ {
        KeyUse::Variable => text,
        KeyUse::File => text || binary,
    }
}

fn missing_pull_secrets(needs: &Needs, found: &Resolved) -> Option<String> {
    let absent = needs.pull_secrets.iter().filter(|name| !found.secrets.contains_key(*name));
    let absent: Vec<_> = absent.map(String::as_str).collect();
    (!absent.is_empty()).then(|| {
        format!(
            "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
            absent.join(", ")
        )
    })
}

#[cfg(test)]
mod tests;
