//! Hands in what must not be reached for: the time of day and fresh nonces.

use jiff::Timestamp;

use crate::cryptography::rand::{SecureRandom, SystemRandom};
use crate::sign::hex;

/// Tells the time of day. Any `Fn() -> Timestamp` is one.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

impl<F: Fn() -> Timestamp + Send + Sync + 'static> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place where the wall clock comes in")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Makes nonces, a new one for each attempt. Any `Fn() -> String` is one.
pub trait Nonces: Send + Sync + 'static {
    /// A text that was never given before.
    fn next(&self) -> String;
}

impl<F: Fn() -> String + Send + Sync + 'static> Nonces for F {
    fn next(&self) -> String {
        self()
    }
}

/// Nonces of 128 random bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomNonces;

impl Nonces for RandomNonces {
    fn next(&self) -> String {
        hex(&random::<16>())
    }
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system gives random bytes once it has started");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_nonces_differ_and_have_a_fixed_length() {
        let (one, other) = (RandomNonces.next(), RandomNonces.next());
        assert_ne!(one, other);
        assert_eq!((one.len(), other.len()), (32, 32));
    }
}
