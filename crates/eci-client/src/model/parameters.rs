//! The parameters of a request: names and values as they travel and are signed.

use std::collections::BTreeMap;
use std::fmt;

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
    /// The last one is the one that was last flattened.
    ends_flattened: bool,
}

#[derive(Clone, Copy)]
struct Entry {
    name: Span,
    value: Span,
    /// The name holds nothing that would have to be encoded.
    #[cfg_attr(not(feature = "client-core"), allow(dead_code, reason = "only what signs asks for it"))]
    is_plain: bool,
    is_secret: bool,
}

/// The name of a parameter, and whether it is known to hold letters, digits and dots alone.
#[derive(Clone, Copy)]
pub(crate) struct ParameterName<'a> {
    pub(super) text: &'a str,
    pub(super) is_plain: bool,
    /// So many of its bytes at least are those of the name that was flattened before.
    pub(super) kept: usize,
}

impl<'a> ParameterName<'a> {
    fn any(text: &'a str) -> Self {
        Self { text, is_plain: false, kept: 0 }
    }
}

/// Where a name or a value begins and ends.
#[derive(Clone, Copy)]
struct Span(usize, usize);

impl Parameters {
    /// The value of one parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let entry = self.entries[self.position(name).ok()?];
        Some(self.at(entry.value))
    }

    /// Sets one parameter, in place of any earlier value.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        self.set(ParameterName::any(name.as_ref()), false, |text| text.push_str(value.as_ref()));
        self.ends_flattened = false;
    }

    /// All names and values in byte order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (self.at(entry.name), self.at(entry.value)))
    }

    /// The same as bytes, and whether the name is known to hold nothing that would have to be encoded.
    #[cfg(feature = "client-core")]
    pub(crate) fn with_plainness(&self) -> impl Iterator<Item = (&[u8], bool, &[u8])> {
        let at = |Span(start, end): Span| &self.text.as_bytes()[start..end];
        self.entries.iter().map(move |entry| (at(entry.name), entry.is_plain, at(entry.value)))
    }

    /// How many parameters there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How long they are as `name=value`, joined by `&`, before anything is encoded; more where a value was set again.
    #[cfg(feature = "client-core")]
    pub(crate) fn joined_length(&self) -> usize {
        self.text.len() + 2 * self.entries.len()
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

    #[cfg(any(feature = "client-core", test))]
    pub(crate) fn insert_secret(&mut self, name: &str, value: &str) {
        self.set(ParameterName::any(name), true, |text| text.push_str(value));
        self.ends_flattened = false;
    }

    /// Sets one parameter to what is written.
    pub(crate) fn set(
        &mut self,
        name: ParameterName<'_>,
        is_secret: bool,
        write_value: impl FnOnce(&mut String),
    ) {
        if self.entries.is_empty() {
            // A create has about a hundred; growing step by step would copy all of it several times.
            self.entries.reserve(128);
            self.text.reserve(8 * 1024);
        }
        let place = if self.is_behind_all(name) { Err(self.entries.len()) } else { self.position(name.text) };
        self.ends_flattened = place == Err(self.entries.len());
        match place {
            Ok(index) => {
                let value = self.written(write_value);
                let entry = &mut self.entries[index];
                (entry.value, entry.is_secret) = (value, entry.is_secret || is_secret);
            }
            Err(index) => {
                let is_plain = name.is_plain;
                let name = self.written(|text| text.push_str(name.text));
                let value = self.written(write_value);
                self.entries.insert(index, Entry { name, value, is_plain, is_secret });
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

    /// Whether the name is seen to belong behind the last one where they begin to differ.
    fn is_behind_all(&self, name: ParameterName<'_>) -> bool {
        let Some(last) = self.entries.last().filter(|_| self.ends_flattened) else { return false };
        let last = &self.text.as_bytes()[last.name.0..last.name.1];
        let mut pairs = last.iter().zip(name.text.as_bytes()).skip(name.kept);
        pairs.find(|(last, next)| last != next).is_some_and(|(last, next)| last < next)
    }

    /// Where the name is, or belongs. Most names come in order, behind the last one.
    fn position(&self, name: &str) -> Result<usize, usize> {
        match self.entries.last() {
            Some(last) if self.text.as_bytes()[last.name.0..last.name.1] >= *name.as_bytes() => {
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
