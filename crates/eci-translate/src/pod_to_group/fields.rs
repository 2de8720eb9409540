//! Reads fields of the pod itself: what `fieldRef` and `resourceFieldRef` name.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::Context;
use crate::limits;
use crate::quantity::Amount;

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// Known now.
    Text(String),
    /// The group's address: the cloud fills it in when it starts the container.
    PodIp,
}

/// What an environment variable may refer to; the reason where it may not.
pub(crate) fn of_environment(context: &Context<'_>, field_path: &str) -> Result<Field, String> {
    let placement = context.placement;
    let text = match field_path {
        "spec.nodeName" => context.spec.node_name.clone().unwrap_or_else(|| placement.node_name.clone()),
        "spec.serviceAccountName" => context.spec.service_account_name.clone().unwrap_or_default(),
        "status.hostIP" | "status.hostIPs" => placement.node_ip.clone(),
        // A group has one address: this crate never asks for IPv6.
        "status.podIP" | "status.podIPs" => return Ok(Field::PodIp),
        _ => metadata(context, field_path)?,
    };
    Ok(Field::Text(text))
}

/// What a file of a downwardAPI volume may refer to; the reason where it may not.
pub(crate) fn of_file(context: &Context<'_>, field_path: &str) -> Result<String, String> {
    let metadata_of_pod = &context.pod.metadata;
    match field_path {
        "metadata.labels" => Ok(lines(metadata_of_pod.labels.as_ref())),
        "metadata.annotations" => Ok(lines(metadata_of_pod.annotations.as_ref())),
        _ => metadata(context, field_path),
    }
}

fn metadata(context: &Context<'_>, field_path: &str) -> Result<String, String> {
    let metadata = &context.pod.metadata;
    let entry = |map: Option<&BTreeMap<String, String>>, key: &str| {
        map.and_then(|map| map.get(key)).cloned().unwrap_or_default()
    };
    match (field_path, subscript(field_path)) {
        ("metadata.name", _) => Ok(context.key.name.clone()),
        ("metadata.namespace", _) => Ok(context.key.namespace.clone()),
        ("metadata.uid", _) => Ok(context.key.uid.clone()),
        (_, Some(("metadata.labels", key))) => Ok(entry(metadata.labels.as_ref(), key)),
        (_, Some(("metadata.annotations", key))) => Ok(entry(metadata.annotations.as_ref(), key)),
        _ => Err(format!("there is no field {field_path:?} to refer to here")),
    }
}

/// Splits `metadata.labels['app']` into `metadata.labels` and `app`.
fn subscript(field_path: &str) -> Option<(&str, &str)> {
    field_path.strip_suffix("']")?.split_once("['")
}

/// A map as the kubelet writes it to a file: `key="escaped value"`, a line each, no newline at the end.
fn lines(map: Option<&BTreeMap<String, String>>) -> String {
    let line = |(key, value): (&String, &String)| format!("{key}={}", quoted(value));
    map.into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}

/// The text as Go's `%q` prints it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            c if is_printable(c) => quoted.push(c),
            c if c.is_ascii() => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether Go prints the character as it is.
///
/// Beyond ASCII, `escape_debug` leaves the same characters alone, save for combining marks at the very beginning of a
/// text, which is why the question is asked of one that stands second.
fn is_printable(c: char) -> bool {
    match c.is_ascii() {
        true => c == ' ' || c.is_ascii_graphic(),
        false => format!("a{c}").escape_debug().nth(1) == Some(c),
    }
}

/// The value of a `resourceFieldRef` in a container; the reason where it has none.
pub(crate) fn of_resources(
    context: &Context<'_>,
    container: &corev1::Container,
    selector: &corev1::ResourceFieldSelector,
) -> Result<String, String> {
    let corev1::ResourceFieldSelector { container_name: _, divisor, resource } = selector;
    let unknown = || format!("there is no resource {resource:?} to refer to");
    let (list, name) = resource.split_once('.').ok_or_else(unknown)?;
    let resources = container.resources.as_ref();
    let amount = match list {
        "limits" => {
            quantity(resources.and_then(|it| it.limits.as_ref()), name)?.or(whole_group(context, name))
        }
        "requests" => quantity(resources.and_then(|it| it.requests.as_ref()), name)?,
        _ => return Err(unknown()),
    };
    let known = matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
    if !known {
        return Err(unknown());
    }
    let divisor = match divisor {
        Some(divisor) => Amount::of(divisor).ok_or("the divisor is not a quantity")?,
        None => Amount::default(),
    };
    Ok(divided(amount.unwrap_or_default(), divisor, name).to_string())
}

