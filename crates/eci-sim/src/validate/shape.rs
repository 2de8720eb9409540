//! Checks a request against the published table: names, list positions, types, what is required.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::params::Parameters;
use crate::schema::{Action, Kind, position, schema};

/// Parameters of the protocol, which every action takes and no action's table lists.
const COMMON: &[&str] = &[
    "Action",
    "Version",
    "Format",
    "AccessKeyId",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "SignatureNonce",
    "SignatureType",
    "Timestamp",
    "SecurityToken",
    "BearerToken",
    "RegionId",
];

pub(crate) fn is_common(name: &str) -> bool {
    name != "RegionId" && COMMON.contains(&name)
}

pub(crate) fn check(checker: &mut Checker<'_>, action: &str, table: &Action, parameters: &Parameters) {
    for (name, value) in parameters {
        match table.parameter(name) {
            Some(parameter) => check_type(checker, name, value, parameter.kind),
            None if !checker.rules.strict || COMMON.contains(&name.as_str()) => {}
            None => checker.invalid(name, format!("{action} has no such parameter")),
        }
    }
    let lists = Lists::of(table, parameters);
    lists.check_gaps(checker);
    for (pattern, row) in &table.request {
        if row.required {
            check_required(checker, pattern, &lists, parameters);
        }
    }
}

