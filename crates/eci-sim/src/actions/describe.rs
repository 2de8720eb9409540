//! DescribeContainerGroups.

use serde_json::{Value, json};

use super::{Context, page, render};
use crate::error::ApiError;
use crate::state::Cloud;

/// Default and maximum of `Limit`.
const LIMIT: usize = 20;

pub(super) fn run(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let limit = context.root.number("Limit").unwrap_or(LIMIT);
    let page = page::page(cloud, context, limit)?;
    let with_events = context.root.flag("WithEvent");
    let groups = page.seqs.iter().filter_map(|seq| cloud.store.get(*seq));
    let groups: Vec<Value> =
        groups.map(|group| render::group(group, with_events, cloud.settings.mount_read_only)).collect();
    Ok(json!({"ContainerGroups": groups, "TotalCount": page.total, "NextToken": page.next_token}))
}
