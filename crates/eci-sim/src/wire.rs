//! Reads a request as it travels: decoded parameters, headers, what names the action.

use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::params::Parameters;
use crate::validate::is_common;

/// A request as the HTTP layer hands it over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The query as it came, still encoded.
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) peer: String,
}

/// A request taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) action: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) wants_xml: bool,
    /// What the action is called with: query and form without the protocol's own parameters.
    pub(crate) parameters: Arc<Parameters>,
}

impl Call {
    pub(crate) fn read(request: &Request) -> Self {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &request.headers {
            headers
                .entry(name.clone())
                .and_modify(|all| *all = format!("{all},{value}"))
                .or_insert(value.clone());
        }
        let query = decode_pairs(&request.query);
        let is_form = headers.get("content-type").is_some_and(|kind| {
            kind.trim().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
        });
        let form = if is_form { decode_pairs(&String::from_utf8_lossy(&request.body)) } else { Vec::new() };
        let all = || query.iter().chain(&form);
        let named = |name: &str| all().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let action = headers.get("x-acs-action").cloned().or_else(|| named("Action"));
        let version = headers.get("x-acs-version").cloned().or_else(|| named("Version"));
        let wants_xml = named("Format").is_some_and(|format| format.eq_ignore_ascii_case("XML"));
        let parameters: Parameters = all().filter(|(name, _)| !is_common(name)).cloned().collect();
        Self {
            method: request.method.clone(),
            path: request.path.clone(),
            headers,
            query,
            form,
            body: request.body.clone(),
            action,
            version,
            wants_xml,
            parameters: Arc::new(parameters),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// A parameter of the protocol (V1 sends them beside the action's own).
    pub(crate) fn common(&self, name: &str) -> Option<&str> {
        self.query.iter().chain(&self.form).find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Decodes `a=b&c=d`, in the order it came.
pub(crate) fn decode_pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The encoding that signatures are computed over: everything but letters, digits and `-_.~`.
pub(crate) fn percent_encode(text: &str) -> String {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_and_form_are_one_set_of_parameters() {
        let call = Call::read(&Request {
            query: "Action=DeleteContainerGroup&RegionId=cn-hangzhou".into(),
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded; charset=utf-8".into())],
            body: b"ContainerGroupId=eci-1&Format=xml".to_vec(),
            ..Request::default()
        });
        assert_eq!(call.action.as_deref(), Some("DeleteContainerGroup"));
        assert!(call.wants_xml);
        assert_eq!(call.parameters.keys().collect::<Vec<_>>(), ["ContainerGroupId", "RegionId"]);
    }

    #[test]
    fn a_body_of_another_type_holds_no_parameters() {
        let call = Call::read(&Request { body: b"ContainerGroupId=eci-1".to_vec(), ..Request::default() });
        assert!(call.parameters.is_empty());
    }

    #[test]
    fn encoding_and_decoding_agree() {
        let text = "a b+c*d~e/é%";
        assert_eq!(percent_encode(text), "a%20b%2Bc%2Ad~e%2F%C3%A9%25");
        assert_eq!(decode_pairs(&format!("k={}", percent_encode(text))), [("k".to_owned(), text.to_owned())]);
    }
}
