//! Observes all groups of the node in one go, completely or as an increment.
//!
//! ```text
//!   DescribeContainerGroupStatus ──▶ ids and light statuses
//!        │ unknown, or something is missing       │ known
//!        ▼                                        ▼
//!   DescribeContainerGroups ──▶ Index ──────▶ ObservedPod
//! ```
//!
//! An answer is called complete only where nothing can hide a group of ours (S5):
//!
//! * A group that the list showed and that could not be read in full may be ours. Unless a second look at the list
//!   shows that it has vanished, the answer is not complete, and the group is read again the next time.
//! * An empty list is what an identity without permission gets, too. See [`crate::absence`].
//! * A group that the node's filter lets through, and that tells no tags at all, contradicts itself; the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use eci_client::model::{ContainerGroup, ContainerGroupStatus, DescribeContainerGroupStatusRequest};
use eci_translate::marks;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tracing::{debug, warn};
use vk_core::{Cursor, ErrorKind, GroupId, Observation, ObservedPod, ProviderError};

use crate::ownership::{Ownership, on_this_node};
use crate::provider::EciProvider;
use crate::reading::{self, NAMES_A_CALL};

/// Windows overlap by this much: the time an answer may be on its way, and what the cloud's clock may differ from
/// ours while it computes "the last N seconds".
const OVERLAP: Duration = Duration::from_secs(10);

/// The shortest and the longest window that `SinceSecond` takes.
const WINDOW: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));

/// The most statuses that come in one page.
const STATUSES_A_PAGE: i32 = 200;

/// Light statuses by group. A list that shifts while it is read may show a group twice; the later item counts.
pub(crate) type Shown = BTreeMap<GroupId, ContainerGroupStatus>;

/// What came of reading in full what a light list does not tell enough of.
struct Identified {
    /// Groups that the list showed, that may be ours, and that are still not known.
    hidden: BTreeSet<GroupId>,
    /// Groups of this node that an earlier list showed and this one did not, now that they could be read.
    found: Vec<ObservedPod>,
}

impl EciProvider {
    /// Asks what changed since the cursor, or for everything where there is none or it is too old to be followed.
    pub(crate) async fn look(&self, since: Option<Cursor>) -> Result<Observation, ProviderError> {
        let began = Instant::now();
        let cursor = Cursor(self.clock.now());
        let window = since.and_then(|since| self.window(since, cursor.0, began));
        let shown = self.statuses(window, &[]).await?;
        let observation = match window {
            None if shown.is_empty() => self.nothing_shown(cursor, began).await?,
            None => self.everything(shown, cursor, began).await?,
            Some(_) => {
                let found = self.identify(&shown, false).await?.found;
                let groups = self.report(&shown).into_iter().chain(found).collect();
                Observation { groups, complete: false, cursor }
            }
        };
        self.index().hand_out(cursor.0, began);
        Ok(observation)
    }

    async fn everything(
        &self,
        shown: Shown,
        cursor: Cursor,
        began: Instant,
    ) -> Result<Observation, ProviderError> {
        let hidden = self.identify(&shown, true).await?.hidden;
        let hidden = self.not_vanished(hidden, &shown).await;
        let groups = self.report(&shown);
        if groups.is_empty() && !hidden.is_empty() && self.witnesses().await?.is_empty() {
            let sentence = format!(
                "DescribeContainerGroupStatus shows {} container groups, {} among them, and DescribeContainerGroups \
                 shows none: reading them is probably not permitted",
                shown.len(),
                hidden.first().map(GroupId::as_str).unwrap_or_default(),
            );
            return Err(ProviderError::new(ErrorKind::Denied, sentence));
        }
        let complete = hidden.is_empty();
        if complete {
            self.index().prune(began, &shown, self.options.visibility_lag);
        } else {
            let count = hidden.len();
            warn!(count, "container groups are listed and cannot be read: absences are not judged");
        }
        Ok(Observation { groups, complete, cursor })
    }

    /// Seconds for `SinceSecond`; `None` where a complete list is due, because the window would be too long, or
    /// because the cursor lies ahead of the clock and nobody can say how long ago it was made.
    fn window(&self, since: Cursor, now: Timestamp, began: Instant) -> Option<i32> {
        let by_clock = Duration::try_from(now.duration_since(since.0)).ok()?;
        // Somebody may have set the clock back since.
        let by_stopwatch = self.index().age(since.0, began).unwrap_or_default();
        let window = by_clock.max(by_stopwatch) + OVERLAP;
        let (shortest, longest) = WINDOW;
        let seconds = SignedDuration::try_from(window.max(shortest)).ok()?.as_secs() + 1;
        (window < longest).then(|| i32::try_from(seconds).ok()).flatten()
    }

