//! Names a pod, one attempt to run it, and what the provider made for it.

use std::fmt;

use k8s_openapi::api::core::v1 as corev1;

/// Identifies one pod: the UID is the identity, namespace and name are for people and for requests.
///
/// Two pods of one name may exist at once (one being deleted, its successor already bound), so nothing is ever
/// looked up by name alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PodKey {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
}

impl PodKey {
    /// The key of a pod as the API server stores it; `None` where it lacks one of the three.
    pub fn of(pod: &corev1::Pod) -> Option<Self> {
        let metadata = &pod.metadata;
        Some(Self {
            namespace: metadata.namespace.clone()?,
            name: metadata.name.clone()?,
            uid: metadata.uid.clone().filter(|uid| !uid.is_empty())?,
        })
    }
}

impl fmt::Display for PodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}[{}]", self.namespace, self.name, self.uid)
    }
}

/// Counts the attempts to run one pod, from 0.
///
/// It grows only after a *definite* failure, and is written to the pod before any call uses it: two calls of one
/// attempt can therefore never start two groups, whatever was lost between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attempt(pub u32);

impl Attempt {
    /// The attempt after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The provider's name of what runs one pod (for ECI: `ContainerGroupId`). Opaque here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(String);

impl GroupId {
    /// Takes the provider's name as it is.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The name as the provider spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