/// The parameters without those whose value is the text `None` where none of text is wanted; `None` when there are none.
pub(crate) fn without_none(action: &str, parameters: &Parameters) -> Option<Parameters> {
    let table = schema().action(action)?;
    let is_none = |name: &str, value: &str| {
        value == "None"
            && table.parameter(name).is_some_and(|row| !matches!(row.kind, Kind::String | Kind::Map))
    };
    let has_any = parameters.iter().any(|(name, value)| is_none(name, value));
    let kept = || parameters.iter().filter(|(name, value)| !is_none(name, value));
    has_any.then(|| kept().map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn check_type(checker: &mut Checker<'_>, name: &str, value: &str, kind: Kind) {
    let (fits, expected) = match kind {
        Kind::String | Kind::Map => (true, "a text"),
        Kind::Struct => (false, "a structure without a value of its own"),
        Kind::Boolean => {
            (value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"), "true or false")
        }
        Kind::Float => (value.parse::<f64>().is_ok_and(f64::is_finite), "a number"),
        Kind::Int32 => (value.parse::<i32>().is_ok(), "an integer of 32 bits"),
        Kind::Int64 | Kind::Integer => (value.parse::<i64>().is_ok(), "an integer"),
    };
    if !fits {
        checker.invalid(name, format!("must be {expected}"));
    }
}

/// Which positions each list of the request has: `Container` → {1, 2}.
struct Lists(BTreeMap<String, BTreeSet<usize>>);

impl Lists {
    fn of(table: &Action, parameters: &Parameters) -> Self {
        let mut lists: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for name in parameters.keys().filter(|name| table.parameter(name).is_some()) {
            let mut prefix = String::new();
            for segment in name.split('.') {
                if let Some(position) = position(segment) {
                    lists.entry(prefix.clone()).or_default().insert(position);
                }
                if !prefix.is_empty() {
                    prefix.push('.');
                }
                prefix.push_str(segment);
            }
        }
        Self(lists)
    }

    fn check_gaps(&self, checker: &mut Checker<'_>) {
        for (list, positions) in &self.0 {
            if let Some(missing) = (1..=positions.len()).find(|position| !positions.contains(position)) {
                checker.invalid(format!("{list}.{missing}"), "list positions run from 1 without gaps");
            }
        }
    }

    fn positions(&self, list: &str) -> impl Iterator<Item = usize> {
        self.0.get(list).into_iter().flatten().copied()
    }
}

/// Reports each instance of a required pattern that is absent: `Container.N.Name` for every container there is.
fn check_required(checker: &mut Checker<'_>, pattern: &str, lists: &Lists, parameters: &Parameters) {
    let segments: Vec<&str> = pattern.split('.').collect();
    let (last, parents) = segments.split_last().expect("splitting a text yields at least one segment");
    let mut instances = vec![String::new()];
    for segment in parents {
        instances = instances.into_iter().flat_map(|prefix| children(&prefix, segment, lists)).collect();
    }
    for prefix in instances {
        let name = join(&prefix, last);
        let present = match *last {
            "N" => lists.positions(&prefix).next().is_some(),
            _ => {
                parameters.get(&name).is_some_and(|value| !value.is_empty()) || has_members(&name, parameters)
            }
        };
        if !present {
            let message = format!("the parameter {name} is mandatory");
            checker.report(name, "MissingParameter", message);
        }
    }
}

fn children(prefix: &str, segment: &str, lists: &Lists) -> Vec<String> {
    match segment {
        "N" => lists.positions(prefix).map(|position| join(prefix, &position.to_string())).collect(),
        _ => vec![join(prefix, segment)],
    }
}

fn join(prefix: &str, segment: &str) -> String {
    if prefix.is_empty() { segment.to_owned() } else { format!("{prefix}.{segment}") }
}

fn has_members(name: &str, parameters: &Parameters) -> bool {
    let prefix = format!("{name}.");
    parameters.range(prefix.clone()..).next().is_some_and(|(member, _)| member.starts_with(&prefix))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{create_with, problems};
    use super::super::validate_parameters;

    #[test]
    fn an_unknown_parameter_is_a_problem_only_in_strict_mode() {
        let change = [("Container.1.StartupProbe.TcpSocket.Port", "80")];
        assert_eq!(problems(&change), ["Container.1.StartupProbe.TcpSocket.Port InvalidParameter"]);
        assert!(validate_parameters("CreateContainerGroup", &create_with(&change), false).is_ok());
    }

    #[test]
    fn a_renamed_parameter_is_unknown_and_the_real_one_missing() {
        let found = problems(&[("Container.1.Image", ""), ("Container.1.Images", "nginx")]);
        assert_eq!(found, ["Container.1.Images InvalidParameter", "Container.1.Image MissingParameter"]);
    }

    #[test]
    fn every_container_needs_its_required_members() {
        let found = problems(&[("Container.2.Name", "second")]);
        assert_eq!(found, ["Container.2.Image MissingParameter"]);
    }

    #[test]
    fn a_create_without_containers_misses_the_list() {
        let found = problems(&[("Container.1.Name", ""), ("Container.1.Image", "")]);
        assert_eq!(found, ["Container.N MissingParameter"]);
    }

    #[test]
    fn list_positions_have_no_gaps() {
        let found = problems(&[("Container.1.Arg.1", "a"), ("Container.1.Arg.3", "c")]);
        assert_eq!(found, ["Container.1.Arg.2 InvalidParameter"]);
    }

    #[test]
    fn values_have_the_type_of_the_table() {
        for (name, wrong, right) in [
            ("Container.1.Tty", "yes", "True"),
            ("Cpu", "two", "2.0"),
            ("Container.1.Gpu", "1.5", "1"),
            ("TerminationGracePeriodSeconds", "30s", "30"),
            ("Container.1.SecurityContext", "x", ""),
        ] {
            let found = problems(&[(name, wrong)]);
            assert!(found.contains(&format!("{name} InvalidParameter")), "{name}={wrong}: {found:?}");
            let found = problems(&[(name, right)]);
            assert!(!found.contains(&format!("{name} InvalidParameter")), "{name}={right}: {found:?}");
        }
    }

    #[test]
    fn the_common_parameters_of_a_signed_request_are_no_problem() {
        let found =
            problems(&[("Action", "CreateContainerGroup"), ("SignatureNonce", "n"), ("Format", "JSON")]);
        assert_eq!(found, Vec::<String>::new());
    }
}
