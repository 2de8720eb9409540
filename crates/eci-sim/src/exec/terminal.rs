//! The line discipline of a terminal: echo, lines that can be corrected, Ctrl-C and Ctrl-D.

use bytes::Bytes;

use crate::script::Sent;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const BACKSPACE: u8 = 8;
const DELETE: u8 = 127;

/// A terminal in its ordinary mode.
#[derive(Debug, Default)]
pub(super) struct Terminal {
    /// What was typed since the last end of a line.
    line: Vec<u8>,
}

impl Terminal {
    /// Takes what is typed: what the terminal shows of it, and what the command gets.
    pub(super) fn type_in(&mut self, typed: &[u8]) -> (Bytes, Vec<Sent>) {
        let (mut echo, mut sent) = (Vec::new(), Vec::new());
        for byte in typed {
            match *byte {
                CTRL_C => {
                    echo.extend_from_slice(b"^C\r\n");
                    self.line.clear();
                    sent.push(Sent::Interrupt);
                }
                CTRL_D if self.line.is_empty() => sent.push(Sent::End),
                CTRL_D => sent.push(self.complete()),
                BACKSPACE | DELETE => {
                    if self.line.pop().is_some() {
                        echo.extend_from_slice(b"\x08 \x08");
                    }
                }
                b'\r' | b'\n' => {
                    echo.extend_from_slice(b"\r\n");
                    self.line.push(b'\n');
                    sent.push(self.complete());
                }
                byte => {
                    echo.push(byte);
                    self.line.push(byte);
                }
            }
        }
        (Bytes::from(echo), sent)
    }

    fn complete(&mut self) -> Sent {
        Sent::Bytes(Bytes::from(std::mem::take(&mut self.line)))
    }
}

/// Output as a terminal gets it.
pub(super) fn shown(output: &[u8]) -> Bytes {
    let line_end = |byte: &u8| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] };
    output.iter().flat_map(line_end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &'static str) -> Sent {
        Sent::Bytes(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_line_is_sent_when_it_is_complete_and_can_be_corrected_before() {
        let mut terminal = Terminal::default();
        assert_eq!(terminal.type_in(b"lx"), (Bytes::from_static(b"lx"), vec![]));
        assert_eq!(
            terminal.type_in(b"\x7fs\rp"),
            (Bytes::from_static(b"\x08 \x08s\r\np"), vec![bytes("ls\n")])
        );
        assert_eq!(terminal.type_in(b"\n").1, [bytes("p\n")]);
    }

    #[test]
    fn control_characters_interrupt_and_end() {
        let mut terminal = Terminal::default();
        let (echo, sent) = terminal.type_in(b"rm\x03ab\x04\x04");
        assert_eq!((&echo[..], sent), (&b"rm^C\r\nab"[..], vec![Sent::Interrupt, bytes("ab"), Sent::End]));
    }

    #[test]
    fn lines_end_where_the_next_begins() {
        assert_eq!(&shown(b"a\nb")[..], b"a\r\nb");
    }
}
