//! Hands out the addresses of a range, each to one group at a time.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::error::Error;

#[derive(Debug)]
pub(crate) struct Addresses {
    first: u32,
    last: u32,
    next: u32,
    used: BTreeSet<u32>,
}

impl Addresses {
    /// The usable addresses of a range such as `10.250.0.0/16`: all but its first and last.
    pub(crate) fn of_range(text: &str) -> Result<Self, Error> {
        let bad = || Error::AddressRange(text.to_owned());
        let (base, bits) = text.split_once('/').ok_or_else(bad)?;
        let base = u32::from(base.parse::<Ipv4Addr>().map_err(|_| bad())?);
        let bits: u32 = bits.parse().ok().filter(|bits| (8..=30).contains(bits)).ok_or_else(bad)?;
        let size = 1u32 << (32 - bits);
        let start = base & !(size - 1);
        let (first, last) = (start + 1, start + size - 2);
        Ok(Self { first, last, next: first, used: BTreeSet::new() })
    }

    /// An address that no group has; one that was given back is not reused before all others were.
    pub(crate) fn take(&mut self) -> Option<Ipv4Addr> {
        let count = self.last - self.first + 1;
        if self.used.len() >= count as usize {
            return None;
        }
        loop {
            let candidate = self.next;
            self.next = if candidate == self.last { self.first } else { candidate + 1 };
            if self.used.insert(candidate) {
                return Some(Ipv4Addr::from(candidate));
            }
        }
    }

    /// A certain address, inside the range or not; false when a group has it.
    pub(crate) fn take_exactly(&mut self, address: Ipv4Addr) -> bool {
        self.used.insert(u32::from(address))
    }

    pub(crate) fn give_back(&mut self, address: Ipv4Addr) {
        self.used.remove(&u32::from(address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_distinct_until_given_back() {
        let mut addresses = Addresses::of_range("10.250.0.7/30").unwrap();
        let first = addresses.take().unwrap();
        assert_eq!(first.to_string(), "10.250.0.5");
        assert_eq!(addresses.take().unwrap().to_string(), "10.250.0.6");
        assert_eq!(addresses.take(), None);
        addresses.give_back(first);
        assert!(addresses.take_exactly(first));
        assert!(!addresses.take_exactly(first));
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        for bad in ["10.250.0.0", "10.250.0.0/33", "10.250/16", "10.250.0.0/31"] {
            assert!(Addresses::of_range(bad).is_err(), "{bad}");
        }
    }
}
