//! What a fault makes of a reply: values, lists and paging tokens first, the finished text after that.

use serde_json::{Value, json};

use super::{FaultKind, Struck};
use crate::params::Parameters;
use crate::reply::Answer;
use crate::rng::Rng;

/// What a padded reply has more than others, unless told.
const PADDING_BYTES: u64 = 10 * 1024 * 1024;
/// Names whose values are states that a reader decides by.
const STATES: [&str; 3] = ["Status", "Phase", "State"];

/// The reply as the fault wants it.
pub(super) fn reply(struck: &mut Struck, parameters: &Parameters, mut reply: Value) -> Value {
    let asked = &struck.asked;
    match struck.kind {
        FaultKind::WrongTypes => each_value(&mut reply, &asked.fields, &[], &retyped),
        FaultKind::Nulls => each_value(&mut reply, &asked.fields, &[], &|_| Value::Null),
        FaultKind::UnknownValues => each_value(&mut reply, &asked.fields, &STATES, &unheard_of),
        FaultKind::Oversized => {
            let bytes = usize::try_from(asked.bytes.unwrap_or(PADDING_BYTES)).unwrap_or_default();
            reply["Padding"] = json!("x".repeat(bytes));
        }
        FaultKind::EmptyList => {
            lists(&mut reply).for_each(Vec::clear);
            recount(&mut reply);
            end_here(&mut reply);
        }
        FaultKind::PartialList => {
            lists(&mut reply).for_each(|items| items.truncate(kept(items.len(), asked.share.unwrap_or(0.5))));
            recount(&mut reply);
        }
        FaultKind::RepeatedList => {
            lists(&mut reply).for_each(|items| {
                *items = items.iter().flat_map(|item| [item.clone(), item.clone()]).collect();
            });
        }
        FaultKind::ShuffledList => lists(&mut reply).for_each(|items| shuffle(items, &mut struck.rng)),
        FaultKind::TokenLoop => {
            if let (Some(token), Some(next)) = (parameters.get("NextToken"), reply.get_mut("NextToken")) {
                *next = json!(token);
            }
        }
        FaultKind::TokenShift => shift(&mut reply, parameters, struck),
        FaultKind::Stale => {
            let older = struck.earlier.iter().find(|earlier| **earlier != reply);
            reply = older.cloned().unwrap_or(reply);
        }
        _ => {}
    }
    reply
}

/// The finished answer as the fault wants it.
pub(super) fn answer(struck: &Struck, mut answer: Answer) -> Answer {
    match struck.kind {
        FaultKind::MalformedJson => {
            answer.body.pop();
            answer.body.push_str(",,}");
        }
        FaultKind::TruncatedJson => answer.body.truncate(middle(&answer.body)),
        FaultKind::CutBody => answer.cut_at = Some(middle(&answer.body)),
        FaultKind::HtmlPage => {
            answer.content_type = "text/html;charset=utf-8";
            answer.body = page("Welcome");
        }
        _ => {}
    }
    answer
}

/// What stands in front of the service answers by itself.
pub(super) fn gateway(struck: &Struck) -> Answer {
    let status = struck.asked.http_status.unwrap_or(502);
    let title = match status {
        500 => "500 Internal Server Error",
        502 => "502 Bad Gateway",
        503 => "503 Service Temporarily Unavailable",
        504 => "504 Gateway Time-out",
        _ => "The request could not be served",
    };
    let (content_type, body) = match struck.asked.body.unwrap_or_default() {
        GatewayBody::Html => ("text/html", page(title)),
        GatewayBody::Text => ("text/plain", format!("{title}\n")),
        GatewayBody::Empty => ("text/html", String::new()),
    };
    Answer { status, content_type, headers: vec![("server", "Tengine".to_owned())], body, cut_at: None }
}

/// What a gateway puts into its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GatewayBody {
    #[default]
    Html,
    Text,
    Empty,
}

fn page(title: &str) -> String {
    format!("<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>\r\n")
}

/// The lists of a reply: those of its outermost members.
fn lists(reply: &mut Value) -> impl Iterator<Item = &mut Vec<Value>> {
    reply.as_object_mut().into_iter().flat_map(|members| members.values_mut()).filter_map(Value::as_array_mut)
}

/// Makes the count agree with the list, so that nothing hints at what is missing.
fn recount(reply: &mut Value) {
    let count = lists(reply).next().map(|items| items.len());
    if let (Some(count), Some(total)) = (count, reply.get_mut("TotalCount")) {
        *total = json!(count);
    }
}

fn end_here(reply: &mut Value) {
    if let Some(next) = reply.get_mut("NextToken") {
        *next = json!("");
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share between 0 and 1 of a page"
)]
fn kept(count: usize, share: f64) -> usize {
    (count as f64 * share).floor() as usize
}

/// Another order: no item stays where it was.
fn shuffle(items: &mut [Value], rng: &mut Rng) {
    for last in (1..items.len()).rev() {
        let other = rng.below(last as u64);
        items.swap(last, usize::try_from(other).unwrap_or_default());
    }
}

