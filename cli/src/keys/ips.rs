//! Lists of addresses and ranges a key may be used from: one by one or in bulk, separated by blanks, IPv6 where it is asked for. What is written with host bits, twice, or
//! not at all like an address is refused.

use anyhow::{Context, Result, bail};
use ipnet::IpNet;

use keyward::address::parse_range;

/// Whether IPv6 is meant.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct IpArguments {
    /// Take IPv6 addresses and ranges, too
    #[arg(long)]
    ipv6: bool,
}

#[cfg(test)]
pub(super) const IPV4: IpArguments = IpArguments { ipv6: false };

/// `known`, and then the addresses in `texts`. What is there already is left out.
pub(super) fn added(
    known: &[String],
    texts: &[String],
    arguments: IpArguments,
) -> Result<Vec<String>> {
    let mut all = known.to_vec();
    for text in words(texts) {
        let range = read(text)?;
        if text.contains(':') && !arguments.ipv6 {
            bail!("`{text}` is IPv6: limits are IPv4 unless --ipv6 is given");
        }
        if range.prefix_len() == 0 {
            bail!(
                "`{text}` is every address, which is no limit; leave it out, or lift the limit with `keyward keys limit-ip KEY clear`"
            );
        }
        if !has(&all, &range) {
            all.push(text.to_owned());
        }
    }
    Ok(all)
}

/// `known` without the addresses in `texts`, which must all be there. The last ones stay: without any the key would work from everywhere.
pub(super) fn removed(known: &[String], texts: &[String]) -> Result<Vec<String>> {
    let mut left = known.to_vec();
    for text in words(texts) {
        let range = read(text)?;
        if !has(&left, &range) {
            bail!(
                "`{text}` is not among its limits; there {}",
                if known.is_empty() {
                    "are none".to_owned()
                } else {
                    format!("is `{}`", known.join("`, `"))
                }
            );
        }
        left.retain(|known| parse_range(known) != Some(range));
    }
    if left.is_empty() {
        bail!(
            "without these the key would work from everywhere; `set` names others, and `clear` lifts the limit"
        );
    }
    Ok(left)
}

/// One argument may hold several, separated by blanks.
fn words(texts: &[String]) -> impl Iterator<Item = &str> {
    texts.iter().flat_map(|text| text.split_whitespace())
}

fn has(all: &[String], range: &IpNet) -> bool {
    all.iter()
        .any(|known| parse_range(known).as_ref() == Some(range))
}

fn read(text: &str) -> Result<IpNet> {
    parse_range(text).with_context(|| {
        if let Ok(range) = text.parse::<IpNet>() {
            return format!(
                "`{range}` has bits below its mask; did you mean `{}`?",
                range.trunc()
            );
        }
        let hint = if text.contains(',') {
            "; they are separated by blanks, not commas"
        } else {
            ""
        };
        format!("expected addresses and ranges, such as `203.0.113.7` and `100.10.38.0/24`{hint}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: IpArguments = IPV4;
    const V6: IpArguments = IpArguments { ipv6: true };

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[track_caller]
    fn assert_refused(result: Result<Vec<String>>, expected: &str) {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn addresses_come_one_by_one_or_in_bulk() {
        let known = texts(&["203.0.113.7"]);
        let all = added(
            &known,
            &texts(&["10.0.0.0/8 192.0.2.1", "198.51.100.0/24"]),
            V4,
        )
        .unwrap();
        assert_eq!(
            all,
            ["203.0.113.7", "10.0.0.0/8", "192.0.2.1", "198.51.100.0/24"]
        );
    }

    #[test]
    fn an_address_under_another_spelling_is_the_same() {
        let known = texts(&["203.0.113.7", "192.0.2.1"]);
        assert_eq!(
            added(&known, &texts(&["203.0.113.7/32"]), V4).unwrap(),
            known
        );
        let left = removed(&known, &texts(&["203.0.113.7/32"])).unwrap();
        assert_eq!(left, ["192.0.2.1"]);
    }

    #[test]
    fn ipv6_is_taken_where_it_is_asked_for() {
        let ips = texts(&["2001:db8::/32"]);
        assert_refused(added(&[], &ips, V4), "unless --ipv6 is given");
        assert_refused(added(&[], &texts(&["::ffff:192.0.2.1"]), V4), "--ipv6");
        assert_eq!(added(&[], &ips, V6).unwrap(), ips);
    }

    #[test]
    fn what_is_no_limit_or_no_address_is_refused() {
        for (text, expected) in [
            ("0.0.0.0/0", "is every address"),
            ("10.0.0.1/8", "did you mean `10.0.0.0/8`?"),
            ("192.0.2.1,192.0.2.2", "separated by blanks, not commas"),
            ("localhost", "expected addresses and ranges"),
            ("192.0.2.256", "expected addresses and ranges"),
        ] {
            assert_refused(added(&[], &texts(&[text]), V4), expected);
        }
        assert_refused(added(&[], &texts(&["::/0"]), V6), "is every address");
    }

    #[test]
    fn the_last_limit_is_not_removed_by_accident() {
        let known = texts(&["203.0.113.7"]);
        assert_refused(removed(&known, &known), "would work from everywhere");
        assert_refused(
            removed(&known, &texts(&["192.0.2.1"])),
            "is not among its limits",
        );
    }
}
