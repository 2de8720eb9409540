//! Reads replies leniently: missing, null, empty and zero are alike, whatever the type (`[]` for an object, `0` for a
//! text), keys match in any case, unknown keys are skipped. One odd field must not hide a page of groups.
//!
//! What cannot be meant is an error that says where and what, never the value itself (it may be a secret):
//! `ContainerGroups[3].Containers[0].Cpu: expected a number, found a list`. Each level puts its own part before
//! the message of the level below, so the happy path pays nothing for it.

mod collection;
mod leaf;
pub(crate) mod quick;
mod structs;
mod time;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess};

pub(crate) use self::collection::Inside;
pub(crate) use self::leaf::{read_text, text};
use self::quick::{GivenUp, Reader};
pub(crate) use self::structs::{Fields, field, object, reply, whole};
use self::structs::{Key, complete};
use super::Secret;

/// A value of a reply. Its `Default` is what a reply without it means.
///
/// It is read in the place where it will stay: a group is half a kilobyte, and every level that handed it on by value
/// would copy it.
pub trait Read: Default + 'static {
    /// Reads into a value that is still unset. After an error it may be filled in part.
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error>;

    /// Reads what is next in a body: the same value, by a shorter way for the forms that replies have nearly always.
    fn read_quick(&mut self, reader: &mut Reader<'_>) -> Result<(), GivenUp> {
        self.read(reader)
    }

    /// Whether it says nothing.
    fn is_unset(&self) -> bool;

    /// The first field without which the object is worthless and that was not given.
    fn missing(&self) -> Option<&'static str> {
        None
    }

    /// Whether it may stand in a list. An object that says nothing, as `null` is, may not; an empty text may: the
    /// arguments of a command are such a list.
    fn is_item(&self) -> bool {
        true
    }

    /// The ways in which a good reply spells that it says nothing; two bytes each.
    fn nothing() -> &'static [&'static [u8; 2]] {
        &[b"\"\""]
    }
}

/// Carries a place to read into through serde's own traits.
pub(crate) struct Into<'a, T>(pub(crate) &'a mut T);

impl<'de, T: Read> DeserializeSeed<'de> for Into<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.read(deserializer)
    }
}

/// Where the value of the key that was offered comes from.
pub(crate) trait Values {
    /// Why it cannot be read.
    type Error: Error;

    /// Reads the value.
    fn value<T: Read>(&mut self, place: &mut T) -> Result<(), Self::Error>;

    /// Reads a list that is the field `name` of the value.
    fn value_inside<T: Read>(&mut self, name: &'static str, place: &mut Vec<T>) -> Result<(), Self::Error>;
}

/// Puts the name of a field before the message of its value.
#[cold]
pub(crate) fn within<E: Error>(field: &str, inner: E) -> E {
    E::custom(format_args!(".{field}{inner}"))
}

#[cold]
fn unexpected<E: Error>(expected: &str, found: &str) -> E {
    E::custom(format_args!(": expected {expected}, found {found}"))
}

/// Takes an empty list for nothing, and no other.
fn empty_list<'de, A: SeqAccess<'de>>(expected: &str, mut list: A) -> Result<(), A::Error> {
    match list.next_element::<IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(unexpected(expected, "a list")),
    }
}

/// Takes an empty object for nothing, and no other.
fn empty_object<'de, A: MapAccess<'de>>(expected: &str, mut map: A) -> Result<(), A::Error> {
    match map.next_key::<IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(unexpected(expected, "an object")),
    }
}

/// The visitor methods of a list or an object for what is neither. Serde's own messages would quote the value.
macro_rules! refuse_scalars {
    ($expected:literal) => {
        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            if text.is_empty() { self.visit_unit() } else { Err(unexpected($expected, "text")) }
        }
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Err(unexpected($expected, "a boolean"))
        }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Err(unexpected($expected, "a number"))
        }
        fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
            if number == 0 { self.visit_unit() } else { Err(unexpected($expected, "a number")) }
        }
        fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
            if number == 0.0 { self.visit_unit() } else { Err(unexpected($expected, "a number")) }
        }
    };
}

use refuse_scalars;

/// A value that says nothing is absent: `""`, `{}`, and a struct whose every field is unset.
pub(crate) trait Sparse: Read {}

impl<T: Sparse> Read for Option<T> {
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let value = self.insert(T::default());
        value.read(deserializer)?;
        if value.is_unset() {
            *self = None;
        }
        Ok(())
    }

    fn read_quick(&mut self, reader: &mut Reader<'_>) -> Result<(), GivenUp> {
        if reader.goes_behind(T::nothing()) {
            return Ok(());
        }
        let value = self.insert(T::default());
        value.read_quick(reader)?;
        if value.is_unset() {
            *self = None;
        }
        Ok(())
    }

    fn is_unset(&self) -> bool {
        self.is_none()
    }
}

impl Sparse for String {}
impl Sparse for Secret {}
