//! Reads replies leniently: missing, null, empty and zero are alike, keys match in any case, unknown keys are skipped.
//!
//! What cannot be meant is an error that says where and what, never the value itself (it may be a secret):
//! `ContainerGroups[3].Containers[0].Cpu: expected a number, found a list`. Each level puts its own part before
//! the message of the level below, so the happy path pays nothing for it.

mod collection;
mod leaf;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

pub(crate) use self::collection::Inside;
pub(crate) use self::leaf::{read_text, text};
use super::Secret;

/// A value of a reply. Its `Default` is what a reply without it means.
pub(crate) trait Read: Sized + Default + PartialEq {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Carries a [`Read`] through serde's own traits.
pub(crate) struct As<T>(pub(crate) T);

impl<'de, T: Read> Deserialize<'de> for As<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

/// The fields of a reply struct, offered one key at a time. Implemented by `reply!`.
pub(crate) trait Fields: Default + PartialEq {
    /// Reads the value if the key is one of ours; says whether it was.
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;

    /// The first field without which the struct is worthless and that was not given.
    fn missing(&self) -> Option<&'static str>;
}

/// Whether a value says nothing.
pub(crate) fn is_unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Puts the name of a field before the message of its value.
pub(crate) fn within<E: Error>(field: &str, inner: E) -> E {
    E::custom(format_args!(".{field}{inner}"))
}

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
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::read(deserializer)?;
        Ok((!is_unset(&value)).then_some(value))
    }
}

impl Sparse for String {}
impl Sparse for Secret {}

fn complete<T: Fields, E: Error>(value: T) -> Result<T, E> {
    match value.missing() {
        Some(field) => Err(within(field, E::custom(": missing"))),
        None => Ok(value),
    }
}

/// Reads an object into a struct, each key offered to it. The last value that says something wins,
/// so `"startedAt": ""` beside `"StartedAt": "…"` does no harm.
pub(crate) fn object<'de, T: Fields, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct ObjectVisitor<T>(PhantomData<T>);

    impl<'de, T: Fields> Visitor<'de> for ObjectVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_unit<E: Error>(self) -> Result<T, E> {
            complete(T::default())
        }
        fn visit_none<E: Error>(self) -> Result<T, E> {
            complete(T::default())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
            let mut value = T::default();
            while let Some(Key(key)) = map.next_key()? {
                if !value.take(&key, &mut map)? {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            complete(value)
        }
        refuse_scalars!("an object");
        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<T, A::Error> {
            Err(unexpected("an object", "a list"))
        }
    }

    deserializer.deserialize_any(ObjectVisitor(PhantomData))
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
    (@value $map:ident, $type:ty) => {
        $map.next_value::<$crate::model::read::As<$type>>().map(|value| value.0)
    };
    (@value $map:ident, $type:ty, $inner:literal) => {
        $map.next_value_seed($crate::model::read::Inside::new($inner))
    };
    (@missing $self:ident, $field:ident, $wire:literal) => {};
    (@missing required $self:ident, $field:ident, $wire:literal) => {
        if $crate::model::read::is_unset(&$self.$field) {
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
                use $crate::model::read::{is_unset, within};
                $(
                    if key.eq_ignore_ascii_case($wire) $(|| key.eq_ignore_ascii_case($alias))* {
                        let value = $crate::model::read::reply!(@value map, $type $(, $inner)?);
                        let value: $type = value.map_err(|e| within($wire, e))?;
                        if !is_unset(&value) {
                            self.$field = value;
                        }
                        return Ok(true);
                    }
                )*
                Ok(false)
            }

            fn missing(&self) -> Option<&'static str> {
                $( $crate::model::read::reply!(@missing $($required)? self, $field, $wire); )*
                None
            }
        }

        impl $crate::model::read::Read for $name {
            fn read<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::model::read::object(deserializer)
            }
        }

        impl $crate::model::read::Sparse for $name {}

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <Self as $crate::model::read::Read>::read(deserializer)
            }
        }
    )* };
}
pub(crate) use reply;
