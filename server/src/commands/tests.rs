use keyward_files::key_file::{Issue, KeyFile};

use super::*;
use crate::routes::endpoint_rows;
use crate::service::failure::Stored;
use crate::service::{Sender, standing};
use crate::store::tests::{Fixture, NOW, wait};
use crate::store::{Inspection, Tx, backup};
use crate::uid::Uid;

mod parts;

const FILE: &str = r#"
format = "keyward.keys/v1"
source = "file:8mXzT4KqPbW2hVdN"
api_versions = ["2026-10-14.preview"]

[configuration]
max_snapshot_age = 604800

[[endpoints]]
method = "GET"
path = "/v1/reports/{id}"
permission = "report"
access = "read"

[grant_sets.support]
customer = "read"
charge = "write"

[grant_sets.nothing]

# A parent may come after its child.
[[accounts]]
id = "acct_1"
name = "Widgets \"Ltd\""
parent = "org_1"
children = "any"

[[accounts]]
id = "org_1"

[[accounts]]
id = "acct_2"
status = "suspended"

[[keys]]
id = "mk_new"
name = "Secret key"
created = 2026-11-21T10:00:00Z
kind = "secret"
mode = "live"
owner = "acct_1"
replaces = "mk_old"
last4 = "abcd"
sha256 = "1111111111111111111111111111111111111111111111111111111111111111"

[[keys]]
id = "mk_old"
kind = "secret"
mode = "live"
owner = "acct_1"
expires = 2026-11-28T10:00:00Z
replaced_by = "mk_new"
sha256 = "2222222222222222222222222222222222222222222222222222222222222222"

[[keys]]
id = "any.id_of-ones.own"
name = "Support desk"
note = "several\nlines"
created = 2026-11-20T10:00:00Z
created_by = "ann@build-7"
kind = "restricted"
mode = "test"
owner = "acct_1"
grants = "support"
connect_grants = { charge = "read", report = "read" }
allowed_ips = ["203.0.113.0/24", "2001:db8::/32"]
not_before = 2026-11-20T10:00:00Z
status = "deleted"
enforcement = "shadow"
labels = { team = "billing", user_id = "u-1" }
sha256 = "3333333333333333333333333333333333333333333333333333333333333333"

[[keys]]
id = "mk_public"
kind = "publishable"
mode = "test"
owner = "acct_2"
value = "pk_test_FAKE-public-0001"

[[keys]]
id = "mk_org"
kind = "organization"
mode = "live"
owner = "org_1"
sha256 = "4444444444444444444444444444444444444444444444444444444444444444"
"#;

const ISSUE: Issue = Issue {
    revision: 7,
    issued_at: NOW,
    may_be_empty: true,
};

fn key_file(text: &str) -> KeyFile {
    KeyFile::read(vec![("keyward.toml".to_owned(), text.to_owned())]).unwrap()
}

fn taking() -> Taking {
    Taking {
        most_keys: 1_000,
        is_dry_run: false,
        now: NOW,
    }
}

fn imported(fixture: &Fixture, text: &str) -> Result<Imported> {
    wait(import(&fixture.store, key_file(text), taking()))
}

fn exported(fixture: &Fixture) -> String {
    exported_without(fixture, None)
}

fn exported_without(fixture: &Fixture, account: Option<&str>) -> String {
    exported_part(fixture, &Part::of(None, false, account)).unwrap()
}

fn exported_part(fixture: &Fixture, part: &Part) -> std::result::Result<String, Unwritten> {
    let inspection = Inspection::of_folder(&fixture.path()).unwrap();
    let mut text = Vec::new();
    let written = inspection.read(|reader| Ok(part.write(reader, &mut text)));
    written.unwrap()?;
    Ok(String::from_utf8(text).unwrap())
}

#[test]
fn a_key_file_goes_in_and_comes_out_with_nothing_lost() {
    let fixture = Fixture::new();
    let imported = imported(&fixture, FILE).unwrap();
    assert_eq!(
        (imported.accounts, imported.grant_sets, imported.keys),
        (3, 2, 5)
    );
    let (before, after) = (key_file(FILE), key_file(&exported(&fixture)));
    assert!(after.accounts().eq(before.accounts()));
    assert!(after.keys().eq(before.keys()));
    assert!(after.grant_sets().eq(before.grant_sets()));
    assert_eq!(
        after.compile(&ISSUE).to_string(),
        before.compile(&ISSUE).to_string()
    );
}

