//! Reads the leaves of a reply: texts, numbers, booleans, times, each lenient about how "nothing" is spelt.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::quick::{GivenUp, Reader};
use super::{Read, unexpected};
use crate::model::Secret;

/// Any JSON value that is neither a list nor an object. An empty text counts as nothing.
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
        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Scalar<'de>, A::Error> {
            Err(unexpected(self.0, "a list"))
        }
        fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Scalar<'de>, A::Error> {
            Err(unexpected(self.0, "an object"))
        }
    }

    deserializer.deserialize_any(ScalarVisitor(expected))
}

/// Reads a text and hands it over; nothing, which is the empty text too, is not handed over. `take` says whether the
/// text is one of those expected.
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
        fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
            Err(unexpected(self.0, "a number"))
        }
        fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
            Err(unexpected(self.0, "a number"))
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
            Err(unexpected(self.0, "a number"))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
            Err(unexpected(self.0, "a list"))
        }
        fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
            Err(unexpected(self.0, "an object"))
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

impl Read for f64 {
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = match scalar(deserializer, "a number")? {
            Scalar::Nothing => 0.0,
            Scalar::Integer(value) => value as f64,
            Scalar::Float(value) => value,
            Scalar::Text(text) => text.trim().parse().map_err(|_| unexpected("a number", "text"))?,
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

impl Read for i32 {
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let value = whole_number(deserializer)?;
        *self = Self::try_from(value).map_err(|_| unexpected("a number of 32 bits", "a larger one"))?;
        Ok(())
    }

    fn is_unset(&self) -> bool {
        *self == 0
    }
}

/// Go's zero time, which stands for "never".
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

impl Read for Option<Timestamp> {
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        text(deserializer, "a time of RFC 3339", |text| {
            if text != ZERO_TIME {
                *self = usual_time(text).or_else(|| text.parse().ok());
            }
            text == ZERO_TIME || self.is_some()
        })
    }

    fn read_quick(&mut self, reader: &mut Reader<'_>) -> Result<(), GivenUp> {
        match reader.plain_text() {
            Some("" | ZERO_TIME) => Ok(()),
            Some(text) => {
                *self = Some(reader.time(text, |text| usual_time(text).or_else(|| text.parse().ok()))?);
                Ok(())
            }
            None => self.read(reader),
        }
    }

    fn is_unset(&self) -> bool {
        self.is_none()
    }
}

/// Reads `2026-01-02T03:04:05Z`, the form the cloud writes nearly always and in which a page holds thousands.
fn usual_time(text: &str) -> Option<Timestamp> {
    let text: &[u8; 20] = text.as_bytes().try_into().ok()?;
    if [text[4], text[7], text[10], text[13], text[16], text[19]] != *b"--T::Z" {
        return None;
    }
    let two = |at: usize| match [text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0')] {
        [tens @ ..10, ones @ ..10] => Some((tens * 10 + ones) as i8),
        _ => None,
    };
    let year = i16::from(two(0)?) * 100 + i16::from(two(2)?);
    let time = DateTime::new(year, two(5)?, two(8)?, two(11)?, two(14)?, two(17)?, 0).ok()?;
    Offset::UTC.to_timestamp(time).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_the_usual_form_of_a_time_is_left_to_the_full_parser() {
        let others = [
            "2026-01-02T03:04:05+08:00",
            "2026-01-02T03:04:05.6Z",
            "2026-01-02T03:04Z",
            "2026-01-02 03:04:05Z",
            "2026-02-30T03:04:05Z",
            "2026-01-02T03:04:60Z",
            "202:-01-02T03:04:05Z",
            "2026-01-02T03:04:5éZ",
        ];
        for text in others {
            assert_eq!(usual_time(text), None, "{text}");
        }
        assert_eq!(usual_time("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z".parse().ok());
    }

    proptest! {
        #[test]
        fn the_usual_form_of_a_time_means_what_it_means_to_the_full_parser(
            text in "[0-9]{4}-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z",
        ) {
            if let Some(time) = usual_time(&text) {
                prop_assert_eq!(Some(time), text.parse().ok());
            }
        }
    }
}
