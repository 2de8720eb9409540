//! Reads the JSON of a reply in one pass, and gives up on whatever is out of the ordinary.
//!
//! A page of 200 groups has tens of thousands of tokens, nearly all of them short texts without escapes, and the pages
//! are read every second. Those are read here without a call for each; numbers and texts of other forms are handed to
//! serde_json token by token. What is no reply (a refusal names a `Code`, see [`reply`]) or cannot be read ends in
//! [`GivenUp`] without a reason: serde_json then reads the body again and says what is wrong with it.

use std::fmt::Display;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// serde_json's own limit.
const DEEPEST: usize = 127;

/// The body is to be read by other means.
#[derive(Debug, thiserror::Error)]
#[error("given up")]
pub(super) struct GivenUp;

impl de::Error for GivenUp {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// Reads a reply, unless the object at the top has a key `Code` in any case: then it may be a refusal.
pub(super) fn reply<T: DeserializeOwned>(body: &[u8]) -> Result<T, GivenUp> {
    let text = str::from_utf8(body).map_err(|_| GivenUp)?;
    let mut reader = Reader { text, at: 0, depth: 0 };
    let reply = T::deserialize(&mut reader)?;
    match reader.peek() {
        None => Ok(reply),
        Some(_) => Err(GivenUp),
    }
}

struct Reader<'de> {
    text: &'de str,
    /// The byte to be read next.
    at: usize,
    /// How many lists and objects are open.
    depth: usize,
}

impl<'de> Reader<'de> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space, which stays.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = self.byte()?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), GivenUp> {
        if self.peek() != Some(byte) {
            return Err(GivenUp);
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), GivenUp> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(GivenUp);
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads a text whose opening quote is next: what is between its quotes, and whether there are escapes in it.
    #[inline]
    fn quoted(&mut self) -> Result<(&'de str, bool), GivenUp> {
        let start = self.at + 1;
        let mut end = start + plain(&self.text.as_bytes()[start..]);
        let mut escaped = false;
        loop {
            self.at = end;
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    end += 2;
                }
                // Control characters must be escaped.
                None | Some(..0x20) => return Err(GivenUp),
                Some(_) => end += 1,
            }
        }
        self.at = end + 1;
        Ok((&self.text[start..end], escaped))
    }

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

/// How many bytes at the beginning are neither quote nor escape nor control character, in whole words of eight.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    // The high bit of each byte that is zero; of others too, but only above one that is.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut plain = 0;
    for chunk in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let escapes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let found = quotes | escapes | controls;
        if found != 0 {
            return plain + (found.trailing_zeros() / 8) as usize;
        }
        plain += 8;
    }
    plain
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
        if self.reader.byte() != Some(b'"') {
            return Err(GivenUp);
        }
        let (key, escaped) = self.reader.quoted()?;
        let refuses = self.reader.depth == 1 && key.eq_ignore_ascii_case("code");
        if escaped || refuses {
            return Err(GivenUp);
        }
        self.reader.expect(b':')?;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(key)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, GivenUp> {
        seed.deserialize(&mut *self.reader)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> Option<Value> {
        reply(text.as_bytes()).ok()
    }

    #[test]
    fn what_may_be_a_refusal_is_given_up_in_any_case_of_its_code() {
        for refusal in [r#"{"Code":"Throttling"}"#, r#"{"RequestId":"r","code":""}"#, r#"{"\u0043ode":1}"#] {
            assert_eq!(read(refusal), None, "{refusal}");
        }
        let within = r#"{"a":{"Code":"x"},"b":[{"code":1}],"ExitCode":0}"#;
        assert_eq!(read(within), serde_json::from_str(within).ok());
    }

    #[test]
    fn what_is_not_json_is_given_up() {
        let texts = [
            "",
            " ",
            "{",
            "[",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{1:2}",
            "nul",
            "truex",
            "01",
            "1.",
            "-",
            "+1",
            "1e",
            ".5",
            "\"",
            "\"a",
            "\"\\",
            "\"\\\"",
            "\"\\x\"",
            "\"\n\"",
            "{} {}",
            "]",
            "\"\\ud800\"",
            "[}",
            "{]",
        ];
        for text in texts {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text:?}");
            assert_eq!(read(text), None, "{text:?}");
        }
        assert!(reply::<Value>(b"\"\xff\"").is_err());
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        for levels in [127, 128, 100_000] {
            assert_eq!(read(&deep(levels)).is_some(), serde_json::from_str::<Value>(&deep(levels)).is_ok());
        }
    }

    #[test]
    fn texts_are_read_whatever_their_length_and_what_ends_them() {
        for length in 0..40 {
            for special in ["", "\"", "\\", "\n", "é", "你", "\u{7f}", "\u{1f600}"] {
                let text = format!("{}{special}{}", "x".repeat(length), "y".repeat(length % 9));
                let value = json!([text.as_str(), { "key": text.as_str() }]);
                assert_eq!(read(&value.to_string()), Some(value));
            }
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,20}".prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map("[a-zA-Z ]{0,9}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn replies_are_read_as_serde_json_reads_them(value in values(), pretty: bool) {
            let text = if pretty { format!(" {value:#}\n") } else { value.to_string() };
            let whole: Value = serde_json::from_str(&text).expect("it has written this itself");
            let is_refusal =
                whole.as_object().is_some_and(|map| map.keys().any(|key| key.eq_ignore_ascii_case("code")));
            prop_assert_eq!(read(&text), (!is_refusal).then_some(whole));
        }

        #[test]
        fn broken_replies_are_never_read_otherwise_than_by_serde_json(
            value in values(), at: prop::sample::Index, byte: u8, cut: bool,
        ) {
            let mut body = value.to_string().into_bytes();
            let at = at.index(body.len());
            if cut { body.truncate(at) } else { body[at] = byte };
            if let Ok(read) = reply::<Value>(&body) {
                prop_assert_eq!(Some(read), serde_json::from_slice(&body).ok());
            }
        }
    }
}
