//! Encodes texts as both signature versions want them: percent signs, upper-case hex, `-_.~` left alone.

use jiff::Timestamp;

use crate::model::Parameters;

/// Encodes one name or value.
pub fn encode_text(text: &str) -> String {
    let mut encoded = Vec::with_capacity(text.len() + LONGEST);
    push_encoded(&mut encoded, text.as_bytes());
    ascii(encoded)
}

/// Encodes parameters as `name=value`, joined by `&`, sorted by name. An empty value keeps its `=`.
/// The same text serves as canonical query, as query of the URL and as form body.
pub fn encode(parameters: &Parameters) -> String {
    // What is encoded takes three bytes for one; few are.
    let bytes = parameters.joined_length();
    let mut text = Vec::with_capacity(bytes + bytes / 4 + LONGEST);
    for (name, is_plain, value) in parameters.with_plainness() {
        if !text.is_empty() {
            text.push(b'&');
        }
        if is_plain {
            text.extend_from_slice(name);
        } else {
            push_encoded(&mut text, name);
        }
        text.push(b'=');
        push_encoded(&mut text, value);
    }
    ascii(text)
}

fn ascii(encoded: Vec<u8>) -> String {
    String::from_utf8(encoded).expect("names known to be plain and what is encoded are ASCII")
}

/// Whether a byte stays as it is: letters, digits and `-_.~`. A space becomes `%20`, never `+`.
const fn stays(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~')
}

/// What each byte becomes, and behind it how many bytes of that count: a kilobyte, which stays near the processor.
static ENCODED: [[u8; 4]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = [[0; 4]; 256];
    let mut byte = 0;
    while byte < 256 {
        encoded[byte] = if stays(byte as u8) {
            [byte as u8, 0, 0, 1]
        } else {
            [b'%', DIGITS[byte >> 4], DIGITS[byte & 15], 3]
        };
        byte += 1;
    }
    encoded
};

/// As many bytes are encoded at a time.
const PIECE: usize = 16;

/// What a piece becomes at most, with one more for the count behind the last.
const LONGEST: usize = PIECE * 3 + 1;

/// Most texts stay as they are, and are copied in one go, as is the beginning of a long one that does; the rest goes byte by
/// byte through a table, without asking of each whether it stays.
fn push_encoded(text: &mut Vec<u8>, part: &[u8]) {
    let mut rest = part;
    while !rest.is_empty() {
        let (stay, others) = rest.split_at(staying(rest));
        text.extend_from_slice(stay);
        let (piece, others) = others.split_at(others.len().min(PIECE));
        push_piece(text, piece);
        rest = others;
    }
}

fn push_piece(text: &mut Vec<u8>, piece: &[u8]) {
    // Where they belong, instead of beside it: to read at once what was written in small parts makes processors wait.
    text.extend_from_slice(&[0; LONGEST]);
    let room = text.last_chunk_mut::<LONGEST>().expect("so much was just added");
    let mut length = 0;
    for byte in piece {
        let becomes = ENCODED[usize::from(*byte)];
        room[length..length + 4].copy_from_slice(&becomes);
        length += usize::from(becomes[3]);
    }
    text.truncate(text.len() - LONGEST + length);
}

/// How many bytes at the beginning are known to stay as they are. Of a short text all or none.
fn staying(bytes: &[u8]) -> usize {
    let all_stay = match bytes.len() {
        16.. => return staying_of_long(bytes),
        8.. => ends_stay::<8>(bytes),
        4.. => ends_stay::<4>(bytes),
        _ => false,
    };
    if all_stay { bytes.len() } else { 0 }
}

/// In blocks of sixteen as long as all do, the last of which may overlap the one before.
fn staying_of_long(bytes: &[u8]) -> usize {
    if ends_stay::<PIECE>(bytes) && bytes.as_chunks::<PIECE>().0.iter().all(all_stay) {
        return bytes.len();
    }
    bytes.iter().position(|byte| !stays(*byte)).unwrap_or(bytes.len())
}

/// Whether the first and the last `N` bytes do, which of up to twice as many are all.
fn ends_stay<const N: usize>(bytes: &[u8]) -> bool {
    bytes.first_chunk::<N>().is_some_and(all_stay) && bytes.last_chunk::<N>().is_some_and(all_stay)
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
pub(crate) fn hex(bytes: &[u8]) -> String {
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
                let text = encode_text(&format!("{}{one}", "x".repeat(before)));
                let expected = if stays { one.clone() } else { format!("%{byte:02X}") };
                assert_eq!(text, format!("{}{expected}", "x".repeat(before)));
                let text = encode_text(&format!("{one}{}你{one}", "x".repeat(before)));
                assert_eq!(text, format!("{expected}{0}%E4%BD%A0{expected}", "x".repeat(before)));
            }
        }
    }

    #[test]
    fn parameters_are_sorted_by_byte_and_keep_empty_values() {
        let parameters = Parameters::from_iter([("b", ""), ("B", "1"), ("A.2", "x"), ("A.10", "y")]);
        assert_eq!(encode(&parameters), "A.10=y&A.2=x&B=1&b=");
    }
}
