//! Addresses and CIDR ranges, as bits. An IPv4-mapped IPv6 address is the IPv4 address.

use std::net::IpAddr;

/// Returns whether the address is in a range (`10.0.0.0/8`) or is the single address
/// (`203.0.113.7`).
pub(super) fn is_in(address: IpAddr, range: &str) -> bool {
    let (network, length) = match range.split_once('/') {
        Some((network, length)) => (network, Some(length)),
        None => (range, None),
    };
    let Ok(network) = network.parse::<IpAddr>() else {
        return false;
    };
    let full = if network.is_ipv4() { 32 } else { 128 };
    let length = match length {
        Some(length) => match length.parse::<u32>() {
            Ok(length) if length <= full => length,
            _ => return false,
        },
        None => full,
    };
    // Everything below counts in 128 bits, where IPv4 is `::ffff:0:0/96`.
    let length = length + (128 - full);
    let (network, address) = (bits(network), bits(address));
    // An IPv6 range that is wider than the IPv4 part contains no IPv4 addresses.
    if is_v4(address) && !(is_v4(network) && length >= 96) {
        return false;
    }
    network & mask(length) == address & mask(length)
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn is_v4(bits: u128) -> bool {
    bits >> 32 == 0xffff
}

/// Returns a mask with the first `length` bits set.
fn mask(length: u32) -> u128 {
    !u128::MAX.checked_shr(length).unwrap_or(0)
}
