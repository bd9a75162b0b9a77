use proptest::prelude::*;

use super::*;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{AccountSettings, RecordChange};
use keyward_files::key_file::Account;

const ALICE: &str = "sk_test_FAKE-alice-0001";
const BOB: &str = "rk_live_FAKE.bob~0002";
const ODD: &str = "hunter2/FAKE+odd=0003";
const OURS: &str = "zed-FAKE-zed-0004";

/// Returns a file with keys that have one of Stripe's prefixes, no prefix, or the profile's own.
fn file() -> KeyFile {
    let text = "format = \"keyward.keys/v1\"\n[configuration.profile.prefixes]\nsecret = [\"sk_test_\", \"sk_live_\", \"zed-\"]\n".to_owned();
    let mut file = KeyFile::read(vec![("keyward.toml".to_owned(), text)]).unwrap();
    let mut changes = vec![RecordChange::AddAccount {
        account: Account::new("acct_1"),
        settings: AccountSettings::default(),
    }];
    let secret = KeyKind::Secret;
    for (id, kind, mode, value) in [
        ("mk_alice", secret, Livemode::Test, ALICE),
        ("mk_bob", KeyKind::Restricted, Livemode::Live, BOB),
        ("mk_odd", secret, Livemode::Test, ODD),
        ("mk_zed", secret, Livemode::Test, OURS),
    ] {
        let prefixes = file.profile().known_prefixes();
        let key = Key::of_value(id, kind, mode, "acct_1", value, prefixes);
        let (key, beside) = (Box::new(key), None);
        changes.push(RecordChange::AddKey { key, beside });
    }
    file.apply(&changes, None).unwrap();
    file
}

/// Returns the ids of the keys that are found, and the reports of what was not read.
fn find(file: &KeyFile, text: impl Into<Vec<u8>>) -> (Vec<String>, Vec<String>) {
    let found = Found::in_text(Text::new(text.into()), file);
    let ids = found.keys.iter().map(|key| key.id.clone()).collect();
    (ids, found.unread)
}

#[track_caller]
fn assert_found(text: impl Into<Vec<u8>>, ids: &[&str]) {
    let text = text.into();
    let (found, unread) = find(&file(), text.clone());
    let shown = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(found, ids, "{shown}");
    assert_eq!(unread, [""; 0], "{shown}");
}

#[test]
fn a_key_is_found_in_what_people_have() {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let basic = STANDARD.encode(format!("{ALICE}:"));
    let secret = URL_SAFE_NO_PAD.encode(ALICE);
    let utf16: Vec<u8> = "\u{feff}key = sk_test_FAKE-alice-0001\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for text in [
        ALICE.to_owned(),
        format!("  {ALICE} \r\n"),
        format!("\"{ALICE}\""),
        format!("'{ALICE}';"),
        format!("“{ALICE}”"),
        format!("The key is {ALICE}."),
        format!("(see {ALICE}, please)"),
        format!("export STRIPE_KEY={ALICE} # prod"),
        format!("STRIPE_KEY=\"{ALICE}\"\nOTHER=1"),
        format!("stripe.key: {ALICE}"),
        format!("Authorization: Bearer {ALICE}"),
        format!("-H 'authorization: bearer {ALICE}' https://api.example"),
        format!("Authorization: Basic {basic}"),
        format!("data:\n  key: {secret}"),
        format!("https://{ALICE}@api.example/v1"),
        format!("https://{ALICE}:@api.example/v1"),
        format!("GET /v1?key={ALICE}&limit=3 HTTP/1.1"),
        "GET /v1?key=sk%5Ftest%5FFAKE%2Dalice%2D0001 HTTP/1.1".to_owned(),
        "u=%2Fv1%3Fkey%3Dsk%255Ftest%255FFAKE%252Dalice%252D0001".to_owned(),
        format!("{{\"Raw\":\"{ALICE}\",\"Redacted\":\"\"}}"),
        "{\"Raw\":\"sk\\u005ftest\\u005FFAKE-alice-0001\"}".to_owned(),
        format!("{{\"log\":\"{{\\\"key\\\":\\\"{ALICE}\\\"}}\\n\"}}"),
        "{\"log\":\"{\\\"key\\\":\\\"sk\\\\u005ftest_FAKE-alice-0001\\\"}\"}".to_owned(),
        "<b>sk&#95;test&#x5f;FAKE-alice-0001</b>".to_owned(),
        "key=3Dsk=5Ftest=5FFAKE-ali=\nce-0001".to_owned(),
        "sk_test_FAKE-\n  alice-0001".to_owned(),
        format!("xsk_test_{ALICE}0001abc"),
        format!("\u{1b}[31m{ALICE}\u{1b}[0m"),
        format!("|{ALICE}|{ALICE}|"),
    ] {
        // The text around the key is not a key, and no key is cut off.
        let (found, _) = find(&file(), text.clone());
        assert_eq!(found, ["mk_alice"], "{text}");
    }
    assert_found(utf16, &["mk_alice"]);
    assert_found(format!("Authorization: Basic {basic}"), &["mk_alice"]);
}

