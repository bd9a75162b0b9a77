//! Translates Stripe's words into Acme's, one by one.

use keyward::digest::KeyDigest;

/// The prefixes of keys: Stripe's, and Acme's. In an organization key, the mode follows the prefix.
pub(super) const KEYS: [(&str, &str); 7] = [
    ("sk_test_", "acme_sk_test_"),
    ("sk_live_", "acme_sk_live_"),
    ("rk_test_", "acme_rk_test_"),
    ("rk_live_", "acme_rk_live_"),
    ("pk_test_", "acme_pk_test_"),
    ("pk_live_", "acme_pk_live_"),
    ("sk_org_", "acme_org_"),
];

pub(super) const NAMES: [(&str, &str); 4] = [
    ("stripe.com", "acme.example"),
    ("stripe", "acme"),
    ("Stripe", "Acme"),
    ("STRIPE", "ACME"),
];

/// The length of the longest echo, and of the longest masked key.
pub(super) const LONGEST_ECHO: usize = 128;

/// A key at least this long is near the limit of 512 bytes and keeps its length.
pub(super) const NEAR_THE_LIMIT: usize = 480;

/// Returns `stripes` with every name of Stripe's replaced by Acme's.
pub(super) fn text(stripes: &str) -> String {
    let mut acmes = String::with_capacity(stripes.len());
    let mut rest = stripes;
    let mut before = ' ';
    let mut is_in_key = false;
    while let Some(first) = rest.chars().next() {
        let of = |names: &[(&'static str, &'static str)]| {
            let mut names = names.iter().copied();
            names.find(|(stripes, _)| rest.starts_with(stripes))
        };
        // If keys are joined without a separator, the mask depends on the first one.
        is_in_key &= is_of_id(first);
        let length = if let Some((ours, theirs)) = of(&KEYS).filter(|_| !is_in_key) {
            is_in_key = true;
            acmes.push_str(theirs);
            ours.len() + behind(rest, ours, theirs, &mut acmes)
        } else if let Some((ours, theirs)) = of(&NAMES) {
            acmes.push_str(theirs);
            ours.len()
        } else if rest.starts_with("acct_") {
            let id = id(rest);
            let holds_a_key = KEYS.iter().any(|(ours, _)| id.contains(ours));
            let length = if holds_a_key { 5 } else { id.len() };
            match holds_a_key {
                true => acmes.push_str("acct_"),
                false => acmes.push_str(&account(id)),
            }
            length
        } else if rest.starts_with("org_") && !is_of_id(before) {
            acmes.push_str("team_");
            4
        } else {
            acmes.push(first);
            first.len_utf8()
        };
        before = rest[..length].chars().next_back().unwrap_or(' ');
        rest = &rest[length..];
    }
    acmes
}

/// Handles what follows a key's prefix near a limit: drops the stars that no longer fit, or as many
/// characters as the new prefix is longer. Returns the number of bytes that it has consumed.
pub(super) fn behind(rest: &str, ours: &str, theirs: &str, acmes: &mut String) -> usize {
    let behind = &rest[ours.len()..];
    let stars = behind.chars().take_while(|c| *c == '*').count();
    let fitting = LONGEST_ECHO - theirs.len() - 4;
    if stars > fitting {
        acmes.push_str(&"*".repeat(fitting));
        return stars;
    }
    let length = behind.find([' ', ',', '/']).unwrap_or(behind.len());
    if length >= NEAR_THE_LIMIT {
        return theirs.len() - ours.len();
    }
    0
}

pub(super) fn is_of_id(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

pub(super) fn id(text: &str) -> &str {
    &text[..text.find(|c| !is_of_id(c)).unwrap_or(text.len())]
}

/// Returns the UUID of an account. A bare prefix becomes empty, and ids at the limit of 64 bytes
/// stay unchanged.
pub(super) fn account(id: &str) -> String {
    if id == "acct_" || id.len() >= 64 {
        return id
            .strip_prefix("acct_")
            .filter(|rest| rest.is_empty())
            .unwrap_or(id)
            .to_owned();
    }
    let hex = KeyDigest::of(id.as_bytes()).to_string();
    let part = |range: std::ops::Range<usize>| &hex[range];
    // Version 8: RFC 9562 leaves its bits to the application.
    let (a, b, c, d, e) = (
        part(0..8),
        part(8..12),
        part(12..15),
        part(15..18),
        part(18..30),
    );
    format!("{a}-{b}-8{c}-a{d}-{e}")
}

/// Translates a line of a body. The echo in it has at most 128 characters, before and after.
pub(super) fn message(line: &str) -> String {
    line.split_inclusive([' ', '"', '(', ')'])
        .map(|word| {
            let echo = word.trim_end_matches([' ', '"', '\\', '(', ')']);
            let echo = echo.strip_suffix('.').unwrap_or(echo);
            let cut: String = text(echo).chars().take(LONGEST_ECHO).collect();
            cut + &word[echo.len()..]
        })
        .collect()
}

/// Adds stars for a malformed credential, which is shown as one star for each character, up to 128.
pub(super) fn with_more_stars(line: &str, growth: usize) -> String {
    let Some((before, after)) = line.split_once("Authorization header to \\\"") else {
        return line.to_owned();
    };
    let stars = after.chars().filter(|c| *c == '*').count();
    if stars == 0 {
        return line.to_owned();
    }
    let shown = "*".repeat(stars);
    let grown = "*".repeat((stars + growth).min(LONGEST_ECHO));
    format!(
        "{before}Authorization header to \\\"{}",
        after.replacen(&shown, &grown, 1)
    )
}

#[test]
pub(super) fn words_are_translated_one_by_one() {
    for (stripes, acmes) in [
        ("Bearer sk_test_FAKE-1", "Bearer acme_sk_test_FAKE-1"),
        ("sk_org_live_****-1", "acme_org_live_****-1"),
        ("mk_org_live", "mk_org_live"),
        ("org_1/acct_", "team_1/"),
        ("Stripe_Context", "Acme_Context"),
        (
            "https://support.stripe.com/",
            "https://support.acme.example/",
        ),
        ("acct_sk_live_FAKE-1", "acct_acme_sk_live_FAKE-1"),
    ] {
        assert_eq!(text(stripes), acmes);
    }
    assert_eq!(text("acct_1").len(), 36);
    assert_ne!(text("acct_1"), text("acct_2"));
    let longest = format!("rk_live_{}tail", "*".repeat(116));
    assert_eq!(
        text(&longest),
        format!("acme_rk_live_{}tail", "*".repeat(111))
    );
    let key = format!("sk_test_{}", "a".repeat(504));
    assert_eq!(text(&key).len(), 512);
}
