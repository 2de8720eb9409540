//! Reads the API server's audit log and counts who wrote what.
//!
//! The log holds one JSON object a line, written when a request is answered: a client may see the answer a moment
//! before the line is there, so counts are waited for, not read once.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Error;
use crate::process::read_from;

/// The audit log, read from a position onwards.
#[derive(Debug, Clone)]
pub struct AuditLog {
    path: PathBuf,
    start: u64,
}

/// One answered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedRequest {
    /// As authenticated, such as `system:serviceaccount:kube-system:virtual-node`.
    pub user: String,
    /// `create`, `update`, `patch`, `delete`, `deletecollection`, `get`, `list`, `watch`.
    pub verb: String,
    /// The plural, such as `pods`.
    pub resource: String,
    /// Such as `status`; empty for the object itself.
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    /// The status code of the answer.
    pub code: u16,
}

/// What kind of write, and whose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Write {
    pub user: String,
    pub verb: String,
    pub resource: String,
    pub subresource: String,
}

/// How often each kind of write was asked for, refused ones included.
pub type Writes = BTreeMap<Write, usize>;

impl AuditLog {
    /// The whole log, from the cluster's first request.
    pub fn whole(path: &Path) -> Self {
        AuditLog { path: path.to_path_buf(), start: 0 }
    }

    /// What is logged from now on.
    ///
    /// # Errors
    ///
    /// When there is no log.
    pub fn from_now(path: &Path) -> Result<Self, Error> {
        let start = fs::metadata(path).map_err(Error::file("read the audit log", path))?.len();
        Ok(AuditLog { path: path.to_path_buf(), start })
    }

    /// Every request since the position; may be repeated, the position stays.
    ///
    /// # Errors
    ///
    /// When the log can't be read, or a line is not an audit event.
    pub fn requests(&self) -> Result<Vec<AuditedRequest>, Error> {
        let text =
            read_from(&self.path, self.start).map_err(Error::file("read the audit log", &self.path))?;
        parse(&text)
    }

    /// The writes since the position, counted by kind.
    ///
    /// # Errors
    ///
    /// As [`AuditLog::requests`].
    pub fn writes(&self) -> Result<Writes, Error> {
        Ok(count_writes(&self.requests()?))
    }
}

impl AuditedRequest {
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.user, self.verb, self.resource)?;
        if self.subresource.is_empty() { Ok(()) } else { write!(f, "/{}", self.subresource) }
    }
}

/// Counts the writes among requests by kind.
pub fn count_writes(requests: &[AuditedRequest]) -> Writes {
    let mut counts = Writes::new();
    for request in requests.iter().filter(|request| request.is_write()) {
        let AuditedRequest { user, verb, resource, subresource, .. } = request.clone();
        *counts.entry(Write { user, verb, resource, subresource }).or_default() += 1;
    }
    counts
}

/// Reads complete lines; the last one may still be in the writing. Reviews and token requests, which create nothing
/// that is stored, are requests like any other.
fn parse(text: &str) -> Result<Vec<AuditedRequest>, Error> {
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete.lines().filter(|line| !line.is_empty()).map(parse_line).filter_map(Result::transpose).collect()
}

/// `None` for another stage than the answer, and for what concerns no object.
fn parse_line(line: &str) -> Result<Option<AuditedRequest>, Error> {
    let event: Event = serde_json::from_str(line)
        .map_err(|source| Error::Malformed { what: "a line of the audit log".into(), source })?;
    if event.stage != "ResponseComplete" && event.stage != "Panic" {
        return Ok(None);
    }
    Ok(event.object_ref.map(|object| AuditedRequest {
        user: event.user.username,
        verb: event.verb,
        resource: object.resource,
        subresource: object.subresource,
        namespace: object.namespace,
        name: object.name,
        code: event.response_status.code,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    user: User,
    object_ref: Option<ObjectRef>,
    #[serde(default)]
    response_status: ResponseStatus,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ResponseStatus {
    code: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(stage: &str, verb: &str, object: &str, code: u16) -> String {
        format!(
            r#"{{"kind":"Event","stage":"{stage}","verb":"{verb}","user":{{"username":"vk","groups":["a"]}},"objectRef":{object},"responseStatus":{{"metadata":{{}},"code":{code}}}}}"#
        ) + "\n"
    }

    const STATUS: &str =
        r#"{"resource":"pods","namespace":"ns","name":"p","subresource":"status","apiVersion":"v1"}"#;
    const POD: &str = r#"{"resource":"pods","namespace":"ns","name":"p","apiVersion":"v1"}"#;

    fn write(verb: &str, subresource: &str) -> Write {
        Write {
            user: "vk".into(),
            verb: verb.into(),
            resource: "pods".into(),
            subresource: subresource.into(),
        }
    }

    #[test]
    fn writes_are_counted_by_user_verb_resource_and_subresource() {
        let log = [
            event("ResponseComplete", "patch", STATUS, 200),
            event("ResponseComplete", "patch", STATUS, 200),
            event("ResponseComplete", "delete", POD, 200),
            event("ResponseComplete", "get", POD, 200),
            event("ResponseComplete", "watch", POD, 200),
        ]
        .concat();
        let counts = count_writes(&parse(&log).unwrap());
        assert_eq!(counts, Writes::from([(write("patch", "status"), 2), (write("delete", ""), 1)]));
    }

    #[test]
    fn a_refused_write_counts_and_shows_its_code() {
        let requests = parse(&event("ResponseComplete", "patch", STATUS, 422)).unwrap();
        assert_eq!(requests[0].code, 422);
        assert_eq!(count_writes(&requests)[&write("patch", "status")], 1);
    }

    #[test]
    fn a_request_counts_once_whatever_stages_are_logged() {
        let log = [
            event("RequestReceived", "create", POD, 0),
            event("ResponseStarted", "create", POD, 0),
            event("ResponseComplete", "create", POD, 201),
        ]
        .concat();
        assert_eq!(parse(&log).unwrap().len(), 1);
    }

    #[test]
    fn the_line_being_written_is_left_for_the_next_look() {
        let whole = event("ResponseComplete", "create", POD, 201);
        let log = format!("{whole}{}", &whole[..40]);
        assert_eq!(parse(&log).unwrap().len(), 1);
        assert_eq!(parse(&whole[..40]).unwrap(), []);
    }

    #[test]
    fn a_line_that_is_no_event_is_an_error() {
        assert!(parse("something else\n").is_err());
    }

    #[test]
    fn a_kind_of_write_prints_as_one_reads_it() {
        assert_eq!(write("patch", "status").to_string(), "vk patch pods/status");
        assert_eq!(write("delete", "").to_string(), "vk delete pods");
    }
}
