//! Encodes texts as both signature versions want them: percent signs, upper-case hex, `-_.~` left alone.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::Parameters;

/// Everything but letters, digits and `-_.~`. A space becomes `%20`, never `+`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Encodes one name or value.
pub fn encode_text(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Encodes parameters as `name=value`, joined by `&`, sorted by name. An empty value keeps its `=`.
/// The same text serves as canonical query, as query of the URL and as form body.
pub fn encode(parameters: &Parameters) -> String {
    // What is encoded takes three bytes for one; few are.
    let bytes = parameters.joined_length();
    let mut text = String::with_capacity(bytes + bytes / 4);
    for (name, value) in parameters.iter() {
        if !text.is_empty() {
            text.push('&');
        }
        push_encoded(&mut text, name);
        text.push('=');
        push_encoded(&mut text, value);
    }
    text
}

/// Whether a byte stays as it is.
const STAYS: [bool; 256] = {
    let mut stays = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        stays[byte] =
            matches!(byte as u8, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~');
        byte += 1;
    }
    stays
};

/// Most names and values stay as they are, and are copied in one go.
fn push_encoded(text: &mut String, part: &str) {
    let (sixteens, rest) = part.as_bytes().as_chunks::<16>();
    if sixteens.iter().all(all_stay) && rest.iter().all(|byte| STAYS[usize::from(*byte)]) {
        text.push_str(part);
    } else {
        text.extend(utf8_percent_encode(part, RESERVED));
    }
}

/// Calculated without the table, which processors do for all of them at once.
fn all_stay(bytes: &[u8; 16]) -> bool {
    let stays = |byte: u8| {
        ((byte | 0x20).wrapping_sub(b'a') < 26)
            | (byte.wrapping_sub(b'0') < 10)
            | (byte.wrapping_sub(b'-') < 2)
            | (byte == b'_')
            | (byte == b'~')
    };
    bytes.iter().fold(true, |all, byte| all & stays(*byte))
}

/// Writes a time as both versions want it: UTC, whole seconds.
pub(crate) fn time(at: Timestamp) -> String {
    let seconds = Timestamp::from_second(at.as_second());
    seconds.expect("the seconds of a time are a time").to_string()
}

/// Writes bytes as lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    bytes.iter().flat_map(digits).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encode_text("aZ09-_.~"), "aZ09-_.~");
        assert_eq!(encode_text(" *+/=&%"), "%20%2A%2B%2F%3D%26%25");
        assert_eq!(encode_text("你\n"), "%E4%BD%A0%0A");
    }

    #[test]
    fn each_byte_is_encoded_or_not_wherever_it_stands() {
        for byte in 0..=127_u8 {
            let one = char::from(byte).to_string();
            let stays = byte.is_ascii_alphanumeric() || "-_.~".contains(&one);
            for before in [0, 3, 15, 16, 20] {
                let mut text = String::new();
                push_encoded(&mut text, &format!("{}{one}", "x".repeat(before)));
                let expected = if stays { one.clone() } else { format!("%{byte:02X}") };
                assert_eq!(text, format!("{}{expected}", "x".repeat(before)));
            }
        }
    }

    #[test]
    fn parameters_are_sorted_by_byte_and_keep_empty_values() {
        let parameters = Parameters::from_iter([("b", ""), ("B", "1"), ("A.2", "x"), ("A.10", "y")]);
        assert_eq!(encode(&parameters), "A.10=y&A.2=x&B=1&b=");
    }
}
