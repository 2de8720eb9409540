//! Reads the JSON of a reply in one pass, and gives up on whatever is out of the ordinary.
//!
//! A page of 200 groups has tens of thousands of tokens, nearly all of them short texts without escapes, and the pages
//! are read every second. A type reads such a text straight from here ([`Read::read_quick`]); what has another form
//! goes through serde, as all of it would, its numbers and texts read by serde_json token by token. What is no reply (a
//! refusal names a `Code`, see [`reply`]) or cannot be read ends in [`GivenUp`] without a reason: serde_json then reads
//! the body again and says what is wrong with it.

mod deserializer;
mod tokens;

use std::any::TypeId;
use std::fmt::{self, Display};

use jiff::Timestamp;
use serde::de::{self, Deserialize, DeserializeSeed};

#[cfg(feature = "client-core")]
use super::whole;
use super::{Fields, Inside, Read, Values, complete};

/// serde_json's own limit.
const DEEPEST: usize = 127;

/// Room that is made for the items of a list at once, at most, where a guess says that there are many.
const MOST_ROOM: usize = 512;

/// Room that is made for the items of a list at once, at most: after a long list may come many short ones.
const MUCH_ROOM: usize = 16;

/// The body is to be read by other means.
#[derive(Debug)]
pub struct GivenUp;

impl Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("given up")
    }
}

impl std::error::Error for GivenUp {}

impl de::Error for GivenUp {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// Reads a reply, unless the object at the top has a key `Code` in any case: then it may be a refusal.
#[cfg(feature = "client-core")]
pub(crate) fn reply<T: Read>(body: &[u8]) -> Result<T, GivenUp> {
    let mut reader = Reader::new(body)?;
    let mut reply = T::default();
    reply.read_quick(&mut reader)?;
    match reader.peek() {
        None => whole(reply),
        Some(_) => Err(GivenUp),
    }
}

/// The text that is read, and how far.
pub struct Reader<'de> {
    text: &'de str,
    /// The byte to be read next.
    at: usize,
    /// How many lists and objects are open.
    depth: usize,
    /// There is neither an escape nor a control character, so that each text ends at the next quote.
    is_plain: bool,
    /// The time that was read last.
    last_time: Option<([u8; 20], Timestamp)>,
    /// How long the last list of each type was.
    lengths: Vec<(TypeId, usize)>,
}

impl<'de> Reader<'de> {
    #[cfg(feature = "client-core")]
    fn new(body: &'de [u8]) -> Result<Self, GivenUp> {
        let text = str::from_utf8(body).map_err(|_| GivenUp)?;
        // The least byte, without an early end: so it is found for many bytes at once.
        let is_plain = body.iter().fold(u8::MAX, |least, byte| least.min(*byte)) >= 0x20
            && memchr::memchr(b'\\', body).is_none();
        Ok(Self { text, at: 0, depth: 0, is_plain, last_time: None, lengths: Vec::new() })
    }

    /// Goes behind one of these tokens, if one is next.
    #[inline]
    pub(crate) fn goes_behind(&mut self, tokens: &[&[u8; 2]]) -> bool {
        self.peek();
        let next = self.text.as_bytes().get(self.at..).and_then(<[u8]>::first_chunk);
        let found = next.is_some_and(|next| tokens.contains(&next));
        self.at += if found { 2 } else { 0 };
        found
    }

    /// What has not been read.
    #[inline]
    pub(crate) fn rest(&self) -> &'de [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Goes behind as many bytes, which are there.
    #[inline]
    pub(crate) fn go_behind(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Reads a time by `read`, unless it is the one before, as those of one group's conditions often are.
    #[inline]
    pub(crate) fn time(
        &mut self,
        text: &[u8; 20],
        read: impl FnOnce(&[u8; 20]) -> Option<Timestamp>,
    ) -> Option<Timestamp> {
        match self.last_time {
            Some((last, time)) if last == *text => Some(time),
            _ => {
                let time = read(text)?;
                self.last_time = Some((*text, time));
                Some(time)
            }
        }
    }

    /// The text that is next, which may be empty; `None` if something else is, or a text with escapes.
    #[inline]
    pub(crate) fn plain_text(&mut self) -> Option<&'de str> {
        if self.byte() != Some(b'"') && self.behind_white_space() != Some(b'"') {
            return None;
        }
        let start = self.at;
        match self.quoted() {
            Ok((text, false)) => Some(text),
            _ => {
                self.at = start;
                None
            }
        }
    }

