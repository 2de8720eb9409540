//! Writes on every container group whose it is, and reads that back: tags, client token, name.
//!
//! Tags are the only durable record besides the pod's own annotations. The keys that decide ownership are our own
//! (`virtual-node.*`), so that a group of the vendor's virtual node in the same cluster is never taken for ours; the
//! vendor's keys (`ManagedBy`, `ClusterId`, …) are written as well, because bills are split by them.

use k8s_openapi::api::core::v1 as corev1;
use sha2::{Digest, Sha256};

use eci_client::model::reply;
use eci_client::model::request::Tag;
use vk_core::{Attempt, PodKey};

use crate::limits;

/// The cluster's identity. Decides, with [`POD_UID`], whether a group is ours.
const CLUSTER: &str = "virtual-node.cluster-id";
/// The node that the pod is bound to.
const NODE: &str = "virtual-node.node-name";
/// `metadata.uid` of the pod; never cut.
const POD_UID: &str = "virtual-node.pod-uid";
/// The attempt that made the group.
const ATTEMPT: &str = "virtual-node.attempt";
/// Namespace of the pod; the vendor's key.
const NAMESPACE: &str = "NameSpace";
/// Name of the pod; the vendor's key.
const POD_NAME: &str = "PodName";
/// The cluster again, under the vendor's key.
const BILLED_CLUSTER: &str = "ClusterId";
/// What manages the group; the vendor's key.
const MANAGED_BY: &str = "ManagedBy";
/// Our value of [`MANAGED_BY`].
const MANAGER: &str = "ack-virtual-node";
/// Kind of the pod's controller; the vendor's key.
const OWNER_KIND: &str = "OwnerReferenceKind";
/// Name of the pod's controller; the vendor's key.
const OWNER_NAME: &str = "OwnerReferenceName";

/// Whose a container group is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Identity of the cluster.
    pub cluster_id: String,
    /// Node that the pod was bound to.
    pub node_name: String,
    /// The pod.
    pub key: PodKey,
    /// The attempt that made the group.
    pub attempt: Attempt,
}

/// The tags of a group. All values but the UID are cut to the 128 characters that a tag's value may have.
pub fn to_tags(marks: &Marks, pod: &corev1::Pod) -> Vec<Tag> {
    let mut tags = vec![
        tag(CLUSTER, cut(&marks.cluster_id)),
        tag(NODE, cut(&marks.node_name)),
        tag(POD_UID, &marks.key.uid),
        tag(ATTEMPT, &marks.attempt.to_string()),
        tag(NAMESPACE, cut(&marks.key.namespace)),
        tag(POD_NAME, cut(&marks.key.name)),
        tag(BILLED_CLUSTER, cut(&marks.cluster_id)),
        tag(MANAGED_BY, MANAGER),
    ];
    let owners = pod.metadata.owner_references.as_deref().unwrap_or_default();
    if let Some(owner) = owners.iter().find(|owner| owner.controller == Some(true)) {
        tags.push(tag(OWNER_KIND, cut(&owner.kind)));
        tags.push(tag(OWNER_NAME, cut(&owner.name)));
    }
    tags
}

/// Whose a group with these tags is; `None` where it carries no mark of ours (of any cluster).
///
/// Compare the cluster with one that went through [`cluster_filter`]: a value may be cut.
pub fn from_tags(tags: &[reply::Tag]) -> Option<Marks> {
    let value = |key: &str| tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone());
    let uid = value(POD_UID).filter(|uid| !uid.is_empty())?;
    Some(Marks {
        cluster_id: value(CLUSTER).filter(|cluster| !cluster.is_empty())?,
        node_name: value(NODE)?,
        key: PodKey { namespace: value(NAMESPACE)?, name: value(POD_NAME)?, uid },
        attempt: Attempt(value(ATTEMPT)?.parse().ok()?),
    })
}

/// The tag that all groups of a cluster carry, for describe requests.
pub fn cluster_filter(cluster_id: &str) -> Tag {
    tag(CLUSTER, cut(cluster_id))
}

/// The tag that all groups of a node carry, for describe requests. Node names repeat among clusters: use it
/// together with [`cluster_filter`].
pub fn node_filter(node_name: &str) -> Tag {
    tag(NODE, cut(node_name))
}

/// The tag that all groups of a pod carry, whatever their attempt.
pub fn uid_filter(uid: &str) -> Tag {
    tag(POD_UID, uid)
}

