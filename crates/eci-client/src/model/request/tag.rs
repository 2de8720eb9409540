//! Declares what is asked of tags: put on, taken off, listed, for everything that can carry them.

use super::create_container_group::Tag;
use crate::model::action::{action, paged};
use crate::model::flatten::request;
use crate::model::{
    ListTagResourcesReply, ResourceType, TagResource, TagResourcesReply, UntagResourcesReply,
};

action!(TagResourcesRequest: "TagResources", Write -> TagResourcesReply);
action!(UntagResourcesRequest: "UntagResources", Write -> UntagResourcesReply);
action!(ListTagResourcesRequest: "ListTagResources", Read -> ListTagResourcesReply);
paged!(ListTagResourcesRequest: tag_resources -> TagResource);

request! {
    /// Puts tags on things, in place of earlier values of the same keys.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/TagResources)
    pub struct TagResourcesRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. What kind of thing.
        pub resource_type: ResourceType = "ResourceType",
        /// Required. The things, by id.
        pub resource_id: Vec<String> = "ResourceId",
        /// Required. The tags, 20 at most. Key and value at most 128 characters, neither beginning `aliyun` or `acs:`.
        pub tag: Vec<Tag> = "Tag",
    }

    /// Takes tags off things.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/UntagResources)
    pub struct UntagResourcesRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. What kind of thing.
        pub resource_type: ResourceType = "ResourceType",
        /// Required. The things, by id.
        pub resource_id: Vec<String> = "ResourceId",
        /// The keys of the tags, 20 at most.
        pub tag_key: Vec<String> = "TagKey",
        /// Take all tags off; counts only without `tag_key`. `None` is no.
        pub all: Option<bool> = "All",
        /// Makes repeating harmless; taking off is so by itself.
        pub client_token: Option<String> = "ClientToken",
    }

    /// Asks for the tags of things: one item for each thing and tag.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/ListTagResources)
    pub struct ListTagResourcesRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. What kind of thing.
        pub resource_type: ResourceType = "ResourceType",
        /// Only these things, by id. NOTE: an empty list is no filter.
        pub resource_id: Vec<String> = "ResourceId",
        /// Only things with all of these tags, 20 at most.
        pub tag: Vec<Tag> = "Tag",
        /// Items a page; range and default are not documented. The API declares it a text; it travels alike.
        pub limit: Option<i32> = "Limit",
        /// The page to continue with; `None` is the first.
        pub next_token: Option<String> = "NextToken",
    }
}
