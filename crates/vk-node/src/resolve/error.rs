//! Why a pod's inputs could not be had, in the words that the kubelet has for it.

use std::fmt;

use crate::kube_call::{KubeError, KubeErrorKind};

/// Why a pod cannot be resolved now. Every kind but `PodGone` is worth another try.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ResolveError {
    /// Objects or keys that the pod requires do not exist; all of them. The pod's author must act; tried again until they do.
    #[error("{}", sentence(.0))]
    Missing(Vec<MissingObject>),
    /// Our identity may not read what the pod needs. The cluster's administrator must act; tried again with back-off.
    #[error("may not {verb} {resource}: {message}")]
    Denied {
        /// `get`, `list`, `create`.
        verb: &'static str,
        /// As in a Role: `secrets`, `serviceaccounts/token`.
        resource: &'static str,
        /// The API server's answer.
        message: String,
    },
    /// The API server did not answer, or not usefully. Tried again with back-off.
    #[error("{0}")]
    Unavailable(String),
    /// There is no pod of this name and UID any more: nothing needs to be started.
    #[error("the pod is gone")]
    PodGone,
}

/// Something that a pod requires and that is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingObject {
    /// What it is.
    pub kind: ObjectKind,
    /// Namespace of it and of the pod.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The key that is missing in it; `None` when the object itself is.
    pub key: Option<String>,
    /// Path of a field of the pod that requires it.
    pub wanted_by: String,
}

/// What can be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
    /// A ServiceAccount.
    ServiceAccount,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::ServiceAccount => "ServiceAccount",
        })
    }
}

impl fmt::Display for MissingObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name, key, .. } = self;
        match key {
            Some(key) => write!(f, "couldn't find key {key} in {kind} {namespace}/{name}"),
            None => write!(f, "{} {name:?} not found", kind.to_string().to_lowercase()),
        }
    }
}

fn sentence(missing: &[MissingObject]) -> String {
    missing.iter().map(MissingObject::to_string).collect::<Vec<_>>().join("; ")
}

impl ResolveError {
    /// The failure of a call that does `verb` to `resource`.
    pub(super) fn of(verb: &'static str, resource: &'static str, error: &KubeError) -> Self {
        match error.kind {
            KubeErrorKind::Denied => Self::Denied { verb, resource, message: error.message().to_owned() },
            KubeErrorKind::NotFound
            | KubeErrorKind::AlreadyExists
            | KubeErrorKind::Conflict
            | KubeErrorKind::Invalid
            | KubeErrorKind::Unavailable => Self::Unavailable(error.to_string()),
        }
    }

    /// Of several failures the one to report: what ends the matter, then what a person must change, then what is passing.
    /// Missing objects come last, since they are only all known when every read succeeded.
    pub(super) fn weightier(self, other: Self) -> Self {
        let weight = |error: &Self| match error {
            Self::PodGone => 3,
            Self::Denied { .. } => 2,
            Self::Unavailable(_) => 1,
            Self::Missing(_) => 0,
        };
        match (self, other) {
            (Self::Missing(mut some), Self::Missing(more)) => {
                some.extend(more);
                some.sort();
                some.dedup();
                Self::Missing(some)
            }
            (one, other) if weight(&other) > weight(&one) => other,
            (one, _) => one,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(kind: ObjectKind, name: &str, key: Option<&str>) -> MissingObject {
        MissingObject {
            kind,
            namespace: "ns".to_owned(),
            name: name.to_owned(),
            key: key.map(str::to_owned),
            wanted_by: "spec".to_owned(),
        }
    }

    #[test]
    fn what_is_missing_is_said_as_the_kubelet_says_it() {
        let error = ResolveError::Missing(vec![
            missing(ObjectKind::ConfigMap, "x", None),
            missing(ObjectKind::Secret, "n", Some("k")),
            missing(ObjectKind::ConfigMap, "n", Some("k")),
            missing(ObjectKind::ServiceAccount, "sa", None),
        ]);
        assert_eq!(
            error.to_string(),
            "configmap \"x\" not found; couldn't find key k in Secret ns/n; couldn't find key k in ConfigMap ns/n; \
             serviceaccount \"sa\" not found"
        );
    }

    #[test]
    fn missing_objects_add_up_and_graver_failures_win() {
        let one = ResolveError::Missing(vec![missing(ObjectKind::Secret, "b", None)]);
        let two = ResolveError::Missing(vec![missing(ObjectKind::Secret, "a", None)]);
        let both = one.weightier(two);
        assert_eq!(both.to_string(), "secret \"a\" not found; secret \"b\" not found");
        let passing = both.weightier(ResolveError::Unavailable("later".to_owned()));
        assert_eq!(passing, ResolveError::Unavailable("later".to_owned()));
        assert_eq!(passing.weightier(ResolveError::PodGone), ResolveError::PodGone);
    }
}
