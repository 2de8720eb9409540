//! Reads replies leniently: missing, null, empty and zero are alike, keys match in any case, unknown keys are skipped.
//!
//! What cannot be meant is an error that says where and what, never the value itself (it may be a secret):
//! `ContainerGroups[3].Containers[0].Cpu: expected a number, found a list`. Each level puts its own part before
//! the message of the level below, so the happy path pays nothing for it.

mod collection;
mod leaf;

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

pub(crate) use self::collection::Inside;
pub(crate) use self::leaf::{read_text, text};
use super::Secret;

/// A value of a reply. Its `Default` is what a reply without it means.
///
/// It is read in the place where it will stay: a group is half a kilobyte, and every level that handed it on by value
/// would copy it.
pub(crate) trait Read: Default {
    /// Reads into a value that is still unset. After an error it may be filled in part.
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error>;

    /// Whether it says nothing.
    fn is_unset(&self) -> bool;
}

/// Carries a place to read into through serde's own traits.
pub(crate) struct Into<'a, T>(pub(crate) &'a mut T);

impl<'de, T: Read> DeserializeSeed<'de> for Into<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.read(deserializer)
    }
}

/// The fields of a reply struct, offered one key at a time. Implemented by `reply!`.
pub(crate) trait Fields: Default {
    /// Reads the value if the key is one of ours; says whether it was.
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;

    /// The first field without which the struct is worthless and that was not given.
    fn missing(&self) -> Option<&'static str>;
}

/// Reads the value of a field. The last value that says something wins, so `"startedAt": ""` beside
/// `"StartedAt": "…"` does no harm.
pub(crate) fn field<T: Read, E: Error>(
    place: &mut T,
    name: &str,
    read: impl FnOnce(&mut T) -> Result<(), E>,
) -> Result<bool, E> {
    if place.is_unset() {
        read(place).map_err(|error| within(name, error))?;
    } else {
        let mut again = T::default();
        read(&mut again).map_err(|error| within(name, error))?;
        if !again.is_unset() {
            *place = again;
        }
    }
    Ok(true)
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
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Err(unexpected($expected, "a number"))
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Err(unexpected($expected, "a number"))
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

    fn is_unset(&self) -> bool {
        self.is_none()
    }
}

impl Sparse for String {}
impl Sparse for Secret {}

fn complete<T: Fields, E: Error>(value: &T) -> Result<(), E> {
    match value.missing() {
        Some(field) => Err(within(field, E::custom(": missing"))),
        None => Ok(()),
    }
}

/// Reads an object into a struct, each key offered to it.
pub(crate) fn object<'de, T: Fields, D: Deserializer<'de>>(
    into: &mut T,
    deserializer: D,
) -> Result<(), D::Error> {
    struct ObjectVisitor<'a, T>(&'a mut T);

    impl<'de, T: Fields> Visitor<'de> for ObjectVisitor<'_, T> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_unit<E: Error>(self) -> Result<(), E> {
            complete(self.0)
        }
        fn visit_none<E: Error>(self) -> Result<(), E> {
            complete(self.0)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(Key(key)) = map.next_key()? {
                if !self.0.take(&key, &mut map)? {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            complete(self.0)
        }
        refuse_scalars!("an object");
        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
            Err(unexpected("an object", "a list"))
        }
    }

    deserializer.deserialize_any(ObjectVisitor(into))
}

/// The key of an object, borrowed from the text where it holds no escape.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E: Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Declares a reply struct: each field with the name the API spells it by, `|` other spellings seen.
///
/// `required "Name"` marks a field without which the struct is worthless; its absence is an error. `"Rules" / "Rule"`
/// is a list in an object of its own, `{ "Rules": { "Rule": [] } }`, as the older actions answer.
macro_rules! reply {
    (@seed $place:ident) => { $crate::model::read::Into($place) };
    (@seed $place:ident, $inner:literal) => { $crate::model::read::Inside::new($inner, $place) };
    (@missing $self:ident, $field:ident, $wire:literal) => {};
    (@missing required $self:ident, $field:ident, $wire:literal) => {
        if $crate::model::read::Read::is_unset(&$self.$field) {
            return Some($wire);
        }
    };
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[$field_meta:meta])*
                pub $field:ident: $type:ty = $($required:ident)? $wire:literal $(/ $inner:literal)? $(| $alias:literal)*
            ),* $(,)?
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        $vis struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl $crate::model::read::Fields for $name {
            fn take<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> Result<bool, A::Error> {
                match key {
                    $( $wire $(| $alias)* => $crate::model::read::field(&mut self.$field, $wire, |place| {
                        map.next_value_seed($crate::model::read::reply!(@seed place $(, $inner)?))
                    }), )*
                    _ => match [$( $wire, $( $alias, )* )*].iter().find(|name| key.eq_ignore_ascii_case(name)) {
                        Some(name) => self.take(name, map),
                        None => Ok(false),
                    },
                }
            }

            fn missing(&self) -> Option<&'static str> {
                $( $crate::model::read::reply!(@missing $($required)? self, $field, $wire); )*
                None
            }
        }

        impl $crate::model::read::Read for $name {
            fn read<'de, D: serde::Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
                $crate::model::read::object(self, deserializer)
            }

            fn is_unset(&self) -> bool {
                true $( && $crate::model::read::Read::is_unset(&self.$field) )*
            }
        }

        impl $crate::model::read::Sparse for $name {}

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut value = Self::default();
                $crate::model::read::Read::read(&mut value, deserializer)?;
                Ok(value)
            }
        }
    )* };
}
pub(crate) use reply;
