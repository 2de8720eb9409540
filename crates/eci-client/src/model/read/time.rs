//! Reads times, of which a page holds thousands.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::de::Deserializer;

use super::quick::{GivenUp, Reader};
use super::{Read, text};

/// Go's zero time, which stands for "never".
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// How a time that is not known is spelt, besides the empty text.
fn is_never(text: &str) -> bool {
    matches!(text, ZERO_TIME | "-" | "0")
}

impl Read for Option<Timestamp> {
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        text(deserializer, "a time of RFC 3339", |text| {
            if !is_never(text) {
                *self = text.as_bytes().try_into().ok().and_then(usual_time).or_else(|| text.parse().ok());
            }
            is_never(text) || self.is_some()
        })
    }

    fn read_quick(&mut self, reader: &mut Reader<'_>) -> Result<(), GivenUp> {
        // Neither a digit nor what parts them is a quote, so that the text ends where it should.
        if let Some([b'"', text @ .., b'"']) = reader.rest().first_chunk::<22>()
            && let Some(time) = reader.time(text, usual_time)
        {
            reader.go_behind(text.len() + 2);
            *self = Some(time).filter(|_| *text != *ZERO_TIME.as_bytes());
            return Ok(());
        }
        match reader.plain_text() {
            Some(text) if text.is_empty() || is_never(text) => Ok(()),
            Some(text) => {
                *self = Some(text.parse().map_err(|_| GivenUp)?);
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
fn usual_time(text: &[u8; 20]) -> Option<Timestamp> {
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
            assert_eq!(text.as_bytes().try_into().ok().and_then(usual_time), None, "{text}");
        }
        assert_eq!(usual_time(b"2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z".parse().ok());
    }

    proptest! {
        #[test]
        fn the_usual_form_of_a_time_means_what_it_means_to_the_full_parser(
            text in "[0-9]{4}-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z",
        ) {
            if let Some(time) = text.as_bytes().try_into().ok().and_then(usual_time) {
                prop_assert_eq!(Some(time), text.parse().ok());
            }
        }
    }
}
