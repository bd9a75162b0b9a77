//! The client's address.

use std::net::IpAddr;

use axum::http::request::Parts;

/// Returns the client's address: the last element of `X-Forwarded-For`, which the gateway appended.
pub(crate) fn last_forwarded(head: &Parts) -> Option<IpAddr> {
    let last = head.headers.get_all("x-forwarded-for").iter().next_back()?;
    let text = last.to_str().ok()?;
    text.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(values: &[&str]) -> Option<IpAddr> {
        let mut request = axum::http::Request::builder();
        for value in values {
            request = request.header("x-forwarded-for", *value);
        }
        last_forwarded(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn the_client_is_who_the_gateway_says_last() {
        let expected = Some("203.0.113.7".parse().unwrap());
        assert_eq!(address(&["203.0.113.7"]), expected);
        assert_eq!(address(&["127.0.0.1, 203.0.113.7"]), expected);
        assert_eq!(address(&["127.0.0.1", "203.0.113.7"]), expected);
        for none in [
            vec![],
            vec![""],
            vec!["203.0.113.7, unknown"],
            vec!["203.0.113.7:80"],
        ] {
            assert_eq!(address(&none), None, "{none:?}");
        }
    }
}