#[test]
fn several_keys_and_keys_of_other_shapes_are_found() {
    assert_found(
        format!("{ALICE} {BOB}\n{ALICE}{BOB}"),
        &["mk_alice", "mk_bob"],
    );
    assert_found(
        format!("{ALICE},{BOB},{OURS}"),
        &["mk_alice", "mk_bob", "mk_zed"],
    );
    for text in [
        ODD.to_owned(),
        format!("  {ODD}\n"),
        format!("\"{ODD}\""),
        format!("KEY={ODD}\nA=1"),
        format!("Authorization: Bearer {ODD}"),
    ] {
        assert_found(text, &["mk_odd"]);
    }
}

#[test]
fn what_is_not_read_is_said() {
    let file = file();
    let unread = |text: &[u8]| find(&file, text).1.join("; ");
    assert!(unread(b"\x1f\x8b\x08\x00\xff\xff").contains("NUL"));
    assert!(unread(b"caf\xe9").contains("1 places are no UTF-8"));
    assert!(unread(b"sk_test_FAKE-alice-00").contains("shorter than a key"));
    assert!(unread("sk_live_51H…".as_bytes()).contains("shorter than a key"));
    assert!(unread(b"the key sk_live_*** leaked").contains("masked to its end"));
    assert!(unread(b"***").contains("masked to its end"));
    // Binary data around a key does not hide it.
    let (found, unread) = find(&file, [b"\0\xff", ALICE.as_bytes(), b"\xfe\0"].concat());
    assert_eq!(found, ["mk_alice"]);
    assert_eq!(unread.len(), 2, "{unread:?}");
    assert_eq!(
        find(&file, "nothing here: sk_test_ and sk_live_").1,
        [""; 0]
    );
}

#[test]
fn a_masked_key_lists_the_keys_that_end_so() {
    let file = file();
    let masked = |text: &str| -> Vec<(String, Vec<String>)> {
        let found = Found::in_text(Text::new(text.into()), &file);
        let ids = |keys: &[&Key]| keys.iter().map(|key| key.id.clone()).collect();
        let masked = found.masked.iter();
        masked
            .map(|(mask, keys)| (mask.shown(), ids(keys)))
            .collect()
    };
    for text in [
        "sk_test_****0001",
        "sk_test_…0001",
        "****0001",
        "sk_test_***e-0001",
    ] {
        let found = masked(text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].1, ["mk_alice"], "{text}");
    }
    // These have another mode, another kind or another ending.
    for text in ["sk_live_****0001", "rk_test_****0001", "sk_test_****0009"] {
        assert_eq!(masked(text)[0].1, [""; 0], "{text}");
    }
    assert_eq!(masked("rk_live_****0002")[0].1, ["mk_bob"]);
}

#[test]
fn values_are_never_shown() {
    let file = file();
    let long = format!("sk_live_{}", "FAKE0".repeat(30));
    let text = format!("{ALICE} {long} sk_test_FAKE-alice-00 rk_test_51FAKEfake***abcd");
    let found = Found::in_text(Text::new(text.into_bytes()), &file);
    let said = [found.strangers, found.unread].concat().join("\n");
    assert!(
        said.contains("sk_live_") && !said.contains("FAKE"),
        "{said}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A key is found whatever text is around it.
    #[test]
    fn a_planted_key_is_always_found(before in ".{0,40}|[!-~ \\n]{0,60}", after in ".{0,40}|[!-~ \\n]{0,60}", alice in any::<bool>()) {
        let (id, value) = if alice { ("mk_alice", ALICE) } else { ("mk_bob", BOB) };
        let (found, _) = find(&file(), format!("{before}{value}{after}"));
        prop_assert!(found.iter().any(|found| found == id));
    }

    /// A key is found between arbitrary bytes, and nothing panics.
    #[test]
    fn a_key_among_bytes_is_found(before in prop::collection::vec(any::<u8>(), 0..40), after in prop::collection::vec(any::<u8>(), 0..40)) {
        let text = [&before[..], ALICE.as_bytes(), &after[..]].concat();
        let is_utf16 = matches!(text[..], [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
        prop_assert!(is_utf16 || find(&file(), text).0 == ["mk_alice"]);
    }
}