    /// Reads `true` or `false` if one of them is next.
    pub(crate) fn truth(&mut self) -> Option<bool> {
        match self.peek() {
            Some(b't') => self.word("true").ok().map(|()| true),
            Some(b'f') => self.word("false").ok().map(|()| false),
            _ => None,
        }
    }

    /// Reads an object key by key, if one is next.
    #[inline]
    pub(crate) fn object<T: Fields>(&mut self, into: &mut T) -> Result<bool, GivenUp> {
        let is_object = self.each(*b"{}", |reader| {
            // At the top every key is looked at, for `Code`.
            if reader.depth > 1 && into.take_next(reader)? {
                return Ok(());
            }
            let key = reader.key()?;
            if !into.take(key, reader)? {
                de::IgnoredAny::deserialize(&mut *reader)?;
            }
            Ok(())
        })?;
        if is_object {
            complete(into)?;
        }
        Ok(is_object)
    }

    /// Reads a list item by item, if one is next.
    #[inline]
    pub(crate) fn list(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<(), GivenUp>,
    ) -> Result<bool, GivenUp> {
        self.each(*b"[]", item)
    }

    /// Reads what is between two brackets and parted by commas, if the first bracket is next. What `one` reads is
    /// never nothing, so that a comma too many is found out.
    #[inline]
    fn each(
        &mut self,
        [begin, end]: [u8; 2],
        mut one: impl FnMut(&mut Self) -> Result<(), GivenUp>,
    ) -> Result<bool, GivenUp> {
        if self.peek() != Some(begin) {
            return Ok(false);
        }
        if self.depth == DEEPEST {
            return Err(GivenUp);
        }
        self.at += 1;
        if self.peek() != Some(end) {
            self.depth += 1;
            loop {
                one(self)?;
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(byte) if byte == end => break,
                    _ => return Err(GivenUp),
                }
            }
            self.depth -= 1;
        }
        self.at += 1;
        Ok(true)
    }

    /// How many more items a list may well have, at least as many as there are: it began when `before` bytes were left. Of
    /// what is listed at the top, nearly all of a reply consists.
    pub(crate) fn likely_more(&self, items: usize, before: usize) -> usize {
        let left = self.rest().len();
        let likely = if self.depth == 2 { left * items / before.saturating_sub(left).max(1) } else { 0 };
        likely.clamp(items, items.max(MOST_ROOM))
    }

    /// How long a list of this type may well be: as long as the one before.
    pub(crate) fn usual_length(&self, of: TypeId) -> usize {
        self.lengths.iter().find(|(known, _)| *known == of).map_or(1, |(_, length)| *length)
    }

    /// Remembers how long a list of this type was, so that the next one is given its room at once.
    pub(crate) fn had_length(&mut self, of: TypeId, length: usize) {
        let length = length.clamp(1, MUCH_ROOM);
        match self.lengths.iter_mut().find(|(known, _)| *known == of) {
            Some((_, known)) => *known = length,
            None => self.lengths.push((of, length)),
        }
    }

    /// Reads a key and its colon.
    #[inline]
    fn key(&mut self) -> Result<&'de str, GivenUp> {
        if self.peek() != Some(b'"') {
            return Err(GivenUp);
        }
        let (key, escaped) = self.quoted()?;
        let refuses = self.depth == 1 && key.eq_ignore_ascii_case("code");
        if escaped || refuses {
            return Err(GivenUp);
        }
        self.expect(b':')?;
        Ok(key)
    }
}

impl Values for Reader<'_> {
    type Error = GivenUp;

    #[inline]
    fn value<T: Read>(&mut self, place: &mut T) -> Result<(), GivenUp> {
        place.read_quick(self)
    }

    fn value_inside<T: Read>(&mut self, name: &'static str, place: &mut Vec<T>) -> Result<(), GivenUp> {
        Inside::new(name, place).deserialize(self)
    }
}

#[cfg(all(test, feature = "client-core"))]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Through serde, so that any JSON will do.
    fn read_bytes(body: &[u8]) -> Option<Value> {
        let mut reader = Reader::new(body).ok()?;
        let value = Value::deserialize(&mut reader).ok()?;
        reader.peek().is_none().then_some(value)
    }

    fn read(text: &str) -> Option<Value> {
        read_bytes(text.as_bytes())
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
        assert!(read_bytes(b"\"\xff\"").is_none());
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
            if let Some(read) = read_bytes(&body) {
                prop_assert_eq!(Some(read), serde_json::from_slice(&body).ok());
            }
        }
    }
}
