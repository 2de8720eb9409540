//! Reads groups by name, up to 20 a call, several calls at a time.
//!
//! For names that do not exist the cloud leaves items out, or refuses the call; which of the two is not documented.
//! A refused call is therefore repeated in halves until what it was refused for stands alone: that name is then
//! known to be nobody's, which is more than an item that is left out can say.

use std::collections::BTreeSet;

use eci_client::model::{ContainerGroup, DescribeContainerGroupsRequest};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use vk_core::{ErrorKind, GroupId, ProviderError};

use crate::cloud::Cloud;

/// The most names that a describe action takes.
pub(crate) const NAMES_A_CALL: usize = 20;

/// Calls under way at once for one reading. Each answers within a round trip or two, so four keep a restart with
/// 10,000 groups (500 calls) to seconds, at a few hundred calls a minute of the 2,000 that the account has.
const CALLS_AT_ONCE: usize = 4;

/// What a reading by name told.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// The groups that were shown.
    pub(crate) groups: Vec<ContainerGroup>,
    /// Names of which the cloud said that there is no such group.
    pub(crate) nobodys: BTreeSet<GroupId>,
}

impl Read {
    fn and(mut self, other: Self) -> Self {
        self.groups.extend(other.groups);
        self.nobodys.extend(other.nobodys);
        self
    }
}

/// Reads these groups; no names, no call (which would be answered with every group there is). What is in neither part of the answer was left out of it, which proves nothing by itself.
pub(crate) async fn by_name(cloud: &dyn Cloud, names: &[GroupId]) -> Result<Read, ProviderError> {
    let calls: Vec<_> = names.chunks(NAMES_A_CALL).map(|names| some(cloud, names)).collect();
    let reads = futures::stream::iter(calls).buffered(CALLS_AT_ONCE);
    reads.try_fold(Read::default(), |all, read| async { Ok(all.and(read)) }).await
}

fn some<'a>(cloud: &'a dyn Cloud, names: &'a [GroupId]) -> BoxFuture<'a, Result<Read, ProviderError>> {
    async move {
        match cloud.groups(&request(names)).await {
            Ok(mut groups) => {
                groups.retain(|group| {
                    names.iter().any(|name| name.as_str() == group.container_group_id.as_str())
                });
                Ok(Read { groups, nobodys: BTreeSet::new() })
            }
            Err(error) if *error.kind() == ErrorKind::NotFound => match names {
                [name] => Ok(Read { groups: Vec::new(), nobodys: [name.clone()].into() }),
                names => {
                    let (left, right) = names.split_at(names.len() / 2);
                    Ok(some(cloud, left).await?.and(some(cloud, right).await?))
                }
            },
            Err(error) => Err(error),
        }
    }
    .boxed()
}

fn request(names: &[GroupId]) -> DescribeContainerGroupsRequest {
    DescribeContainerGroupsRequest {
        container_group_ids: names.iter().map(|name| name.as_str().into()).collect(),
        // Why a group could not be placed, its events tell.
        with_event: Some(true),
        ..Default::default()
    }
}
