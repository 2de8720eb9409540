//! Judges from a group's own tags whose it is. The server's filter is not trusted with that.

use eci_client::model::ContainerGroup;
use eci_translate::marks::{self, Marks};
use vk_core::Placement;

/// Whose a group is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// It carries this cluster's mark.
    Ours(Marks),
    /// It carries tags, and they say that it is not ours.
    Others,
    /// The answer tells no tags at all, which says nothing: every group of ours has some, but an answer that lost
    /// them must not make our groups look like somebody else's.
    Untold,
}

impl Ownership {
    /// Whose the group is, seen from the cluster that `placement` names.
    pub(crate) fn of(group: &ContainerGroup, placement: &Placement) -> Self {
        if group.tags.iter().all(|tag| tag.key.is_empty()) {
            return Self::Untold;
        }
        // A tag's value may be cut, so it is compared with what would have been written.
        let ours = marks::cluster_filter(&placement.cluster_id).value;
        match marks::from_tags(&group.tags) {
            Some(marks) if marks.cluster_id == ours => Self::Ours(marks),
            _ => Self::Others,
        }
    }
}

/// Whether a group of this cluster was made for a pod of this node.
pub(crate) fn on_this_node(marks: &Marks, placement: &Placement) -> bool {
    marks.node_name == marks::node_filter(&placement.node_name).value
}
