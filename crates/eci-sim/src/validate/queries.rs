//! The documented limits of the actions that read.

use super::Checker;
use crate::params::Node;
use crate::settings::SinceSecondBounds;

/// `ContainerGroupIds` may name this many.
pub(crate) const MAX_IDS: usize = 20;

/// An update carries fewer files than a create.
const MAX_UPDATED_FILES: usize = 16;

pub(super) fn describe_groups(checker: &mut Checker<'_>, root: &Node<'_>) {
    ids(checker, root);
    checker.tags(root, 10);
    checker.between(root, "Limit", 1, 20);
}

pub(super) fn describe_status(checker: &mut Checker<'_>, root: &Node<'_>) {
    ids(checker, root);
    checker.tags(root, 10);
    checker.between(root, "Limit", 1, 200);
    if checker.rules.since_second_bounds == SinceSecondBounds::Refuse {
        checker.between(root, "SinceSecond", 60, 3600);
    }
}

pub(super) fn describe_events(checker: &mut Checker<'_>, root: &Node<'_>) {
    describe_status(checker, root);
    checker.one_of(root, "EventSource", &["EciService", "K8sAgent"]);
}

pub(super) fn update(checker: &mut Checker<'_>, root: &Node<'_>) {
    checker.one_of(root, "UpdateType", &["RenewUpdate", "IncrementalUpdate"]);
    checker.one_of(root, "RestartPolicy", &["Always", "OnFailure", "Never"]);
    checker.tags(root, 20);
    for volume in root.items("Volume") {
        checker.at_most(volume, "ConfigFileVolume.ConfigFileToPath", MAX_UPDATED_FILES);
    }
}

pub(super) fn describe_log(checker: &mut Checker<'_>, root: &Node<'_>) {
    checker.between(root, "Tail", 1, 2000);
    checker.between(root, "SinceSeconds", 0, i64::MAX);
    checker.between(root, "LimitBytes", 1, 1024 * 1024);
    if let Some(text) = root.text("StartTime").filter(|text| !text.is_empty())
        && text.parse::<jiff::Timestamp>().is_err()
    {
        checker.invalid("StartTime", "must be a time as in RFC 3339");
    }
}

fn ids(checker: &mut Checker<'_>, root: &Node<'_>) {
    id_list(checker, root, "ContainerGroupIds");
}

/// Ids as a JSON array in one text.
pub(super) fn id_list(checker: &mut Checker<'_>, root: &Node<'_>, name: &str) {
    let Some(text) = root.text(name).filter(|text| !text.is_empty()) else {
        return;
    };
    match serde_json::from_str::<Vec<String>>(text) {
        Err(_) => checker.invalid(name, "must be a JSON array of texts"),
        Ok(ids) if ids.len() > MAX_IDS => checker.report(
            name,
            "InvalidParameter.ValueExceeded",
            format!("{} ids, at most {MAX_IDS} are allowed", ids.len()),
        ),
        Ok(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::{validate, validate_parameters};
    use crate::params::Parameters;
    use crate::settings::{Settings, SinceSecondBounds};

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        pairs.iter().chain(&[("RegionId", "cn-hangzhou")]).map(|(n, v)| ((*n).into(), (*v).into())).collect()
    }

    fn problems(action: &str, pairs: &[(&str, &str)]) -> Vec<String> {
        match validate_parameters(action, &parameters(pairs), true) {
            Ok(()) => Vec::new(),
            Err(problems) => problems.into_iter().map(|p| format!("{} {}", p.parameter, p.code)).collect(),
        }
    }

    #[test]
    fn ids_are_a_json_array_of_at_most_twenty() {
        let action = "DescribeContainerGroups";
        let many = |count| serde_json::to_string(&vec!["eci-1"; count]).unwrap();
        assert_eq!(problems(action, &[("ContainerGroupIds", &many(20))]), Vec::<String>::new());
        assert_eq!(
            problems(action, &[("ContainerGroupIds", &many(21))]),
            ["ContainerGroupIds InvalidParameter.ValueExceeded"]
        );
        assert_eq!(
            problems(action, &[("ContainerGroupIds", "eci-1")]),
            ["ContainerGroupIds InvalidParameter"]
        );
    }

    #[test]
    fn each_action_has_its_own_page_limit() {
        assert_eq!(
            problems("DescribeContainerGroups", &[("Limit", "21")]),
            ["Limit InvalidParameter.ValueExceeded"]
        );
        assert_eq!(problems("DescribeContainerGroupStatus", &[("Limit", "200")]), Vec::<String>::new());
        assert_eq!(
            problems("DescribeContainerGroupStatus", &[("Limit", "201")]),
            ["Limit InvalidParameter.ValueExceeded"]
        );
    }

    #[test]
    fn the_bounds_of_since_second_hold_only_under_their_switch() {
        let parameters = parameters(&[("SinceSecond", "30")]);
        let passes = |since_second_bounds| {
            let settings = Settings { since_second_bounds, ..Settings::default() };
            validate("DescribeContainerGroupStatus", &parameters, &settings.rules()).is_ok()
        };
        assert!(!passes(SinceSecondBounds::Refuse));
        assert!(passes(SinceSecondBounds::Clamp));
    }

    #[test]
    fn a_filter_takes_ten_tags() {
        let keys: Vec<String> = (1..=11).map(|n| format!("Tag.{n}.Key")).collect();
        let tags: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), key.as_str())).collect();
        assert_eq!(problems("DescribeContainerGroups", &tags[..10]), Vec::<String>::new());
        assert_eq!(problems("DescribeContainerGroups", &tags), ["Tag.N InvalidParameter.ValueExceeded"]);
    }

    #[test]
    fn log_parameters_stay_in_their_range() {
        let log = |name, value| {
            problems(
                "DescribeContainerLog",
                &[("ContainerGroupId", "e"), ("ContainerName", "c"), (name, value)],
            )
        };
        assert_eq!(log("Tail", "2000"), Vec::<String>::new());
        assert_eq!(log("Tail", "2001"), ["Tail InvalidParameter.ValueExceeded"]);
        assert_eq!(log("LimitBytes", "1048577"), ["LimitBytes InvalidParameter.ValueExceeded"]);
        assert_eq!(log("StartTime", "2026-01-02T03:04:05.123456789Z"), Vec::<String>::new());
        assert_eq!(log("StartTime", "yesterday"), ["StartTime InvalidParameter"]);
    }
}
