//! The addresses of a new group: private and asked for, kept from a group before it, public, IPv6.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Context;
use crate::error::ApiError;
use crate::group::Facts;
use crate::rng::Rng;
use crate::settings::Ipv6;
use crate::state::Cloud;

/// The halves of the range that is set aside for tests of networks (RFC 2544): EIPs that are made with a group, and
/// those that are given by id.
const MADE_EIP: [u8; 2] = [198, 18];
const GIVEN_EIP: [u8; 2] = [198, 19];
/// The prefix for documentation (RFC 3849); the private address makes the rest.
const IPV6_PREFIX: u128 = 0x2001_0db8_0ec1 << 80;

/// Gives the group all the addresses that its request asks for, or none.
pub(super) fn assign(cloud: &mut Cloud, context: &Context<'_>, facts: &mut Facts) -> Result<(), ApiError> {
    let wants_ipv6 = context.root.number::<u32>("Ipv6AddressCount").is_some_and(|count| count > 0);
    if wants_ipv6 && cloud.settings.ipv6 == Ipv6::Unavailable {
        let message = "The vSwitch does not support IPv6 addresses.";
        return Err(ApiError::new(400, "Ipv6AddressNotSupportVsw", message));
    }
    facts.internet_ip = internet(cloud, context)?;
    facts.address = private(cloud, context, facts)?;
    let ipv6 = || Ipv6Addr::from(IPV6_PREFIX | u128::from(u32::from(facts.address)));
    facts.ipv6 = wants_ipv6.then(ipv6);
    Ok(())
}

fn private(cloud: &mut Cloud, context: &Context<'_>, facts: &Facts) -> Result<Ipv4Addr, ApiError> {
    let addresses = &mut cloud.store.addresses;
    let Some(wanted) = context.parameter("PrivateIpAddress") else {
        addresses.release(context.now);
        let kept =
            facts.address_kept().and_then(|_| addresses.take_kept(&facts.address_owner(), context.now));
        let message = "The vSwitch has no address left.";
        let none_left = || ApiError::new(403, "InvalidVSwitchId.IpNotEnough", message);
        return kept.or_else(|| addresses.take()).ok_or_else(none_left);
    };
    let Ok(wanted) = wanted.parse::<Ipv4Addr>() else {
        return Err(ApiError::new(400, "InvalidParameter", "PrivateIpAddress must be an IPv4 address."));
    };
    if !addresses.take_exactly(wanted) {
        let message = "The specified private IP address is in use.";
        return Err(ApiError::new(400, "PrivateIpAddress.Already.InUse", message));
    }
    Ok(wanted)
}

/// The address of the EIP that is made with the group, or given to it.
fn internet(cloud: &mut Cloud, context: &Context<'_>) -> Result<Option<Ipv4Addr>, ApiError> {
    let living = |cloud: &Cloud, address: Ipv4Addr| {
        let mut groups = cloud.store.groups().filter(|group| !group.life.is_terminal());
        groups.any(|group| group.facts.internet_ip == Some(address))
    };
    if let Some(id) = context.parameter("EipInstanceId") {
        let number = id.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let address = eip(GIVEN_EIP, Rng::new(number).next());
        if living(cloud, address) {
            let message = format!("The EIP {id} is bound to another instance.");
            return Err(ApiError::new(400, "IncorrectStatus", message));
        }
        return Ok(Some(address));
    }
    if !context.root.flag("AutoCreateEip") {
        return Ok(None);
    }
    let groups = cloud.store.groups().filter(|group| !group.life.is_terminal());
    let used = groups.filter(|group| group.facts.internet_ip.is_some()).count();
    let limit = cloud.settings.eip_limit as usize;
    if used >= usize::from(u16::MAX) || (limit > 0 && used >= limit) {
        let message = "The address pool has no EIP left.";
        return Err(ApiError::new(400, "EipAddressPoolIpNotEnough", message));
    }
    loop {
        let address = eip(MADE_EIP, cloud.rng.next());
        if !living(cloud, address) {
            return Ok(Some(address));
        }
    }
}

fn eip(half: [u8; 2], draw: u64) -> Ipv4Addr {
    let [.., third, fourth] = draw.to_be_bytes();
    Ipv4Addr::new(half[0], half[1], third, fourth)
}
