//! Encodes texts as both signature versions want them: percent signs, upper-case hex, `-_.~` left alone.

use jiff::Timestamp;
use percent_encoding::percent_encode_byte;

use crate::model::Parameters;

/// Encodes one name or value.
pub fn encode_text(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    push_encoded(&mut encoded, text);
    encoded
}

/// Encodes parameters as `name=value`, joined by `&`, sorted by name. An empty value keeps its `=`.
/// The same text serves as canonical query, as query of the URL and as form body.
pub fn encode(parameters: &Parameters) -> String {
    // What is encoded takes three bytes for one; few are.
    let bytes = parameters.joined_length();
    let mut text = String::with_capacity(bytes + bytes / 4);
    for (name, is_plain, value) in parameters.with_plainness() {
        if !text.is_empty() {
            text.push('&');
        }
        if is_plain {
            text.push_str(name);
        } else {
            push_encoded(&mut text, name);
        }
        text.push('=');
        push_encoded(&mut text, value);
    }
    text
}

/// Whether a byte stays as it is: letters, digits and `-_.~`. A space becomes `%20`, never `+`.
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
    let mut rest = part;
    loop {
        let (stays, reserved) = rest.split_at(staying(rest.as_bytes()));
        text.push_str(stays);
        let mut characters = reserved.chars();
        let Some(character) = characters.next() else { return };
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            text.push_str(percent_encode_byte(byte));
        }
        rest = characters.as_str();
    }
}

/// How many bytes at the beginning stay as they are; in blocks of sixteen or eight as long as all do, the last of which may
/// overlap the one before.
fn staying(bytes: &[u8]) -> usize {
    let all = match (bytes.last_chunk::<16>(), bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(end), ..) => all_stay(end) && bytes.as_chunks::<16>().0.iter().all(all_stay),
        (None, Some(start), Some(end)) => all_stay(start) && all_stay(end),
        _ => false,
    };
    if all {
        return bytes.len();
    }
    bytes.iter().position(|byte| !STAYS[usize::from(*byte)]).unwrap_or(bytes.len())
}

/// Calculated without the table, which processors do for all of them at once.
fn all_stay<const N: usize>(bytes: &[u8; N]) -> bool {
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
    let mut text = vec![0; bytes.len() * 2];
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
    String::from_utf8(text).expect("digits are ASCII")
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
            for before in [0, 3, 7, 8, 12, 15, 16, 20, 40] {
                let mut text = String::new();
                push_encoded(&mut text, &format!("{}{one}", "x".repeat(before)));
                let expected = if stays { one.clone() } else { format!("%{byte:02X}") };
                assert_eq!(text, format!("{}{expected}", "x".repeat(before)));
                push_encoded(&mut text, &format!("{one}{}你{one}", "x".repeat(before)));
                let second = format!("{expected}{0}%E4%BD%A0{expected}", "x".repeat(before));
                assert_eq!(text, format!("{}{expected}{second}", "x".repeat(before)));
            }
        }
    }

    #[test]
    fn parameters_are_sorted_by_byte_and_keep_empty_values() {
        let parameters = Parameters::from_iter([("b", ""), ("B", "1"), ("A.2", "x"), ("A.10", "y")]);
        assert_eq!(encode(&parameters), "A.10=y&A.2=x&B=1&b=");
    }
}
