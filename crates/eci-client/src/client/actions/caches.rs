//! Image caches and data caches.

use super::methods;
use crate::client::Client;
use crate::error::Error;
// Two types for each action: naming them twice would tell nothing.
use crate::model::*;

/// Image caches and data caches.
impl Client {
    methods! {
        /// Begins to make an image cache; its status tells how it goes on.
        ///
        /// # Guarantees
        ///
        /// With a client token the call may be repeated.
        ///
        /// # Errors
        ///
        /// `QuotaExceeded` when there are as many as the account may have. Images that cannot be pulled show in the
        /// cache's events, not here.
        create_image_cache: CreateImageCacheRequest => CreateImageCacheReply;

        /// Changes an image cache.
        ///
        /// # Guarantees
        ///
        /// Repeating asks for the same once more. Whether the cloud heeds the client token here is not documented.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none.
        update_image_cache: UpdateImageCacheRequest => UpdateImageCacheReply;

        /// Deletes an image cache.
        ///
        /// # Guarantees
        ///
        /// May be repeated.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none: callers who want it gone count that as success.
        delete_image_cache: DeleteImageCacheRequest => DeleteImageCacheReply;

        /// One page of image caches. [`Client::list_image_caches`] is all of them.
        ///
        /// # Errors
        ///
        /// As for [`Client::describe_container_groups`].
        describe_image_caches: DescribeImageCachesRequest => DescribeImageCachesReply;

        /// All image caches that a filter lets through, from every page; complete, or an error.
        ///
        /// # Errors
        ///
        /// Those of any page.
        list list_image_caches: DescribeImageCachesRequest => ImageCache;

        /// Begins to make a data cache; its status tells how it goes on.
        ///
        /// # Guarantees
        ///
        /// With a client token the call may be repeated.
        ///
        /// # Errors
        ///
        /// Data that cannot be fetched shows in the cache's events, not here.
        create_data_cache: CreateDataCacheRequest => CreateDataCacheReply;

        /// Changes a data cache.
        ///
        /// # Guarantees
        ///
        /// Repeating asks for the same once more. Whether the cloud heeds the client token here is not documented.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none.
        update_data_cache: UpdateDataCacheRequest => UpdateDataCacheReply;

        /// Begins to copy a data cache into another region.
        ///
        /// # Guarantees
        ///
        /// None: whether the cloud heeds the client token here is not documented, and without it each call is a copy.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none.
        copy_data_cache: CopyDataCacheRequest => CopyDataCacheReply;

        /// Deletes a data cache, by id or by bucket and path.
        ///
        /// # Guarantees
        ///
        /// May be repeated.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none: callers who want it gone count that as success.
        delete_data_cache: DeleteDataCacheRequest => DeleteDataCacheReply;

        /// One page of data caches. [`Client::list_data_caches`] is all of them.
        ///
        /// # Errors
        ///
        /// As for [`Client::describe_container_groups`].
        describe_data_caches: DescribeDataCachesRequest => DescribeDataCachesReply;

        /// All data caches that a filter lets through, from every page; complete, or an error.
        ///
        /// # Errors
        ///
        /// Those of any page.
        list list_data_caches: DescribeDataCachesRequest => DataCache;
    }
}
