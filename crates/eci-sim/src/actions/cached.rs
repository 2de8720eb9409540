//! The image cache of a new group: named, matched, or made along with it.

use std::collections::BTreeSet;

use super::Context;
use crate::error::ApiError;
use crate::group::{ContainerKind, Facts};
use crate::params::Parameters;
use crate::settings::millis;
use crate::state::Cloud;
use crate::state::catalog::{Resource, ResourceKind, without_latest};

/// GiB of a cache that is made along, to which extra ephemeral storage is added.
const AUTO_SIZE: i64 = 30;

/// What the request says about a cache.
pub(super) enum Choice {
    Nothing,
    /// The cache of that number.
    Use(u64),
    /// None fits; one is to be made.
    Make,
}

/// Finds the cache that the request names or that fits best.
pub(super) fn choose(cloud: &Cloud, context: &Context<'_>, facts: &Facts) -> Result<Choice, ApiError> {
    let build = millis(cloud.settings.build_ms);
    let mut all = cloud.catalog.of(ResourceKind::ImageCache, &facts.account, &facts.region);
    if let Some(id) = context.parameter("ImageSnapshotId") {
        let cache = all.find(|cache| cache.id == id);
        let cache = cache.ok_or_else(|| {
            ApiError::new(404, "ImageSnapshot.NotFound", format!("The image cache {id} does not exist."))
        })?;
        if !cache.is_ready(context.now, build) {
            let message = format!("The image cache {id} is not Ready.");
            return Err(ApiError::new(400, "ImageSnapshot.IncorrectStatus", message));
        }
        return Ok(Choice::Use(cache.seq));
    }
    if !context.root.flag("AutoMatchImageCache") {
        return Ok(Choice::Nothing);
    }
    let wanted = wanted(facts);
    let fitting = all.filter(|cache| cache.is_ready(context.now, build) && cache.matching(&wanted) > 0);
    let best = fitting.max_by_key(|cache| cache.rank(&wanted));
    Ok(best.map_or(Choice::Make, |cache| Choice::Use(cache.seq)))
}

/// What the group finds on its disk, so that it need not be pulled.
pub(super) fn images(
    cloud: &mut Cloud,
    context: &Context<'_>,
    facts: &Facts,
    choice: &Choice,
) -> BTreeSet<String> {
    match choice {
        Choice::Nothing => {}
        Choice::Make => make(cloud, context, facts),
        Choice::Use(seq) => {
            if let Some(cache) = cloud.catalog.get_mut(*seq) {
                cache.matched_at = Some(context.now);
                return cache.images().iter().map(|image| without_latest(image).to_owned()).collect();
            }
        }
    }
    BTreeSet::new()
}

fn wanted(facts: &Facts) -> Vec<String> {
    let kinds = [ContainerKind::Init, ContainerKind::App];
    let images = kinds.into_iter().flat_map(|kind| facts.containers(kind)).map(|(_, image)| image);
    images.collect::<BTreeSet<String>>().into_iter().collect()
}

/// A cache for the groups that come after this one.
fn make(cloud: &mut Cloud, context: &Context<'_>, facts: &Facts) {
    let account = &facts.account;
    let quota = cloud.settings.cache_quota as usize;
    let region = facts.region.clone();
    let auto = |cloud: &Cloud| {
        let all = cloud.catalog.of(ResourceKind::ImageCache, account, &region);
        all.filter(|cache| cache.is_auto).map(|cache| (cache.used_at(), cache.seq)).collect::<BTreeSet<_>>()
    };
    let mut present = auto(cloud);
    // Those made along give way to each other, the one unused for longest first.
    while quota > 0 && present.len() >= quota {
        if let Some((_, oldest)) = present.pop_first() {
            cloud.catalog.remove(oldest);
        }
    }
    let size = AUTO_SIZE + context.root.number::<i64>("EphemeralStorage").unwrap_or(0);
    let mut parameters: Parameters = [
        ("ImageCacheName".to_owned(), format!("auto-create-for-{}", facts.id)),
        ("ImageCacheSize".to_owned(), size.to_string()),
    ]
    .into();
    let images = wanted(facts).into_iter().zip(1..);
    parameters.extend(images.map(|(image, number)| (format!("Image.{number}"), image)));
    let id = format!("{}-{}", ResourceKind::ImageCache.prefix(), cloud.rng.id(20));
    cloud.catalog.add(Resource {
        is_auto: true,
        ..Resource::new(ResourceKind::ImageCache, id, (account.clone(), region), context.now, parameters)
    });
}
