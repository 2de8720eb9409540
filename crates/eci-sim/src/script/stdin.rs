//! What a command is sent, as a history: a script that is run again reads the same, and more where more has come.

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;

/// Something that reached a command's stdin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Bytes(Bytes),
    /// Ctrl-C at the terminal.
    Interrupt,
    /// Ctrl-D at the terminal; more may be typed behind it.
    End,
    /// The last.
    Closed,
}

/// All that a command was sent so far, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stdin {
    /// A terminal is at the other end.
    pub(crate) terminal: bool,
    sent: Vec<(Timestamp, Sent)>,
}

impl Stdin {
    pub(crate) fn new(terminal: bool) -> Self {
        Self { terminal, sent: Vec::new() }
    }

    /// Adds what has come at `at`, which is never before what came earlier.
    pub(crate) fn push(&mut self, at: Timestamp, sent: Sent) {
        self.sent.push((at, sent));
    }
}

/// The answer to a reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    Bytes(Bytes),
    Interrupt,
    End,
    /// Nothing yet, but there may be more.
    Wait,
}

/// A place in the history.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) stdin: &'a Stdin,
    next: usize,
    /// What was read of the last bytes beyond a line.
    rest: Bytes,
}

impl<'a> Reader<'a> {
    pub(super) fn of(stdin: &'a Stdin) -> Self {
        Self { stdin, next: 0, rest: Bytes::new() }
    }

    /// The next that was sent, and when it was there.
    pub(super) fn read(&mut self) -> (Option<Timestamp>, Read) {
        if !self.rest.is_empty() {
            return (None, Read::Bytes(std::mem::take(&mut self.rest)));
        }
        let Some((at, sent)) = self.stdin.sent.get(self.next) else { return (None, Read::Wait) };
        // It is found by everybody who reads on.
        self.next += usize::from(*sent != Sent::Closed);
        let read = match sent {
            Sent::Bytes(bytes) => Read::Bytes(bytes.clone()),
            Sent::Interrupt => Read::Interrupt,
            Sent::End | Sent::Closed => Read::End,
        };
        (Some(*at), read)
    }

    /// The next line without its end, and when it was complete.
    pub(super) fn line(&mut self) -> (Option<Timestamp>, Read) {
        let mut line = BytesMut::new();
        let mut complete_at = None;
        loop {
            let (at, read) = self.read();
            complete_at = at.or(complete_at);
            match read {
                Read::Bytes(mut bytes) => match bytes.iter().position(|byte| *byte == b'\n') {
                    Some(end) => {
                        line.extend_from_slice(&bytes.split_to(end));
                        self.rest = bytes.slice(1..);
                        return (complete_at, Read::Bytes(line.freeze()));
                    }
                    None => line.extend_from_slice(&bytes),
                },
                Read::End if !line.is_empty() => return (complete_at, Read::Bytes(line.freeze())),
                other => return (complete_at, other),
            }
        }
    }

    /// When Ctrl-C was typed, unless that was after `until`. What was typed before it is dropped with it.
    pub(super) fn interrupted(&mut self, until: Timestamp) -> Option<Timestamp> {
        let mut unread = self.stdin.sent[self.next..].iter().enumerate();
        let (ahead, (at, _)) = unread.find(|(_, (at, sent))| *sent == Sent::Interrupt && *at <= until)?;
        self.next += ahead + 1;
        self.rest = Bytes::new();
        Some(*at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn sent(terminal: bool, all: &[Sent]) -> Stdin {
        let mut stdin = Stdin::new(terminal);
        for (at, sent) in (1..).zip(all) {
            stdin.push(second(at), sent.clone());
        }
        stdin
    }

    fn bytes(text: &'static str) -> Sent {
        Sent::Bytes(Bytes::from_static(text.as_bytes()))
    }

    fn line(text: &'static str) -> Read {
        Read::Bytes(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_line_is_there_when_its_last_piece_is() {
        let stdin = sent(false, &[bytes("o"), bytes("ne\ntwo\nth"), Sent::Closed]);
        let mut reader = Reader::of(&stdin);
        assert_eq!(reader.line(), (Some(second(2)), line("one")));
        assert_eq!(reader.line(), (None, line("two")));
        assert_eq!(reader.line(), (Some(second(3)), line("th")));
        assert_eq!(reader.line().1, Read::End);
        assert_eq!(reader.line().1, Read::End);
    }

    #[test]
    fn the_end_typed_at_a_terminal_is_found_once() {
        let stdin = sent(true, &[Sent::End, bytes("x\n")]);
        let mut reader = Reader::of(&stdin);
        assert_eq!(reader.line().1, Read::End);
        assert_eq!(reader.line().1, line("x"));
        assert_eq!(reader.line().1, Read::Wait);
    }

    #[test]
    fn an_interrupt_drops_what_was_typed_ahead() {
        let stdin = sent(true, &[bytes("ahead\n"), Sent::Interrupt, bytes("after\n")]);
        let mut reader = Reader::of(&stdin);
        assert_eq!(reader.interrupted(second(1)), None);
        assert_eq!(reader.interrupted(second(2)), Some(second(2)));
        assert_eq!(reader.line().1, line("after"));
    }
}
