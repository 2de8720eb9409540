//! Hands out the addresses of a range, each to one group at a time, and keeps some for the next group of a name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;

use crate::error::Error;

#[derive(Debug)]
pub(crate) struct Addresses {
    first: u32,
    last: u32,
    next: u32,
    used: BTreeSet<u32>,
    /// Addresses that are used by nobody but wait for their owner, and until when.
    kept: BTreeMap<String, (u32, Timestamp)>,
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
        Ok(Self { first, last, next: first, used: BTreeSet::new(), kept: BTreeMap::new() })
    }

    /// The same range, none of it used.
    pub(crate) fn unused(&self) -> Self {
        let (used, kept) = (BTreeSet::new(), BTreeMap::new());
        Self { first: self.first, last: self.last, next: self.first, used, kept }
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

    /// The next that is taken is this one, if it is of the range and free.
    pub(crate) fn go_on_at(&mut self, address: Ipv4Addr) {
        let address = u32::from(address);
        if (self.first..=self.last).contains(&address) {
            self.next = address;
        }
    }

    /// A certain address, inside the range or not; false when a group has it.
    pub(crate) fn take_exactly(&mut self, address: Ipv4Addr) -> bool {
        self.used.insert(u32::from(address))
    }

    /// The address waits for its owner.
    pub(crate) fn keep(&mut self, owner: String, address: Ipv4Addr, until: Timestamp) {
        if let Some((older, _)) = self.kept.insert(owner, (u32::from(address), until)) {
            self.used.remove(&older);
        }
    }

    /// The address that waits for this owner, if one does.
    pub(crate) fn take_kept(&mut self, owner: &str, now: Timestamp) -> Option<Ipv4Addr> {
        self.release(now);
        self.kept.remove(owner).map(|(address, _)| Ipv4Addr::from(address))
    }

    /// Gives back what has waited long enough.
    pub(crate) fn release(&mut self, now: Timestamp) {
        let used = &mut self.used;
        self.kept.retain(|_, (address, until)| {
            let waits = *until > now;
            if !waits {
                used.remove(address);
            }
            waits
        });
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
    fn a_kept_address_waits_for_its_owner_and_no_longer_than_said() {
        let mut addresses = Addresses::of_range("10.250.0.0/30").unwrap();
        let (now, later) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        let address = addresses.take().unwrap();
        addresses.keep("web".into(), address, later);
        assert_eq!(addresses.take_kept("other", now), None);
        assert!(!addresses.take_exactly(address), "nobody else gets it");
        assert_eq!(addresses.take_kept("web", now), Some(address));
        addresses.keep("web".into(), address, later);
        assert_eq!(addresses.take_kept("web", later), None);
        assert!(addresses.take_exactly(address));
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        for bad in ["10.250.0.0", "10.250.0.0/33", "10.250/16", "10.250.0.0/31"] {
            assert!(Addresses::of_range(bad).is_err(), "{bad}");
        }
    }
}
