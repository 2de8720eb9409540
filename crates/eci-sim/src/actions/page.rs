//! Which groups a reader asks for, and a page of them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Context;
use crate::error::ApiError;
use crate::group::Group;
use crate::rng::Rng;
use crate::settings::{SinceSecondBounds, TotalCount, UnknownIds};
use crate::state::Cloud;

/// A page of groups, oldest first.
pub(super) struct Page {
    pub(super) seqs: Vec<u64>,
    pub(super) total: usize,
    /// Empty after the last page.
    pub(super) next_token: String,
}

/// What both listing actions filter by; a filter that is not given passes everything.
struct Filter<'a> {
    account: &'a str,
    region: String,
    ids: Option<Vec<String>>,
    name: Option<&'a str>,
    status: Option<&'a str>,
    zone: Option<&'a str>,
    v_switch: Option<&'a str>,
    security_group: Option<&'a str>,
    resource_group: Option<&'a str>,
    compute_category: Option<&'a str>,
    tags: Vec<(&'a str, Option<&'a str>)>,
    since: Option<Timestamp>,
    visible_until: Timestamp,
}

pub(super) fn page(cloud: &Cloud, context: &Context<'_>, limit: usize) -> Result<Page, ApiError> {
    let filter = Filter::of(cloud, context);
    if cloud.settings.unknown_ids == UnknownIds::Error
        && filter.ids.iter().flatten().any(|id| cloud.store.find(id).is_none())
    {
        return Err(ApiError::not_found("container group"));
    }
    let after = match context.parameter("NextToken") {
        None => 0,
        Some(token) => read_token(token).ok_or_else(|| {
            ApiError::new(400, "InvalidParameter", "The specified NextToken is not one that was given out.")
        })?,
    };
    let limit = match cloud.settings.page_cap {
        0 => limit,
        cap => limit.min(cap),
    };
    let (mut seqs, mut total) = (Vec::new(), 0);
    for seq in filter.candidates(cloud) {
        if !cloud.store.get(seq).is_some_and(|group| filter.passes(group)) {
            continue;
        }
        total += 1;
        if seq > after && seqs.len() <= limit {
            seqs.push(seq);
        }
    }
    let has_more = seqs.len() > limit;
    seqs.truncate(limit);
    let last = seqs.last().filter(|_| has_more);
    let total = match cloud.settings.total_count {
        TotalCount::All => total,
        TotalCount::Page => seqs.len(),
    };
    Ok(Page { next_token: last.map(|seq| token_of(*seq)).unwrap_or_default(), total, seqs })
}

impl<'a> Filter<'a> {
    fn of(cloud: &Cloud, context: &'a Context<'_>) -> Self {
        let ids = context.parameter("ContainerGroupIds").and_then(|text| serde_json::from_str(text).ok());
        let tags = context.root.items("Tag");
        Self {
            account: &context.caller.account,
            region: context.region(cloud),
            ids,
            name: context.parameter("ContainerGroupName"),
            status: context.parameter("Status"),
            zone: context.parameter("ZoneId"),
            v_switch: context.parameter("VSwitchId"),
            security_group: context.parameter("SecurityGroupId"),
            resource_group: context.parameter("ResourceGroupId"),
            compute_category: context.parameter("ComputeCategory"),
            tags: tags
                .into_iter()
                .map(|tag| (tag.text("Key").unwrap_or_default(), tag.text("Value")))
                .collect(),
            since: since(cloud, context),
            visible_until: context.now.saturating_sub(cloud.settings.visibility_lag()).unwrap_or(context.now),
        }
    }

    /// Numbers of the groups that may pass, ascending: from the narrowest index that applies.
    fn candidates(&self, cloud: &Cloud) -> Vec<u64> {
        if let Some(ids) = &self.ids {
            let seqs: BTreeSet<u64> = ids.iter().filter_map(|id| cloud.store.seq_of(id)).collect();
            return seqs.into_iter().collect();
        }
        if let Some(since) = self.since {
            let seqs: BTreeSet<u64> = cloud.store.changed_since(since).collect();
            return seqs.into_iter().collect();
        }
        let valued = self.tags.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        let sets: Option<Vec<&BTreeSet<u64>>> =
            valued.map(|(key, value)| cloud.store.tagged(key, value)).collect();
        match sets {
            // Some tag that is asked for is on no group at all.
            None => Vec::new(),
            Some(sets) => match sets.into_iter().min_by_key(|set| set.len()) {
                Some(narrowest) => narrowest.iter().copied().collect(),
                None => cloud.store.all_seqs().collect(),
            },
        }
    }

    fn passes(&self, group: &Group) -> bool {
        let facts = &group.facts;
        let parameter = |name: &str| facts.parameters.get(name).map(String::as_str);
        let is =
            |wanted: Option<&str>, actual: Option<&str>| wanted.is_none_or(|wanted| actual == Some(wanted));
        facts.account == self.account
            && facts.region == self.region
            && facts.created_at <= self.visible_until
            && is(self.name, Some(facts.name()))
            && is(self.status, Some(group.life.status().name()))
            && is(self.zone, Some(&facts.zone))
            && is(self.v_switch, Some(&facts.v_switch))
            && is(self.security_group, Some(&facts.security_group))
            && is(self.resource_group, parameter("ResourceGroupId"))
            && is(self.compute_category, parameter("ComputeCategory.1"))
            && self.since.is_none_or(|since| group.life.changed_at >= since)
            && self.tags.iter().all(|(key, value)| {
                facts.tags.get(*key).is_some_and(|actual| value.is_none_or(|value| actual == value))
            })
    }
}

/// The instant that `SinceSecond` names.
fn since(cloud: &Cloud, context: &Context<'_>) -> Option<Timestamp> {
    let asked = context.root.number::<i64>("SinceSecond")?;
    let seconds = match cloud.settings.since_second_bounds {
        SinceSecondBounds::Clamp => asked.clamp(60, 3600),
        SinceSecondBounds::Refuse | SinceSecondBounds::Ignore => asked,
    };
    context.now.checked_sub(SignedDuration::from_secs(seconds)).ok()
}

/// A paging token: the last number of the page, with a check so that others are recognised.
fn token_of(seq: u64) -> String {
    format!("{:016x}{:016x}", seq ^ TOKEN_MASK, Rng::new(seq).next())
}

const TOKEN_MASK: u64 = 0x5bd1_e995_7a3c_09f1;

fn read_token(token: &str) -> Option<u64> {
    let (seq, check) = token.split_at_checked(16)?;
    let seq = u64::from_str_radix(seq, 16).ok()? ^ TOKEN_MASK;
    (u64::from_str_radix(check, 16).ok()? == Rng::new(seq).next()).then_some(seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_a_made_up_one_is_not() {
        assert_eq!(read_token(&token_of(42)), Some(42));
        for bad in ["", "42", "5bd1e9957a3c09f15bd1e9957a3c09f1", "ü234567890123456789012345678901"] {
            assert_eq!(read_token(bad), None, "{bad}");
        }
    }
}
