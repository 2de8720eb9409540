//! What an identity may do: lists of actions, or a policy as RAM takes it. A denial beats every permission.

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::wildcard;

/// What is permitted to an identity. The default is the account itself: everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// Actions that are allowed, `eci:Describe*` or `Describe*`; everything when there is neither this nor a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// Actions that are denied.
    #[serde(default)]
    pub deny: Vec<String>,
    /// A policy document; what none of its statements allows is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// A RAM policy document. Conditions are not carried, and refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Policy {
    pub version: String,
    pub statement: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Statement {
    pub effect: Effect,
    #[serde(deserialize_with = "one_or_several")]
    pub action: Vec<String>,
    #[serde(deserialize_with = "one_or_several")]
    pub resource: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    Allow,
    Deny,
}

/// A text, or a list of texts.
pub(crate) fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Texts;
    impl<'de> Visitor<'de> for Texts {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut texts = Vec::new();
            while let Some(text) = items.next_element()? {
                texts.push(text);
            }
            Ok(texts)
        }
    }
    deserializer.deserialize_any(Texts)
}

impl Permissions {
    /// Whether the action is permitted on anything at all.
    pub(crate) fn permit_somewhere(&self, action: &str) -> bool {
        let statements = self.policy.iter().flat_map(|policy| &policy.statement);
        let allowed = statements.filter(|statement| statement.effect == Effect::Allow);
        let mut resources = allowed.flat_map(|statement| &statement.resource);
        self.permit(action, "*") || resources.any(|resource| self.permit(action, resource))
    }

    /// Whether the action is permitted on the resource, an ARN.
    pub(crate) fn permit(&self, action: &str, resource: &str) -> bool {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| names(pattern, action));
        let statements = |effect: Effect| {
            let all = self.policy.iter().flat_map(|policy| &policy.statement);
            all.filter(move |statement| statement.effect == effect).any(|statement| {
                named(&statement.action)
                    && statement.resource.iter().any(|pattern| wildcard::matches(pattern, resource))
            })
        };
        let is_owner = self.allow.is_none() && self.policy.is_none();
        let is_allowed = is_owner || self.allow.as_deref().is_some_and(named) || statements(Effect::Allow);
        is_allowed && !named(&self.deny) && !statements(Effect::Deny)
    }
}

/// Whether a pattern, with or without the product before it, speaks of an action.
fn names(pattern: &str, action: &str) -> bool {
    match pattern.split_once(':') {
        Some((product, pattern)) => {
            wildcard::matches(&product.to_ascii_lowercase(), "eci") && wildcard::matches(pattern, action)
        }
        None => wildcard::matches(pattern, action),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn may(permissions: &Value, action: &str) -> bool {
        let permissions: Permissions = serde_json::from_value(permissions.clone()).unwrap();
        permissions.permit(action, "acs:eci:cn-hangzhou:default:containergroup/eci-1")
    }

    #[test]
    fn nothing_said_is_everything_allowed() {
        assert!(may(&json!({}), "CreateContainerGroup"));
    }

    #[test]
    fn a_list_of_allowed_actions_allows_those_alone_reads_too() {
        let reader = json!({"allow": ["eci:Describe*", "ListUsage"]});
        for (action, permitted) in [
            ("DescribeContainerGroups", true),
            ("ListUsage", true),
            ("ListTagResources", false),
            ("CreateContainerGroup", false),
        ] {
            assert_eq!(may(&reader, action), permitted, "{action}");
        }
        assert!(!may(&json!({"allow": []}), "DescribeRegions"));
        assert!(!may(&json!({"allow": ["ecs:*"]}), "DescribeRegions"), "another product");
        assert!(may(&json!({"allow": ["*:*"]}), "DescribeRegions"));
    }

    #[test]
    fn a_denial_beats_every_permission() {
        let both = json!({"allow": ["*"], "deny": ["Delete*"]});
        assert!(may(&both, "CreateContainerGroup") && !may(&both, "DeleteContainerGroup"));
        let policy = json!({"policy": {"Version": "1", "Statement": [
            {"Effect": "Allow", "Action": "eci:*", "Resource": "*"},
            {"Effect": "Deny", "Action": ["eci:Delete*", "eci:Update*"], "Resource": ["*"]},
        ]}});
        assert!(may(&policy, "CreateContainerGroup") && !may(&policy, "DeleteContainerGroup"));
        assert!(!may(&policy, "UpdateContainerGroup"));
    }

    #[test]
    fn a_statement_speaks_of_its_resources_alone() {
        let of = |resource: &str| {
            json!({"policy": {"Version": "1", "Statement": [
                {"Effect": "Allow", "Action": "eci:DeleteContainerGroup", "Resource": resource},
            ]}})
        };
        assert!(may(&of("acs:eci:*:*:containergroup/*"), "DeleteContainerGroup"));
        assert!(may(&of("acs:eci:cn-hangzhou:*:containergroup/eci-1"), "DeleteContainerGroup"));
        assert!(!may(&of("acs:eci:*:*:containergroup/eci-2"), "DeleteContainerGroup"));
        assert!(!may(&of("acs:eci:*:*:containergroup/*"), "CreateContainerGroup"), "nothing else is allowed");
    }

    #[test]
    fn what_is_not_carried_is_refused() {
        let conditional = json!({"policy": {"Version": "1", "Statement": [
            {"Effect": "Allow", "Action": "eci:*", "Resource": "*", "Condition": {"Bool": {}}},
        ]}});
        let problem = serde_json::from_value::<Permissions>(conditional).unwrap_err().to_string();
        assert!(problem.contains("Condition"), "{problem}");
        assert!(serde_json::from_value::<Permissions>(json!({"alow": []})).is_err());
    }
}
