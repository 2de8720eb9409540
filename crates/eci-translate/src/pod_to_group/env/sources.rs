//! Reads the values that variables take from ConfigMaps, Secrets and the pod itself.

use k8s_openapi::api::core::v1 as corev1;

use super::super::Context;
use super::super::fields::{self, Field};
use super::super::report::{Path, Report};
use super::{NOT_A_NAME, Value, is_takeable_name};

/// The variables of one `envFrom`: name, value, and where to complain about them.
///
/// Whoever made a ConfigMap need not have thought of variables: a key that cannot be one is left out and told of, as
/// kubelets did before 1.34.
pub(super) fn whole_object(
    context: &Context<'_>,
    source: &corev1::EnvFromSource,
    path: &Path,
    report: &mut Report,
) -> Vec<(String, Value, Path)> {
    let corev1::EnvFromSource { config_map_ref, prefix, secret_ref } = source;
    let mut found = Vec::new();
    if let Some(corev1::ConfigMapEnvSource { name, optional }) = config_map_ref {
        let path = path.field("configMapRef");
        match context.inputs.config_maps.get(name) {
            None => missing(*optional, &path, report, || format!("there is no ConfigMap {name:?}")),
            Some(config_map) => found.extend(
                config_map
                    .data
                    .iter()
                    .flatten()
                    .map(|(key, text)| (key, Some(Value::plain(text.clone())), path.clone())),
            ),
        }
    }
    if let Some(corev1::SecretEnvSource { name, optional }) = secret_ref {
        let path = path.field("secretRef");
        match context.inputs.secrets.get(name) {
            None => missing(*optional, &path, report, || format!("there is no Secret {name:?}")),
            Some(secret) => {
                found.extend(
                    secret.data.iter().flatten().map(|(key, bytes)| (key, secret_value(bytes), path.clone())),
                );
            }
        }
    }
    let prefix = prefix.as_deref().unwrap_or_default();
    let named = found.into_iter().map(|(key, value, path)| (format!("{prefix}{key}"), value, path));
    named.filter_map(|(name, value, path)| takeable(name, value, path, report)).collect()
}

fn takeable(
    name: String,
    value: Option<Value>,
    path: Path,
    report: &mut Report,
) -> Option<(String, Value, Path)> {
    if !is_takeable_name(&name) {
        report.ignore(format!("{path} {name:?}"), NOT_A_NAME);
        return None;
    }
    if value.is_none() {
        report.reject(&path, format!("the value of {name} {NOT_TEXT}"));
    }
    Some((name, value?, path))
}

/// The value of one `valueFrom`; `None` where there is none, for a good reason or one that was reported.
pub(super) fn one_value(
    context: &Context<'_>,
    container: &corev1::Container,
    source: &corev1::EnvVarSource,
    path: &Path,
    report: &mut Report,
) -> Option<Value> {
    let corev1::EnvVarSource {
        config_map_key_ref,
        field_ref,
        file_key_ref,
        resource_field_ref,
        secret_key_ref,
    } = source;
    if let Some(selector) = config_map_key_ref {
        return config_map_key(context, selector, &path.field("configMapKeyRef"), report);
    }
    if let Some(selector) = secret_key_ref {
        return secret_key(context, selector, &path.field("secretKeyRef"), report);
    }
    if let Some(corev1::ObjectFieldSelector { api_version: _, field_path }) = field_ref {
        let field = fields::of_environment(context, field_path);
        let field = field.map_err(|reason| report.reject(&path.field("fieldRef"), reason)).ok()?;
        return Some(Value { field, is_secret: false });
    }
    if let Some(selector) = resource_field_ref {
        let text = resource(context, container, selector);
        return text
            .map_err(|reason| report.reject(&path.field("resourceFieldRef"), reason))
            .ok()
            .map(Value::plain);
    }
    if file_key_ref.is_some() {
        let reason = "a container group's environment is fixed before any of its files can be read";
        report.reject(&path.field("fileKeyRef"), reason);
    }
    None
}

fn config_map_key(
    context: &Context<'_>,
    selector: &corev1::ConfigMapKeySelector,
    path: &Path,
    report: &mut Report,
) -> Option<Value> {
    let corev1::ConfigMapKeySelector { key, name, optional } = selector;
    let config_map = context.inputs.config_maps.get(name);
    let text = config_map.and_then(|config_map| config_map.data.as_ref()?.get(key));
    if text.is_none() {
        missing(*optional, path, report, || format!("there is no key {key:?} in a ConfigMap {name:?}"));
    }
    text.cloned().map(Value::plain)
}

fn secret_key(
    context: &Context<'_>,
    selector: &corev1::SecretKeySelector,
    path: &Path,
    report: &mut Report,
) -> Option<Value> {
    let corev1::SecretKeySelector { key, name, optional } = selector;
    let secret = context.inputs.secrets.get(name);
    let Some(bytes) = secret.and_then(|secret| secret.data.as_ref()?.get(key)) else {
        missing(*optional, path, report, || format!("there is no key {key:?} in a Secret {name:?}"));
        return None;
    };
    let value = secret_value(bytes);
    if value.is_none() {
        report.reject(path, format!("the value of the key {key:?} {NOT_TEXT}"));
    }
    value
}

fn resource(
    context: &Context<'_>,
    container: &corev1::Container,
    selector: &corev1::ResourceFieldSelector,
) -> Result<String, String> {
    match selector.container_name.as_deref().filter(|name| !name.is_empty()) {
        None => fields::of_resources(context, container, selector),
        Some(name) => {
            let other = context.container(name).ok_or_else(|| format!("there is no container {name:?}"))?;
            fields::of_resources(context, other, selector)
        }
    }
}

/// Why a Secret's bytes are refused.
const NOT_TEXT: &str = "is not UTF-8 text, which a variable has to be; use a file";

fn secret_value(bytes: &k8s_openapi::ByteString) -> Option<Value> {
    let text = String::from_utf8(bytes.0.clone()).ok()?;
    Some(Value { field: Field::Text(text), is_secret: true })
}

/// The node asks for a pod only when what it requires is there; should it not be, the pod is refused, never run
/// without it.
fn missing(optional: Option<bool>, path: &Path, report: &mut Report, reason: impl FnOnce() -> String) {
    if optional != Some(true) {
        report.reject(path, reason());
    }
}
