//! Checks whether a request comes from a program on this machine. Only such a program may read the
//! usage report.

use std::net::{IpAddr, SocketAddr};

/// A header's name, in lower case, and its value.
type Header<'a> = (&'a [u8], &'a [u8]);

/// Returns whether a request with these headers, between these two ends of its connection, comes
/// from a program on this machine. All of these must be true: both ends are loopback addresses,
/// `Host` names this machine (a page whose domain was pointed at this machine has another name),
/// and the request does not come from a page in a browser.
#[must_use]
pub fn is_local(headers: &[Header<'_>], ends: [Option<IpAddr>; 2]) -> bool {
    let is_near = |end: Option<IpAddr>| end.is_some_and(|end| end.to_canonical().is_loopback());
    ends.into_iter().all(is_near) && names_this_machine(headers) && !is_of_a_page(headers)
}

/// Returns whether `:authority`, which is `Host` in HTTP/1.1, is `localhost` or a loopback address,
/// with or without a port. Envoy passes no other `host` on.
fn names_this_machine(headers: &[Header<'_>]) -> bool {
    let mut hosts = headers
        .iter()
        .filter(|(name, _)| matches!(*name, b":authority" | b"host"));
    match (hosts.next(), hosts.next()) {
        (Some((_, host)), None) => std::str::from_utf8(host).is_ok_and(is_this_machine),
        _ => false,
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<SocketAddr>().map(|address| address.ip());
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(address) = address.or_else(|_| bare.parse::<IpAddr>()) {
        return address.to_canonical().is_loopback();
    }
    let (name, port) = host.split_once(':').unwrap_or((host, "0"));
    name.eq_ignore_ascii_case("localhost") && port.parse::<u16>().is_ok()
}

/// Returns whether a browser marks the request as made by a page, and not by the person at the
/// address bar.
///
/// Source: <https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>
fn is_of_a_page(headers: &[Header<'_>]) -> bool {
    headers.iter().any(|(name, value)| match *name {
        b"origin" | b"referer" => true,
        b"sec-fetch-site" => *value != b"none",
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: [&str; 2] = ["127.0.0.1", "127.0.0.1"];

    fn asks(ends: [&str; 2], headers: &[(&str, &str)]) -> bool {
        let headers: Vec<Header<'_>> = headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        is_local(&headers, ends.map(|end| end.parse().ok()))
    }

    #[test]
    fn a_program_of_this_machine_may_ask() {
        for ends in [
            NEAR,
            ["127.0.0.1", "127.9.9.9"],
            ["::1", "::1"],
            ["::ffff:127.0.0.1", "127.0.0.1"],
        ] {
            assert!(asks(ends, &[(":authority", "localhost:9902")]), "{ends:?}");
        }
        for host in [
            "localhost",
            "LocalHost:80",
            "127.0.0.1",
            "127.0.0.2:9902",
            "[::1]",
            "[::1]:9902",
            "[::ffff:127.0.0.1]:9902",
        ] {
            assert!(asks(NEAR, &[(":authority", host)]), "{host}");
        }
        let typed = [(":authority", "localhost"), ("sec-fetch-site", "none")];
        assert!(asks(NEAR, &typed));
    }

    #[test]
    fn both_ends_are_loopback() {
        for ends in [
            ["127.0.0.1", "203.0.113.9"],
            ["203.0.113.9", "127.0.0.1"],
            ["127.0.0.1", "a pipe"],
            ["0.0.0.0", "127.0.0.1"],
            ["::", "::1"],
        ] {
            assert!(!asks(ends, &[(":authority", "localhost")]), "{ends:?}");
        }
    }

    #[test]
    fn the_host_is_this_machine() {
        for host in [
            "",
            "gateway.example",
            "127.0.0.1.rebind.example",
            "localhost.rebind.example",
            "localhost.",
            "localhost:",
            "localhost:x",
            "localhost:99999",
            "x@localhost",
            "127.1",
            "0.0.0.0:9902",
            "2130706433",
            "10.0.0.1",
            "[::]:9902",
            "[127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:x",
        ] {
            assert!(!asks(NEAR, &[(":authority", host)]), "{host}");
        }
        assert!(!asks(NEAR, &[]));
        let two = [(":authority", "localhost"), ("host", "rebind.example")];
        assert!(!asks(NEAR, &two));
        assert!(!is_local(
            &[(b":authority", b"\xff")],
            [Some([127, 0, 0, 1].into()); 2]
        ));
    }

    #[test]
    fn no_page_asks() {
        for header in [
            ("origin", "http://localhost:9902"),
            ("origin", "null"),
            ("referer", "http://localhost/"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", ""),
        ] {
            assert!(
                !asks(NEAR, &[(":authority", "localhost"), header]),
                "{header:?}"
            );
        }
    }
}
