//! Decides what an answer that lacks a group proves.
//!
//! To an identity without permission the cloud answers with an empty list, not with an error. An absence therefore
//! counts (S5, S7) only
//!
//! 1. when the same answer, or another one of the same action moments later, shows something of ours: then reading
//!    is permitted, and what is not shown is not there; or
//! 2. when the cloud speaks of that very group: it accepted its deletion in this process (which also says that there
//!    is no such group), or refuses a reading by name because there is no such group. A refusal for want of
//!    permission is another one.
//!
//! For the first, a group that is known to live is asked for along with the others where the call has room, and
//! looked for by the cluster's tag where it had none. For the second, a group that nobody deleted is asked for its
//! log, whose action answers for one group and so tells "not found" from "not permitted". Only the log of a container
//! that has run is asked for: what the cloud says of one that has not started is not documented.
//!
//! That reading was permitted a minute ago is *not* taken as proof. It would fail the only pod of a cluster in the
//! moment in which somebody takes the permission away, which is when proof is needed.
//!
//! What neither proves is undecided: it is in neither list of the answer, and the same question may be asked again.

use std::collections::BTreeSet;

use eci_client::model::{ContainerGroup, DescribeContainerGroupsRequest};
use eci_translate::marks;
use jiff::SignedDuration;
use tokio::time::Instant;
use tracing::{info, warn};
use vk_core::{Cursor, ErrorKind, Fetched, GroupId, LogQuery, Observation, ObservedPod, ProviderError};

use crate::log;
use crate::ownership::{Ownership, on_this_node};
use crate::provider::EciProvider;
use crate::reading::{self, NAMES_A_CALL, Read};
use crate::sweep::Shown;

/// Groups that are asked for by their log after one empty list. Only what lived a moment ago and vanished together
/// with every other group of the cluster comes to that; more of them are more likely a lost permission, which the
/// first answer shows.
const ASKED_AFTER_ONE_LIST: usize = 10;

/// What the cloud says of one group by its name.
enum ByName {
    Gone,
    /// It is there although lists do not show it, or somebody who asks for it is turned away.
    NotReadable(ProviderError),
    /// Nothing that proves anything.
    Undecided,
}

impl EciProvider {
    /// Reads these groups by name.
    pub(crate) async fn read_names(&self, asked: &[GroupId]) -> Result<Fetched, ProviderError> {
        let mut names = asked.to_vec();
        if !asked.len().is_multiple_of(NAMES_A_CALL) {
            names.extend(self.index().witness(asked));
        }
        let read = reading::by_name(&*self.cloud, &names).await?;
        let (mut fetched, permitted) = self.sort(asked, &read);
        let silent = left_out(asked, &read);
        if silent.is_empty() {
            return Ok(fetched);
        }
        if permitted {
            fetched.absent.extend(self.long_visible(silent));
            return Ok(fetched);
        }
        let witnesses = self.witnesses().await?;
        if !witnesses.is_empty() {
            let absent = silent.into_iter().filter(|id| !witnesses.contains(id)).collect();
            fetched.absent.extend(self.long_visible(absent));
            return Ok(fetched);
        }
        let (gone, refusal) = self.gone_by_name(silent).await;
        fetched.absent.extend(gone);
        if fetched == Fetched::default() {
            return Err(nothing_proves(asked, refusal));
        }
        Ok(fetched)
    }

    /// What a complete list that shows nothing is worth: complete only if another action agrees, and if reading is
    /// known to be permitted.
    pub(crate) async fn nothing_shown(
        &self,
        cursor: Cursor,
        began: Instant,
    ) -> Result<Observation, ProviderError> {
        let listed = self.cloud.groups(&self.filter(true)).await?;
        let (groups, untold) = self.of_this_node(&listed);
        if let Some(group) = groups.iter().find(|group| self.is_long_visible(group)) {
            let sentence = format!(
                "DescribeContainerGroupStatus shows nothing although {} exists: it is probably not permitted",
                group.group
            );
            return Err(ProviderError::new(ErrorKind::Denied, sentence));
        }
        let proven = groups.is_empty() && !untold;
        let complete = proven && (!self.witnesses().await?.is_empty() || self.all_gone(began).await?);
        if complete {
            self.index().prune(began, &Shown::new(), self.options.visibility_lag);
        }
        Ok(Observation { groups, complete, cursor })
    }

    /// What the groups that were shown are, and whether one of them is ours.
    fn sort(&self, asked: &[GroupId], read: &Read) -> (Fetched, bool) {
        let mut fetched = Fetched::default();
        let mut permitted = false;
        let mut index = self.index();
        for group in &read.groups {
            let id = GroupId::new(group.container_group_id.as_str());
            let wanted = asked.contains(&id);
            match index.learn(Instant::now(), group, &self.placement) {
                (Ownership::Ours(_), observed) => {
                    permitted = true;
                    fetched.present.extend(observed.filter(|_| wanted));
                }
                // Somebody else's group is not what was asked for: nothing of ours has this name.
                (Ownership::Others, _) if wanted => fetched.absent.push(id),
                (Ownership::Untold, _) if wanted => {
                    warn!(container_group = %id, "a container group tells no tags");
                }
                (Ownership::Others | Ownership::Untold, _) => {}
            }
        }
        for id in &read.nobodys {
            index.gone(Instant::now(), id);
            fetched.absent.extend(asked.contains(id).then(|| id.clone()));
        }
        (fetched, permitted)
    }

