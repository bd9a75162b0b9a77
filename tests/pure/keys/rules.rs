//! The rules on keys, as a person meets them on the command line.

use keyward::digest::KeyDigest;
use serde_json::json;

use super::Desk;
use crate::support::key_file::read;

const CREATE: [&str; 4] = ["keys", "create", "--owner", "acct_1"];

#[test]
fn a_value_stands_on_standard_output_alone_and_its_digest_is_kept() {
    let desk = Desk::new("value");
    let (id, value) = desk.made(&CREATE);
    let file = read(&desk.folder.text());
    let key = file
        .key_of_digest(&KeyDigest::of(value.as_bytes()))
        .unwrap();
    assert_eq!(key.id, id);
    assert_eq!(key.created_by.as_deref(), Some("ann@test"));
    let said = desk.spoken(&[&CREATE[..], &["--json"]].concat(), "");
    let made: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    desk.keep(made["value"].as_str().unwrap());
    assert!(desk.folder.text().contains(made["id"].as_str().unwrap()));
    desk.assert_kept_nowhere(&[]);
}

#[test]
fn a_new_restricted_key_may_do_nothing() {
    let desk = Desk::new("nothing");
    let (id, _) = desk.made(&CREATE);
    let shown = desk.json(&["keys", "show", &id]);
    assert_eq!(
        (&shown["kind"], &shown["grants"]),
        (&"restricted".into(), &json!({}))
    );
    assert_eq!(shown["mode"], "test");
}

#[test]
fn an_organization_has_organization_keys_and_nobody_else_has() {
    let desk = Desk::new("organization");
    let (_, value) = desk.made(&["keys", "create", "--owner", "org_1", "--mode", "live"]);
    assert!(value.starts_with("sk_org_"));
    for kind in ["secret", "restricted", "publishable"] {
        let said = desk.refused(4, &["keys", "create", "--owner", "org_1", "--kind", kind]);
        assert!(said.contains("leave --kind out"), "{said}");
    }
    let said = desk.refused(4, &[&CREATE[..], &["--kind", "organization"]].concat());
    assert!(said.contains("belongs to an organization"), "{said}");
}

#[test]
fn a_publishable_key_is_kept_and_cannot_be_deleted_or_limited() {
    let desk = Desk::new("publishable");
    let said = desk.run(&[&CREATE[..], &["--kind", "publishable", "--json"]].concat());
    let made: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let (id, value) = (
        made["id"].as_str().unwrap(),
        made["value"].as_str().unwrap(),
    );
    assert!(desk.folder.text().contains(value));
    let said = desk.refused(4, &["keys", "delete", id, "--yes"]);
    assert!(
        said.contains(&format!("`keyward keys rotate {id}`")),
        "{said}"
    );
    desk.refused(4, &["keys", "delete", id, "--yes", "--purge"]);
    let said = desk.refused(4, &["keys", "limit-ip", id, "set", "203.0.113.7"]);
    assert!(said.contains("have no IP limit"), "{said}");
    desk.refused(4, &["keys", "edit", id, "--grant", "customer=read"]);
    desk.refused(
        4,
        &[
            &CREATE[..],
            &["--kind", "publishable", "--allow-ip", "203.0.113.7"],
        ]
        .concat(),
    );
    let rotated = desk.run(&["keys", "rotate", id, "--now", "--json"]);
    let new: serde_json::Value = serde_json::from_str(&rotated.out).unwrap();
    assert_eq!(
        (&new["name"], &new["replaces"]),
        (&"Publishable key".into(), &id.into())
    );
}

#[test]
fn a_rotation_links_both_keys_and_ends_the_old_one() {
    let desk = Desk::new("rotate");
    let (id, _) = desk.made(
        &[
            &CREATE[..],
            &["--name", "Billing", "--allow-ip", "203.0.113.7"],
        ]
        .concat(),
    );
    let (new_id, _) = desk.made(&["keys", "rotate", &id, "--now"]);
    let (old, new) = (
        desk.json(&["keys", "show", &id]),
        desk.json(&["keys", "show", &new_id]),
    );
    assert_eq!(
        (&old["replaced_by"], &new["replaces"]),
        (&new["id"], &old["id"])
    );
    assert_eq!(
        (&old["status"], &new["status"]),
        (&"expired".into(), &"active".into())
    );
    assert_eq!(
        (&old["name"], &old["allowed_ips"]),
        (&new["name"], &new["allowed_ips"])
    );
    let said = desk.refused(4, &["keys", "rotate", &id]);
    assert!(
        said.contains(&format!("by `{new_id}`; rotate that one")),
        "{said}"
    );
    let said = desk.refused(2, &["keys", "rotate", &new_id, "--keep-for", "8d"]);
    assert!(said.contains("within 7 days"), "{said}");
    let said = desk.refused(4, &["keys", "expire", &id, "--in", "1d"]);
    assert!(said.contains("--revive"), "{said}");
}

#[test]
fn a_rotation_says_how_long_the_replacement_works_where_the_old_key_had_an_end() {
    let desk = Desk::new("rotate-expiry");
    let (id, _) = desk.made(&[&CREATE[..], &["--expires", "90d"]].concat());
    let said = desk.refused(4, &["keys", "rotate", &id]);
    assert!(
        said.contains("--expires 90d") && said.contains("--no-expiry"),
        "{said}"
    );
    desk.made(&["keys", "rotate", &id, "--now", "--expires", "90d"]);
}

