//! Collects what a translation cannot honour: refusals with their paths, and sentences about what has no effect.

use std::fmt;

use vk_core::Rejection;

/// The place of a field as `kubectl explain` spells it, with indices: `spec.containers[0].ports[1].hostPort`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(String);

impl Path {
    /// The pod's `spec`.
    pub(crate) fn spec() -> Self {
        Self("spec".to_owned())
    }

    /// A member of the object at this place.
    pub(crate) fn field(&self, name: &str) -> Self {
        Self(format!("{self}.{name}"))
    }

    /// An element of the list member `name` of the object at this place.
    pub(crate) fn item(&self, name: &str, index: usize) -> Self {
        Self(format!("{self}.{name}[{index}]"))
    }

    /// An entry of the map member `name` of the object at this place.
    pub(crate) fn entry(&self, name: &str, key: &str) -> Self {
        Self(format!("{self}.{name}[{key}]"))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was found so far, in the order it was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rejections: Vec<Rejection>,
    ignored: Vec<Ignored>,
}

/// About so many characters of paths go into one sentence: the message of an Event has 1024 at most.
const PATHS_CHARS: usize = 600;

#[derive(Debug)]
struct Ignored {
    paths: Vec<String>,
    reason: String,
}

impl Report {
    /// The pod cannot run: the field at `path` asks for what cannot be given.
    pub(crate) fn reject(&mut self, path: &Path, reason: impl Into<String>) {
        let rejection = Rejection::new(path.to_string(), reason);
        // What containers inherit from the pod is looked at once for each.
        if !self.rejections.contains(&rejection) {
            self.rejections.push(rejection);
        }
    }

    /// Refuses the member `name` if it is set to anything.
    pub(crate) fn reject_set<T>(&mut self, path: &Path, name: &str, value: Option<&T>, reason: &str) {
        if value.is_some() {
            self.reject(&path.field(name), reason);
        }
    }

    /// Refuses the list member `name` unless it is empty.
    pub(crate) fn reject_any<T>(&mut self, path: &Path, name: &str, list: Option<&Vec<T>>, reason: &str) {
        if list.is_some_and(|list| !list.is_empty()) {
            self.reject(&path.field(name), reason);
        }
    }

    /// Refuses the switch `name` if it is on.
    pub(crate) fn reject_on(&mut self, path: &Path, name: &str, switch: Option<bool>, reason: &str) {
        if switch == Some(true) {
            self.reject(&path.field(name), reason);
        }
    }

    /// The pod runs, but the field at `path` has no effect. Places with one reason share one sentence.
    pub(crate) fn ignore(&mut self, path: impl fmt::Display, reason: impl Into<String>) {
        let (path, reason) = (path.to_string(), reason.into());
        let short =
            |ignored: &&mut Ignored| ignored.paths.iter().map(String::len).sum::<usize>() < PATHS_CHARS;
        match self.ignored.iter_mut().filter(short).find(|ignored| ignored.reason == reason) {
            Some(ignored) if ignored.paths.contains(&path) => {}
            Some(ignored) => ignored.paths.push(path),
            None => self.ignored.push(Ignored { paths: vec![path], reason }),
        }
    }

    /// All refusals, or, where there are none, a sentence for each thing that has no effect.
    pub(crate) fn finish(self) -> Result<Vec<String>, Vec<Rejection>> {
        if !self.rejections.is_empty() {
            return Err(self.rejections);
        }
        Ok(self.ignored.into_iter().map(|it| format!("{}: {}", it.paths.join(", "), it.reason)).collect())
    }
}

/// A list that may be missing, which means the same as an empty one.
pub(crate) fn items<T>(list: Option<&Vec<T>>) -> &[T] {
    list.map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reason_in_several_places_is_one_sentence() {
        let mut report = Report::default();
        report.ignore(Path::spec().field("a"), "no effect");
        report.ignore(Path::spec().field("b"), "other");
        report.ignore(Path::spec().item("c", 1), "no effect");
        assert_eq!(
            report.finish(),
            Ok(vec!["spec.a, spec.c[1]: no effect".to_owned(), "spec.b: other".to_owned()])
        );
    }

    #[test]
    fn sentences_fit_into_events() {
        let mut report = Report::default();
        for index in 0..200 {
            report.ignore(Path::spec().item("containers", index).field("securityContext"), "no effect");
        }
        let sentences = report.finish().unwrap();
        assert!(sentences.iter().all(|sentence| sentence.len() < 1024));
        assert_eq!(sentences.join(" ").matches("securityContext").count(), 200);
    }

    #[test]
    fn all_refusals_are_kept_in_order() {
        let mut report = Report::default();
        report.reject_on(&Path::spec(), "hostPID", Some(true), "no host");
        report.reject_on(&Path::spec(), "hostIPC", Some(false), "no host");
        report.reject_any::<u8>(&Path::spec(), "empty", Some(&vec![]), "none");
        report.reject_set(&Path::spec().entry("limits", "x/y"), "z", Some(&1), "no");
        let paths: Vec<String> = report.finish().unwrap_err().into_iter().map(|it| it.path).collect();
        assert_eq!(paths, ["spec.hostPID", "spec.limits[x/y].z"]);
    }
}
