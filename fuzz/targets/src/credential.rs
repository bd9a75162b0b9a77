//! Rule 2: what is read as a key was sent as one, what was sent as a key is read as one, and
//! neither the masked form nor an echo reveals it.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward::credential::{Credential, CredentialFault, Scheme};
use keyward::digest::KeyDigest;
use keyward::mask::{echo, stars};
use keyward::request::{IdentityNames, RequestHead};
use regex::bytes::Regex;
use sha2::{Digest, Sha256};

use super::{STRIPE, pattern, take, take_part};

static KEY: LazyLock<Regex> = LazyLock::new(|| pattern(r"\A[!-+\--~]{1,512}\z"));
static BEARER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\A(?i:bearer) +([!-+\--~]{1,512})\z"));
static BASIC: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\A(?i:basic) +([0-9A-Za-z+/]+={0,2})\z"));
static PREFIX: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\A(?:sk_org_(?:test_|live_)?|[prs]k_(?:test|live)_)"));
static SHOWN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\A(?:(?:Bearer|Basic)(?: \*{1,128})?|\*{0,128})\z"));

/// The first byte decides where the rest is put.
pub fn run(mut input: &[u8]) {
    let how = take(&mut input);
    match how % 4 {
        0 => one_header(input),
        1 => two_values(take_part(&mut input), input),
        2 => query(input),
        _ => key_of(input),
    }
    echoes(how, input);
}

fn read<'a>(headers: &[(&'a [u8], &'a [u8])]) -> RequestHead<'a> {
    let names = IdentityNames::new(&STRIPE, []);
    RequestHead::read(&STRIPE, &names, headers.iter().copied(), false)
}

fn key(credential: &Credential<'_>) -> String {
    let mut key = String::new();
    credential.satisfies(|raw| {
        key.push_str(raw);
        true
    });
    key
}

/// Returns the key in a value of `Authorization`, according to the patterns.
fn expected(value: &[u8]) -> Option<(Scheme, Vec<u8>)> {
    if let Some(found) = BEARER.captures(value) {
        let is_more = !is_prefix(&found[1]);
        return is_more.then(|| (Scheme::Bearer, found[1].to_vec()));
    }
    let mut decoded = STANDARD.decode(&BASIC.captures(value)?[1]).ok()?;
    // Everything after the first colon is the password, so the key contains no colon.
    let is_user_alone = decoded.pop() == Some(b':') && !decoded.contains(&b':');
    let is_good = is_user_alone && KEY.is_match(&decoded) && !is_prefix(&decoded);
    is_good.then_some((Scheme::Basic, decoded))
}

/// Returns whether the text is a prefix with nothing after it, which is not a key.
fn is_prefix(text: &[u8]) -> bool {
    PREFIX
        .find(text)
        .is_some_and(|found| found.len() == text.len())
}

fn one_header(value: &[u8]) {
    let head = read(&[(b"authorization", value)]);
    let found = Credential::read(&head, STRIPE.known_prefixes());
    match (found, expected(value)) {
        (Ok(credential), Some((scheme, key))) => {
            assert_eq!(credential.scheme(), Some(scheme));
            assert_eq!(self::key(&credential).into_bytes(), key);
            assert_good(&credential);
        }
        (Err(fault), None) => assert_fault(&fault),
        (found, expected) => panic!("{found:?} where {expected:?} was expected"),
    }
}

/// Several headers, or a header next to a key in the query, have no single reading.
fn two_values(one: &[u8], other: &[u8]) {
    let head = read(&[(b"authorization", one), (b"authorization", other)]);
    assert_fault(&Credential::read(&head, STRIPE.known_prefixes()).unwrap_err());
    let path = [b"/?key=pk_test_", one].concat();
    if !one.is_empty() && !one.contains(&b'&') {
        let head = read(&[(b":path", &path), (b"authorization", other)]);
        assert_fault(&Credential::read(&head, STRIPE.known_prefixes()).unwrap_err());
    }
}

/// A key in the query is printable after decoding, and begins like a key.
fn query(value: &[u8]) {
    let path = [b"/v1/x?key=", value].concat();
    let head = read(&[(b":path", &path)]);
    match Credential::read(&head, STRIPE.known_prefixes()) {
        Ok(credential) => {
            assert_eq!(credential.scheme(), None);
            assert!(PREFIX.is_match(key(&credential).as_bytes()));
            assert!(!is_prefix(key(&credential).as_bytes()));
            assert_good(&credential);
        }
        Err(CredentialFault::Missing) => assert!(!PREFIX.is_match(value)),
        Err(fault) => assert_fault(&fault),
    }
}