#[test]
fn the_store_makes_the_same_snapshot_as_the_key_file() {
    let fixture = Fixture::new();
    imported(&fixture, FILE).unwrap();
    let inspection = Inspection::of_folder(&fixture.path()).unwrap();
    let configuration = inspection
        .read(|reader| reader.configuration(&ISSUE))
        .unwrap();
    assert_eq!(
        configuration.to_string(),
        key_file(FILE).compile(&ISSUE).to_string()
    );
    assert_eq!(inspection.check().unwrap(), []);
}

#[test]
fn a_key_file_that_was_taken_in_changes_nothing_the_second_time() {
    let fixture = Fixture::new();
    imported(&fixture, FILE).unwrap();
    let head = |fixture: &Fixture| {
        let inspection = Inspection::of_folder(&fixture.path()).unwrap();
        inspection.read(|reader| reader.head()).unwrap()
    };
    let before = head(&fixture);
    let again = imported(&fixture, FILE).unwrap();
    assert_eq!((again.accounts, again.grant_sets, again.keys), (0, 0, 0));
    assert_eq!(again.same, 3 + 2 + 5 + 2);
    assert_eq!(head(&fixture), before);
}

/// A store as `init` makes one.
fn of_init() -> Fixture {
    let fixture = Fixture::new();
    let first = |tx: &mut Tx<'_>| -> Result<(), Stored> {
        let sender = Sender::local(Uid::own());
        standing::first(tx, "acct_operator", &sender, &endpoint_rows()).map(|_| ())
    };
    wait(fixture.store.write(first)).unwrap();
    fixture
}

#[test]
fn a_key_file_goes_into_a_server_and_comes_out_the_same() {
    let one = of_init();
    let taken = imported(&one, FILE).unwrap();
    assert_eq!((taken.accounts, taken.keys, taken.documents), (3, 5, 2));
    assert_eq!(imported(&one, FILE).unwrap().same, 3 + 2 + 5 + 2);
    let out = exported_without(&one, Some("acct_operator"));
    assert_eq!(
        key_file(&out).compile(&ISSUE).to_string(),
        key_file(FILE).compile(&ISSUE).to_string()
    );
    assert!(key_file(&out).keys().eq(key_file(FILE).keys()));
    // And from there on byte for byte, by a server that brings other rows.
    let other = of_init();
    imported(&other, &out).unwrap();
    assert_eq!(exported_without(&other, Some("acct_operator")), out);
    // With everything, it is a key file that a store without rows accepts.
    let all = exported(&one);
    assert!(all.contains("/v2/iam/api_keys") && all.contains("acct_operator"));
    imported(&Fixture::new(), &all).unwrap();
}

#[test]
fn a_key_file_of_more_keys_than_the_server_keeps_is_refused() {
    let fixture = Fixture::new();
    let few = Taking {
        most_keys: 4,
        ..taking()
    };
    let refused = wait(import(&fixture.store, key_file(FILE), few)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "nothing was taken in: the server keeps 4 keys at most (`limits.keys`), and these are more"
    );
    let enough = Taking {
        most_keys: 5,
        ..taking()
    };
    wait(import(&fixture.store, key_file(FILE), enough)).unwrap();
}

#[test]
fn a_dry_run_says_what_an_import_would_do_and_does_nothing() {
    let fixture = Fixture::new();
    let dry = Taking {
        is_dry_run: true,
        ..taking()
    };
    let head = || wait(fixture.store.read(|reader| reader.head())).unwrap();
    let before = head();
    let planned = wait(import(&fixture.store, key_file(FILE), dry)).unwrap();
    assert_eq!(head(), before);
    assert_eq!(imported(&fixture, FILE).unwrap(), planned);
    let again = wait(import(&fixture.store, key_file(FILE), dry)).unwrap();
    assert!(again.is_nothing() && !planned.is_nothing());
}

