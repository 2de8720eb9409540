//! Knows the Services of the cluster, for the variables that every container gets of them.
//!
//! One watch of all Services; of each only what a variable is made of is kept. A pod that started before the first
//! list was complete would lack variables for the rest of its life, so readers wait for it.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use futures::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::utils::{ResetTimerBackoff, StreamBackoff};
use kube::runtime::watcher;
use kube::{Api, Client};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::kube_call::{Backoff, KubeError, KubeErrorKind, Random};

/// How long a reader waits for the first list.
const LIST_WAIT: Duration = Duration::from_secs(10);

/// Two watch failures further apart than this are not one outage.
const WATCH_OUTAGE: Duration = Duration::from_secs(15);

const LIST: &str = "list services";

/// The Services that have a cluster IP, by namespace and name.
#[derive(Default)]
struct Services {
    known: BTreeMap<String, BTreeMap<String, Compact>>,
    /// The list under way, which replaces what is known when it is complete.
    listing: BTreeMap<String, BTreeMap<String, Compact>>,
}

/// What a variable is made of.
#[derive(Clone, Debug, PartialEq)]
struct Compact {
    cluster_ip: Box<str>,
    ports: Box<[Port]>,
}

#[derive(Clone, Debug, PartialEq)]
struct Port {
    name: Option<Box<str>>,
    protocol: Option<Box<str>>,
    number: i32,
}

/// How far the first list has come.
#[derive(Clone, Debug)]
enum Listed {
    NotYet,
    Failed(KubeError),
    Complete,
}

/// The index and its task.
pub(super) struct ServiceIndex {
    services: RwLock<Services>,
    listed: watch::Sender<Listed>,
}

impl ServiceIndex {
    pub(super) fn new() -> Self {
        Self { services: RwLock::default(), listed: watch::Sender::new(Listed::NotYet) }
    }

    /// Follows the Services until it is dropped.
    pub(super) async fn run(&self, client: Client, random: Random) {
        let backoff = ResetTimerBackoff::new(Backoff::kubelet(random), WATCH_OUTAGE);
        let events = watcher(Api::<corev1::Service>::all(client), watcher::Config::default());
        let events = StreamBackoff::new(events, backoff);
        pin_mut!(events);
        while let Some(event) = events.next().await {
            self.take(event);
        }
    }

