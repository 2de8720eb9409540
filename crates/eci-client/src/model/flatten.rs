//! Flattens a structured request into `Name.N.Field` parameters.
//!
//! An unset value leaves no parameter; an empty text that *is* set leaves an empty one. Lists count from 1.
//! See [`Flatten`] for the rules of each type and the macro `request!` for how a struct declares its names.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::parameters::ParameterName;
use super::{Parameters, Secret};

/// The name under construction: `Container.1.EnvironmentVar.2`.
#[derive(Default)]
pub(crate) struct Name {
    text: String,
    /// A part came from the caller, so that there may be any character in it.
    has_foreign_part: bool,
    /// How many of its bytes were not changed since a parameter was last called by it.
    kept: usize,
}

impl Name {
    /// What a parameter is called here.
    pub(crate) fn of(&mut self) -> ParameterName<'_> {
        let kept = std::mem::replace(&mut self.kept, self.text.len());
        ParameterName { text: &self.text, is_plain: !self.has_foreign_part, kept }
    }

    fn truncate(&mut self, length: usize) {
        self.text.truncate(length);
        self.kept = self.kept.min(length);
    }

    /// Runs `inner` with a part of the caller's appended.
    fn within_foreign(&mut self, part: &str, inner: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.has_foreign_part, true);
        self.within(&format!(".{part}"), ".", inner);
        self.has_foreign_part = outer;
    }

    /// Runs `inner` with a part appended. Parts come with a dot before them, to be appended at once; the dot is left out before
    /// the very first one and where the separator is none.
    pub(crate) fn within(&mut self, dotted: &str, separator: &str, inner: impl FnOnce(&mut Self)) {
        let outer = self.text.len();
        self.text.push_str(if outer == 0 || separator.is_empty() { &dotted[1..] } else { dotted });
        inner(self);
        self.truncate(outer);
    }

    /// Runs `inner` with the number of an item appended.
    pub(crate) fn numbered(&mut self, number: usize, inner: impl FnOnce(&mut Self)) {
        let outer = self.text.len();
        self.text.push('.');
        match number {
            0..10 => self.text.push(char::from(b'0' + number as u8)),
            _ => self.text.push_str(itoa::Buffer::new().format(number)),
        }
        inner(self);
        self.truncate(outer);
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
            at.within_foreign(key, |at| value.flatten(at, into));
        }
    }
}

/// A field of a request struct: its name and what adds it to the parameters.
pub(crate) type Field<T> = (&'static str, fn(&T, &mut Name, &mut Parameters));

/// Sorts the fields of a struct by name, when it is compiled.
pub(crate) const fn by_name<T, const N: usize>(mut fields: [Field<T>; N]) -> [Field<T>; N] {
    let mut sorted = 0;
    while sorted < N {
        let mut at = sorted;
        assert!(is_plain(fields[at].0.as_bytes()), "a name that would have to be encoded");
        while at > 0 && is_before(fields[at].0.as_bytes(), fields[at - 1].0.as_bytes()) {
            (fields[at], fields[at - 1]) = (fields[at - 1], fields[at]);
            at -= 1;
        }
        sorted += 1;
    }
    fields
}

const fn is_plain(name: &[u8]) -> bool {
    let mut at = 0;
    while at < name.len() && (name[at].is_ascii_alphanumeric() || name[at] == b'.') {
        at += 1;
    }
    at == name.len()
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
        into.set(at.of(), false, |text| text.push_str(self));
    }
}

impl Flatten for Secret {
    fn flatten(&self, at: &mut Name, into: &mut Parameters) {
        into.set(at.of(), true, |text| text.push_str(self.expose()));
    }
}

/// Values whose `Display` is their wire form. Floats print without a superfluous `.0`, booleans as `true`/`false`.
macro_rules! flatten_displayed {
    ($($type:ty),* $(,)?) => { $(
        impl $crate::model::flatten::Flatten for $type {
            fn flatten(
                &self,
                at: &mut $crate::model::flatten::Name,
                into: &mut $crate::model::Parameters,
            ) {
                into.set(at.of(), false, |text| {
                    std::fmt::Write::write_fmt(text, format_args!("{self}")).expect("writing to a text never fails");
                });
            }
        }
    )* };
}
pub(crate) use flatten_displayed;

flatten_displayed!(jiff::Timestamp, super::FileMode);

/// Whole numbers.
macro_rules! flatten_whole {
    ($($type:ty),*) => { $(
        impl Flatten for $type {
            fn flatten(&self, at: &mut Name, into: &mut Parameters) {
                into.set(at.of(), false, |text| text.push_str(itoa::Buffer::new().format(*self)));
            }
        }
    )* };
}

flatten_whole!(i32, i64);

impl Flatten for bool {
    fn flatten(&self, at: &mut Name, into: &mut Parameters) {
        into.set(at.of(), false, |text| text.push_str(if *self { "true" } else { "false" }));
    }
}

