//! ListUsage: what the account uses in a region, and what it may.

use serde_json::{Value, json};

use super::Context;
use crate::state::Cloud;
use crate::state::catalog::ResourceKind;

/// Shown as the quota where none is set.
const UNLIMITED_VCPU: f64 = 100_000.0;
/// Shown as the quota of caches where none is set.
const UNLIMITED_CACHES: u32 = 100_000;

pub(super) fn reply(cloud: &Cloud, context: &Context<'_>) -> Value {
    let region = context.region(cloud);
    let max = match cloud.settings.vcpu_quota {
        0 => UNLIMITED_VCPU,
        quota => f64::from(quota),
    };
    let max_caches = match cloud.settings.cache_quota {
        0 => UNLIMITED_CACHES,
        quota => quota,
    };
    let count = |kind, is_auto| {
        let own = cloud.catalog.of(kind, &context.caller.account, &region);
        own.filter(|resource| resource.is_auto == is_auto).count()
    };
    json!({"Attributes": {
        "UsedCpu": used_cpu(cloud, &context.caller.account, &region),
        "MaxCpu": max,
        "UsedImageCacheCount": count(ResourceKind::ImageCache, false),
        "MaxImageCacheCount": max_caches,
        "UsedAutoImageCacheCount": count(ResourceKind::ImageCache, true),
        "MaxAutoImageCacheCount": max_caches,
        "UsedDataCacheCount": count(ResourceKind::DataCache, false),
        "MaxDataCacheCount": max_caches,
    }})
}

/// vCPU of the groups that have not ended.
pub(super) fn used_cpu(cloud: &Cloud, account: &str, region: &str) -> f64 {
    let groups = cloud.store.groups();
    let living = groups.filter(|group| {
        group.facts.account == account && group.facts.region == region && !group.life.is_terminal()
    });
    // The sum of nothing is a negative zero.
    living.map(|group| group.facts.size.cpu).sum::<f64>() + 0.0
}
