//! Flattens a structured request into the `Name.N.Field` parameters that travel and are signed.
//!
//! An unset value leaves no parameter; an empty text that *is* set leaves an empty one. Lists count from 1.
//! See [`Flatten`] for the rules of each type and the macro `request!` for how a struct declares its names.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use serde::{Serialize, Serializer};

/// The parameters of one request, sorted by name in byte order, as signing wants them.
///
/// `Debug` shows the names only: a value may be a password, an environment value or a file. Serialising writes
/// everything, for whoever compares requests on purpose.
#[derive(Clone, Default)]
pub struct Parameters {
    /// Names and values, one behind the other: a request of hundreds of parameters takes a few allocations.
    text: String,
    /// Sorted by name, each name once.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    name: Span,
    value: Span,
    is_secret: bool,
}

/// Where a name or a value begins and ends.
#[derive(Clone, Copy)]
struct Span(usize, usize);

impl Span {
    #[cfg(feature = "client-core")]
    fn length(self) -> usize {
        self.1 - self.0
    }
}

impl Parameters {
    /// The value of one parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let entry = self.entries[self.position(name).ok()?];
        Some(self.at(entry.value))
    }

    /// Sets one parameter, in place of any earlier value.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        self.set(name.as_ref(), false, |text| text.push_str(value.as_ref()));
    }

    /// All names and values in byte order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (self.at(entry.name), self.at(entry.value)))
    }

    /// How many parameters there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How long they are as `name=value`, joined by `&`, before anything is encoded; one more where there are any.
    #[cfg(feature = "client-core")]
    pub(crate) fn joined_length(&self) -> usize {
        self.entries.iter().map(|entry| entry.name.length() + entry.value.length() + 2).sum()
    }

    /// Whether one of the values is a [`Secret`](super::Secret): such a request never travels in a URL,
    /// which proxies and gateways write to their logs.
    pub fn holds_secret(&self) -> bool {
        self.entries.iter().any(|entry| entry.is_secret)
    }

    /// The secret values.
    #[cfg(feature = "client-core")]
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| entry.is_secret).map(|entry| self.at(entry.value))
    }

    pub(crate) fn insert_secret(&mut self, name: &str, value: &str) {
        self.set(name, true, |text| text.push_str(value));
    }

    /// Sets one parameter to what the value displays.
    pub(crate) fn insert_displayed(&mut self, name: &str, value: &impl Display) {
        self.set(name, false, |text| write!(text, "{value}").expect("writing to a text never fails"));
    }

    fn set(&mut self, name: &str, is_secret: bool, write_value: impl FnOnce(&mut String)) {
        if self.entries.is_empty() {
            // A create has about a hundred; growing step by step would copy all of it several times.
            self.entries.reserve(128);
            self.text.reserve(8 * 1024);
        }
        match self.position(name) {
            Ok(index) => {
                let value = self.written(write_value);
                let entry = &mut self.entries[index];
                (entry.value, entry.is_secret) = (value, entry.is_secret || is_secret);
            }
            Err(index) => {
                let name = self.written(|text| text.push_str(name));
                let value = self.written(write_value);
                self.entries.insert(index, Entry { name, value, is_secret });
            }
        }
    }

    fn written(&mut self, write: impl FnOnce(&mut String)) -> Span {
        let start = self.text.len();
        write(&mut self.text);
        Span(start, self.text.len())
    }

    fn at(&self, Span(start, end): Span) -> &str {
        &self.text[start..end]
    }

    /// Where the name is, or belongs. Most names come in order, behind the last one.
    fn position(&self, name: &str) -> Result<usize, usize> {
        match self.entries.last() {
            Some(last) if self.at(last.name) >= name => {
                self.entries.binary_search_by(|entry| self.at(entry.name).cmp(name))
            }
            _ => Err(self.entries.len()),
        }
    }
}

impl PartialEq for Parameters {
    fn eq(&self, other: &Self) -> bool {
        let are_secret = |parameters: &Self| -> Vec<bool> {
            parameters.entries.iter().map(|entry| entry.is_secret).collect()
        };
        self.iter().eq(other.iter()) && are_secret(self) == are_secret(other)
    }
}

impl Eq for Parameters {}

