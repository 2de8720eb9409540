//! From a pod to the names of what it needs before it can start. Pure.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1 as corev1;
use vk_core::TokenKey;

/// The objects that a pod names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// ConfigMaps of the pod's namespace.
    pub config_maps: BTreeMap<String, ObjectNeed>,
    /// Secrets of the pod's namespace, without those that only pull images.
    pub secrets: BTreeMap<String, ObjectNeed>,
    /// Secrets that pull images. A missing one never keeps a pod from starting: the image may be public.
    pub pull_secrets: BTreeSet<String>,
    /// Tokens of the pod's service account, each with the path of a volume source that wants it.
    pub tokens: BTreeMap<TokenKey, String>,
    /// The pod's service account.
    pub service_account: String,
    /// Whether the services of the pod's namespace are wanted, and not `default/kubernetes` alone.
    pub service_links: bool,
}

/// What is needed of one ConfigMap or Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectNeed {
    /// Path of the first field that cannot do without the object; `None` if all that name it call it optional.
    pub required_by: Option<String>,
    /// Keys that must be in it, if it exists or must exist.
    pub keys: BTreeMap<(String, KeyUse), String>,
}

/// What a key is needed for: an environment variable cannot come from `binaryData`, a file can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// The value of an environment variable.
    Variable,
    /// A file of a volume.
    File,
}

/// One place that names an object.
struct Reference<'a> {
    name: &'a str,
    optional: Option<bool>,
    path: String,
    keys: Vec<(&'a str, KeyUse)>,
}

impl Needs {
    /// What the pod needs: its environment, its volumes, its pull secrets and its tokens, init containers included.
    pub fn of(pod: &corev1::Pod) -> Self {
        let Some(spec) = &pod.spec else { return Self::default() };
        let mut needs = Self {
            pull_secrets: spec
                .image_pull_secrets
                .iter()
                .flatten()
                .map(|secret| secret.name.clone())
                .filter(|name| !name.is_empty())
                .collect(),
            service_account: spec
                .service_account_name
                .clone()
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "default".to_owned()),
            service_links: spec.enable_service_links.unwrap_or(true),
            ..Self::default()
        };
        let init = spec.init_containers.iter().flatten();
        for (list, containers) in
            [("initContainers", init.collect::<Vec<_>>()), ("containers", spec.containers.iter().collect())]
        {
            for (index, container) in containers.into_iter().enumerate() {
                needs.add_container(container, &format!("spec.{list}[{index}]"));
            }
        }
        for (index, volume) in spec.volumes.iter().flatten().enumerate() {
            needs.add_volume(volume, &format!("spec.volumes[{index}]"));
        }
        needs
    }

    fn add_container(&mut self, container: &corev1::Container, path: &str) {
        for (index, source) in container.env_from.iter().flatten().enumerate() {
            let path = format!("{path}.envFrom[{index}]");
            if let Some(source) = &source.config_map_ref {
                let path = format!("{path}.configMapRef");
                add(&mut self.config_maps, Reference::whole(&source.name, source.optional, path));
            }
            if let Some(source) = &source.secret_ref {
                let path = format!("{path}.secretRef");
                add(&mut self.secrets, Reference::whole(&source.name, source.optional, path));
            }
        }
        for (index, variable) in container.env.iter().flatten().enumerate() {
            // A literal value beats a source, as in the kubelet.
            let literal = variable.value.as_ref().is_some_and(|value| !value.is_empty());
            if let Some(source) = variable.value_from.as_ref().filter(|_| !literal) {
                self.add_variable(source, &format!("{path}.env[{index}].valueFrom"));
            }
        }
    }

    fn add_variable(&mut self, source: &corev1::EnvVarSource, path: &str) {
        if let Some(source) = &source.config_map_key_ref {
            let path = format!("{path}.configMapKeyRef");
            let keys = vec![(source.key.as_str(), KeyUse::Variable)];
            let whole = Reference::whole(&source.name, source.optional, path);
            add(&mut self.config_maps, Reference { keys, ..whole });
        }
        if let Some(source) = &source.secret_key_ref {
            let path = format!("{path}.secretKeyRef");
            let keys = vec![(source.key.as_str(), KeyUse::Variable)];
            let whole = Reference::whole(&source.name, source.optional, path);
            add(&mut self.secrets, Reference { keys, ..whole });
        }
    }

    fn add_volume(&mut self, volume: &corev1::Volume, path: &str) {
        if let Some(source) = &volume.config_map {
            let path = format!("{path}.configMap");
            add(&mut self.config_maps, Reference::files(&source.name, source.optional, &source.items, path));
        }
        if let Some(source) = &volume.secret {
            let path = format!("{path}.secret");
            let name = source.secret_name.as_deref().unwrap_or_default();
            add(&mut self.secrets, Reference::files(name, source.optional, &source.items, path));
        }
        let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
        for (index, source) in sources.enumerate() {
            self.add_projection(source, &format!("{path}.projected.sources[{index}]"));
        }
    }

    fn add_projection(&mut self, source: &corev1::VolumeProjection, path: &str) {
        if let Some(source) = &source.config_map {
            let path = format!("{path}.configMap");
            add(&mut self.config_maps, Reference::files(&source.name, source.optional, &source.items, path));
        }
        if let Some(source) = &source.secret {
            let path = format!("{path}.secret");
            add(&mut self.secrets, Reference::files(&source.name, source.optional, &source.items, path));
        }
        if let Some(source) = &source.service_account_token {
            let key = TokenKey {
                audience: source.audience.clone().filter(|audience| !audience.is_empty()),
                expiration_seconds: source.expiration_seconds,
            };
            self.tokens.entry(key).or_insert_with(|| format!("{path}.serviceAccountToken"));
        }
    }
}

