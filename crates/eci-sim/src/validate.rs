//! Checks the parameters of a request: against the published table, then against the documented limits.
//!
//! A pure function of the request. What needs to know other groups (an address that is taken, a client
//! token that was used) is checked where the action is carried out. All problems are reported, the first
//! of them decides the answer. No message repeats a value that may be a secret.

mod container;
mod create;
mod queries;
mod resources;
mod shape;
mod volume;

pub(crate) use create::{size_of, specs_of};
pub(crate) use shape::{is_common, without_none};

use crate::params::{Node, Parameters};
use crate::schema::schema;
use crate::settings::{CommandLimits, FileMode, SinceSecondBounds};

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The full name of the parameter, `Container.2.Port.1.Port`.
    pub parameter: String,
    /// The cloud's code for it, `InvalidParameter.LengthExceeded`.
    pub code: &'static str,
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.parameter, self.code, self.message)
    }
}

/// What the checks depend on besides the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// A parameter that the table does not know is a problem, instead of being ignored.
    pub(crate) strict: bool,
    pub(crate) command_limits: CommandLimits,
    pub(crate) file_mode: FileMode,
    pub(crate) since_second_bounds: SinceSecondBounds,
}

/// Checks the parameters of `action` as the cloud would, under the default switches.
///
/// The common parameters of a signed request (`Action`, `Version`, `Signature`, …) may be present or not.
/// With `strict`, a parameter that the published table does not know is a problem; the cloud ignores it.
///
/// # Errors
/// Every problem found, in a stable order.
pub fn validate_parameters(action: &str, parameters: &Parameters, strict: bool) -> Result<(), Vec<Problem>> {
    let settings = crate::settings::Settings { strict, ..Default::default() };
    validate(action, parameters, &settings.rules())
}

pub(crate) fn validate(action: &str, parameters: &Parameters, rules: &Rules) -> Result<(), Vec<Problem>> {
    let mut checker = Checker { rules, problems: Vec::new() };
    let Some(table) = schema().action(action) else {
        checker.report("Action", "InvalidAction.NotFound", format!("the API has no action {action:?}"));
        return Err(checker.problems);
    };
    shape::check(&mut checker, action, table, parameters);
    let root = Node::root(parameters);
    checker.client_token(&root);
    match action {
        "CreateContainerGroup" => create::check(&mut checker, &root),
        "DescribeContainerGroups" => queries::describe_groups(&mut checker, &root),
        "DescribeContainerGroupStatus" => queries::describe_status(&mut checker, &root),
        "DescribeContainerGroupEvents" => queries::describe_events(&mut checker, &root),
        "UpdateContainerGroup" => queries::update(&mut checker, &root),
        "DescribeContainerLog" => queries::describe_log(&mut checker, &root),
        _ => resources::check(&mut checker, action, &root),
    }
    if checker.problems.is_empty() { Ok(()) } else { Err(checker.problems) }
}