#[test]
fn deleting_is_asked_for_and_leaves_the_record() {
    let desk = Desk::new("delete");
    let (id, _) = desk.made(&CREATE);
    let said = desk.refused(2, &["keys", "delete", &id]);
    assert!(said.contains("give --yes"), "{said}");
    desk.good(&["keys", "delete", &id, "--yes"]);
    assert_eq!(desk.json(&["keys", "show", &id])["status"], "deleted");
    let listed = desk.run(&["keys", "list", "--kind", "restricted"]);
    assert!(
        listed.err.contains("1 deleted not shown; --all"),
        "{}",
        listed.err
    );
    assert!(desk.good(&["keys", "list", "--all"]).contains(&id));
    desk.refused(4, &["keys", "delete", &id, "--yes"]);
    desk.good(&["keys", "delete", &id, "--yes", "--purge"]);
    assert!(!desk.folder.text().contains(&id));
}

#[test]
fn grants_come_from_names_categories_and_sets() {
    let desk = Desk::new("grants");
    let text = desk.folder.text();
    let text = format!("{text}\n[grant_sets.support]\ncustomer = \"read\"\ncharge = \"write\"\n");
    std::fs::write(desk.folder.file(), text).unwrap();
    let (id, _) = desk.made(&[&CREATE[..], &["--from-grant-set", "support"]].concat());
    assert_eq!(desk.json(&["keys", "show", &id])["grant_set"], "support");
    let more = [
        "--from-grant-set",
        "support",
        "--grant",
        "category:radar=read",
        "--grant",
        "charge=none",
    ];
    let (id, _) = desk.made(&[&CREATE[..], &more].concat());
    let shown = desk.json(&["keys", "show", &id]);
    assert_eq!(shown["grants"]["customer"], "read");
    assert_eq!(shown["grants"].get("charge"), None);
    assert!(shown["grants"].as_object().unwrap().len() > 1, "{shown}");
    let said = desk.refused(4, &[&CREATE[..], &["--grant", "custmer=read"]].concat());
    assert!(said.contains("did you mean `customer`?"), "{said}");
    let said = desk.refused(4, &[&CREATE[..], &["--from-grant-set", "suport"]].concat());
    assert!(said.contains("did you mean `support`?"), "{said}");
}

#[test]
fn a_key_with_little_after_its_prefix_is_taken_in_only_if_that_is_meant() {
    let desk = Desk::new("short");
    let import = ["keys", "import", "--owner", "acct_1"];
    let allowed = [&import[..], &["--allow-short"]].concat();
    // As `printf sk_live_$UNSET` would send it.
    for value in [
        "sk_live_",
        "sk_live_\n",
        "rk_test_****",
        "pk_live_",
        "sk_live_-_.",
    ] {
        for arguments in [&import[..], &allowed] {
            let said = desk.refused_with(4, arguments, value);
            assert!(said.contains("nothing follows the key's prefix"), "{said}");
        }
    }
    let organization = ["keys", "import", "--owner", "org_1"];
    let said = desk.refused_with(4, &organization, "sk_org_live_");
    assert!(said.contains("nothing follows the key's prefix"), "{said}");
    for value in [
        "sk_live_FAKE-1",
        "rk_live_FAKE-cut-short",
        "pk_live_FAKE-1",
        // Copied from a page that masks it.
        "rk_live_*******************************************hVXR",
    ] {
        let said = desk.refused_with(4, &import, value);
        assert!(said.contains("--allow-short"), "{said}");
        assert!(!said.contains("FAKE"), "{said}");
        let said = desk.run_with(&allowed, value);
        assert_eq!(said.code, Some(0), "{}", said.err);
        let is_public = value.starts_with("pk_");
        assert_eq!(
            said.err.contains("rotate it soon"),
            !is_public,
            "{}",
            said.err
        );
    }
    let long = desk.run_with(&import, "rk_live_FAKE-as-long-as-it-must0");
    assert_eq!(long.code, Some(0), "{}", long.err);
    assert!(!long.err.contains("rotate it soon"), "{}", long.err);
}

#[test]
fn a_listing_is_filtered() {
    let desk = Desk::new("list");
    let (id, _) =
        desk.made(&[&CREATE[..], &["--expires", "3d", "--label", "team=billing"]].concat());
    for filter in [
        &["--expiring-within", "7d"][..],
        &["--kind", "restricted", "--mode", "test"],
        &["--label", "team=billing"],
        &["--label", "team", "--status", "active", "--owner", "acct_1"],
    ] {
        let listed = desk.json(&[&["keys", "list"], filter].concat());
        let ids: Vec<&str> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, [id.as_str()], "{filter:?}");
    }
    let listed = desk.json(&["keys", "list", "--expiring-within", "1d"]);
    assert_eq!(listed, json!([]));
    let said = desk.refused(4, &["keys", "list", "--owner", "acct_9"]);
    assert!(said.contains("did you mean `acct_1`?"), "{said}");
}
