//! Which groups a reader asks for, and a page of them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

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
    let token = token(context)?;
    let limit = match cloud.settings.page_cap {
        0 => limit,
        cap => limit.min(cap),
    };
    let after = token.map_or(0, |token| token.seq);
    let passing = filter
        .candidates(cloud, after)
        .filter(|seq| cloud.store.get(*seq).is_some_and(|group| filter.passes(group)));
    // The first page counts everything; later ones carry that count, so that they stop at their end.
    let mut seqs: Vec<u64> = match token {
        None => passing.collect(),
        Some(_) => passing.take(limit + 1).collect(),
    };
    let total = token.map_or(seqs.len(), |token| token.total);
    let has_more = seqs.len() > limit;
    seqs.truncate(limit);
    let next_token = match seqs.last() {
        Some(seq) if has_more => Token { seq: *seq, total }.write(),
        _ => String::new(),
    };
    let total = match cloud.settings.total_count {
        TotalCount::All => total,
        TotalCount::Page => seqs.len(),
    };
    Ok(Page { seqs, total, next_token })
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

    /// Numbers after `after` of the groups that may pass, ascending: from the narrowest index that applies.
    fn candidates<'c>(&self, cloud: &'c Cloud, after: u64) -> Box<dyn Iterator<Item = u64> + 'c> {
        let store = &cloud.store;
        if let Some(ids) = &self.ids {
            let seqs: BTreeSet<u64> = ids.iter().filter_map(|id| store.seq_of(id)).collect();
            return Box::new(seqs.into_iter().filter(move |seq| *seq > after));
        }
        if let Some(since) = self.since {
            let seqs: BTreeSet<u64> = store.changed_since(since).collect();
            return Box::new(seqs.into_iter().filter(move |seq| *seq > after));
        }
        let valued = self.tags.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        let sets: Option<Vec<&BTreeSet<u64>>> = valued.map(|(key, value)| store.tagged(key, value)).collect();
        match sets {
            // Some tag that is asked for is on no group at all.
            None => Box::new(std::iter::empty()),
            Some(sets) => match sets.into_iter().min_by_key(|set| set.len()) {
                Some(narrowest) => Box::new(narrowest.range(after + 1..).copied()),
                None => Box::new(store.seqs_after(after)),
            },
        }
    }

    fn passes(&self, group: &Group) -> bool {
        let facts = &group.facts;
        let parameter = |name: &str| facts.parameters.get(name).map_or("", String::as_str);
        facts.account == self.account
            && facts.region == self.region
            && facts.created_at <= self.visible_until
            && self.name.is_none_or(|wanted| facts.name() == wanted)
            && self.status.is_none_or(|wanted| group.life.status().name() == wanted)
            && self.zone.is_none_or(|wanted| facts.zone == wanted)
            && self.v_switch.is_none_or(|wanted| facts.v_switch == wanted)
            && self.security_group.is_none_or(|wanted| facts.security_group == wanted)
            && self.resource_group.is_none_or(|wanted| parameter("ResourceGroupId") == wanted)
            && self.compute_category.is_none_or(|wanted| facts.compute_category == wanted)
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

fn token(context: &Context<'_>) -> Result<Option<Token>, ApiError> {
    let unknown =
        || ApiError::new(400, "InvalidParameter", "The specified NextToken is not one that was given out.");
    context.parameter("NextToken").map(|text| Token::read(text).ok_or_else(unknown)).transpose()
}

/// Where a page of another list begins: 0, or what the page before gave to [`next_token`].
pub(super) fn begin(context: &Context<'_>) -> Result<u64, ApiError> {
    Ok(token(context)?.map_or(0, |token| token.seq))
}

/// What leads to the page that begins there.
pub(super) fn next_token(begin: u64) -> String {
    Token { seq: begin, total: 0 }.write()
}

/// Cuts a list of which all is known into pages. Returns the page, and what leads to the next, empty for none.
pub(super) fn slice(
    all: Vec<Value>,
    limit: usize,
    context: &Context<'_>,
) -> Result<(Vec<Value>, String), ApiError> {
    let start = usize::try_from(begin(context)?).unwrap_or(usize::MAX).min(all.len());
    let end = all.len().min(start.saturating_add(limit));
    let next = if end < all.len() { next_token(end as u64) } else { String::new() };
    Ok((all[start..end].to_vec(), next))
}

/// A paging token: where the page ended, and how many groups the first page counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token {
    seq: u64,
    total: usize,
}

impl Token {
    const MASK: u64 = 0x5bd1_e995_7a3c_09f1;

    /// The two numbers and a check, so that a text that was never given out is recognised.
    fn write(self) -> String {
        format!("{:016x}{:08x}{:016x}", self.seq ^ Self::MASK, self.total, self.check())
    }

    fn read(text: &str) -> Option<Self> {
        let (seq, rest) = text.split_at_checked(16)?;
        let (total, check) = rest.split_at_checked(8)?;
        let seq = u64::from_str_radix(seq, 16).ok()? ^ Self::MASK;
        let token = Self { seq, total: usize::from_str_radix(total, 16).ok()? };
        (u64::from_str_radix(check, 16).ok()? == token.check()).then_some(token)
    }

    fn check(self) -> u64 {
        Rng::new(self.seq.rotate_left(32) ^ self.total as u64).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_a_made_up_one_is_not() {
        let token = Token { seq: 42, total: 10_000 };
        assert_eq!(Token::read(&token.write()), Some(token));
        let made_up = "5bd1e9957a3c09f1000000005bd1e9957a3c09f1";
        for bad in ["", "42", made_up, "\u{fc}2345678901234567890123456789012345678901"] {
            assert_eq!(Token::read(bad), None, "{bad}");
        }
    }
}
