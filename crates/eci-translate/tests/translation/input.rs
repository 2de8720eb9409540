//! Reads the folder of a case: the pod, the objects it names, its placement.

use std::fs;
use std::path::Path;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1 as corev1;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use eci_translate::{Translated, container_group};
use vk_core::{Attempt, Placement, Rejection, Resolved, TokenKey, TokenValue};

/// What a translation is made from.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) pod: corev1::Pod,
    pub(crate) inputs: Resolved,
    pub(crate) placement: Placement,
}

impl Case {
    pub(crate) fn read(folder: &Path) -> Self {
        let objects: Objects = yaml(&folder.join("objects.yaml")).unwrap_or_default();
        let placement: PlacementFile = yaml(&folder.join("placement.yaml")).unwrap_or_default();
        Self {
            pod: yaml(&folder.join("pod.yaml")).expect("a case has a pod"),
            inputs: objects.resolved(),
            placement: placement.onto(placement_of_tests()),
        }
    }

    pub(crate) fn translated(&self) -> Result<Translated, Vec<Rejection>> {
        container_group(&self.pod, Attempt(0), &self.inputs, &self.placement)
    }
}

/// The YAML file, if there is one.
pub(crate) fn yaml<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn placement_of_tests() -> Placement {
    Placement {
        cluster_id: "5c9dd4ba-7d53-4f6b-9d5e-1b6f7b7f2c11".to_owned(),
        node_name: "virtual-kubelet".to_owned(),
        node_ip: "10.0.0.10".to_owned(),
        region_id: "cn-hangzhou".to_owned(),
        v_switch_ids: vec!["vsw-a".to_owned()],
        security_group_id: "sg-a".to_owned(),
        resource_group_id: None,
        cluster_dns: vec!["10.96.0.10".to_owned()],
        cluster_domain: "cluster.local".to_owned(),
        api_server_endpoint: None,
    }
}

/// What differs from the placement of all tests.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct PlacementFile {
    v_switch_ids: Option<Vec<String>>,
    resource_group_id: Option<String>,
    cluster_dns: Option<Vec<String>>,
    api_server_endpoint: Option<String>,
}

impl PlacementFile {
    fn onto(self, base: Placement) -> Placement {
        Placement {
            v_switch_ids: self.v_switch_ids.unwrap_or(base.v_switch_ids),
            resource_group_id: self.resource_group_id.or(base.resource_group_id),
            cluster_dns: self.cluster_dns.unwrap_or(base.cluster_dns),
            api_server_endpoint: self.api_server_endpoint.or(base.api_server_endpoint),
            ..base
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Objects {
    config_maps: Vec<corev1::ConfigMap>,
    /// May use `stringData`, which an API server would have turned into `data`.
    secrets: Vec<corev1::Secret>,
    services: Vec<corev1::Service>,
    tokens: Vec<Token>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Token {
    audience: Option<String>,
    expiration_seconds: Option<i64>,
    token: String,
}

impl Objects {
    fn resolved(self) -> Resolved {
        let config_maps = self.config_maps.into_iter().map(|it| (it.metadata.name.clone().unwrap(), it));
        let secrets = self.secrets.into_iter().map(stored).map(|it| (it.metadata.name.clone().unwrap(), it));
        let tokens = self.tokens.into_iter().map(|it| {
            let key = TokenKey { audience: it.audience, expiration_seconds: it.expiration_seconds };
            (key, TokenValue::new(it.token))
        });
        Resolved {
            config_maps: config_maps.collect(),
            secrets: secrets.collect(),
            services: self.services,
            tokens: tokens.collect(),
        }
    }
}

fn stored(mut secret: corev1::Secret) -> corev1::Secret {
    let texts = secret.string_data.take().unwrap_or_default();
    let bytes = texts.into_iter().map(|(key, text)| (key, ByteString(text.into_bytes())));
    secret.data.get_or_insert_default().extend(bytes);
    secret
}
