//! Reads pull secrets: server, user and password of image registries.
//!
//! Three forms are in use: `kubernetes.io/dockercfg` (servers at the top), `kubernetes.io/dockerconfigjson` (servers
//! under `auths`), each with user and password apart or joined in `auth`. As with the kubelet, a pull secret that is
//! missing or cannot be read keeps no pod from running: the image may be public.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use k8s_openapi::api::core::v1 as corev1;
use serde::Deserialize;

use eci_client::model::request::ImageRegistryCredential;

use super::Context;
use super::report::{Path, Report, items};
use crate::limits;

/// Base64 with or without `=` at its end: tools write both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The credentials of all pull secrets.
pub(crate) fn credentials(context: &Context<'_>, report: &mut Report) -> Vec<ImageRegistryCredential> {
    let mut credentials: Vec<ImageRegistryCredential> = Vec::new();
    for (index, reference) in items(context.spec.image_pull_secrets.as_ref()).iter().enumerate() {
        let corev1::LocalObjectReference { name } = reference;
        if name.is_empty() {
            continue;
        }
        let mut ignore = |reason: &str| {
            report.ignore(format!("{} {name:?}", Path::spec().item("imagePullSecrets", index)), reason);
        };
        let Some(secret) = context.inputs.secrets.get(name) else {
            ignore("there is no such Secret");
            continue;
        };
        let Some(servers) = servers(secret) else {
            ignore(
                "is not a Secret of type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg that can be read",
            );
            continue;
        };
        for (server, login) in servers {
            match login.credential(&server) {
                Some(credential) if credentials.contains(&credential) => {}
                Some(credential) => credentials.push(credential),
                None => ignore("has an entry without user and password"),
            }
        }
    }
    fitting(credentials, context, report)
}

/// As many as ECI takes; where there are more, those that an image of the pod can use.
fn fitting(
    mut credentials: Vec<ImageRegistryCredential>,
    context: &Context<'_>,
    report: &mut Report,
) -> Vec<ImageRegistryCredential> {
    if credentials.len() > limits::REGISTRY_CREDENTIALS {
        let containers = context.spec.containers.iter().chain(items(context.spec.init_containers.as_ref()));
        let images: Vec<&str> = containers.filter_map(|container| container.image.as_deref()).collect();
        credentials.retain(|credential| images.iter().any(|image| serves(&credential.server, image)));
        report.ignore(
            Path::spec().field("imagePullSecrets"),
            "entries for registries that no image of the pod names are left out, there being too many for ECI",
        );
    }
    if credentials.len() > limits::REGISTRY_CREDENTIALS {
        let reason = format!("ECI takes at most {} registries with a password", limits::REGISTRY_CREDENTIALS);
        report.reject(&Path::spec().field("imagePullSecrets"), reason);
    }
    credentials
}

/// Whether the credentials of a server are for this image: the same registry, and the image below the server's path.
fn serves(server: &str, image: &str) -> bool {
    let (host, path) = server.split_once('/').unwrap_or((server, ""));
    let (registry, repository) = registry_of(image);
    let below = repository
        .strip_prefix(path)
        .is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with(['/', ':', '@']));
    canonical(host) == registry && below
}

/// Registry and repository of an image; without a registry it is Docker's own.
fn registry_of(image: &str) -> (&str, &str) {
    match image.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (canonical(host), rest),
        _ => ("docker.io", image),
    }
}

/// Docker's own registry goes by several names.
fn canonical(host: &str) -> &str {
    match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

/// An entry of a docker configuration.
#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    auth: String,
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Login>,
}

/// The entries of a pull secret by server; `None` where it is none, or malformed. Nothing of its content is told.
fn servers(secret: &corev1::Secret) -> Option<BTreeMap<String, Login>> {
    let data = |key: &str| secret.data.as_ref()?.get(key).map(|bytes| bytes.0.as_slice());
    match secret.type_.as_deref()? {
        "kubernetes.io/dockerconfigjson" => {
            serde_json::from_slice(data(".dockerconfigjson")?).ok().map(|config: DockerConfig| config.auths)
        }
        "kubernetes.io/dockercfg" => serde_json::from_slice(data(".dockercfg")?).ok(),
        _ => None,
    }
}

impl Login {
    fn credential(self, server: &str) -> Option<ImageRegistryCredential> {
        let (user_name, password) = match self.auth.is_empty() {
            true => (self.username, self.password),
            // `auth` goes before, as in the kubelet.
            false => decoded(&self.auth)?,
        };
        if user_name.is_empty() || password.is_empty() {
            return None;
        }
        Some(ImageRegistryCredential {
            server: without_scheme(server).to_owned(),
            user_name,
            password: password.into(),
        })
    }
}

/// Takes `user:password` out of its base64. Some tools pad the password with zero bytes.
fn decoded(auth: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64.decode(auth.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.trim_matches('\0').to_owned()))
}

/// `https://index.docker.io/v1/` is `index.docker.io`; paths other than the API's own stay, they select a project.
fn without_scheme(server: &str) -> &str {
    let server = server.split_once("://").map_or(server, |(_, rest)| rest);
    let server = server.trim_end_matches('/');
    ["/v1", "/v2"].iter().find_map(|version| server.strip_suffix(version)).unwrap_or(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_lose_scheme_and_api_version() {
        let table = [
            ("https://index.docker.io/v1/", "index.docker.io"),
            ("http://registry.example.com:5000/", "registry.example.com:5000"),
            ("registry.example.com/v2", "registry.example.com"),
            ("registry.example.com/team", "registry.example.com/team"),
            ("registry.example.com", "registry.example.com"),
        ];
        for (server, expected) in table {
            assert_eq!(without_scheme(server), expected);
        }
    }

    #[test]
    fn a_server_is_for_the_images_of_its_registry_below_its_path() {
        let table = [
            ("index.docker.io", "nginx:1.27", true),
            ("index.docker.io", "team/app", true),
            ("docker.io", "registry-1.docker.io/team/app", true),
            ("index.docker.io", "registry.example.com/nginx", false),
            ("registry.example.com", "registry.example.com/nginx@sha256:00", true),
            ("registry.example.com", "registry.example.com.evil.example/nginx", false),
            ("registry.example.com:5000", "registry.example.com:5000/nginx", true),
            ("registry.example.com", "registry.example.com:5000/nginx", false),
            ("registry.example.com/team", "registry.example.com/team/app", true),
            ("registry.example.com/team", "registry.example.com/team2/app", false),
            ("localhost", "localhost/app", true),
        ];
        for (server, image, expected) in table {
            assert_eq!(serves(server, image), expected, "{server} for {image}");
        }
    }

    #[test]
    fn auth_is_read_with_and_without_padding_and_with_colons_in_the_password() {
        let expected = Some(("ab".to_owned(), "p:w".to_owned()));
        assert_eq!(decoded("YWI6cDp3"), expected);
        assert_eq!(decoded("YTpi"), Some(("a".to_owned(), "b".to_owned())));
        assert_eq!(decoded("YTpiYw=="), Some(("a".to_owned(), "bc".to_owned())));
        assert_eq!(decoded("YTpiYw"), Some(("a".to_owned(), "bc".to_owned())));
        assert_eq!(decoded("YTpiAAA="), Some(("a".to_owned(), "b".to_owned())));
        for malformed in ["", "*", "YWI", "////"] {
            assert_eq!(decoded(malformed), None, "{malformed}");
        }
    }
}