    /// Lists the node's statuses: those that changed within the window, or all; only these groups, or all.
    async fn statuses(&self, window: Option<i32>, only: &[GroupId]) -> Result<Shown, ProviderError> {
        let filter = DescribeContainerGroupStatusRequest {
            container_group_ids: only.iter().map(|id| id.as_str().into()).collect(),
            tag: vec![
                marks::cluster_filter(&self.placement.cluster_id),
                marks::node_filter(&self.placement.node_name),
            ],
            since_second: window,
            limit: Some(STATUSES_A_PAGE),
            ..Default::default()
        };
        let statuses = self.cloud.statuses(&filter).await?;
        let id = |status: &ContainerGroupStatus| GroupId::new(status.container_group_id.as_str());
        Ok(statuses.into_iter().map(|status| (id(&status), status)).collect())
    }

    /// Reads in full what the light list does not tell enough of.
    async fn identify(&self, shown: &Shown, complete: bool) -> Result<Identified, ProviderError> {
        let unread = self.index().unread(shown, complete);
        let mut names = unread.unknown.clone();
        names.extend(unread.stale);
        let mut found = Vec::new();
        match reading::by_name(&*self.cloud, &names).await {
            Ok(read) => {
                let groups = read.groups.iter().filter_map(|group| self.take_in(group, shown));
                found.extend(groups.filter(|group| !shown.contains_key(&group.group)));
                for id in &read.nobodys {
                    self.index().gone(Instant::now(), id);
                }
            }
            // The light statuses are worth reporting; what they lack is read the next time.
            Err(error) if unread.unknown.is_empty() => {
                debug!(error = %error.chain(), "could not read container groups in full");
            }
            Err(error) => return Err(error),
        }
        let mut index = self.index();
        let hidden = |id: &&GroupId| !index.is_identified(id) && !index.is_gone(id);
        let hidden: BTreeSet<_> = unread.unknown.iter().filter(hidden).cloned().collect();
        hidden.iter().for_each(|id| index.doubt(id));
        Ok(Identified { hidden, found })
    }

    /// Remembers a group that was read because the node's list showed it. Gives it back if it is this node's.
    fn take_in(&self, group: &ContainerGroup, shown: &Shown) -> Option<ObservedPod> {
        let id = GroupId::new(group.container_group_id.as_str());
        let mut index = self.index();
        let (ownership, observed) = index.learn(Instant::now(), group, &self.placement);
        match &ownership {
            Ownership::Ours(marks) if on_this_node(marks, &self.placement) => return observed,
            Ownership::Untold => warn!(container_group = %id, "a listed container group tells no tags"),
            Ownership::Ours(_) | Ownership::Others => {
                if shown.contains_key(&id) && index.skip(&id) {
                    self.options.observer.group_skipped();
                    warn!(container_group = %id, "a listed container group is not this node's");
                }
            }
        }
        None
    }

    fn report(&self, shown: &Shown) -> Vec<ObservedPod> {
        let now = Instant::now();
        let mut index = self.index();
        shown.values().filter_map(|status| index.report(now, status)).collect()
    }

    /// Of groups that a complete list showed and that could not be read in full, those that are still listed, or
    /// may be: the others have vanished in between, and hide nothing any more.
    ///
    /// That a second list lacks them counts only if it shows another group of the first, so that it cannot be
    /// the list of somebody who may not read any more.
    async fn not_vanished(&self, hidden: BTreeSet<GroupId>, shown: &Shown) -> BTreeSet<GroupId> {
        if hidden.is_empty() {
            return hidden;
        }
        let proof = shown.keys().find(|id| !hidden.contains(*id)).cloned();
        let names: Vec<_> = hidden.iter().cloned().collect();
        let mut still = BTreeSet::new();
        for names in names.chunks(NAMES_A_CALL - 1) {
            let asked: Vec<_> = names.iter().chain(&proof).cloned().collect();
            let again = self.statuses(None, &asked).await.unwrap_or_default();
            let permitted = asked.iter().any(|id| again.contains_key(id));
            let (vanished, listed): (Vec<_>, Vec<_>) =
                names.iter().cloned().partition(|id| permitted && !again.contains_key(id));
            debug!(count = vanished.len(), "container groups vanished while they were listed");
            still.extend(listed);
        }
        still
    }
}
