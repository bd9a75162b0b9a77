//! Lists of addresses and ranges from which a key may be used. keyward rejects ranges with host
//! bits and anything that is not an address, and skips what is already listed.

use ipnet::IpNet;

use super::refusal::RuleCode;
use crate::address::parse_range;

/// Adds the addresses in `texts` to `known`, except those already listed.
pub(super) fn added(
    known: &[String],
    texts: &[String],
    ipv6: bool,
) -> Result<Vec<String>, RuleCode> {
    let mut all = known.to_vec();
    for text in words(texts) {
        let range = allowed(text, ipv6)?;
        if !has(&all, &range) {
            all.push(text.to_owned());
        }
    }
    Ok(all)
}

/// Removes the addresses in `texts` from `known`, which must contain all of them. The last address
/// cannot be removed: without any, the key would work from everywhere.
pub(super) fn removed(known: &[String], texts: &[String]) -> Result<Vec<String>, RuleCode> {
    let mut left = known.to_vec();
    for text in words(texts) {
        let range = read(text)?;
        if !has(&left, &range) {
            return Err(RuleCode::IpNotListed {
                range: text.to_owned(),
                known: known.to_vec(),
            });
        }
        left.retain(|known| parse_range(known) != Some(range));
    }
    if left.is_empty() {
        return Err(RuleCode::IpLast);
    }
    Ok(left)
}

/// Splits texts at blanks. One text may contain several addresses.
fn words(texts: &[String]) -> impl Iterator<Item = &str> {
    texts.iter().flat_map(|text| text.split_whitespace())
}

fn has(all: &[String], range: &IpNet) -> bool {
    all.iter()
        .any(|known| parse_range(known).as_ref() == Some(range))
}

/// Returns whether `known` allows every address that `texts` allow.
pub(super) fn are_within(texts: &[String], known: &[String]) -> bool {
    let known: Vec<IpNet> = known.iter().filter_map(|text| parse_range(text)).collect();
    let is_within = |text: &String| {
        parse_range(text).is_some_and(|range| known.iter().any(|known| known.contains(&range)))
    };
    texts.iter().all(is_within)
}

/// Why a key may not be limited to a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressFault {
    /// It is neither an address nor a range.
    Invalid,
    /// A range with bits below its mask.
    HostBits {
        /// As it was read.
        range: String,
        /// Without these bits.
        meant: String,
    },
    /// Every address, which would not limit the key.
    Everything,
    /// IPv6, which has to be meant.
    V6,
}

/// What is wrong with one address or range, if something is.
#[must_use]
pub fn address_fault(text: &str, ipv6: bool) -> Option<AddressFault> {
    let Some(range) = parse_range(text) else {
        return Some(match text.parse::<IpNet>() {
            // Written as it was read: nothing of it is anything but an address.
            Ok(range) => AddressFault::HostBits {
                range: range.to_string(),
                meant: range.trunc().to_string(),
            },
            Err(_) => AddressFault::Invalid,
        });
    };
    if text.contains(':') && !ipv6 {
        Some(AddressFault::V6)
    } else if range.prefix_len() == 0 {
        Some(AddressFault::Everything)
    } else {
        None
    }
}

/// A range that a key may be limited to.
fn allowed(text: &str, ipv6: bool) -> Result<IpNet, RuleCode> {
    match address_fault(text, ipv6) {
        None => read(text),
        Some(fault) => Err(refused(text, fault)),
    }
}

fn read(text: &str) -> Result<IpNet, RuleCode> {
    // IPv6 is meant, and every address is one that may be taken off a list.
    parse_range(text).ok_or_else(|| {
        refused(
            text,
            address_fault(text, true).unwrap_or(AddressFault::Invalid),
        )
    })
}

fn refused(text: &str, fault: AddressFault) -> RuleCode {
    match fault {
        AddressFault::Invalid => RuleCode::IpInvalid {
            has_comma: text.contains(','),
        },
        AddressFault::HostBits { range, meant } => RuleCode::IpHasHostBits { range, meant },
        AddressFault::Everything => RuleCode::IpEveryAddress {
            range: text.to_owned(),
        },
        AddressFault::V6 => RuleCode::IpIsV6 {
            range: text.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn addresses_come_one_by_one_or_in_bulk() {
        let known = texts(&["203.0.113.7"]);
        let all = ["10.0.0.0/8 192.0.2.1", "198.51.100.0/24"];
        assert_eq!(
            added(&known, &texts(&all), false).unwrap(),
            ["203.0.113.7", "10.0.0.0/8", "192.0.2.1", "198.51.100.0/24"]
        );
    }

    #[test]
    fn an_address_under_another_spelling_is_the_same() {
        let known = texts(&["203.0.113.7", "192.0.2.1"]);
        let same = texts(&["203.0.113.7/32"]);
        assert_eq!(added(&known, &same, false).unwrap(), known);
        assert_eq!(removed(&known, &same).unwrap(), ["192.0.2.1"]);
    }

    #[test]
    fn ipv6_is_taken_where_it_is_meant() {
        let ips = texts(&["2001:db8::/32"]);
        for text in ["2001:db8::/32", "::ffff:192.0.2.1"] {
            let refused = added(&[], &texts(&[text]), false).unwrap_err();
            let range = text.to_owned();
            assert_eq!(refused, RuleCode::IpIsV6 { range });
        }
        assert_eq!(added(&[], &ips, true).unwrap(), ips);
    }

    #[test]
    fn what_is_no_limit_or_no_address_is_refused() {
        for (text, expected) in [
            (
                "0.0.0.0/0",
                RuleCode::IpEveryAddress {
                    range: "0.0.0.0/0".to_owned(),
                },
            ),
            (
                "10.0.0.1/8",
                RuleCode::IpHasHostBits {
                    range: "10.0.0.1/8".to_owned(),
                    meant: "10.0.0.0/8".to_owned(),
                },
            ),
            (
                "192.0.2.1,192.0.2.2",
                RuleCode::IpInvalid { has_comma: true },
            ),
            ("localhost", RuleCode::IpInvalid { has_comma: false }),
            ("192.0.2.256", RuleCode::IpInvalid { has_comma: false }),
        ] {
            assert_eq!(added(&[], &texts(&[text]), false), Err(expected));
        }
        let range = "::/0".to_owned();
        let every = Err(RuleCode::IpEveryAddress { range });
        assert_eq!(added(&[], &texts(&["::/0"]), true), every);
    }

    #[test]
    fn the_last_limit_is_not_removed_by_accident() {
        let known = texts(&["203.0.113.7"]);
        assert_eq!(removed(&known, &known), Err(RuleCode::IpLast));
        let range = "192.0.2.1".to_owned();
        let refused = removed(&known, &texts(&["192.0.2.1"]));
        assert_eq!(refused, Err(RuleCode::IpNotListed { range, known }));
    }

    #[test]
    fn a_part_of_a_range_is_within_it() {
        let known = texts(&["10.0.0.0/8", "192.0.2.1"]);
        assert!(are_within(&texts(&["10.1.0.0/16", "192.0.2.1/32"]), &known));
        assert!(!are_within(&texts(&["10.0.0.0/7"]), &known));
        assert!(!are_within(&texts(&["192.0.2.2"]), &known));
    }
}
