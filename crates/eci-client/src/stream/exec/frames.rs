//! Reads and writes the messages of the web socket: a channel and a payload each.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message;

use super::{ExecEncoding, ExecLayout, TerminalSize};

pub(super) const STDIN: u8 = 0;
pub(super) const STDOUT: u8 = 1;
pub(super) const STDERR: u8 = 2;
pub(super) const STATUS: u8 = 3;
pub(super) const RESIZE: u8 = 4;

/// A message to the cloud.
pub(super) fn encode(channel: u8, payload: &[u8], encoding: ExecEncoding) -> Message {
    match encoding {
        ExecEncoding::Binary => Message::binary([&[channel], payload].concat()),
        ExecEncoding::Base64 => Message::text(format!("{channel}{}", STANDARD.encode(payload))),
    }
}

/// The message that tells the size of the terminal.
pub(super) fn resize(size: TerminalSize, layout: ExecLayout, encoding: ExecEncoding) -> Message {
    let TerminalSize { width, height } = size;
    let channel = match layout {
        ExecLayout::Kubernetes => RESIZE,
        ExecLayout::Swapped => STATUS,
    };
    encode(channel, format!(r#"{{"Width":{width},"Height":{height}}}"#).as_bytes(), encoding)
}

/// The channel and payload of a message from the cloud; `None` where it has none of those known. Text that is no frame
/// is taken as output, so that nothing is lost.
pub(super) fn decode(message: &Message) -> Option<(u8, Bytes)> {
    match message {
        Message::Binary(bytes) => {
            let (first, rest) = bytes.split_first()?;
            match first {
                STDIN..=RESIZE => Some((*first, bytes.slice(1..))),
                _ => base64_frame(*first, rest),
            }
        }
        Message::Text(text) => {
            let bytes = Bytes::copy_from_slice(text.as_bytes());
            let (first, rest) = bytes.split_first()?;
            let raw = || if *first <= RESIZE { (*first, bytes.slice(1..)) } else { (STDOUT, bytes.clone()) };
            Some(base64_frame(*first, rest).unwrap_or_else(raw))
        }
        _ => None,
    }
}

fn base64_frame(first: u8, rest: &[u8]) -> Option<(u8, Bytes)> {
    let channel = first.checked_sub(b'0').filter(|channel| *channel <= RESIZE)?;
    STANDARD.decode(rest).ok().map(|payload| (channel, payload.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_is_read_back() {
        for encoding in [ExecEncoding::Binary, ExecEncoding::Base64] {
            let message = encode(STDOUT, b"\x00\xffhello", encoding);
            assert_eq!(decode(&message), Some((STDOUT, Bytes::from_static(b"\x00\xffhello"))));
        }
    }

    #[test]
    fn the_variants_that_were_seen_are_understood() {
        let cases = [
            (Message::binary(&b"2aGk="[..]), Some((2, "hi"))),
            (Message::text("\u{1}hi"), Some((1, "hi"))),
            (Message::text("hi there"), Some((1, "hi there"))),
            (Message::text("1 apple"), Some((1, "1 apple"))),
            (Message::binary(&b"\x01"[..]), Some((1, ""))),
            (Message::binary(&b"\xff\x00"[..]), None),
            (Message::binary(&b""[..]), None),
        ];
        for (message, expected) in cases {
            let expected = expected.map(|(channel, payload)| (channel, Bytes::from(payload)));
            assert_eq!(decode(&message), expected, "{message:?}");
        }
    }

    #[test]
    fn the_size_goes_where_the_layout_says() {
        let size = TerminalSize { width: 80, height: 24 };
        let message = |layout| resize(size, layout, ExecEncoding::Binary).into_data();
        assert_eq!(&message(ExecLayout::Kubernetes)[..], b"\x04{\"Width\":80,\"Height\":24}");
        assert_eq!(message(ExecLayout::Swapped)[0], 3);
    }
}