    /// Without groups that were accepted so short a time ago that no read need show them.
    fn long_visible(&self, mut groups: Vec<GroupId>) -> Vec<GroupId> {
        let (now, lag) = (Instant::now(), self.options.visibility_lag);
        let index = self.index();
        groups.retain(|id| index.is_gone(id) || !index.may_be_invisible(now, id, lag));
        groups
    }

    /// Whether every list should show the group by now.
    fn is_long_visible(&self, group: &ObservedPod) -> bool {
        let age = group.created_at.map(|at| self.clock.now().duration_since(at));
        age.is_some_and(|age| age > SignedDuration::try_from(self.options.visibility_lag).unwrap_or_default())
    }

    /// This node's groups among those of a list, and whether one of the list tells no tags.
    fn of_this_node(&self, listed: &[ContainerGroup]) -> (Vec<ObservedPod>, bool) {
        let mut groups = Vec::new();
        let mut untold = false;
        let mut index = self.index();
        for group in listed {
            match index.learn(Instant::now(), group, &self.placement) {
                (Ownership::Ours(marks), observed) if on_this_node(&marks, &self.placement) => {
                    groups.extend(observed);
                }
                (Ownership::Untold, _) => untold = true,
                (Ownership::Ours(_) | Ownership::Others, _) => {}
            }
        }
        (groups, untold)
    }

    /// Looks for groups of the cluster, on whatever node: one that is shown proves that reading is permitted.
    pub(crate) async fn witnesses(&self) -> Result<Vec<GroupId>, ProviderError> {
        let groups = self.cloud.some_groups(&self.filter(false)).await?;
        let mut index = self.index();
        let ours = groups.iter().filter(|group| {
            let (ownership, _) = index.learn(Instant::now(), group, &self.placement);
            matches!(ownership, Ownership::Ours(_))
        });
        Ok(ours.map(|group| GroupId::new(group.container_group_id.as_str())).collect())
    }

    fn filter(&self, this_node_only: bool) -> DescribeContainerGroupsRequest {
        let node = this_node_only.then(|| marks::node_filter(&self.placement.node_name));
        let tag = [marks::cluster_filter(&self.placement.cluster_id)].into_iter().chain(node).collect();
        DescribeContainerGroupsRequest { tag, ..Default::default() }
    }

    /// Whether everything that this process knows to have lived on the node is gone, by the cloud's own word.
    async fn all_gone(&self, now: Instant) -> Result<bool, ProviderError> {
        let (expected, removed) = {
            let index = self.index();
            (index.expected(now, self.options.visibility_lag), index.removed_any())
        };
        let count = expected.len();
        let (gone, refusal) = self.gone_by_name(expected).await;
        if let Some(refusal) = refusal {
            let sentence = "reading all container groups: the answer is empty although some exist";
            return Err(ProviderError::new(ErrorKind::Denied, sentence).caused_by(refusal));
        }
        Ok(gone.len() == count && (count > 0 || removed))
    }

    /// Those of these groups that are gone by the cloud's own word; and what it said of one that it still has, or
    /// that must not be asked for.
    async fn gone_by_name(&self, groups: Vec<GroupId>) -> (Vec<GroupId>, Option<ProviderError>) {
        let mut gone = Vec::new();
        let mut asked = 0;
        for id in groups {
            let ran = {
                let index = self.index();
                if index.is_gone(&id) {
                    gone.push(id);
                    continue;
                }
                index.one_that_ran(&id)
            };
            let Some(container) = ran.filter(|_| asked < ASKED_AFTER_ONE_LIST) else { continue };
            asked += 1;
            match self.ask_by_name(&id, &container).await {
                ByName::Gone => gone.push(id),
                ByName::NotReadable(error) => return (gone, Some(error)),
                ByName::Undecided => {}
            }
        }
        (gone, None)
    }

    async fn ask_by_name(&self, id: &GroupId, container: &str) -> ByName {
        let line = LogQuery { tail_lines: Some(1), ..Default::default() };
        match self.cloud.log(&log::request(id, container, &line)).await {
            Ok(_) => {
                let sentence = format!("{id} is not listed, and its log can be read");
                ByName::NotReadable(ProviderError::new(ErrorKind::Denied, sentence))
            }
            Err(error) => match error.kind() {
                ErrorKind::NotFound => {
                    info!(container_group = %id, "the container group is gone, and this node did not delete it");
                    self.index().gone(Instant::now(), id);
                    ByName::Gone
                }
                ErrorKind::Denied | ErrorKind::InvalidCredentials => ByName::NotReadable(error),
                _ => ByName::Undecided,
            },
        }
    }
}

/// Names that the answer says nothing of.
fn left_out(asked: &[GroupId], read: &Read) -> Vec<GroupId> {
    let shown: BTreeSet<_> = read.groups.iter().map(|group| group.container_group_id.as_str()).collect();
    let left_out = |id: &&GroupId| !shown.contains(id.as_str()) && !read.nobodys.contains(*id);
    asked.iter().filter(left_out).cloned().collect()
}

fn nothing_proves(asked: &[GroupId], refusal: Option<ProviderError>) -> ProviderError {
    let sentence = format!(
        "reading {} container groups by name: the answer is empty, and nothing shows that reading is permitted",
        asked.len()
    );
    let error = ProviderError::new(ErrorKind::Denied, sentence);
    match refusal {
        Some(refusal) => error.caused_by(refusal),
        None => error,
    }
}