/// Everything spelled as a key is read as this key, in each form.
fn key_of(input: &[u8]) {
    let spelled = input.iter().map(|byte| match byte % 94 + b'!' {
        b',' => b'+',
        other => other,
    });
    let raw: Vec<u8> = spelled.take(512).collect();
    if raw.is_empty() {
        return;
    }
    let bearer = [b"Bearer ", &*raw].concat();
    let basic = format!("Basic {}", STANDARD.encode([&*raw, b":"].concat()));
    let is_more = !is_prefix(&raw);
    let is_user = is_more && !raw.contains(&b':');
    for (value, is_sent) in [(bearer, is_more), (basic.into_bytes(), is_user)] {
        let head = read(&[(b"authorization", &value)]);
        let found = Credential::read(&head, STRIPE.known_prefixes());
        assert_eq!(found.is_ok(), is_sent, "{found:?}");
        if let Ok(credential) = found {
            assert_eq!(key(&credential).into_bytes(), raw);
            assert_good(&credential);
        }
    }
}

/// Asserts what is true of every key.
fn assert_good(credential: &Credential<'_>) {
    let raw = key(credential);
    assert!(KEY.is_match(raw.as_bytes()));
    assert_masked(
        &raw,
        &credential.masked(STRIPE.known_prefixes()).to_string(),
    );
    let place = credential.scheme().map_or("query", Scheme::name);
    let debug = format!("Credential({place} {})", stars(raw.len()));
    assert_eq!(format!("{credential:?}"), debug);
    // The digest depends only on the bytes: the same key has the same digest, and any other key
    // another.
    let digest = credential.digest();
    assert_eq!(digest.as_bytes()[..], Sha256::digest(&raw)[..]);
    assert_eq!(KeyDigest::from_hex(&digest.to_string()), Some(digest));
    let mut other = raw.into_bytes();
    let last = other.pop().unwrap();
    assert_ne!(KeyDigest::of(&other), digest);
    other.push(last ^ 1);
    assert_ne!(KeyDigest::of(&other), digest);
}

/// Asserts that it shows the prefix, stars, and at most four characters or a third of the secret.
fn assert_masked(raw: &str, masked: &str) {
    let prefix = PREFIX.find(raw.as_bytes()).map_or(0, |found| found.end());
    let secret = raw.len() - prefix;
    let tail = (secret / 3).min(4);
    let stars = raw.len().min(128) - prefix - tail;
    let expected = format!(
        "{}{}{}",
        &raw[..prefix],
        "*".repeat(stars),
        &raw[raw.len() - tail..]
    );
    assert_eq!(masked, expected, "{raw}");
}

fn assert_fault(fault: &CredentialFault) {
    match fault {
        CredentialFault::Missing => panic!("something was sent"),
        CredentialFault::Malformed { scheme, shown } => {
            let shown = shown.as_deref().unwrap_or_default();
            assert!(SHOWN.is_match(shown.as_bytes()), "{shown}");
            assert!(scheme.is_none_or(|scheme| shown.starts_with(scheme.name())));
        }
    }
}

/// Asserts that a key anywhere in a client's text is not in the echo, which is short and printable.
fn echoes(how: u8, input: &[u8]) {
    let prefixes = [
        "sk_test_",
        "rk_live_",
        "sk_org_",
        "sk_org_test_",
        "pk_test_",
    ];
    let middle = usize::from(how / 4) * input.len() / 64;
    let (before, behind) = input.split_at(middle.min(input.len()));
    let key = format!("{}Zq9Xw7", prefixes[usize::from(how) % prefixes.len()]);
    let sent = [before, key.as_bytes(), behind].concat();
    let shown = echo(&sent, STRIPE.known_prefixes());
    // Nor is a part of it, unless the client also sent that part elsewhere.
    let is_elsewhere = input.windows(4).any(|part| part == b"Zq9X");
    assert!(is_elsewhere || !shown.contains("Zq9X"), "{shown}");
    assert!(!shown.contains(&key), "{shown}");
    assert!(shown.chars().count() <= 128 && !shown.chars().any(char::is_control));
}
