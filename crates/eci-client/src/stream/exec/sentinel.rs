//! Makes a command tell its exit code in its output, and takes the mark out of the output again.
//!
//! The mark is a control character, 128 random bits, the code, and the control character again: it cannot be in the
//! output by chance, whatever that is, and it needs no line of its own. Only bytes that may begin a mark are held back.

use crate::clock::{Nonces, RandomNonces};

/// Between records: no program means anything by it on a terminal.
const EDGE: u8 = 0x1e;
/// Digits of the longest code.
const LONGEST_CODE: usize = 10;

/// The mark of one command, and the output that may be the beginning of it.
#[derive(Debug)]
pub(super) struct Sentinel {
    nonce: String,
    held: Vec<u8>,
}

/// How a place in the output compares with the mark.
enum Found {
    Nothing,
    Beginning,
    Whole { code: i32, length: usize },
}

impl Sentinel {
    pub(super) fn new() -> Self {
        Self { nonce: RandomNonces.next(), held: Vec::new() }
    }

    /// The command, run by a shell that writes the mark when it has ended, and ends with the same code.
    pub(super) fn wrap(&self, command: Vec<String>) -> Vec<String> {
        let script = format!(r#""$@"; c=$?; printf '\036{}:%d\036' "$c"; exit "$c""#, self.nonce);
        let shell = ["sh", "-c", &script, "sh"].map(str::to_owned);
        shell.into_iter().chain(command).collect()
    }

    /// Takes output; what of the output so far is certainly no mark, and the code once it is known.
    pub(super) fn pass(&mut self, output: &[u8]) -> (Vec<u8>, Option<i32>) {
        self.held.extend_from_slice(output);
        let mut from = 0;
        while let Some(at) = self.held[from..].iter().position(|byte| *byte == EDGE).map(|at| from + at) {
            match self.compare(&self.held[at..]) {
                Found::Nothing => from = at + 1,
                Found::Beginning => {
                    let rest = self.held.split_off(at);
                    return (std::mem::replace(&mut self.held, rest), None);
                }
                Found::Whole { code, length } => {
                    self.held.drain(at..at + length);
                    return (std::mem::take(&mut self.held), Some(code));
                }
            }
        }
        (std::mem::take(&mut self.held), None)
    }

    /// What was held back, when no more output comes.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    fn compare(&self, output: &[u8]) -> Found {
        let head = [&[EDGE], self.nonce.as_bytes(), b":"].concat();
        let Some(tail) = output.strip_prefix(&head[..]) else {
            return if head.starts_with(output) { Found::Beginning } else { Found::Nothing };
        };
        let digits = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match tail.get(digits) {
            None if digits <= LONGEST_CODE => Found::Beginning,
            Some(&EDGE) => {
                let code = std::str::from_utf8(&tail[..digits]).ok().and_then(|code| code.parse().ok());
                let length = head.len() + digits + 1;
                code.map_or(Found::Nothing, |code| Found::Whole { code, length })
            }
            _ => Found::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_shell_gets_the_command_as_arguments() {
        let sentinel = Sentinel::new();
        let wrapped = sentinel.wrap(vec!["ls".into(), "a b".into()]);
        assert_eq!((wrapped[0].as_str(), wrapped[1].as_str()), ("sh", "-c"));
        assert_eq!(wrapped[3..], ["sh", "ls", "a b"]);
        assert!(wrapped[2].len() <= 256, "an item may have 256 characters");
    }

    proptest! {
        /// However the output is cut into pieces, it comes out as it went in, and so does the code.
        #[test]
        fn the_mark_is_taken_out_of_any_output(
            output in prop::collection::vec(prop_oneof![Just(EDGE), any::<u8>()], 0..80),
            after in prop::collection::vec(any::<u8>(), 0..20),
            code in 0..256,
            piece in 1..20_usize,
        ) {
            let mut sentinel = Sentinel::new();
            let mark = format!("\x1e{}:{code}\x1e", sentinel.nonce);
            let stream = [&output[..], mark.as_bytes(), &after].concat();
            let (mut passed, mut told) = (Vec::new(), None);
            for piece in stream.chunks(piece) {
                let (pass, code) = sentinel.pass(piece);
                passed.extend(pass);
                told = told.or(code);
            }
            passed.extend(sentinel.rest());
            prop_assert_eq!(passed, [&output[..], &after].concat());
            prop_assert_eq!(told, Some(code));
        }
    }
}
