//! The actions that this simulator carries; each is a function of the cloud, the caller and the parameters.

mod address;
mod available;
mod cached;
mod create;
mod delete;
mod describe;
mod events;
mod exec;
mod log;
mod metric;
mod page;
mod place;
mod price;
mod regions;
mod render;
mod repeat;
mod resources;
mod restart;
mod status;
mod tags;
mod tasks;
mod update;
mod usage;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::auth::AccessKey;
use crate::error::ApiError;
use crate::group::Group;
use crate::params::{Node, Parameters};
use crate::state::Cloud;
use crate::state::catalog::ResourceKind::{DataCache, ImageCache, VirtualNode};

/// What every action is given.
pub(crate) struct Context<'a> {
    pub(crate) now: Timestamp,
    pub(crate) caller: &'a AccessKey,
    pub(crate) parameters: &'a Arc<Parameters>,
    pub(crate) root: Node<'a>,
}

impl Context<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The group that `ContainerGroupId` names, when it is the caller's.
    fn own_group<'c>(&self, cloud: &'c Cloud) -> Result<&'c Group, ApiError> {
        let region = self.region(cloud);
        let id = self.parameter("ContainerGroupId").unwrap_or_default();
        let own = |group: &&Group| group.facts.account == self.caller.account && group.facts.region == region;
        cloud.store.find(id).filter(own).ok_or_else(|| ApiError::not_found("container group"))
    }

    /// The region asked for, the simulator's own where none is.
    fn region(&self, cloud: &Cloud) -> String {
        self.parameter("RegionId").unwrap_or(&cloud.region).to_owned()
    }
}

pub(crate) fn perform(
    cloud: &mut Cloud,
    now: Timestamp,
    action: &str,
    caller: &AccessKey,
    parameters: &Arc<Parameters>,
) -> Result<Value, ApiError> {
    let context = Context { now, caller, parameters, root: Node::root(parameters) };
    repeat::once(cloud, &context, action, |cloud| dispatch(cloud, &context, action))
}

fn dispatch(cloud: &mut Cloud, context: &Context<'_>, action: &str) -> Result<Value, ApiError> {
    match action {
        "CreateContainerGroup" => create::run(cloud, context),
        "DeleteContainerGroup" => delete::run(cloud, context),
        "ExecContainerCommand" => exec::run(cloud, context),
        "DescribeContainerGroups" => describe::run(cloud, context),
        "DescribeContainerGroupStatus" => status::run(cloud, context),
        "DescribeContainerLog" => log::run(cloud, context),
        "DescribeContainerGroupEvents" => events::run(cloud, context),
        "RestartContainerGroup" => restart::run(cloud, context),
        "UpdateContainerGroup" => update::run(cloud, context),
        "DescribeContainerGroupPrice" => price::run(cloud, context),
        "DescribeContainerGroupMetric" => metric::one(cloud, context),
        "DescribeMultiContainerGroupMetric" => metric::several(cloud, context),
        "DescribeAvailableResource" => available::run(cloud, context),
        "CreateImageCache" => resources::create(cloud, context, ImageCache, action),
        "UpdateImageCache" => resources::update(cloud, context, ImageCache),
        "DescribeImageCaches" => resources::describe(cloud, context, ImageCache),
        "DeleteImageCache" => resources::delete(cloud, context, ImageCache),
        "CreateDataCache" => resources::create(cloud, context, DataCache, action),
        "CopyDataCache" => resources::copy(cloud, context),
        "UpdateDataCache" => resources::update(cloud, context, DataCache),
        "DescribeDataCaches" => resources::describe(cloud, context, DataCache),
        "DeleteDataCache" => resources::delete(cloud, context, DataCache),
        "CreateVirtualNode" => resources::create(cloud, context, VirtualNode, action),
        "UpdateVirtualNode" => resources::update(cloud, context, VirtualNode),
        "DescribeVirtualNodes" => resources::describe(cloud, context, VirtualNode),
        "DeleteVirtualNode" => resources::delete(cloud, context, VirtualNode),
        "TagResources" => tags::add(cloud, context),
        "UntagResources" => tags::remove(cloud, context),
        "ListTagResources" => tags::list(cloud, context),
        "ResizeContainerGroupVolume" => tasks::resize(cloud, context),
        "CommitContainer" => tasks::commit(cloud, context),
        "DescribeCommitContainerTask" => tasks::describe_commits(cloud, context),
        "CreateInstanceOpsTask" => tasks::operate(cloud, context),
        "DescribeInstanceOpsRecords" => tasks::describe_operations(cloud, context),
        "ListUsage" => Ok(usage::reply(cloud, context)),
        "DescribeRegions" => Ok(regions::reply()),
        _ => {
            let message =
                format!("{action} is an action of the cloud that this simulator does not carry yet.");
            Err(ApiError::new(404, "InvalidAction.NotFound", message))
        }
    }
}
