//! DescribeContainerGroupEvents: the newest events of each group, in the shape of Kubernetes.
//!
//! A paging token is taken and none is given out: the published reply has no place for it.

use serde_json::{Value, json};

use super::status::kubernetes_casing;
use super::{Context, page};
use crate::clock::seconds_text;
use crate::error::ApiError;
use crate::group::{Event, Facts, Group, platform_reason};
use crate::settings::StatusCasing;
use crate::state::Cloud;

pub(super) fn run(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let limit = context.root.number("Limit").unwrap_or(cloud.settings.status_default_limit);
    let page = page::page(cloud, context, limit)?;
    let source = context.parameter("EventSource");
    let groups = page.seqs.iter().filter_map(|seq| cloud.store.get(*seq));
    let data = groups.map(|group| match cloud.settings.status_casing {
        StatusCasing::Declared => self::group(group, source),
        StatusCasing::Kubernetes => kubernetes_casing(self::group(group, source)),
    });
    Ok(json!({"Data": data.collect::<Vec<_>>(), "TotalCount": page.total}))
}

fn group(group: &Group, source: Option<&str>) -> Value {
    let Group { facts, life, .. } = group;
    let events = life.events.iter().filter(|event| source.is_none_or(|source| source == source_of(event)));
    json!({
        "ContainerGroupId": facts.id,
        "Name": facts.name(),
        "Namespace": "default",
        "uuid": facts.id,
        "Annotations": "{}",
        "Events": events.map(|found| event(facts, found)).collect::<Vec<_>>(),
    })
}

fn source_of(event: &Event) -> &'static str {
    if platform_reason(event.reason).is_some() { "EciService" } else { "K8sAgent" }
}

fn event(facts: &Facts, event: &Event) -> Value {
    let component = if source_of(event) == "EciService" { "EciService" } else { "kubelet" };
    json!({
        "Type": if event.is_warning { "Warning" } else { "Normal" },
        "Reason": event.reason,
        "Message": event.message,
        "Count": event.count,
        "FirstTimestamp": seconds_text(event.first),
        "LastTimestamp": seconds_text(event.last),
        "ReportingComponent": component,
        "ReportingInstance": facts.id,
        "Source": {"Component": component, "Host": "eci"},
        "involvedObject": {
            "Kind": "Pod",
            "Name": facts.name(),
            "Namespace": "default",
            "Uid": facts.id,
            "ApiVersion": "v1",
        },
        "Metadata": {
            "Name": format!("{}.{:x}", facts.name(), event.first.as_microsecond()),
            "Namespace": "default",
        },
    })
}
