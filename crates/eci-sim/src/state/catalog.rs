//! What an account has besides container groups: image caches, data caches, virtual nodes, and the records of
//! commits and operations. Nothing happens to them by itself: their status is read off the time.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::clock::later;
use crate::params::{Node, Parameters};

/// An image whose name contains this cannot be cached.
pub(crate) const MISSING_IMAGE: &str = "does-not-exist";
/// How long a cache that was made along with a group is kept: when no group has used it, and after the last use.
const AUTO_KEPT: (SignedDuration, SignedDuration) =
    (SignedDuration::from_hours(7 * 24), SignedDuration::from_hours(30 * 24));
/// A cache that failed is shown this long.
const FAILED_KEPT: SignedDuration = SignedDuration::from_hours(24);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceKind {
    ImageCache,
    DataCache,
    VirtualNode,
}

impl ResourceKind {
    /// As `ResourceType` of the tagging actions names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ImageCache => "ImageCache",
            Self::DataCache => "DataCache",
            Self::VirtualNode => "VirtualNode",
        }
    }

    /// What its ids begin with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::ImageCache => "imc",
            Self::DataCache => "edc",
            Self::VirtualNode => "vnd",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::ImageCache, Self::DataCache, Self::VirtualNode].into_iter().find(|kind| kind.name() == name)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) seq: u64,
    pub(crate) kind: ResourceKind,
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) created_at: Timestamp,
    /// When it was last updated.
    pub(crate) updated_at: Option<Timestamp>,
    /// When a group last used it.
    pub(crate) matched_at: Option<Timestamp>,
    /// Made along with a group.
    pub(crate) is_auto: bool,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) parameters: Parameters,
}

impl Resource {
    /// Something that is created now, in an account and region.
    pub(crate) fn new(
        kind: ResourceKind,
        id: String,
        (account, region): (String, String),
        created_at: Timestamp,
        parameters: Parameters,
    ) -> Self {
        Self {
            seq: 0,
            kind,
            id,
            account,
            region,
            created_at,
            updated_at: None,
            matched_at: None,
            is_auto: false,
            tags: BTreeMap::new(),
            parameters,
        }
    }

    pub(crate) fn images(&self) -> Vec<String> {
        Node::root(&self.parameters).texts("Image")
    }

    /// How many of the images it holds.
    pub(crate) fn matching(&self, wanted: &[String]) -> usize {
        let own = self.images();
        let holds = |image: &&String| own.iter().any(|own| without_latest(own) == without_latest(image));
        wanted.iter().filter(holds).count()
    }

    /// Caches are compared by this: images that match, then size (the smaller is the better), then the newest.
    pub(crate) fn rank(&self, wanted: &[String]) -> (usize, Reverse<i64>, Timestamp) {
        let size = self.text("ImageCacheSize").parse().unwrap_or(20);
        (self.matching(wanted), Reverse(size), self.created_at)
    }

    pub(crate) fn is_ready(&self, now: Timestamp, build: SignedDuration) -> bool {
        self.status(now, build).0 == "Ready"
    }

    /// When it was last of use.
    pub(crate) fn used_at(&self) -> Timestamp {
        self.matched_at.unwrap_or(self.created_at)
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.parameters.get(name).map(String::as_str).unwrap_or_default()
    }

    fn has_failed(&self) -> bool {
        self.kind == ResourceKind::ImageCache
            && self
                .parameters
                .iter()
                .any(|(name, image)| name.starts_with("Image.") && image.contains(MISSING_IMAGE))
    }

    /// The status at `now`, when building takes `build`, and how far that is in per cent.
    pub(crate) fn status(&self, now: Timestamp, build: SignedDuration) -> (&'static str, i64) {
        let begun = self.updated_at.unwrap_or(self.created_at);
        let (passed, all) = (now.duration_since(begun).as_millis(), build.as_millis().max(1));
        let percent = i64::try_from(passed * 100 / all).unwrap_or(100).clamp(0, 100);
        let names = match self.kind {
            ResourceKind::ImageCache => ("Preparing", "Creating", "Ready"),
            ResourceKind::DataCache => ("Loading", "Creating", "Available"),
            ResourceKind::VirtualNode => ("Pending", "Pending", "Ready"),
        };
        let is_update = self.updated_at.is_some() && self.kind != ResourceKind::VirtualNode;
        let status = match percent {
            100 if self.has_failed() && is_update => "UpdateFailed",
            100 if self.has_failed() => "Failed",
            100 => names.2,
            _ if is_update => "Updating",
            0..50 => names.0,
            _ => names.1,
        };
        (status, percent)
    }

    /// When it vanishes: by its retention, or a day after it failed.
    pub(crate) fn expires_at(&self, build: SignedDuration) -> Option<Timestamp> {
        let days: Option<i64> = self.text("RetentionDays").parse().ok().filter(|days| *days > 0);
        let kept =
            days.map(|days| later(self.created_at, SignedDuration::from_hours(days.saturating_mul(24))));
        let failed = self.has_failed().then(|| later(self.created_at, FAILED_KEPT.saturating_add(build)));
        let unused = self.is_auto.then(|| match self.matched_at {
            None => later(self.created_at, AUTO_KEPT.0),
            Some(at) => later(at, AUTO_KEPT.1),
        });
        kept.into_iter().chain(failed).chain(unused).min()
    }
}

/// The name of an image without the tag that it has anyway.
pub(crate) fn without_latest(image: &str) -> &str {
    image.strip_suffix(":latest").unwrap_or(image)
}

/// A container that is saved as an image.
#[derive(Debug)]
pub(crate) struct CommitTask {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) group: String,
    pub(crate) container: String,
    pub(crate) at: Timestamp,
    /// The image cannot be pushed.
    pub(crate) fails: bool,
}

/// A core dump or packet capture that was asked for.
#[derive(Debug)]
pub(crate) struct OpsRecord {
    pub(crate) account: String,
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) at: Timestamp,
    /// A capture is over then.
    pub(crate) ends_at: Option<Timestamp>,
    pub(crate) is_closed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    resources: Vec<Resource>,
    last_seq: u64,
    pub(crate) commits: Vec<CommitTask>,
    pub(crate) operations: Vec<OpsRecord>,
}

impl Catalog {
    pub(crate) fn add(&mut self, mut resource: Resource) {
        self.last_seq += 1;
        resource.seq = self.last_seq;
        self.resources.push(resource);
    }

    /// Forgets what has expired.
    pub(crate) fn expire(&mut self, now: Timestamp, build: SignedDuration) {
        self.resources.retain(|resource| resource.expires_at(build).is_none_or(|at| at > now));
    }

    /// Those of a kind that an account has in a region, oldest first.
    pub(crate) fn of<'c>(
        &'c self,
        kind: ResourceKind,
        account: &'c str,
        region: &'c str,
    ) -> impl Iterator<Item = &'c Resource> {
        self.resources.iter().filter(move |resource| {
            resource.kind == kind && resource.account == account && resource.region == region
        })
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.seq == seq)
    }

    pub(crate) fn get_mut(&mut self, seq: u64) -> Option<&mut Resource> {
        self.resources.iter_mut().find(|resource| resource.seq == seq)
    }

    pub(crate) fn remove(&mut self, seq: u64) {
        self.resources.retain(|resource| resource.seq != seq);
    }
}