fn quantity(list: Option<&BTreeMap<String, Quantity>>, name: &str) -> Result<Option<Amount>, String> {
    let Some(quantity) = list.and_then(|list| list.get(name)) else {
        return Ok(None);
    };
    let amount = Amount::of(quantity).ok_or("the container's resource is not a quantity")?;
    Ok(Some(amount).filter(|amount| amount.is_positive()))
}

/// What a container without a limit can use: where the kubelet says what its node has, the group is the node.
fn whole_group(context: &Context<'_>, name: &str) -> Option<Amount> {
    let group = context.demand.group;
    let text = match name {
        "cpu" => format!("{}m", group.cpu_milli),
        "memory" => format!("{}Mi", group.memory_mib),
        "ephemeral-storage" => {
            let extra = context.demand.extra_ephemeral_gib.map_or(0, i64::from);
            format!("{}Gi", limits::FREE_EPHEMERAL_GIB + extra)
        }
        _ => return None,
    };
    Amount::of(&Quantity(text))
}

/// Rounded up. A divisor of 0, which is how the API server stores none, is 1.
fn divided(amount: Amount, divisor: Amount, name: &str) -> i64 {
    let (amount, divisor, one) = match name {
        "cpu" => (amount.in_thousandths(), divisor.in_thousandths(), 1000),
        _ => (amount.in_units_of(1), divisor.in_units_of(1), 1),
    };
    let divisor = if divisor > 0 { divisor } else { one };
    amount / divisor + i64::from(amount % divisor > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::of(&Quantity(text.to_owned())).unwrap()
    }

    /// Values of Kubernetes' own `TestExtractContainerResourceValue` and its documentation.
    #[test]
    fn resources_are_divided_and_rounded_up() {
        let table = [
            ("cpu", "9", "0", 9),
            ("cpu", "8500m", "1", 9),
            ("cpu", "100m", "1m", 100),
            ("cpu", "100m", "0", 1),
            ("memory", "100Mi", "1Mi", 100),
            ("memory", "100Mi", "0", 104_857_600),
            ("memory", "100M", "1Mi", 96),
            ("memory", "0", "1Gi", 0),
        ];
        for (name, value, divisor, expected) in table {
            assert_eq!(divided(amount(value), amount(divisor), name), expected, "{name} {value} / {divisor}");
        }
    }

    #[test]
    fn text_is_quoted_as_go_quotes_it() {
        let table = [
            ("plain é 漢", "\"plain é 漢\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""),
            ("line\nnext\ttab", "\"line\\nnext\\ttab\""),
            ("\u{0}\u{1b}\u{7f}", "\"\\x00\\x1b\\x7f\""),
            ("\u{7}\u{8}\u{b}\u{c}\r", "\"\\a\\b\\v\\f\\r\""),
            ("\u{a0}\u{200b}\u{feff}", "\"\\u00a0\\u200b\\ufeff\""),
            ("\u{e0001}", "\"\\U000e0001\""),
            ("e\u{301}\u{301}", "\"e\u{301}\u{301}\""),
            ("'single'", "\"'single'\""),
            ("", "\"\""),
        ];
        for (text, expected) in table {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn subscripts_keep_whatever_stands_between_the_quotes() {
        assert_eq!(subscript("metadata.labels['app']"), Some(("metadata.labels", "app")));
        assert_eq!(subscript("metadata.annotations['a.b/c']"), Some(("metadata.annotations", "a.b/c")));
        assert_eq!(subscript("metadata.labels"), None);
        assert_eq!(subscript("metadata.labels[app]"), None);
    }
}