    fn take(&self, event: watcher::Result<watcher::Event<corev1::Service>>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => return self.fail(&error),
        };
        let complete = matches!(event, watcher::Event::InitDone);
        self.services.write().unwrap_or_else(PoisonError::into_inner).apply(event);
        if complete {
            let before = self.listed.send_replace(Listed::Complete);
            if !matches!(before, Listed::Complete) {
                info!("listed the services of the cluster");
            }
        }
    }

    /// What is known stays in use: a stale variable is better than a pod that cannot start.
    fn fail(&self, error: &watcher::Error) {
        let failure = match error {
            watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => {
                KubeError::of(&LIST, error)
            }
            other => KubeError::new(&LIST, KubeErrorKind::Unavailable, other.to_string()),
        };
        warn!(error = %failure, "the watch of services was interrupted");
        self.listed.send_if_modified(|listed| {
            let waiting = !matches!(listed, Listed::Complete);
            if waiting {
                *listed = Listed::Failed(failure);
            }
            waiting
        });
    }

    /// The services whose variables a pod of this namespace gets: with `links` those of its namespace, and always
    /// `default/kubernetes`.
    ///
    /// # Errors
    /// The first list is not complete, and does not become so in time or cannot.
    pub(super) async fn of_namespace(
        &self,
        namespace: &str,
        links: bool,
    ) -> Result<Vec<corev1::Service>, KubeError> {
        self.wait_until_listed().await?;
        let services = self.read();
        let own = services.known.get(namespace).into_iter().flatten();
        let own = own.filter(|_| links).map(|(name, service)| service.expand(namespace, name));
        let mut all: Vec<_> = own.collect();
        if !(links && namespace == "default") {
            let api = services.known.get("default").and_then(|services| services.get("kubernetes"));
            all.extend(api.map(|service| service.expand("default", "kubernetes")));
        }
        Ok(all)
    }

    async fn wait_until_listed(&self) -> Result<(), KubeError> {
        let mut listed = self.listed.subscribe();
        let settled = listed.wait_for(|listed| match listed {
            Listed::NotYet => false,
            Listed::Failed(error) => error.kind == KubeErrorKind::Denied,
            Listed::Complete => true,
        });
        // The index itself holds the sender, so only the time can run out.
        let _ = tokio::time::timeout(LIST_WAIT, settled).await;
        match &*self.listed.borrow() {
            Listed::Complete => Ok(()),
            Listed::Failed(error) => Err(error.clone()),
            Listed::NotYet => Err(KubeError::new(&LIST, KubeErrorKind::Unavailable, "not listed yet")),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Services> {
        self.services.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Services {
    fn apply(&mut self, event: watcher::Event<corev1::Service>) {
        match event {
            watcher::Event::Init => self.listing.clear(),
            watcher::Event::InitApply(service) => put(&mut self.listing, service),
            watcher::Event::InitDone => self.known = std::mem::take(&mut self.listing),
            watcher::Event::Apply(service) => put(&mut self.known, service),
            watcher::Event::Delete(service) => remove(&mut self.known, service.metadata),
        }
    }
}

fn put(services: &mut BTreeMap<String, BTreeMap<String, Compact>>, service: corev1::Service) {
    let Some(compact) = Compact::of(service.spec) else {
        return remove(services, service.metadata);
    };
    let ObjectMeta { namespace, name, .. } = service.metadata;
    services.entry(namespace.unwrap_or_default()).or_default().insert(name.unwrap_or_default(), compact);
}

fn remove(services: &mut BTreeMap<String, BTreeMap<String, Compact>>, metadata: ObjectMeta) {
    let namespace = metadata.namespace.unwrap_or_default();
    if let Some(names) = services.get_mut(&namespace) {
        names.remove(&metadata.name.unwrap_or_default());
        if names.is_empty() {
            services.remove(&namespace);
        }
    }
}

impl Compact {
    /// `None` for a service without an address: a headless one and an `ExternalName` make no variables.
    fn of(spec: Option<corev1::ServiceSpec>) -> Option<Self> {
        let spec = spec?;
        let cluster_ip = spec.cluster_ip.filter(|ip| !ip.is_empty() && ip != "None")?;
        let ports = spec.ports.unwrap_or_default().into_iter().map(|port| Port {
            name: port.name.map(String::into_boxed_str),
            protocol: port.protocol.map(String::into_boxed_str),
            number: port.port,
        });
        Some(Self { cluster_ip: cluster_ip.into_boxed_str(), ports: ports.collect() })
    }

    fn expand(&self, namespace: &str, name: &str) -> corev1::Service {
        let ports = self.ports.iter().map(|port| corev1::ServicePort {
            name: port.name.as_deref().map(str::to_owned),
            protocol: port.protocol.as_deref().map(str::to_owned),
            port: port.number,
            ..Default::default()
        });
        corev1::Service {
            metadata: ObjectMeta {
                namespace: Some(namespace.to_owned()),
                name: Some(name.to_owned()),
                ..Default::default()
            },
            spec: Some(corev1::ServiceSpec {
                cluster_ip: Some(self.cluster_ip.to_string()),
                ports: Some(ports.collect()),
                ..Default::default()
            }),
            status: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use watcher::Event::{Apply, Delete, Init, InitApply, InitDone};

    use super::*;

    fn service(namespace: &str, name: &str, ip: &str) -> corev1::Service {
        serde_json::from_value(json!({
            "metadata": {"namespace": namespace, "name": name, "labels": {"big": "object"}},
            "spec": {"clusterIP": ip, "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]},
        }))
        .unwrap()
    }

    async fn names(index: &ServiceIndex, namespace: &str, links: bool) -> Vec<String> {
        let services = index.of_namespace(namespace, links).await.unwrap();
        services
            .into_iter()
            .map(|service| {
                let metadata = service.metadata;
                format!("{}/{}", metadata.namespace.unwrap(), metadata.name.unwrap())
            })
            .collect()
    }

    fn listed(services: Vec<corev1::Service>) -> ServiceIndex {
        let index = ServiceIndex::new();
        index.take(Ok(Init));
        for service in services {
            index.take(Ok(InitApply(service)));
        }
        index.take(Ok(InitDone));
        index
    }

    #[tokio::test]
    async fn a_pod_sees_its_namespace_and_the_api_server() {
        let index = listed(vec![
            service("default", "kubernetes", "10.96.0.1"),
            service("default", "other", "10.96.0.2"),
            service("shop", "db", "10.96.0.3"),
            service("shop", "headless", "None"),
            service("shop", "external", ""),
        ]);
        assert_eq!(names(&index, "shop", true).await, ["shop/db", "default/kubernetes"]);
        assert_eq!(names(&index, "shop", false).await, ["default/kubernetes"]);
        assert_eq!(names(&index, "default", true).await, ["default/kubernetes", "default/other"]);
        assert_eq!(names(&index, "default", false).await, ["default/kubernetes"]);
        let db = index.of_namespace("shop", true).await.unwrap().remove(0).spec.unwrap();
        assert_eq!(db.cluster_ip.as_deref(), Some("10.96.0.3"));
        assert_eq!(db.ports.unwrap()[0].name.as_deref(), Some("http"));
    }

    #[tokio::test]
    async fn changes_are_followed_and_a_new_list_replaces_the_old_one() {
        let index = listed(vec![service("shop", "db", "10.96.0.3")]);
        index.take(Ok(Apply(service("shop", "web", "10.96.0.4"))));
        index.take(Ok(Delete(service("shop", "db", "10.96.0.3"))));
        assert_eq!(names(&index, "shop", true).await, ["shop/web"]);
        index.take(Ok(Init));
        index.take(Ok(InitApply(service("shop", "new", "10.96.0.5"))));
        assert_eq!(names(&index, "shop", true).await, ["shop/web"], "a list under way shows nothing");
        index.take(Ok(InitDone));
        assert_eq!(names(&index, "shop", true).await, ["shop/new"]);
    }

    #[tokio::test(start_paused = true)]
    async fn readers_wait_for_the_first_list_but_not_for_ever() {
        let index = ServiceIndex::new();
        let error = index.of_namespace("shop", true).await.unwrap_err();
        assert_eq!(error.kind, KubeErrorKind::Unavailable);
        let (services, ()) = tokio::join!(index.of_namespace("shop", true), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            index.take(Ok(Init));
            index.take(Ok(InitApply(service("shop", "db", "10.96.0.3"))));
            index.take(Ok(InitDone));
        });
        assert_eq!(services.unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_forbidden_list_is_said_at_once() {
        let index = ServiceIndex::new();
        let status = kube::core::Status::failure("services is forbidden", "Forbidden").with_code(403);
        index.take(Err(watcher::Error::InitialListFailed(kube::Error::Api(status.boxed()))));
        let began = tokio::time::Instant::now();
        let error = index.of_namespace("shop", true).await.unwrap_err();
        assert_eq!(error.kind, KubeErrorKind::Denied);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