/// The token that makes a repeated create of one attempt harmless: 64 ASCII characters.
///
/// A hash, so that nobody who sees it can tell (or choose) what it stands for.
pub fn client_token(cluster_id: &str, uid: &str, attempt: Attempt) -> String {
    let mut hash = Sha256::new();
    for part in [cluster_id, uid, &attempt.to_string()] {
        // Lengths keep ("ab", "c") apart from ("a", "bc").
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The pod's name as a group may be called: `[a-z0-9-]{2,128}`, no hyphen first or last.
///
/// Not unique and not meant to be: the tags tell groups apart.
pub fn group_name(key: &PodKey) -> String {
    let fits = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    let name: String = key.name.chars().map(fits).take(limits::GROUP_NAME_CHARS).collect();
    match name.trim_matches('-') {
        "" => "pod".to_owned(),
        short if short.len() == 1 => format!("pod-{short}"),
        name => name.to_owned(),
    }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.to_owned(), value: value.to_owned() }
}

fn cut(value: &str) -> &str {
    value.char_indices().nth(limits::TAG_VALUE_CHARS).map_or(value, |(end, _)| &value[..end])
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
    use proptest::prelude::*;

    use super::*;

    fn key(name: &str) -> PodKey {
        PodKey { namespace: "shop".to_owned(), name: name.to_owned(), uid: "0f5e".to_owned() }
    }

    fn marks(name: &str) -> Marks {
        Marks {
            cluster_id: "c1".to_owned(),
            node_name: "virtual-kubelet".to_owned(),
            key: key(name),
            attempt: Attempt(3),
        }
    }

    fn told(tags: Vec<Tag>) -> Vec<reply::Tag> {
        tags.into_iter().map(|Tag { key, value }| reply::Tag { key, value }).collect()
    }

    #[test]
    fn marks_survive_the_way_through_tags() {
        let tags = told(to_tags(&marks("web"), &corev1::Pod::default()));
        assert_eq!(from_tags(&tags), Some(marks("web")));
    }

    #[test]
    fn a_name_too_long_for_a_tag_is_cut_and_the_uid_is_not() {
        let long = Marks { key: PodKey { uid: "u".repeat(200), ..key(&"n".repeat(253)) }, ..marks("") };
        let read = from_tags(&told(to_tags(&long, &corev1::Pod::default()))).unwrap();
        assert_eq!(read.key.name, "n".repeat(128));
        assert_eq!(read.key.uid, long.key.uid);
    }

    #[test]
    fn a_group_that_lacks_a_mark_is_not_ours() {
        let tags = told(to_tags(&marks("web"), &corev1::Pod::default()));
        for missing in [CLUSTER, NODE, POD_UID, ATTEMPT, NAMESPACE, POD_NAME] {
            let rest: Vec<reply::Tag> = tags.iter().filter(|tag| tag.key != missing).cloned().collect();
            assert_eq!(from_tags(&rest), None, "{missing}");
        }
        let vendors = [("ManagedBy", "ACK"), ("ClusterId", "c1"), ("NameSpace", "shop"), ("PodName", "web")];
        let vendors: Vec<_> = vendors.map(|(key, value)| tag(key, value)).into();
        assert_eq!(from_tags(&told(vendors)), None);
    }

    #[test]
    fn an_attempt_that_is_no_number_is_not_ours() {
        let mut tags = told(to_tags(&marks("web"), &corev1::Pod::default()));
        tags.iter_mut().find(|tag| tag.key == ATTEMPT).unwrap().value = "x".to_owned();
        assert_eq!(from_tags(&tags), None);
    }

    #[test]
    fn the_controller_is_named_for_the_bill() {
        let mut pod = corev1::Pod::default();
        let owner = |kind: &str, controller| OwnerReference {
            kind: kind.to_owned(),
            name: "web-7d4b".to_owned(),
            controller,
            ..Default::default()
        };
        pod.metadata.owner_references = Some(vec![owner("Other", None), owner("ReplicaSet", Some(true))]);
        let tags = to_tags(&marks("web"), &pod);
        assert!(tags.contains(&tag(OWNER_KIND, "ReplicaSet")) && tags.contains(&tag(OWNER_NAME, "web-7d4b")));
        assert!(tags.len() <= 20);
    }

    #[test]
    fn filters_find_what_the_tags_say() {
        let tags = to_tags(&marks("web"), &corev1::Pod::default());
        for filter in [cluster_filter("c1"), node_filter("virtual-kubelet"), uid_filter("0f5e")] {
            assert!(tags.contains(&filter), "{filter:?}");
        }
    }

    #[test]
    fn the_token_changes_with_each_of_its_parts_and_only_with_them() {
        let token = client_token("c1", "u1", Attempt(0));
        assert_eq!(token, client_token("c1", "u1", Attempt(0)));
        assert_eq!(token.len(), 64);
        assert!(token.is_ascii());
        for other in [
            client_token("c2", "u1", Attempt(0)),
            client_token("c1", "u2", Attempt(0)),
            client_token("c1", "u1", Attempt(1)),
            client_token("c1u", "1", Attempt(0)),
        ] {
            assert_ne!(token, other);
        }
    }

    #[test]
    fn group_names_fit_the_api() {
        let table = [
            ("web", "web"),
            ("web.example-1", "web-example-1"),
            ("a", "pod-a"),
            ("", "pod"),
            ("---", "pod"),
            ("-a.b-", "a-b"),
        ];
        for (name, expected) in table {
            assert_eq!(group_name(&key(name)), expected);
        }
        let cut = group_name(&key(&format!("{}.{}", "a".repeat(127), "b".repeat(125))));
        assert_eq!(cut, "a".repeat(127));
    }

    proptest! {
        #[test]
        fn any_name_becomes_a_valid_group_name(name in "\\PC*") {
            let made = group_name(&key(&name));
            let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            prop_assert!((2..=128).contains(&made.len()) && made.chars().all(inner));
            prop_assert!(!made.starts_with('-') && !made.ends_with('-'));
        }

        #[test]
        fn any_text_can_be_cut(value in "\\PC{0,200}") {
            prop_assert!(cut(&value).chars().count() <= 128);
        }
    }
}