#[test]
fn what_differs_from_the_store_is_refused_as_a_whole() {
    let fixture = Fixture::new();
    imported(&fixture, FILE).unwrap();
    let refused = |text: &str| imported(&fixture, text).unwrap_err().to_string();
    let more = format!("{FILE}\n[[accounts]]\nid = \"acct_9\"\n");
    for (from, to, expected) in [
        (
            "\"Support desk\"",
            "\"Sales desk\"",
            "the store has another key of the id or the digest of `any.id_of-ones.own`",
        ),
        (
            "charge = \"write\"",
            "charge = \"read\"",
            "the store has another grant set `support`",
        ),
        ("604800", "604801", "the store has another `configuration`"),
        (
            "status = \"suspended\"",
            "",
            "the store has another account `acct_2`",
        ),
    ] {
        let text = more.replace(from, to);
        assert_ne!(text, more);
        assert_eq!(refused(&text), format!("nothing was taken in: {expected}"));
    }
    let dangling = "format = \"keyward.keys/v1\"\n[[accounts]]\nid = \"acct_9\"\n[[keys]]\nid = \"mk_9\"\n\
        kind = \"secret\"\nmode = \"live\"\nowner = \"acct_9\"\nreplaces = \"mk_gone\"\n\
        sha256 = \"5555555555555555555555555555555555555555555555555555555555555555\"\n";
    let why = refused(dangling);
    assert!(why.contains("`mk_9` names `mk_gone`"), "{why}");
    let inspection = Inspection::of_folder(&fixture.path()).unwrap();
    let new =
        inspection.read(|reader| reader.account(&crate::store::Scope::everything(), "acct_9"));
    assert_eq!(new, Ok(None));
}

#[test]
fn a_backup_is_one_private_file_of_the_same_records() {
    let fixture = Fixture::new();
    imported(&fixture, FILE).unwrap();
    let copy = fixture.folder.path().join("copy.db");
    assert_eq!(backup(&fixture.path(), &copy), Ok(Vec::new()));
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&copy).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    let read = |inspection: Inspection| {
        let head = inspection.read(|reader| reader.head()).unwrap();
        let configuration = inspection
            .read(|reader| reader.configuration(&ISSUE))
            .unwrap();
        (head, configuration.to_string())
    };
    let of_copy = read(Inspection::of_file(&copy).unwrap());
    assert_eq!(
        of_copy,
        read(Inspection::of_folder(&fixture.path()).unwrap())
    );
    let again = backup(&fixture.path(), &copy).unwrap_err().to_string();
    assert!(
        again.contains("is there already and was left as it is"),
        "{again}"
    );
}

#[test]
fn a_restored_backup_serves() {
    let fixture = Fixture::new();
    imported(&fixture, FILE).unwrap();
    let restored = fixture.folder.path().join("restored");
    std::fs::create_dir(&restored).unwrap();
    std::fs::set_permissions(
        &restored,
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    let database = crate::store::database_in(&restored);
    assert_eq!(backup(&fixture.path(), &database), Ok(Vec::new()));
    let store = crate::store::Store::open(&restored, &crate::store::tests::options()).unwrap();
    let counts = wait(store.read(|reader| reader.counts(&crate::store::Scope::everything())));
    assert_eq!(
        counts.unwrap().iter().map(|count| count.keys).sum::<u64>(),
        5
    );
}

#[test]
fn what_ended_in_a_key_file_ends_in_the_store_and_nothing_else_is_taken_in() {
    let fixture = Fixture::new();
    imported(&fixture, FILE).unwrap();
    let text = exported(&fixture)
        .replace(
            "name = \"Secret key\"",
            "name = \"Another\"\nstatus = \"deleted\"",
        )
        .replace(
            "id = \"mk_org\"",
            "id = \"mk_org\"\nexpires = 2026-11-29T10:00:00Z",
        )
        // Revived there, and still dead here.
        .replace("expires = 2026-11-28T10:00:00Z\n", "")
        .replace("status = \"deleted\"\nenforcement", "enforcement");
    let ends = wait(take_ends(&fixture.store, key_file(&text), NOW)).unwrap();
    assert_eq!(ends.deleted, ["mk_new"]);
    assert_eq!(ends.expired, ["mk_org"]);
    assert_eq!(ends.refused, []);
    let after = key_file(&exported(&fixture));
    let new = after.key("mk_new").unwrap();
    assert_eq!(
        (new.is_deleted(), new.name.as_deref()),
        (true, Some("Secret key"))
    );
    assert!(after.key("mk_org").unwrap().is_expired(NOW + 86_400 * 30));
    assert!(after.key("mk_old").unwrap().expires.is_some());
    assert!(after.key("any.id_of-ones.own").unwrap().is_deleted());
    let again = wait(take_ends(&fixture.store, key_file(&text), NOW)).unwrap();
    assert_eq!(again, Ends::default());
}
