//! Reads replies leniently: missing, null, empty and zero are alike, keys match in any case, unknown keys are skipped.
//!
//! What cannot be meant is an error that says where and what, never the value itself (it may be a secret):
//! `ContainerGroups[3].Containers[0].Cpu: expected a number, found a list`. Each level puts its own part before
//! the message of the level below, so the happy path pays nothing for it.

mod collection;
mod leaf;
pub(crate) mod quick;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

pub(crate) use self::collection::Inside;
pub(crate) use self::leaf::{read_text, text};
use self::quick::{GivenUp, Reader};
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

/// The values of an object that serde reads.
struct OfMap<'a, 'de, A>(&'a mut A, PhantomData<&'de ()>);

impl<'de, A: MapAccess<'de>> Values for OfMap<'_, 'de, A> {
    type Error = A::Error;

    fn value<T: Read>(&mut self, place: &mut T) -> Result<(), A::Error> {
        self.0.next_value_seed(Into(place))
    }

    fn value_inside<T: Read>(&mut self, name: &'static str, place: &mut Vec<T>) -> Result<(), A::Error> {
        self.0.next_value_seed(Inside::new(name, place))
    }
}

/// The fields of a reply struct, offered one key at a time. Implemented by `reply!`.
pub(crate) trait Fields: Default {
    /// Reads the value if the key is one of ours; says whether it was.
    fn take<V: Values>(&mut self, key: &str, values: &mut V) -> Result<bool, V::Error>;

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
                if !self.0.take(&key, &mut OfMap(&mut map, PhantomData))? {
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
    (@value $values:ident, $place:ident) => { $values.value($place) };
    (@value $values:ident, $place:ident, $inner:literal) => { $values.value_inside($inner, $place) };
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
            fn take<V: $crate::model::read::Values>(
                &mut self,
                key: &str,
                values: &mut V,
            ) -> Result<bool, V::Error> {
                match key {
                    $( $wire $(| $alias)* => $crate::model::read::field(&mut self.$field, $wire, |place| {
                        $crate::model::read::reply!(@value values, place $(, $inner)?)
                    }), )*
                    _ => match [$( $wire, $( $alias, )* )*].iter().find(|name| key.eq_ignore_ascii_case(name)) {
                        Some(name) => self.take(name, values),
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

            fn read_quick(
                &mut self,
                reader: &mut $crate::model::read::quick::Reader<'_>,
            ) -> Result<(), $crate::model::read::quick::GivenUp> {
                if reader.object(self)? { Ok(()) } else { self.read(reader) }
            }

            fn nothing() -> &'static [&'static [u8; 2]] {
                match $crate::model::read::Fields::missing(&Self::default()) {
                    None => &[b"{}", b"\"\""],
                    Some(_) => &[],
                }
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
