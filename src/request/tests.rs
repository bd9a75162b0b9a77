use super::*;

fn read<'a>(headers: &[(&'a str, &'a [u8])]) -> RequestHead<'a> {
    RequestHead::read(
        &Profile::stripe(),
        &IdentityNames::new(&Profile::stripe(), ["x-keyward-principal"]),
        headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), *value)),
        false,
    )
}

#[test]
fn one_printable_header_is_its_text() {
    let head = read(&[("stripe-context", b"acct_1")]);
    assert!(head.context.value() == Value::Text("acct_1"));
    assert!(head.account.value() == Value::Absent);
}

#[test]
fn several_empty_folded_or_foreign_bytes_are_malformed() {
    for headers in [
        &[("stripe-context", &b"a"[..]), ("stripe-context", b"a")][..],
        &[("stripe-context", b"")],
        &[("stripe_context", b"a")],
        &[("stripe.context", b"a")],
        &[("Stripe~Context", b"a")],
        &[("stripe-context", b"a"), ("Stripe_Context", b"a")],
        &[("stripe-context", b"a\xff")],
        &[("stripe-context", b"a\x7f")],
        &[("stripe-context", b"a\tb")],
    ] {
        assert!(read(headers).context.value() == Value::Malformed);
    }
}

#[test]
fn several_values_are_shown_as_an_upstream_joins_them() {
    let head = read(&[("stripe-version", b"a"), ("stripe-version", b"b")]);
    assert_eq!(head.version.joined(), b"a, b");
}

#[test]
fn forged_identity_is_found_in_every_spelling() {
    let head = read(&[("X_Keyward-Principal", b"x"), ("x-keyward-principal", b"y")]);
    assert_eq!(
        head.forged_identity,
        [&b"X_Keyward-Principal"[..], b"x-keyward-principal"]
    );
    assert_eq!(head.folded_identity, Some(&b"X_Keyward-Principal"[..]));
}

#[test]
fn override_headers_are_found_in_every_spelling() {
    for name in OVERRIDES {
        assert!(read(&[(name, b"x")]).is_overridden);
        for byte in ["_", ".", "!", "~"] {
            let folded = name.replace('-', byte).to_uppercase();
            assert!(read(&[(&folded, b"x")]).is_overridden, "{folded}");
        }
    }
}

#[test]
fn what_proxies_add_and_what_is_anothers_changes_nothing() {
    for name in [
        "x-forwarded-prefix",
        "x-forwarded-uri",
        "x-forwarded-path",
        "x-forwarded-for",
        "x.custom.header",
        "x-script-names",
        "stripes.context",
    ] {
        let head = read(&[(name, b"x")]);
        assert!(
            !head.is_overridden && head.forged_identity.is_empty(),
            "{name}"
        );
        assert!(
            head.context.value() == Value::Absent && !head.has_body,
            "{name}"
        );
        assert!(
            !head.has_family_header || name == "stripes.context",
            "{name}"
        );
    }
}

#[test]
fn a_folded_name_is_of_the_family_and_announces_a_body() {
    for name in ["stripe.anything", "Stripe_X", "stripe~"] {
        assert!(read(&[(name, b"x")]).has_family_header, "{name}");
    }
    for name in ["content.length", "Transfer_Encoding"] {
        assert!(read(&[(name, b"0")]).has_body, "{name}");
    }
    assert!(!read(&[("content-length", b"0")]).has_body);
}

#[test]
fn the_query_of_a_preflight_says_no_account_but_may_say_another_method() {
    let path = |query: &'static str| read(&[(":method", b"OPTIONS"), (":path", query.as_bytes())]);
    let head = path("/?key=pk_test_FAKE&_stripe_account=acct_1&_stripe.account=acct_2");
    assert!(head.query_key == QueryKey::Absent && !head.is_overridden);
    assert!(head.account.value() == Value::Absent);
    assert!(path("/?_method=POST").is_overridden);
}

#[test]
fn a_secret_key_in_the_query_is_seen_wherever_it_stands() {
    let exposes = |path: &str| read(&[(":path", path.as_bytes())]).exposes_secret;
    for query in [
        "key=sk_test_FAKE",
        "k%65y=rk%5flive_FAKE",
        "key=color&key=sk_org_FAKE",
        "key=pk_test_FAKE&key=sk_live_FAKE",
    ] {
        assert!(exposes(&format!("/?{query}")), "{query}");
    }
    for query in [
        "",
        "key=pk_test_FAKE",
        "key=color",
        "x=sk_test_FAKE",
        "key=sk_test_",
        "key=sk_org_live_",
    ] {
        assert!(!exposes(&format!("/?{query}")), "{query}");
    }
    let beside = [
        (":path", &b"/?key=sk_test_FAKE"[..]),
        ("authorization", b"Bearer pk_test_FAKE"),
    ];
    assert!(read(&beside).exposes_secret);
}

#[test]
fn a_body_is_there_unless_the_transport_or_the_length_says_no() {
    for (body_follows, lengths, has_body) in [
        (false, &[][..], false),
        (true, &[], true),
        (false, &["0"], false),
        (true, &["0"], false),
        (true, &["0", "0"], false),
        (false, &["3"], true),
        (true, &["3"], true),
        (true, &["0", "3"], true),
        (true, &["3", "0"], true),
        // Only `0` is read as an empty body by every server.
        (true, &["00"], true),
        (true, &["+0"], true),
        (true, &["0, 0"], true),
        (true, &[""], true),
    ] {
        let lengths = lengths.iter().map(|length| ("content-length", *length));
        for chunked in [false, true] {
            let chunked = chunked.then_some(("transfer-encoding", "chunked"));
            let headers = lengths.clone().chain(chunked);
            let head = RequestHead::read(
                &Profile::stripe(),
                &IdentityNames::new(&Profile::stripe(), []),
                headers.map(|(name, value)| (name.as_bytes(), value.as_bytes())),
                body_follows,
            );
            assert_eq!(head.has_body, has_body || chunked.is_some());
        }
    }
}

#[test]
fn the_query_is_cut_off() {
    let head = read(&[(":path", b"/v1/charges?limit=3?x")]);
    assert_eq!(head.path_without_query(), b"/v1/charges");
}