impl From<Parameters> for BTreeMap<String, String> {
    fn from(parameters: Parameters) -> Self {
        parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut parameters = Self::default();
        for (name, value) in pairs {
            parameters.insert(name, value);
        }
        parameters
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
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

    /// Runs `inner` with the number of an item appended.
    pub(crate) fn numbered(&mut self, number: usize, inner: impl FnOnce(&mut Self)) {
        let outer = self.0.len();
        self.0.push('.');
        match number {
            0..10 => self.0.push(char::from(b'0' + number as u8)),
            _ => write!(self.0, "{number}").expect("writing to a text never fails"),
        }
        inner(self);
        self.0.truncate(outer);
    }
}

/// What a request is made of. Structs implement it through `request!`.
///
/// Parameters are wanted in byte order of their names. Whoever adds them nearly in that order spares them the way to
/// their place, so structs go through their fields by name, and lists through their items by the text of the number.
pub(crate) trait Flatten {
    /// Adds this value's parameters under `at`.
    fn flatten(&self, at: &mut Name, into: &mut Parameters);

    /// Whether there are none. Most fields of most requests are unset, and for those no name is made.
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T: Flatten> Flatten for Option<T> {
    fn flatten(&self, at: &mut Name, into: &mut Parameters) {
        if let Some(value) = self {
            value.flatten(at, into);
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Flatten> Flatten for Vec<T> {
    fn flatten(&self, at: &mut Name, into: &mut Parameters) {
        for first_digit in 1..10 {
            flatten_from(self, first_digit, at, into);
        }
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Adds the item of this number, then those whose numbers begin with its digits: 1, 10, 11, … 2, 20, …
fn flatten_from<T: Flatten>(items: &[T], number: usize, at: &mut Name, into: &mut Parameters) {
    let Some(item) = items.get(number - 1) else { return };
    at.numbered(number, |at| item.flatten(at, into));
    if number * 10 <= items.len() {
        for digit in 0..10 {
            flatten_from(items, number * 10 + digit, at, into);
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

/// A field of a request struct: its name and what adds it to the parameters.
pub(crate) type Field<T> = (&'static str, fn(&T, &mut Name, &mut Parameters));

/// Sorts the fields of a struct by name, when it is compiled.
pub(crate) const fn by_name<T, const N: usize>(mut fields: [Field<T>; N]) -> [Field<T>; N] {
    let mut sorted = 1;
    while sorted < N {
        let mut at = sorted;
        while at > 0 && is_before(fields[at].0.as_bytes(), fields[at - 1].0.as_bytes()) {
            (fields[at], fields[at - 1]) = (fields[at - 1], fields[at]);
            at -= 1;
        }
        sorted += 1;
    }
    fields
}

const fn is_before(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() {
        if one[at] != other[at] {
            return one[at] < other[at];
        }
        at += 1;
    }
    one.len() < other.len()
}

impl Flatten for String {
    fn flatten(&self, at: &mut Name, into: &mut Parameters) {
        into.insert(at.as_str(), self);
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
                into.insert_displayed(at.as_str(), self);
            }
        }
    )* };
}
pub(crate) use flatten_displayed;

flatten_displayed!(bool, i32, i64, f64, jiff::Timestamp, super::FileMode);

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
                const SEPARATOR: &str = $crate::model::parameters::request!(@separator $($separator)?);
                const FIELDS: &[$crate::model::parameters::Field<$name>] =
                    &$crate::model::parameters::by_name([
                        $( ($wire, |request: &$name, at, into| {
                            if $crate::model::parameters::Flatten::is_absent(&request.$field) {
                                return;
                            }
                            at.within(SEPARATOR, $wire, |at| {
                                $crate::model::parameters::request!(@flatten $($how)? &request.$field, at, into)
                            });
                        }), )*
                    ]);
                for (_, flatten) in FIELDS {
                    flatten(self, at, into);
                }
            }
        }
    )* };
}
pub(crate) use request;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_set_again_replaces_the_first_and_stays_secret() {
        let mut parameters = Parameters::from_iter([("b", "1"), ("a", "2")]);
        parameters.insert_secret("b", "hush");
        parameters.insert("b", "3");
        assert_eq!(parameters.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert!(parameters.holds_secret());
        assert_ne!(parameters, Parameters::from_iter([("b", "3"), ("a", "2")]));
    }

    proptest! {
        #[test]
        fn parameters_hold_what_a_sorted_map_would(
            pairs in proptest::collection::vec(("[ab.1]{0,3}", "\\PC{0,3}"), 0..40),
        ) {
            let map: BTreeMap<String, String> = pairs.iter().cloned().collect();
            let parameters: Parameters = pairs.iter().map(|(name, value)| (name, value)).collect();
            prop_assert!(parameters.iter().eq(map.iter().map(|(name, value)| (name.as_str(), value.as_str()))));
            prop_assert_eq!(parameters.len(), map.len());
            for name in ["", "a", "b.1", "zz"] {
                prop_assert_eq!(parameters.get(name), map.get(name).map(String::as_str));
            }
            prop_assert_eq!(BTreeMap::from(parameters), map);
        }
    }
}