impl<'a> Reference<'a> {
    fn whole(name: &'a str, optional: Option<bool>, path: String) -> Self {
        Self { name, optional, path, keys: Vec::new() }
    }

    fn files(
        name: &'a str,
        optional: Option<bool>,
        items: &'a Option<Vec<corev1::KeyToPath>>,
        path: String,
    ) -> Self {
        let items = items.iter().flatten();
        Self {
            keys: items.map(|item| (item.key.as_str(), KeyUse::File)).collect(),
            ..Self::whole(name, optional, path)
        }
    }
}

fn add(needs: &mut BTreeMap<String, ObjectNeed>, reference: Reference<'_>) {
    let Reference { name, optional, path, keys } = reference;
    if name.is_empty() {
        return;
    }
    let need = needs.entry(name.to_owned()).or_default();
    if optional == Some(true) {
        return;
    }
    for (key, use_) in keys {
        need.keys.entry((key.to_owned(), use_)).or_insert_with(|| path.clone());
    }
    need.required_by.get_or_insert(path);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn needs(spec: Value) -> Needs {
        let pod = json!({"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": spec});
        Needs::of(&serde_json::from_value(pod).unwrap())
    }

    fn names(needs: &BTreeMap<String, ObjectNeed>) -> Vec<(&str, Option<&str>)> {
        needs.iter().map(|(name, need)| (name.as_str(), need.required_by.as_deref())).collect()
    }

    #[test]
    fn a_rich_pod_names_everything_it_needs() {
        let needs = needs(json!({
            "serviceAccountName": "builder",
            "imagePullSecrets": [{"name": "registry"}, {"name": ""}],
            "initContainers": [{
                "name": "i", "envFrom": [{"configMapRef": {"name": "init-env"}}, {"secretRef": {"name": "init-secret", "optional": true}}],
            }],
            "containers": [{
                "name": "c",
                "env": [
                    {"name": "A", "value": "literal", "valueFrom": {"configMapKeyRef": {"name": "unused", "key": "k"}}},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "env", "key": "b"}}},
                    {"name": "C", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                    {"name": "D", "valueFrom": {"secretKeyRef": {"name": "db", "key": "maybe", "optional": true}}},
                    {"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
            }],
            "volumes": [
                {"name": "v0", "configMap": {"name": "files", "items": [{"key": "a.conf", "path": "a"}]}},
                {"name": "v1", "secret": {"secretName": "tls", "optional": true, "items": [{"key": "crt", "path": "c"}]}},
                {"name": "v2", "emptyDir": {}},
                {"name": "v3", "projected": {"sources": [
                    {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
                    {"serviceAccountToken": {"path": "vault", "audience": "vault", "expirationSeconds": 600}},
                    {"serviceAccountToken": {"path": "again", "expirationSeconds": 3607}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                    {"secret": {"name": "mixed"}},
                    {"downwardAPI": {"items": []}},
                ]}},
            ],
        }));
        assert_eq!(
            names(&needs.config_maps),
            [
                ("env", Some("spec.containers[0].env[1].valueFrom.configMapKeyRef")),
                ("files", Some("spec.volumes[0].configMap")),
                ("init-env", Some("spec.initContainers[0].envFrom[0].configMapRef")),
                ("kube-root-ca.crt", Some("spec.volumes[3].projected.sources[3].configMap")),
            ]
        );
        assert_eq!(
            names(&needs.secrets),
            [
                ("db", Some("spec.containers[0].env[2].valueFrom.secretKeyRef")),
                ("init-secret", None),
                ("mixed", Some("spec.volumes[3].projected.sources[4].secret")),
                ("tls", None),
            ]
        );
        let keys: Vec<_> = needs.secrets["db"].keys.keys().cloned().collect();
        assert_eq!(keys, [("password".to_owned(), KeyUse::Variable)]);
        let keys: Vec<_> = needs.config_maps["files"].keys.keys().cloned().collect();
        assert_eq!(keys, [("a.conf".to_owned(), KeyUse::File)]);
        assert!(needs.secrets["tls"].keys.is_empty());
        assert_eq!(needs.pull_secrets, ["registry".to_owned()].into());
        assert_eq!(needs.service_account, "builder");
        assert!(needs.service_links);
        let tokens: Vec<_> = needs.tokens.keys().cloned().collect();
        let token = |audience: Option<&str>, seconds| TokenKey {
            audience: audience.map(str::to_owned),
            expiration_seconds: Some(seconds),
        };
        assert_eq!(tokens, [token(None, 3607), token(Some("vault"), 600)]);
    }

    #[test]
    fn an_object_that_one_field_requires_is_required() {
        let needs = needs(json!({"containers": [{"name": "c", "envFrom": [
            {"configMapRef": {"name": "x", "optional": true}}, {"configMapRef": {"name": "x"}},
        ]}]}));
        assert_eq!(names(&needs.config_maps), [("x", Some("spec.containers[0].envFrom[1].configMapRef"))]);
    }

    #[test]
    fn a_bare_pod_needs_no_object() {
        let needs = needs(json!({"containers": [{"name": "c"}], "enableServiceLinks": false}));
        assert_eq!(needs.service_account, "default");
        assert!(!needs.service_links);
        assert!(needs.config_maps.is_empty() && needs.secrets.is_empty() && needs.tokens.is_empty());
    }
}
