//! Puts replies and errors into the cloud's shape, as JSON or XML.

use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::settings::UnsetValues;

/// An answer, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// Where in the body the connection is closed.
    pub(crate) cut_at: Option<usize>,
}

/// What every answer of one request has in common.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) request_id: String,
    pub(crate) host_id: String,
    pub(crate) as_xml: bool,
    pub(crate) unset_values: UnsetValues,
}

impl Envelope {
    pub(crate) fn success(&self, action: &str, reply: Value) -> Answer {
        let mut reply = unset(reply, self.unset_values).unwrap_or_else(|| json!({}));
        reply["RequestId"] = json!(self.request_id);
        self.answer(200, &format!("{action}Response"), &reply)
    }

    pub(crate) fn error(&self, error: &ApiError) -> Answer {
        let body = json!({
            "RequestId": self.request_id,
            "HostId": self.host_id,
            "Code": error.code,
            "Message": error.message,
            "Recommend": format!("https://api.alibabacloud.com/troubleshoot?q={}&product=Eci", error.code),
        });
        let mut answer = self.answer(error.status, "Error", &body);
        if let Some(milliseconds) = error.retry_after_ms {
            answer.headers.push(("x-acs-retry-after", milliseconds.to_string()));
        }
        answer
    }

    fn answer(&self, status: u16, root: &str, body: &Value) -> Answer {
        let (content_type, body) = if self.as_xml {
            let mut text = String::from("<?xml version='1.0' encoding='UTF-8'?>");
            write_xml(&mut text, root, body);
            ("text/xml;charset=utf-8", text)
        } else {
            ("application/json;charset=utf-8", body.to_string())
        };
        let headers = vec![("x-acs-request-id", self.request_id.clone())];
        Answer { status, content_type, headers, body, cut_at: None }
    }
}

/// The value with what is not set in it shown as the switch says; `None` when it is to be left out.
fn unset(value: Value, how: UnsetValues) -> Option<Value> {
    let value = match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter_map(|(name, value)| Some((name, unset(value, how)?)));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().filter_map(|item| unset(item, how)).collect()),
        other => other,
    };
    let is_unset = match &value {
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    match how {
        UnsetValues::Omit if is_unset => None,
        UnsetValues::Null if is_unset => Some(Value::Null),
        _ => Some(value),
    }
}

/// Members become elements, items of a list become elements of the list's name.
fn write_xml(text: &mut String, name: &str, value: &Value) {
    if let Value::Array(items) = value {
        items.iter().for_each(|item| write_xml(text, name, item));
        return;
    }
    text.push_str(&format!("<{name}>"));
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| write_xml(text, name, value)),
        Value::String(content) => escape(text, content),
        Value::Null | Value::Array(_) => {}
        other => text.push_str(&other.to_string()),
    }
    text.push_str(&format!("</{name}>"));
}

fn escape(text: &mut String, content: &str) {
    for c in content.chars() {
        match c {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            // XML 1.0 has no way at all to write these, escaped or not.
            '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {
                text.push('\u{fffd}')
            }
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(as_xml: bool, unset_values: UnsetValues) -> Envelope {
        Envelope {
            request_id: "R".into(),
            host_id: "eci.cn-hangzhou.aliyuncs.com".into(),
            as_xml,
            unset_values,
        }
    }

    #[test]
    fn xml_holds_no_character_that_it_cannot() {
        let body = json!({"Content": "\u{1b}[31mred\u{1}\n\t<&>\u{ffff}"});
        let answer = envelope(true, UnsetValues::default()).success("A", body);
        assert!(
            answer.body.contains("\u{fffd}[31mred\u{fffd}\n\t&lt;&amp;&gt;\u{fffd}</Content>"),
            "{}",
            answer.body
        );
    }

    #[test]
    fn an_error_has_the_five_published_members() {
        let answer =
            envelope(false, UnsetValues::Empty).error(&ApiError::new(404, "X.NotFound", "it is not there"));
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let mut members: Vec<&String> = body.as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(members, ["Code", "HostId", "Message", "Recommend", "RequestId"]);
        assert_eq!((answer.status, body["Code"].as_str()), (404, Some("X.NotFound")));
    }

    #[test]
    fn xml_has_the_root_error_and_escapes() {
        let answer = envelope(true, UnsetValues::Empty).error(&ApiError::new(400, "C", "a<b&c"));
        assert!(answer.body.contains("<Error>") && answer.body.contains("<Message>a&lt;b&amp;c</Message>"));
        let answer =
            envelope(true, UnsetValues::Empty).success("DescribeX", json!({"Xs": [{"A": 1}, {"A": 2}]}));
        assert!(answer.body.contains("<Xs><A>1</A></Xs><Xs><A>2</A></Xs>"), "{}", answer.body);
    }

    #[test]
    fn unset_values_are_empty_left_out_or_null() {
        let body = |how| {
            let reply = json!({"Ip": "", "Count": 0, "Last": {"Reason": ""}, "Items": [{"A": ""}]});
            serde_json::from_str::<Value>(&envelope(false, how).success("X", reply).body).unwrap()
        };
        assert_eq!(body(UnsetValues::Empty)["Last"], json!({"Reason": ""}));
        assert_eq!(body(UnsetValues::Omit), json!({"Count": 0, "Items": [], "RequestId": "R"}));
        assert_eq!(body(UnsetValues::Null)["Ip"], Value::Null);
    }
}
