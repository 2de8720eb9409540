//! The network of an instance: a bridge, and for each group a network namespace with the group's address.
//!
//! Groups reach each other and the bridge's own address, and this machine reaches them by a route for each
//! address. There is no default route inside, so nothing leaves the machine.

use std::net::Ipv4Addr;

use super::command::ip;
use super::sweep::PREFIX;

#[derive(Debug)]
pub(super) struct Network {
    instance: String,
    range: Range,
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: u32,
    bits: u32,
}

impl Range {
    /// `10.250.0.0/16`, or an address alone.
    fn parse(text: &str) -> Option<Self> {
        let (base, bits) = text.split_once('/').unwrap_or((text, "32"));
        let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 32)?;
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        Some(Self { first: u32::from(base.parse::<Ipv4Addr>().ok()?) & mask, bits })
    }

    fn overlaps(self, other: Self) -> bool {
        let shared = self.bits.min(other.bits);
        let mask = u32::MAX.checked_shl(32 - shared).unwrap_or(0);
        self.first & mask == other.first & mask
    }
}

impl Network {
    /// Makes the bridge, unless the addresses already mean something on this machine.
    pub(super) async fn start(instance: &str, range: &str) -> Result<Self, String> {
        let parsed = Range::parse(range).ok_or_else(|| format!("{range:?} is no range of addresses"))?;
        let known =
            [ip(instance, "-o -4 addr show").await?, ip(instance, "-o -4 route show").await?].concat();
        if let Some(line) = known.lines().find(|line| means_something(line, parsed)) {
            let message = "is in use on this machine; choose another with --address-range";
            return Err(format!("the address range {range} {message} ({})", line.trim()));
        }
        let network = Self { instance: instance.to_owned(), range: parsed };
        let (bridge, gateway) = (bridge(instance), network.gateway());
        let made = network.ip(&format!("link add {bridge} type bridge")).await;
        made.map_err(|error| {
            format!(
                "a bridge cannot be made ({error}); that needs the capability NET_ADMIN (a container needs --privileged), \
                 or leave --runtime out: scripted containers need none"
            )
        })?;
        network.ip(&format!("addr add {gateway}/32 dev {bridge}")).await?;
        network.ip(&format!("link set {bridge} up")).await?;
        Ok(network)
    }

    /// The first address of the range is this machine's.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.range.first + 1)
    }

    /// Makes a group's namespace; its path is what containers join.
    pub(super) async fn join(&self, group: &str, link: u32, address: Ipv4Addr) -> Result<String, String> {
        let inside = Range { first: u32::from(address), bits: 32 };
        if !self.range.overlaps(inside) {
            return Err(format!("{address} is outside of --address-range"));
        }
        let (space, bridge) = (namespace(&self.instance, group), bridge(&self.instance));
        let link = format!("ec{}{link:x}", self.instance);
        let range = format!("{}/{}", Ipv4Addr::from(self.range.first), self.range.bits);
        for words in [
            format!("netns add {space}"),
            format!("link add {link} type veth peer name eth0 netns {space}"),
            format!("link set {link} master {bridge} up"),
            format!("-n {space} link set lo up"),
            format!("-n {space} addr add {address}/32 dev eth0"),
            format!("-n {space} link set eth0 up"),
            format!("-n {space} route add {range} dev eth0"),
            format!("route add {address}/32 dev {bridge}"),
        ] {
            self.ip(&words).await?;
        }
        Ok(format!("/run/netns/{space}"))
    }

    /// Removes a group's namespace; the pair of links goes with it.
    pub(super) async fn leave(&self, group: &str, link: u32, address: Ipv4Addr) {
        let space = namespace(&self.instance, group);
        let link = format!("ec{}{link:x}", self.instance);
        let bridge = bridge(&self.instance);
        // What is not there any more need not be removed.
        let _ = self.ip(&format!("link del {link}")).await;
        let _ = self.ip(&format!("route del {address}/32 dev {bridge}")).await;
        let _ = self.ip(&format!("netns del {space}")).await;
    }

    async fn ip(&self, words: &str) -> Result<String, String> {
        ip(&self.instance, words).await
    }
}

pub(super) fn bridge(instance: &str) -> String {
    format!("ecbr{instance}")
}

pub(super) fn namespace(instance: &str, group: &str) -> String {
    format!("{PREFIX}{instance}-{group}")
}

/// Whether a line of `ip addr` or `ip route` names an address of the range; the default route names none.
fn means_something(line: &str, range: Range) -> bool {
    line.split_whitespace().filter_map(Range::parse).any(|known| known.bits > 0 && known.overlaps(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_overlap_when_one_holds_the_other() {
        let range = Range::parse("10.250.0.0/16").unwrap();
        assert!(means_something("10.250.3.4 dev br0 scope link", range));
        assert!(means_something("2: eth0 inet 10.1.2.3/8 brd 10.255.255.255", range));
        assert!(!means_something("default via 192.168.0.1 dev eth0", range));
        assert!(!means_something("10.251.0.0/16 dev eth1", range));
    }
}
