//! Reads objects into structs, each key offered to the struct, which the macro `reply!` declares.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::quick::{GivenUp, Reader};
use super::{Inside, Into, Read, Values, empty_list, refuse_scalars, unexpected, within};

/// The fields of a reply struct, offered one key at a time. Implemented by `reply!`.
pub(crate) trait Fields: Read {
    /// Reads the value if the key is one of ours; says whether it was.
    fn take<V: Values>(&mut self, key: &str, values: &mut V) -> Result<bool, V::Error>;

    /// Reads the value if one of our keys is next, spelt as expected; says whether it was. Comparing the few keys there may be
    /// is cheaper than finding the end of the one there is. Goes on with the keys that follow in the order in which the fields
    /// are declared: most replies have them in one order, and then each is compared once.
    fn take_next(&mut self, reader: &mut Reader<'_>) -> Result<bool, GivenUp>;
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

/// Refuses an object of which some field was given, but not one without which it is worthless. One that says nothing at
/// all is left to whoever knows whether it may: in a list it is left out, and a reply is [`whole`].
pub(super) fn complete<T: Fields, E: Error>(value: &T) -> Result<(), E> {
    match value.missing() {
        Some(field) if !value.is_unset() => Err(within(field, E::custom(": missing"))),
        _ => Ok(()),
    }
}

/// Refuses a reply that lacks what makes it one.
pub(crate) fn whole<T: Read, E: Error>(reply: T) -> Result<T, E> {
    match reply.missing() {
        Some(field) => Err(within(field, E::custom(": missing"))),
        None => Ok(reply),
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
            Ok(())
        }
        fn visit_none<E: Error>(self) -> Result<(), E> {
            Ok(())
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
        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
            empty_list("an object", list)
        }
    }

    deserializer.deserialize_any(ObjectVisitor(into))
}

/// The key of an object, borrowed from the text where it holds no escape.
pub(super) struct Key<'de>(pub(super) Cow<'de, str>);

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
    (@value $values:ident, $place:ident) => { $crate::model::read::Values::value($values, $place) };
    (@value $values:ident, $place:ident, $inner:literal) => {
        $crate::model::read::Values::value_inside($values, $inner, $place)
    };
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

            fn take_next(
                &mut self,
                reader: &mut $crate::model::read::quick::Reader<'_>,
            ) -> Result<bool, $crate::model::read::quick::GivenUp> {
                let mut rest = reader.rest();
                // The comma before the key, which whoever called has read before the first.
                let mut comma = 0;
                $(
                    for key in [concat!("\"", $wire, "\":") $(, concat!("\"", $alias, "\":"))*] {
                        if rest.starts_with(key.as_bytes()) {
                            reader.go_behind(comma + key.len());
                            $crate::model::read::field(&mut self.$field, $wire, |place| {
                                $crate::model::read::reply!(@value reader, place $(, $inner)?)
                            })?;
                            let Some(following) = reader.rest().strip_prefix(b",") else { return Ok(true) };
                            (rest, comma) = (following, 1);
                        }
                    }
                )*
                Ok(comma == 1)
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
                &[b"{}", b"\"\""]
            }

            fn missing(&self) -> Option<&'static str> {
                $( $crate::model::read::reply!(@missing $($required)? self, $field, $wire); )*
                None
            }

            fn is_item(&self) -> bool {
                !self.is_unset()
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
                $crate::model::read::whole(value)
            }
        }
    )* };
}
pub(crate) use reply;
