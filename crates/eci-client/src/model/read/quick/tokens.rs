//! Finds where tokens begin and end.

use super::{GivenUp, Reader};

impl<'de> Reader<'de> {
    pub(super) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space, which stays.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.byte() {
            Some(byte) if byte > b' ' => Some(byte),
            _ => self.behind_white_space(),
        }
    }

    pub(super) fn behind_white_space(&mut self) -> Option<u8> {
        loop {
            let byte = self.byte()?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), GivenUp> {
        if self.peek() != Some(byte) {
            return Err(GivenUp);
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), GivenUp> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(GivenUp);
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads a text whose opening quote is next: what is between its quotes, and whether there are escapes in it.
    #[inline]
    pub(super) fn quoted(&mut self) -> Result<(&'de str, bool), GivenUp> {
        if self.is_plain {
            let start = self.at + 1;
            let length = self.text.as_bytes().get(start..).and_then(before_quote).ok_or(GivenUp)?;
            let end = start + length;
            self.at = end + 1;
            return Ok((self.text.get(start..end).ok_or(GivenUp)?, false));
        }
        self.quoted_with_escapes()
    }

    pub(super) fn quoted_with_escapes(&mut self) -> Result<(&'de str, bool), GivenUp> {
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
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = ONES << 7;

/// The high bit of each byte that is zero; of others too, but only above one that is.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}

/// How many bytes come before the first quote, looked for in whole words of eight.
#[inline]
fn before_quote(bytes: &[u8]) -> Option<usize> {
    let mut before = 0;
    while let Some(word) = bytes.get(before..).and_then(<[u8]>::first_chunk::<8>) {
        let quotes = zeros(u64::from_le_bytes(*word) ^ (ONES * u64::from(b'"')));
        if quotes != 0 {
            return Some(before + (quotes.trailing_zeros() / 8) as usize);
        }
        before += 8;
    }
    Some(before + bytes.get(before..)?.iter().position(|byte| *byte == b'"')?)
}

/// How many bytes at the beginning are neither quote nor escape nor control character, in whole words of eight.
#[inline]
fn plain(bytes: &[u8]) -> usize {
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