/// Numbers below this, of at most three decimals, are quickly written as thousandths: no shorter text means the same number.
const MANY: f64 = 1e6;

impl Flatten for f64 {
    fn flatten(&self, at: &mut Name, into: &mut Parameters) {
        let number = *self;
        into.set(at.of(), false, |text| match thousandths(number) {
            Some(thousandths) => push_thousandths(text, thousandths),
            None => write!(text, "{number}").expect("writing to a text never fails"),
        });
    }
}

fn thousandths(number: f64) -> Option<u32> {
    if !(0.001..MANY).contains(&number) {
        return None;
    }
    let thousandths = (number * 1000.0) as u32;
    (f64::from(thousandths) / 1000.0 == number).then_some(thousandths)
}

fn push_thousandths(text: &mut String, thousandths: u32) {
    text.push_str(itoa::Buffer::new().format(thousandths / 1000));
    let decimals = thousandths % 1000;
    if decimals > 0 {
        // The first of the four digits keeps the zeros behind it.
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(1000 + decimals).trim_end_matches('0');
        text.push('.');
        text.push_str(&digits[1..]);
    }
}

/// A list that the API takes as one text, items joined by commas. An empty list is left out.
pub(crate) fn flatten_comma(items: &[String], at: &mut Name, into: &mut Parameters) {
    if !items.is_empty() {
        into.set(at.of(), false, |text| text.push_str(&items.join(",")));
    }
}

/// A list that the API takes as the text of a JSON array. An empty list is left out.
pub(crate) fn flatten_json<T: AsRef<str>>(items: &[T], at: &mut Name, into: &mut Parameters) {
    if !items.is_empty() {
        let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
        into.set(at.of(), false, |text| text.push_str(&serde_json::Value::from(items).to_string()));
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
        $crate::model::flatten::flatten_comma($value, $at, $into)
    };
    (@flatten json $value:expr, $at:ident, $into:ident) => {
        $crate::model::flatten::flatten_json($value, $at, $into)
    };
    (@flatten $value:expr, $at:ident, $into:ident) => {
        $crate::model::flatten::Flatten::flatten($value, $at, $into)
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

        impl $crate::model::flatten::Flatten for $name {
            fn flatten(
                &self,
                at: &mut $crate::model::flatten::Name,
                into: &mut $crate::model::Parameters,
            ) {
                const SEPARATOR: &str = $crate::model::flatten::request!(@separator $($separator)?);
                const FIELDS: &[$crate::model::flatten::Field<$name>] =
                    &$crate::model::flatten::by_name([
                        $( ($wire, |request: &$name, at, into| {
                            if $crate::model::flatten::Flatten::is_absent(&request.$field) {
                                return;
                            }
                            at.within(concat!(".", $wire), SEPARATOR, |at| {
                                $crate::model::flatten::request!(@flatten $($how)? &request.$field, at, into)
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

    proptest! {
        #[test]
        fn numbers_are_written_as_rust_displays_them(number: f64, any in -10.0..2e6_f64, thousandths: u32) {
            let decimal = f64::from(thousandths) / 1000.0;
            let small = f64::from(thousandths % 10_000) / 1000.0;
            for number in [number, any, any.round(), decimal, small, 0.0, -0.0, 0.0005, 1e6, 999_999.999, 1e9] {
                let mut parameters = Parameters::default();
                Name::default().within(".N", ".", |at| number.flatten(at, &mut parameters));
                let expected = number.to_string();
                prop_assert_eq!(parameters.get("N"), Some(expected.as_str()));
            }
        }

        /// In any order, and with names of which one begins with another.
        #[test]
        fn whatever_is_flattened_ends_up_in_the_order_of_its_names(
            paths in proptest::collection::vec(proptest::collection::vec("[ab.-]{0,2}", 1..4), 1..30),
        ) {
            fn walk(path: &[String], value: &str, at: &mut Name, into: &mut Parameters) {
                let Some((part, rest)) = path.split_first() else { return };
                at.within(&format!(".{part}"), ".", |at| {
                    into.set(at.of(), false, |text| text.push_str(value));
                    walk(rest, value, at, into);
                    into.set(at.of(), false, |text| text.push_str(value));
                });
            }
            let (mut at, mut parameters, mut expected) = (Name::default(), Parameters::default(), BTreeMap::new());
            for (number, path) in paths.iter().enumerate() {
                let value = number.to_string();
                walk(path, &value, &mut at, &mut parameters);
                let mut name = String::new();
                for part in path {
                    name = if name.is_empty() { part.clone() } else { format!("{name}.{part}") };
                    expected.insert(name.clone(), value.clone());
                }
                if number % 7 == 6 {
                    parameters.insert("a.b", "by hand");
                    expected.insert("a.b".to_owned(), "by hand".to_owned());
                }
            }
            prop_assert_eq!(BTreeMap::from(parameters.clone()), expected);
            prop_assert!(parameters.iter().is_sorted_by(|(one, _), (other, _)| one < other));
        }
    }
}