/// Collects problems; its methods are the kinds of limits the documentation uses.
pub(crate) struct Checker<'r> {
    rules: &'r Rules,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn report(&mut self, parameter: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.problems.push(Problem { parameter: parameter.into(), code, message: message.into() });
    }

    fn invalid(&mut self, parameter: impl Into<String>, message: impl Into<String>) {
        self.report(parameter, "InvalidParameter", message);
    }

    /// The member is there and not empty.
    fn required(&mut self, node: &Node<'_>, name: &str) {
        if node.text(name).is_none_or(str::is_empty) {
            let parameter = node.path_of(name);
            let message = format!("the parameter {parameter} is mandatory");
            self.report(parameter, "MissingParameter", message);
        }
    }

    /// At most `max` elements.
    fn at_most(&mut self, node: &Node<'_>, list: &str, max: usize) {
        let count = node.items(list).len();
        if count > max {
            let parameter = format!("{}.N", node.path_of(list));
            self.report(
                parameter,
                "InvalidParameter.ValueExceeded",
                format!("{count} items, at most {max} are allowed"),
            );
        }
    }

    /// Characters of a text, counted as Unicode scalar values.
    fn length(&mut self, node: &Node<'_>, name: &str, min: usize, max: usize) {
        let Some(text) = node.text(name) else { return };
        let length = text.chars().count();
        let parameter = node.path_of(name);
        if length > max {
            let message = format!("{length} characters, at most {max} are allowed");
            self.report(parameter, "InvalidParameter.LengthExceeded", message);
        } else if length < min {
            self.invalid(parameter, format!("{length} characters, at least {min} are needed"));
        }
    }

    fn one_of(&mut self, node: &Node<'_>, name: &str, allowed: &[&str]) {
        if let Some(text) = node.text(name)
            && !allowed.contains(&text)
        {
            self.invalid(node.path_of(name), format!("must be one of {}", allowed.join(", ")));
        }
    }

    fn between(&mut self, node: &Node<'_>, name: &str, min: i64, max: i64) {
        // The table itself says of most that they are numbers; some are texts there.
        if let Some(text) = node.text(name).filter(|text| !text.is_empty() && text.parse::<f64>().is_err()) {
            return self.invalid(node.path_of(name), format!("{text:?} is no number"));
        }
        if let Some(number) = node.number::<i64>(name)
            && !(min..=max).contains(&number)
        {
            let message = format!("{number} is not between {min} and {max}");
            self.report(node.path_of(name), "InvalidParameter.ValueExceeded", message);
        }
    }

    fn address(&mut self, node: &Node<'_>, name: &str) {
        if let Some(text) = node.text(name)
            && text.parse::<std::net::IpAddr>().is_err()
        {
            self.invalid(node.path_of(name), format!("{text:?} is not an IP address"));
        }
    }

    /// One or several vSwitches, comma separated.
    fn v_switches(&mut self, root: &Node<'_>) {
        let Some(list) = root.text("VSwitchId").filter(|list| !list.is_empty()) else { return };
        let ids: Vec<&str> = list.split(',').map(str::trim).collect();
        if ids.len() > 10 {
            self.report("VSwitchId", "InvalidParameter.ValueExceeded", "at most 10 vSwitches are allowed");
        }
        if ids.contains(&"") {
            self.invalid("VSwitchId", "one of the ids between the commas is empty");
        }
    }

    fn client_token(&mut self, root: &Node<'_>) {
        self.length(root, "ClientToken", 1, 64);
        if root.text("ClientToken").is_some_and(|token| !token.is_ascii()) {
            self.invalid("ClientToken", "must be ASCII");
        }
    }

    /// Tags as they are set (`max` 20) or searched for (`max` 10).
    fn tags(&mut self, root: &Node<'_>, max: usize) {
        self.at_most(root, "Tag", max);
        let mut seen = std::collections::BTreeSet::new();
        for tag in root.items("Tag") {
            self.required(tag, "Key");
            self.length(tag, "Key", 0, 64);
            self.length(tag, "Value", 0, 128);
            let key = tag.text("Key").unwrap_or_default();
            if key.starts_with("aliyun") || key.starts_with("acs:") {
                self.invalid(tag.path_of("Key"), "must not begin with aliyun or acs:");
            }
            if key.contains("http://") || key.contains("https://") {
                self.invalid(tag.path_of("Key"), "must not contain http:// or https://");
            }
            if tag.text("Value").is_some_and(|value| value.starts_with("acs:")) {
                self.invalid(tag.path_of("Value"), "must not begin with acs:");
            }
            if !key.is_empty() && !seen.insert(key) {
                self.invalid(tag.path_of("Key"), format!("the key {key:?} is given twice"));
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The smallest create that passes, changed by `changes`; an empty value removes the parameter.
    pub(crate) fn create_with(changes: &[(&str, &str)]) -> Parameters {
        let mut parameters: Parameters = [
            ("RegionId", "cn-hangzhou"),
            ("ContainerGroupName", "web"),
            ("Container.1.Name", "nginx"),
            ("Container.1.Image", "nginx:1.27"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        for (name, value) in changes {
            if value.is_empty() {
                parameters.remove(*name);
            } else {
                parameters.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        parameters
    }

    /// Problems of a create as `parameter code`, in order.
    pub(crate) fn problems(changes: &[(&str, &str)]) -> Vec<String> {
        match validate_parameters("CreateContainerGroup", &create_with(changes), true) {
            Ok(()) => Vec::new(),
            Err(problems) => problems.into_iter().map(|p| format!("{} {}", p.parameter, p.code)).collect(),
        }
    }

    #[test]
    fn the_smallest_create_passes() {
        assert_eq!(problems(&[]), Vec::<String>::new());
    }

    #[test]
    fn an_action_the_api_lacks_is_reported() {
        let problems = validate_parameters("DeleteContainerGroups", &Parameters::new(), true).unwrap_err();
        assert_eq!(problems[0].code, "InvalidAction.NotFound");
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let found =
            problems(&[("ContainerGroupName", "-Web"), ("RestartPolicy", "Sometimes"), ("Cpu", "many")]);
        assert_eq!(
            found,
            ["Cpu InvalidParameter", "ContainerGroupName InvalidParameter", "RestartPolicy InvalidParameter"]
        );
    }

    #[test]
    fn a_client_token_has_at_most_64_ascii_characters() {
        assert_eq!(problems(&[("ClientToken", &"a".repeat(64))]), Vec::<String>::new());
        assert_eq!(
            problems(&[("ClientToken", &"a".repeat(65))]),
            ["ClientToken InvalidParameter.LengthExceeded"]
        );
        assert_eq!(problems(&[("ClientToken", "schlüssel")]), ["ClientToken InvalidParameter"]);
    }

    #[test]
    fn tags_follow_their_rules() {
        let cases = [
            (("Tag.1.Key", "aliyun-x"), "Tag.1.Key InvalidParameter"),
            (("Tag.1.Key", "acs:x"), "Tag.1.Key InvalidParameter"),
            (("Tag.1.Key", "see http://x"), "Tag.1.Key InvalidParameter"),
            (("Tag.1.Value", "acs:x"), "Tag.1.Value InvalidParameter"),
        ];
        for (change, expected) in cases {
            assert_eq!(problems(&[("Tag.1.Key", "k"), change]), [expected], "{change:?}");
        }
        assert_eq!(problems(&[("Tag.1.Value", "v")]), ["Tag.1.Key MissingParameter"]);
        assert_eq!(problems(&[("Tag.1.Key", "k"), ("Tag.2.Key", "k")]), ["Tag.2.Key InvalidParameter"]);
        let long = "v".repeat(129);
        assert_eq!(
            problems(&[("Tag.1.Key", "k"), ("Tag.1.Value", &long)]),
            ["Tag.1.Value InvalidParameter.LengthExceeded"]
        );
    }

    #[test]
    fn twenty_tags_pass_and_one_more_does_not() {
        let names: Vec<String> = (1..=21).map(|n| format!("Tag.{n}.Key")).collect();
        let tags: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), &name[4..])).collect();
        assert_eq!(problems(&tags[..20]), Vec::<String>::new());
        assert_eq!(problems(&tags), ["Tag.N InvalidParameter.ValueExceeded"]);
    }

    #[test]
    fn messages_do_not_repeat_values_that_may_be_secret() {
        let parameters = create_with(&[
            ("Container.1.EnvironmentVar.1.Key", "PASSWORD"),
            ("Container.1.EnvironmentVar.1.Value", &"hush".repeat(100)),
            ("Volume.1.Name", "v"),
            ("Volume.1.Type", "ConfigFileVolume"),
            ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path", "p"),
            ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content", "hush is not base64"),
        ]);
        let problems = validate_parameters("CreateContainerGroup", &parameters, true).unwrap_err();
        assert_eq!(problems.len(), 2);
        assert!(problems.iter().all(|problem| !problem.to_string().contains("hush")), "{problems:?}");
    }
}
