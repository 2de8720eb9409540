//! The actions, one method each, named as the API names them.

use super::Client;
use crate::error::Error;
use crate::model::{
    ContainerGroup, ContainerGroupStatus, CreateContainerGroupReply, CreateContainerGroupRequest,
    DeleteContainerGroupReply, DeleteContainerGroupRequest, DescribeContainerGroupStatusReply,
    DescribeContainerGroupStatusRequest, DescribeContainerGroupsReply, DescribeContainerGroupsRequest,
    DescribeContainerLogReply, DescribeContainerLogRequest, DescribeRegionsReply, DescribeRegionsRequest,
};

impl Client {
    /// Creates a container group.
    ///
    /// # Guarantees
    ///
    /// With a client token the call may be repeated, also after a crash: while the cloud remembers the token, it
    /// yields the same group. Success means accepted; whether there is capacity shows in the group's status.
    ///
    /// # Errors
    ///
    /// `Indeterminate` and `IdempotentParameterMismatch` mean that there may be, or is, a group; `OutOfStock`,
    /// `QuotaExceeded`, `InvalidRequest`, `Denied` and `Throttled` that there is none.
    pub async fn create_container_group(
        &self,
        request: &CreateContainerGroupRequest,
    ) -> Result<CreateContainerGroupReply, Error> {
        self.call(request).await
    }

    /// One page of container groups in full. [`Client::list_container_groups`] is all of them.
    ///
    /// # Errors
    ///
    /// NOTE: without permission the cloud answers with an empty list, not with an error.
    pub async fn describe_container_groups(
        &self,
        request: &DescribeContainerGroupsRequest,
    ) -> Result<DescribeContainerGroupsReply, Error> {
        self.call(request).await
    }

    /// All container groups that a filter lets through, from every page; complete, or an error.
    ///
    /// # Errors
    ///
    /// Those of any page.
    pub async fn list_container_groups(
        &self,
        filter: &DescribeContainerGroupsRequest,
    ) -> Result<Vec<ContainerGroup>, Error> {
        self.list(filter).await
    }

    /// One page of light statuses. [`Client::list_container_group_statuses`] is all of them.
    ///
    /// # Errors
    ///
    /// As for [`Client::describe_container_groups`].
    pub async fn describe_container_group_status(
        &self,
        request: &DescribeContainerGroupStatusRequest,
    ) -> Result<DescribeContainerGroupStatusReply, Error> {
        self.call(request).await
    }

    /// All light statuses that a filter lets through, from every page; complete, or an error.
    ///
    /// # Errors
    ///
    /// Those of any page.
    pub async fn list_container_group_statuses(
        &self,
        filter: &DescribeContainerGroupStatusRequest,
    ) -> Result<Vec<ContainerGroupStatus>, Error> {
        self.list(filter).await
    }

    /// Deletes a container group. It vanishes from lists within seconds, or after its preStop hooks.
    ///
    /// # Guarantees
    ///
    /// May be repeated.
    ///
    /// # Errors
    ///
    /// `NotFound` where there is no such group: callers who want it gone count that as success.
    pub async fn delete_container_group(
        &self,
        request: &DeleteContainerGroupRequest,
    ) -> Result<DeleteContainerGroupReply, Error> {
        self.call(request).await
    }

    /// The log of a container: the last lines, 2000 or 1 MB at most.
    ///
    /// # Errors
    ///
    /// What the cloud says of a container that has not started is not documented: an error, or an empty log.
    pub async fn describe_container_log(
        &self,
        request: &DescribeContainerLogRequest,
    ) -> Result<DescribeContainerLogReply, Error> {
        self.call(request).await
    }

    /// The regions ECI is offered in.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub async fn describe_regions(
        &self,
        request: &DescribeRegionsRequest,
    ) -> Result<DescribeRegionsReply, Error> {
        self.call(request).await
    }
}