/// Pages after the first lack their first items, or begin with the last ones of the page before.
fn shift(reply: &mut Value, parameters: &Parameters, struck: &Struck) {
    if !parameters.contains_key("NextToken") {
        return;
    }
    let by = struck.asked.shift.unwrap_or_default();
    let count = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
    let before: Vec<Value> = struck
        .earlier
        .last()
        .and_then(|page| page.as_object()?.values().find_map(Value::as_array).cloned())
        .unwrap_or_default();
    let Some(items) = lists(reply).next() else { return };
    if by > 0 {
        items.drain(..count.min(items.len()));
    } else {
        let repeated = before[before.len().saturating_sub(count)..].iter().cloned();
        *items = repeated.chain(items.drain(..)).collect();
    }
}

/// Changes every plain value below `fields` (or `usual` ones where none are named; everything where there are none).
fn each_value(reply: &mut Value, fields: &[String], usual: &[&str], change: &dyn Fn(&Value) -> Value) {
    let wanted = |name: &str| match (fields, usual) {
        ([], []) => true,
        ([], usual) => usual.contains(&name),
        (fields, _) => fields.iter().any(|field| field == name),
    };
    match reply {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::Object(_) | Value::Array(_) => each_value(value, fields, usual, change),
                    plain if wanted(name) => *plain = change(plain),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_value(item, fields, usual, change)),
        _ => {}
    }
}

fn retyped(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(text.len()),
        other => json!(other.to_string()),
    }
}

fn unheard_of(value: &Value) -> Value {
    if value.is_string() { json!("Hibernating") } else { value.clone() }
}

/// The middle of a text, between two characters.
fn middle(text: &str) -> usize {
    (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoilt(asked: Value, parameters: &[(&str, &str)], earlier: Vec<Value>, original: Value) -> Value {
        let asked = serde_json::from_value(asked).unwrap();
        let mut struck = Struck::test(asked, earlier);
        let parameters = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        reply(&mut struck, &parameters, original)
    }

    fn groups() -> Value {
        json!({"Data": [{"Status": "Running", "Count": 1, "Ok": true}, {"Status": "Failed"}], "TotalCount": 2,
            "NextToken": "t"})
    }

    #[test]
    fn values_change_their_type_where_that_is_asked_for() {
        let all = spoilt(json!({"kind": "wrong_types"}), &[], vec![], groups());
        assert_eq!(all["Data"][0], json!({"Status": 7, "Count": "1", "Ok": "true"}));
        let one = spoilt(json!({"kind": "nulls", "fields": ["Count"]}), &[], vec![], groups());
        assert_eq!(one["Data"][0], json!({"Status": "Running", "Count": null, "Ok": true}));
        let unknown = spoilt(json!({"kind": "unknown_values"}), &[], vec![], groups());
        assert_eq!(unknown["Data"][0], json!({"Status": "Hibernating", "Count": 1, "Ok": true}));
    }

    #[test]
    fn lists_lose_and_gain_items() {
        let empty = spoilt(json!({"kind": "empty_list"}), &[], vec![], groups());
        assert_eq!(empty, json!({"Data": [], "TotalCount": 0, "NextToken": ""}));
        let part = spoilt(json!({"kind": "partial_list"}), &[], vec![], groups());
        assert_eq!((part["Data"].as_array().unwrap().len(), &part["TotalCount"]), (1, &json!(1)));
        let twice = spoilt(json!({"kind": "repeated_list"}), &[], vec![], groups());
        assert_eq!(twice["Data"].as_array().unwrap().len(), 4);
        let numbers = json!({"Data": (0..20).collect::<Vec<_>>()});
        let shuffled = spoilt(json!({"kind": "shuffled_list", "seed": 3}), &[], vec![], numbers.clone());
        assert_ne!(shuffled, numbers);
        let mut sorted: Vec<i64> =
            shuffled["Data"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
        sorted.sort_unstable();
        assert_eq!(json!({"Data": sorted}), numbers);
    }

    #[test]
    fn pages_loop_and_shift_after_the_first() {
        let second = [("NextToken", "mine")];
        let shift = |by: i64, parameters: &[(&str, &str)], earlier| {
            let asked = json!({"kind": "token_shift", "shift": by});
            spoilt(asked, parameters, earlier, json!({"Data": [3, 4], "NextToken": "t"}))["Data"].clone()
        };
        let before = || vec![json!({"Data": [1, 2], "NextToken": "mine"})];
        assert_eq!(shift(1, &second, before()), json!([4]));
        assert_eq!(shift(-1, &second, before()), json!([2, 3, 4]));
        assert_eq!(shift(-1, &[], before()), json!([3, 4]));
        assert_eq!(shift(9, &second, before()), json!([]));
        let looping = json!({"kind": "token_loop"});
        assert_eq!(spoilt(looping.clone(), &second, vec![], groups())["NextToken"], "mine");
        assert_eq!(spoilt(looping, &[], vec![], groups())["NextToken"], "t");
    }

    #[test]
    fn a_stale_answer_is_an_earlier_one_that_differs() {
        let stale = |earlier| spoilt(json!({"kind": "stale"}), &[], earlier, json!({"S": 2}));
        assert_eq!(stale(vec![json!({"S": 2}), json!({"S": 1})]), json!({"S": 1}));
        assert_eq!(stale(vec![]), json!({"S": 2}));
    }

    #[test]
    fn the_middle_never_splits_a_character() {
        assert_eq!(middle("é"), 0);
        assert_eq!(middle("aé"), 1);
        assert_eq!(middle("abcd"), 2);
    }
}
