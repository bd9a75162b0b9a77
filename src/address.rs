//! Client addresses and the ranges a key allows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The addresses from which a key may be used: ranges in bytes, one after the other. Each range is
/// its family (4 or 6), its prefix length, and the 4 or 16 bytes of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedIps<'a>(&'a [u8]);

impl<'a> AllowedIps<'a> {
    /// Wraps ranges that [`push_range`] wrote. Unreadable bytes allow nothing.
    #[must_use]
    pub fn new(ranges: &'a [u8]) -> Self {
        Self(ranges)
    }

    /// Returns the ranges up to the first one that cannot be read.
    pub fn ranges(self) -> impl Iterator<Item = IpNet> {
        let mut rest = self.0;
        std::iter::from_fn(move || take_range(&mut rest))
    }

    /// Returns whether there is at least one range, and every range is readable and has no host
    /// bits.
    #[must_use]
    pub fn are_whole(self) -> bool {
        let mut rest = self.0;
        while let Some(range) = take_range(&mut rest) {
            if range.trunc() != range || is_mapped(range) {
                return false;
            }
        }
        rest.is_empty() && !self.0.is_empty()
    }

    /// Returns whether `address` is in one of the ranges. An IPv4-mapped IPv6 address counts as its
    /// IPv4 address.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.ranges().any(|range| range.contains(&address))
    }
}

/// Appends a range.
pub fn push_range(ranges: &mut Vec<u8>, range: IpNet) {
    match range {
        IpNet::V4(range) => {
            ranges.extend([4, range.prefix_len()]);
            ranges.extend(range.addr().octets());
        }
        IpNet::V6(range) => {
            ranges.extend([6, range.prefix_len()]);
            ranges.extend(range.addr().octets());
        }
    }
}

fn take_range(rest: &mut &[u8]) -> Option<IpNet> {
    let ([family, length], behind) = rest.split_first_chunk()?;
    let (range, behind) = match family {
        4 => {
            let (address, behind) = behind.split_first_chunk::<4>()?;
            let range = Ipv4Net::new(Ipv4Addr::from(*address), *length).ok()?;
            (IpNet::V4(range), behind)
        }
        6 => {
            let (address, behind) = behind.split_first_chunk::<16>()?;
            let range = Ipv6Net::new(Ipv6Addr::from(*address), *length).ok()?;
            (IpNet::V6(range), behind)
        }
        _ => return None,
    };
    *rest = behind;
    Some(range)
}

/// Returns whether a range consists of IPv4-mapped IPv6 addresses. keyward accepts only one
/// spelling of it: the IPv4 range.
fn is_mapped(range: IpNet) -> bool {
    match range {
        IpNet::V4(_) => false,
        IpNet::V6(range) => range.addr().to_ipv4_mapped().is_some() && range.prefix_len() >= 96,
    }
}

/// Reads an address or a CIDR range without host bits: `203.0.113.7`, `100.10.38.0/24`,
/// `2001:db8::/32`. A range of IPv4-mapped addresses (`::ffff:a.b.c.d/96` and longer) becomes the
/// IPv4 range. Returns `None` for anything else.
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

/// Reads Envoy's `source.address`: `IP:PORT`, with IPv6 in brackets. Returns `None` for a pipe's
/// path, an internal address, a zone id or anything else.
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
        let mut ranges = Vec::new();
        push_range(&mut ranges, parse_range(range).unwrap());
        let address = address.parse().unwrap();
        let ranges = AllowedIps::new(&ranges);
        assert!(ranges.are_whole());
        assert_eq!(ranges.contains(address), allowed);
    }

    #[test]
    fn broken_ranges_allow_nothing() {
        let mapped = [
            &[6, 104],
            &Ipv4Addr::new(10, 0, 0, 0).to_ipv6_mapped().octets()[..],
        ]
        .concat();
        let broken: [&[u8]; 8] = [
            &[],
            &[4],
            &[4, 0, 0, 0, 0],
            &[4, 33, 0, 0, 0, 0],
            &[5, 0, 0, 0, 0, 0],
            &[6, 0, 0, 0, 0, 0],
            &[6, 129, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &mapped,
        ];
        for bytes in broken {
            assert!(!AllowedIps::new(bytes).are_whole(), "{bytes:?}");
            assert!(!AllowedIps::new(bytes).contains([10, 1, 2, 3].into()));
        }
        let host_bits = [4, 8, 10, 0, 0, 5];
        assert!(!AllowedIps::new(&host_bits).are_whole());
        // Ranges before the broken one are still allowed, and those after it are not.
        let [mut ranges, mut behind] = [Vec::new(), vec![9]];
        push_range(&mut ranges, parse_range("10.0.0.1").unwrap());
        push_range(&mut behind, parse_range("10.0.0.2").unwrap());
        let ranges = [ranges, behind].concat();
        assert!(!AllowedIps::new(&ranges).are_whole());
        assert!(AllowedIps::new(&ranges).contains([10, 0, 0, 1].into()));
        assert!(!AllowedIps::new(&ranges).contains([10, 0, 0, 2].into()));
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
