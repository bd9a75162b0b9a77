//! Client addresses and the ranges a key allows.

use std::net::{IpAddr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};

/// The addresses a key may be used from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedIps(Box<[IpNet]>);

impl AllowedIps {
    /// Any of `ranges` allows.
    #[must_use]
    pub fn new(ranges: Vec<IpNet>) -> Self {
        Self(ranges.into())
    }

    /// Whether `address` is in one of the ranges. An IPv4-mapped IPv6 address is its IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|range| range.contains(&address))
    }
}

/// Reads an address or a CIDR range without host bits: `203.0.113.7`, `100.10.38.0/24`, `2001:db8::/32`. A range of IPv4-mapped addresses
/// (`::ffff:a.b.c.d/96` and longer) is the IPv4 range. `None` for anything else.
#[must_use]
pub fn parse_range(text: &str) -> Option<IpNet> {
    let Some((address, length)) = text.split_once('/') else {
        return text
            .parse::<IpAddr>()
            .ok()
            .map(|address| IpNet::from(address.to_canonical()));
    };
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (length.len() > 1 && length.starts_with('0')) {
        return None;
    }
    let range = IpNet::new(address.parse().ok()?, length.parse().ok()?).ok()?;
    if range.trunc() != range {
        return None;
    }
    match range {
        IpNet::V4(_) => Some(range),
        IpNet::V6(v6) => match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
            (Some(v4), Some(length)) => Ipv4Net::new(v4, length).ok().map(IpNet::V4),
            _ => Some(range),
        },
    }
}

/// Reads Envoy's `source.address`: `IP:PORT`, IPv6 in brackets. A pipe's path, an internal address, a zone id or anything else is `None`.
///
/// Source: <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes>
#[must_use]
pub fn parse_source(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.contains('%') {
        return None;
    }
    let address: SocketAddr = text.parse().ok()?;
    Some(address.ip().to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_allows(range: &str, address: &str, allowed: bool) {
        let range = parse_range(range).unwrap();
        let address = address.parse().unwrap();
        assert_eq!(AllowedIps::new(vec![range]).contains(address), allowed);
    }

    #[test]
    fn ranges_allow_their_own_family_alone() {
        assert_allows("203.0.113.7", "203.0.113.7", true);
        assert_allows("203.0.113.7", "203.0.113.8", false);
        assert_allows("100.10.38.0/24", "100.10.38.255", true);
        assert_allows("100.10.38.0/24", "100.10.39.0", false);
        assert_allows("0.0.0.0/0", "9.9.9.9", true);
        assert_allows("::/0", "9.9.9.9", false);
        assert_allows("::/0", "2001:db8::1", true);
        assert_allows("2001:db8::/32", "2001:db8:ffff::", true);
    }

    #[test]
    fn mapped_addresses_are_ipv4_on_both_sides() {
        assert_allows("::ffff:10.0.0.0/104", "10.1.2.3", true);
        assert_allows("::ffff:10.0.0.1", "10.0.0.1", true);
        assert_allows("10.0.0.0/8", "::ffff:10.9.9.9", true);
    }

    #[test]
    fn what_has_two_readings_is_no_range() {
        for text in [
            "",
            "10.0.0.5/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0/8",
            "010.0.0.1",
            "0x0a.0.0.1",
            "1.2.3.4 ",
            "2001:db8::1/32",
            "fe80::1%eth0",
            "[::1]",
            "localhost",
            "10.0.0.0/8/8",
            "::/129",
            "::/256",
        ] {
            assert_eq!(parse_range(text), None, "`{text}`");
        }
    }

    #[test]
    fn sources_are_socket_addresses() {
        assert_eq!(parse_source(b"9.9.9.9:0"), Some("9.9.9.9".parse().unwrap()));
        assert_eq!(parse_source(b"[::1]:80"), Some("::1".parse().unwrap()));
        assert_eq!(
            parse_source(b"[::ffff:9.9.9.9]:80"),
            Some("9.9.9.9".parse().unwrap())
        );
        for text in [
            &b""[..],
            b"9.9.9.9",
            b"/run/envoy.sock",
            b"envoy://internal",
            b"[fe80::1%2]:80",
            b"\xff",
        ] {
            assert_eq!(parse_source(text), None);
        }
    }
}
