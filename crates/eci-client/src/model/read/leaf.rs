//! Reads the leaves of a reply: texts, numbers, booleans, each lenient about how "nothing" is spelt.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::quick::{GivenUp, Reader};
use super::{Read, empty_list, empty_object, unexpected};
use crate::model::Secret;

/// Any JSON value that is neither a list nor an object. An empty text, list or object counts as nothing.
enum Scalar<'de> {
    Nothing,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Cow<'de, str>),
}

impl Scalar<'_> {
    fn found(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
        }
    }
}

/// Reads a scalar; `expected` is what the message says when it is a list or an object.
fn scalar<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
) -> Result<Scalar<'de>, D::Error> {
    struct ScalarVisitor(&'static str);

    impl<'de> Visitor<'de> for ScalarVisitor {
        type Value = Scalar<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
        fn visit_unit<E: Error>(self) -> Result<Scalar<'de>, E> {
            Ok(Scalar::Nothing)
        }
        fn visit_none<E: Error>(self) -> Result<Scalar<'de>, E> {
            Ok(Scalar::Nothing)
        }
        fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Scalar<'de>, D::Error> {
            inner.deserialize_any(self)
        }
        fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar<'de>, E> {
            Ok(Scalar::Bool(value))
        }
        fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar<'de>, E> {
            Ok(Scalar::Integer(value))
        }
        fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar<'de>, E> {
            Ok(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Integer))
        }
        fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar<'de>, E> {
            Ok(Scalar::Float(value))
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Scalar<'de>, E> {
            self.visit_string(text.to_owned())
        }
        fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Scalar<'de>, E> {
            Ok(if text.is_empty() { Scalar::Nothing } else { Scalar::Text(Cow::Borrowed(text)) })
        }
        fn visit_string<E: Error>(self, text: String) -> Result<Scalar<'de>, E> {
            Ok(if text.is_empty() { Scalar::Nothing } else { Scalar::Text(Cow::Owned(text)) })
        }
        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Scalar<'de>, A::Error> {
            empty_list(self.0, list).map(|()| Scalar::Nothing)
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar<'de>, A::Error> {
            empty_object(self.0, map).map(|()| Scalar::Nothing)
        }
    }

    deserializer.deserialize_any(ScalarVisitor(expected))
}

/// Reads a text and hands it over; nothing, which is the empty text and zero too, is not handed over. `take` says
/// whether the text is one of those expected. A whole number is as good as the text of its digits.
pub(crate) fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
    take: impl FnOnce(&str) -> bool,
) -> Result<(), D::Error> {
    struct TextVisitor<F>(&'static str, F);

    impl<'de, F: FnOnce(&str) -> bool> Visitor<'de> for TextVisitor<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
        fn visit_unit<E: Error>(self) -> Result<(), E> {
            Ok(())
        }
        fn visit_none<E: Error>(self) -> Result<(), E> {
            Ok(())
        }
        fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<(), D::Error> {
            inner.deserialize_any(self)
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
            let Self(expected, take) = self;
            if text.is_empty() || take(text) { Ok(()) } else { Err(unexpected(expected, "other text")) }
        }
        fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
            Err(unexpected(self.0, "a boolean"))
        }
        fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
            let Self(expected, take) = self;
            if number == 0 || take(&number.to_string()) {
                Ok(())
            } else {
                Err(unexpected(expected, "a number"))
            }
        }
        fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
            let Self(expected, take) = self;
            if number == 0 || take(&number.to_string()) {
                Ok(())
            } else {
                Err(unexpected(expected, "a number"))
            }
        }
        fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
            if number == 0.0 { Ok(()) } else { Err(unexpected(self.0, "a number")) }
        }
        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
            empty_list(self.0, list)
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
            empty_object(self.0, map)
        }
    }

    deserializer.deserialize_any(TextVisitor(expected, take))
}

/// Texts: what is made of the empty one is unset, and every other is not.
macro_rules! read_text {
    ($($type:ty),* $(,)?) => { $(
        impl $crate::model::read::Read for $type {
            fn read<'de, D: serde::Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
                $crate::model::read::text(deserializer, "text", |text| {
                    *self = Self::from(text);
                    true
                })
            }

            fn read_quick(
                &mut self,
                reader: &mut $crate::model::read::quick::Reader<'_>,
            ) -> Result<(), $crate::model::read::quick::GivenUp> {
                match reader.plain_text() {
                    Some("") => Ok(()),
                    Some(text) => {
                        *self = Self::from(text);
                        Ok(())
                    }
                    None => self.read(reader),
                }
            }

            fn is_unset(&self) -> bool {
                self.is_empty()
            }
        }
    )* };
}
pub(crate) use read_text;

read_text!(String, Secret);

impl Read for bool {
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = match scalar(deserializer, "a boolean")? {
            Scalar::Nothing => false,
            Scalar::Bool(value) => value,
            Scalar::Integer(value @ 0..=1) => value == 1,
            Scalar::Text(text) if text.eq_ignore_ascii_case("true") => true,
            Scalar::Text(text) if text.eq_ignore_ascii_case("false") => false,
            other => return Err(unexpected("a boolean", other.found())),
        };
        Ok(())
    }

    fn read_quick(&mut self, reader: &mut Reader<'_>) -> Result<(), GivenUp> {
        match reader.truth() {
            Some(value) => {
                *self = value;
                Ok(())
            }
            None => self.read(reader),
        }
    }

    fn is_unset(&self) -> bool {
        !self
    }
}

/// The number that a text is. Rust reads `NaN` and `inf` too, which nothing that is measured can be.
pub(super) fn finite(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

impl Read for f64 {
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = match scalar(deserializer, "a number")? {
            Scalar::Nothing => 0.0,
            Scalar::Integer(value) => value as f64,
            Scalar::Float(value) => value,
            Scalar::Text(text) => finite(&text).ok_or_else(|| unexpected("a number", "text"))?,
            other => return Err(unexpected("a number", other.found())),
        };
        Ok(())
    }

    fn is_unset(&self) -> bool {
        *self == 0.0
    }
}

fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    const EXPECTED: &str = "a whole number";
    match scalar(deserializer, EXPECTED)? {
        Scalar::Nothing => Ok(0),
        Scalar::Integer(value) => Ok(value),
        // Some writers print every number as a float; `as` saturates, so the bounds need no check.
        Scalar::Float(value) if value.fract() == 0.0 => Ok(value as i64),
        Scalar::Text(text) => text.trim().parse().map_err(|_| unexpected(EXPECTED, "text")),
        other => Err(unexpected(EXPECTED, other.found())),
    }
}

impl Read for i64 {
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = whole_number(deserializer)?;
        Ok(())
    }

    fn is_unset(&self) -> bool {
        *self == 0
    }
}

/// An exit code of Windows is often printed without its sign (3221225477 is 0xC0000005): the same 32 bits are kept. What
/// has more bits still is as near as can be: one odd number must not hide a page of groups.
fn of_32_bits(value: i64) -> i32 {
    match u32::try_from(value) {
        Ok(bits) => bits.cast_signed(),
        Err(_) => i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX }),
    }
}

impl Read for i32 {
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = of_32_bits(whole_number(deserializer)?);
        Ok(())
    }

    fn is_unset(&self) -> bool {
        *self == 0
    }
}
