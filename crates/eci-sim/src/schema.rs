//! Reads the table of actions and parameters that the cloud's published metadata gives (`api.json`).
//!
//! The table is the only thing that decides which parameters exist, what type they have and which are
//! required, so that a mistake in a client's model of the API cannot be repeated here. Limits that the
//! metadata lacks are in [`crate::validate`].

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The whole API: every action the cloud knows, carried by this simulator or not.
#[derive(Debug, Deserialize)]
pub(crate) struct Schema {
    pub(crate) version: String,
    actions: BTreeMap<String, Action>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Action {
    /// HTTP methods by which the action may be called.
    pub(crate) methods: Vec<String>,
    /// Parameters by pattern: `Container.N.Name`, where `N` stands for a position counted from 1.
    pub(crate) request: BTreeMap<String, Parameter>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Parameter {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Carries no value itself, only members.
    Struct,
    /// Members with free names: `DataSource.Options.<key>`.
    Map,
    String,
    Boolean,
    Float,
    Int32,
    Int64,
    /// An integer whose width the metadata does not tell.
    Integer,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../api.json")).expect("the embedded api.json fits these types")
});

/// The schema, parsed on first use.
pub(crate) fn schema() -> &'static Schema {
    &SCHEMA
}

impl Schema {
    pub(crate) fn action(&self, name: &str) -> Option<&Action> {
        self.actions.get(name)
    }

    pub(crate) fn action_names(&self) -> impl Iterator<Item = &str> {
        self.actions.keys().map(String::as_str)
    }
}

impl Action {
    /// The row for a parameter as it travels: `Container.2.Name` finds `Container.N.Name`.
    pub(crate) fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.request.get(&pattern_of(name)).or_else(|| self.map_of(name))
    }

    fn map_of(&self, name: &str) -> Option<&Parameter> {
        self.request.iter().find_map(|(pattern, parameter)| {
            let key = name.strip_prefix(pattern.as_str())?.strip_prefix('.')?;
            (parameter.kind == Kind::Map && !key.is_empty()).then_some(parameter)
        })
    }
}

/// `Container.2.Port.1.Port` becomes `Container.N.Port.N.Port`.
pub(crate) fn pattern_of(name: &str) -> String {
    let segments: Vec<&str> =
        name.split('.').map(|segment| if position(segment).is_some() { "N" } else { segment }).collect();
    segments.join(".")
}

/// A list position: decimal, counted from 1, without leading zeros.
pub(crate) fn position(segment: &str) -> Option<usize> {
    let digits = !segment.starts_with('0') && segment.bytes().all(|byte| byte.is_ascii_digit());
    if digits { segment.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_holds_every_action() {
        assert_eq!(schema().actions.len(), 36);
        assert_eq!(schema().version, "2018-08-08");
    }

    #[test]
    fn numbered_names_find_their_pattern() {
        let create = schema().action("CreateContainerGroup").unwrap();
        assert_eq!(create.parameter("Container.12.Port.3.Port").unwrap().kind, Kind::Integer);
        assert!(create.parameter("Container.0.Name").is_none(), "positions count from 1");
        assert!(create.parameter("Container.01.Name").is_none(), "positions have no leading zero");
    }

    #[test]
    fn a_map_takes_free_keys() {
        let create = schema().action("CreateDataCache").unwrap();
        assert_eq!(create.parameter("DataSource.Options.repoId").unwrap().kind, Kind::Map);
        assert_eq!(create.parameter("DataSource.Options.#repo.id").unwrap().kind, Kind::Map);
    }
}
