//! Flattens a structured request into the `Name.N.Field` parameters that travel and are signed.
//!
//! An unset value leaves no parameter; an empty text that *is* set leaves an empty one. Lists count from 1.
//! See [`Flatten`] for the rules of each type and the macro `request!` for how a struct declares its names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Serialize, Serializer};

/// The parameters of one request, sorted by name in byte order, as signing wants them.
///
/// `Debug` shows the names only: a value may be a password, an environment value or a file. Serialising writes
/// everything, for whoever compares requests on purpose.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    by_name: BTreeMap<String, String>,
    /// Which of them are secret.
    secret_names: BTreeSet<String>,
}

impl Parameters {
    /// The value of one parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(String::as_str)
    }

    /// Sets one parameter, in place of any earlier value.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.by_name.insert(name.into(), value.into());
    }

    /// All names and values in byte order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_name.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many parameters there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Whether one of the values is a [`Secret`](super::Secret): such a request never travels in a URL,
    /// which proxies and gateways write to their logs.
    pub fn holds_secret(&self) -> bool {
        !self.secret_names.is_empty()
    }

    /// The secret values.
    #[cfg(feature = "client-core")]
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secret_names.iter().filter_map(|name| self.get(name))
    }

    pub(crate) fn insert_secret(&mut self, name: &str, value: &str) {
        self.secret_names.insert(name.to_owned());
        self.insert(name, value);
    }
}

impl From<Parameters> for BTreeMap<String, String> {
    fn from(parameters: Parameters) -> Self {
        parameters.by_name
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let by_name = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { by_name, secret_names: BTreeSet::new() }
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_name.serialize(serializer)
    }
}

/// The name under construction: `Container.1.EnvironmentVar.2`.
#[derive(Default)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Runs `inner` with `separator` and `part` appended; the very first part gets no separator.
    pub(crate) fn within(&mut self, separator: &str, part: &str, inner: impl FnOnce(&mut Self)) {
        let outer = self.0.len();
        if outer > 0 {
            self.0.push_str(separator);
        }
        self.0.push_str(part);
        inner(self);
        self.0.truncate(outer);
    }
}

/// What a request is made of. Structs implement it through `request!`.
pub(crate) trait Flatten {
    /// Adds this value's parameters under `at`.
    fn flatten(&self, at: &mut Name, into: &mut Parameters);
}

impl<T: Flatten> Flatten for Option<T> {
    fn flatten(&self, at: &mut Name, into: &mut Parameters) {
        if let Some(value) = self {
            value.flatten(at, into);
        }
    }
}

impl<T: Flatten> Flatten for Vec<T> {
    fn flatten(&self, at: &mut Name, into: &mut Parameters) {
        for (item, number) in self.iter().zip(1_usize..) {
            at.within(".", &number.to_string(), |at| item.flatten(at, into));
        }
    }
}

/// A map's keys become the last parts of the names, as they are.
impl<T: Flatten> Flatten for BTreeMap<String, T> {
    fn flatten(&self, at: &mut Name, into: &mut Parameters) {
        for (key, value) in self {
            at.within(".", key, |at| value.flatten(at, into));
        }
    }
}

impl Flatten for super::Secret {
    fn flatten(&self, at: &mut Name, into: &mut Parameters) {
        into.insert_secret(at.as_str(), self.expose());
    }
}

/// Values whose `Display` is their wire form. Floats print without a superfluous `.0`, booleans as `true`/`false`.
macro_rules! flatten_displayed {
    ($($type:ty),* $(,)?) => { $(
        impl $crate::model::parameters::Flatten for $type {
            fn flatten(
                &self,
                at: &mut $crate::model::parameters::Name,
                into: &mut $crate::model::Parameters,
            ) {
                into.insert(at.as_str(), self.to_string());
            }
        }
    )* };
}
pub(crate) use flatten_displayed;

flatten_displayed!(String, bool, i32, i64, f64, jiff::Timestamp, super::FileMode);

/// A list that the API takes as one text, items joined by commas. An empty list is left out.
pub(crate) fn flatten_comma(items: &[String], at: &Name, into: &mut Parameters) {
    if !items.is_empty() {
        into.insert(at.as_str(), items.join(","));
    }
}

/// A list that the API takes as the text of a JSON array. An empty list is left out.
pub(crate) fn flatten_json<T: AsRef<str>>(items: &[T], at: &Name, into: &mut Parameters) {
    if !items.is_empty() {
        let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
        into.insert(at.as_str(), serde_json::Value::from(items).to_string());
    }
}

/// Declares a request struct: each field with the name the API spells it by.
///
/// `comma "Name"` and `json "Name"` mark lists that travel as one text. `joined by ""` makes a struct whose
/// members are glued to its own name without a dot (the life-cycle handlers).
macro_rules! request {
    (@separator) => { "." };
    (@separator $separator:literal) => { $separator };
    (@flatten comma $value:expr, $at:ident, $into:ident) => {
        $crate::model::parameters::flatten_comma($value, $at, $into)
    };
    (@flatten json $value:expr, $at:ident, $into:ident) => {
        $crate::model::parameters::flatten_json($value, $at, $into)
    };
    (@flatten $value:expr, $at:ident, $into:ident) => {
        $crate::model::parameters::Flatten::flatten($value, $at, $into)
    };
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident $(joined by $separator:literal)? {
            $(
                $(#[$field_meta:meta])*
                pub $field:ident: $type:ty = $($how:ident)? $wire:literal
            ),* $(,)?
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl $crate::model::parameters::Flatten for $name {
            fn flatten(
                &self,
                at: &mut $crate::model::parameters::Name,
                into: &mut $crate::model::Parameters,
            ) {
                let separator = $crate::model::parameters::request!(@separator $($separator)?);
                $(
                    at.within(separator, $wire, |at| {
                        $crate::model::parameters::request!(@flatten $($how)? &self.$field, at, into)
                    });
                )*
            }
        }
    )* };
}
pub(crate) use request;
