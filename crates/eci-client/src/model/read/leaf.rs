//! Reads the leaves of a reply: texts, numbers, booleans, times, each lenient about how "nothing" is spelt.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

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

/// Reads text; nothing is the empty text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    match scalar(deserializer, "text")? {
        Scalar::Nothing => Ok(Cow::Borrowed("")),
        Scalar::Text(text) => Ok(text),
        other => Err(unexpected("text", other.found())),
    }
}

macro_rules! read_text {
    ($($type:ty),* $(,)?) => { $(
        impl $crate::model::read::Read for $type {
            fn read<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::model::read::text(deserializer).map(|text| Self::from(text.as_ref()))
            }
        }
    )* };
}
pub(crate) use read_text;

impl Read for String {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(Cow::into_owned)
    }
}

read_text!(Secret);

impl Read for bool {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match scalar(deserializer, "a boolean")? {
            Scalar::Nothing => Ok(false),
            Scalar::Bool(value) => Ok(value),
            Scalar::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Scalar::Text(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            other => Err(unexpected("a boolean", other.found())),
        }
    }
}

impl Read for f64 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match scalar(deserializer, "a number")? {
            Scalar::Nothing => Ok(0.0),
            Scalar::Integer(value) => Ok(value as f64),
            Scalar::Float(value) => Ok(value),
            Scalar::Text(text) => text.trim().parse().map_err(|_| unexpected("a number", "text")),
            other => Err(unexpected("a number", other.found())),
        }
    }
}

impl Read for i64 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
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
}

impl Read for i32 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = i64::read(deserializer)?;
        Self::try_from(value).map_err(|_| unexpected("a number of 32 bits", "a larger one"))
    }
}

/// Go's zero time, which stands for "never".
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

impl Read for Option<Timestamp> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "a time of RFC 3339";
        match scalar(deserializer, EXPECTED)? {
            Scalar::Nothing => Ok(None),
            Scalar::Text(text) if text == ZERO_TIME => Ok(None),
            Scalar::Text(text) => text.parse().map(Some).map_err(|_| unexpected(EXPECTED, "other text")),
            other => Err(unexpected(EXPECTED, other.found())),
        }
    }
}
