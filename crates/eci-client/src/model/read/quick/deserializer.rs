//! Reads whatever serde asks for: what has not the form that replies have nearly always.

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{DEEPEST, GivenUp, Reader};

impl<'de> Reader<'de> {
    #[inline]
    fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, GivenUp> {
        let start = self.at;
        let (text, escaped) = self.quoted()?;
        if escaped {
            return by_serde_json(&self.text[start..self.at], visitor);
        }
        visitor.visit_borrowed_str(text)
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, GivenUp> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
        let token = &rest[..end.unwrap_or(rest.len())];
        self.at += token.len();
        match token.as_bytes() {
            [digit @ b'0'..=b'9'] => visitor.visit_u64(u64::from(digit - b'0')),
            _ => by_serde_json(token, visitor),
        }
    }

    fn opened<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, GivenUp>,
        end: u8,
    ) -> Result<T, GivenUp> {
        if self.depth == DEEPEST {
            return Err(GivenUp);
        }
        self.at += 1;
        self.depth += 1;
        let value = inside(self)?;
        self.depth -= 1;
        // A visitor may have left something.
        self.expect(end)?;
        Ok(value)
    }

    /// Goes to the next item of what is open; `None` if it ends here.
    #[inline]
    fn next(&mut self, first: &mut bool, end: u8) -> Result<Option<()>, GivenUp> {
        let next = self.peek();
        if next == Some(end) {
            return Ok(None);
        }
        if std::mem::take(first) {
            return Ok(Some(()));
        }
        self.expect(b',')?;
        // Neither `[1,]` nor `{"a":1,}`.
        if self.peek() == Some(end) { Err(GivenUp) } else { Ok(Some(())) }
    }
}

/// Has serde_json read one token.
#[cold]
fn by_serde_json<'de, V: Visitor<'de>>(token: &'de str, visitor: V) -> Result<V::Value, GivenUp> {
    let mut reader = serde_json::Deserializer::from_str(token);
    let value = reader.deserialize_any(visitor).map_err(|_| GivenUp)?;
    reader.end().map_err(|_| GivenUp)?;
    Ok(value)
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = GivenUp;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GivenUp> {
        match self.peek() {
            Some(b'"') => self.text(visitor),
            Some(b'{') => {
                self.opened(|reader| visitor.visit_map(Open { reader, first: true, end: b'}' }), b'}')
            }
            Some(b'[') => {
                self.opened(|reader| visitor.visit_seq(Open { reader, first: true, end: b']' }), b']')
            }
            Some(b't') => self.word("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.word("false").and_then(|()| visitor.visit_bool(false)),
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_unit()),
            Some(b'-' | b'0'..=b'9') => self.number(visitor),
            _ => Err(GivenUp),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GivenUp> {
        if self.peek() == Some(b'n') {
            return self.word("null").and_then(|()| visitor.visit_none());
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, GivenUp> {
        visitor.visit_newtype_struct(self)
    }

    // No reply of this crate has either.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, GivenUp> {
        Err(GivenUp)
    }
    fn deserialize_bytes<V: Visitor<'de>>(self, _: V) -> Result<V::Value, GivenUp> {
        Err(GivenUp)
    }
    fn deserialize_byte_buf<V: Visitor<'de>>(self, _: V) -> Result<V::Value, GivenUp> {
        Err(GivenUp)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// A list or an object of which some was read.
struct Open<'a, 'de> {
    reader: &'a mut Reader<'de>,
    /// Nothing was read yet.
    first: bool,
    end: u8,
}

impl<'de> SeqAccess<'de> for Open<'_, 'de> {
    type Error = GivenUp;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, GivenUp> {
        match self.reader.next(&mut self.first, self.end)? {
            Some(()) => seed.deserialize(&mut *self.reader).map(Some),
            None => Ok(None),
        }
    }
}

impl<'de> MapAccess<'de> for Open<'_, 'de> {
    type Error = GivenUp;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, GivenUp> {
        if self.reader.next(&mut self.first, self.end)?.is_none() {
            return Ok(None);
        }
        let key = self.reader.key()?;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(key)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, GivenUp> {
        seed.deserialize(&mut *self.reader)
    }
}
