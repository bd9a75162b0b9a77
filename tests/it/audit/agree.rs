//! Compares what was sent with what the log shows and what the audit reports.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use super::privilege::{key, permissions};
use super::world::{Sent, lines, load, played};
use crate::support::key_file::Folder;

struct Played {
    desk: Folder,
    load: Vec<Sent>,
    log: String,
}

impl Played {
    fn new(name: &str) -> Self {
        let (desk, log) = played(name);
        Self {
            desk,
            load: load(),
            log,
        }
    }

    fn logs(&self, arguments: &[&str]) -> Vec<Value> {
        let all = [&["logs", "--json", &self.log], arguments].concat();
        lines(&self.desk.good(&all))
    }

    #[track_caller]
    fn assert_chosen(&self, arguments: &[&str], is_chosen: impl Fn(&Sent) -> bool) {
        let expected = self.load.iter().filter(|sent| is_chosen(sent)).count();
        assert!(expected > 0, "{arguments:?}: nothing to choose");
        assert_eq!(self.logs(arguments).len(), expected, "{arguments:?}");
    }
}

#[test]
fn logs_show_every_request_as_it_was_sent_and_choose_among_them() {
    let played = Played::new("logs");
    let shown = played.logs(&[]);
    assert_eq!(shown.len(), played.load.len());
    for (line, sent) in shown.iter().zip(&played.load) {
        assert_eq!(line["decision"], sent.decision, "{sent:?}: {line}");
        assert_eq!(line["reason"], json!(sent.reason), "{sent:?}: {line}");
        assert_eq!(line["key"], json!(sent.known()), "{sent:?}: {line}");
        assert_eq!(line["method"], sent.method, "{sent:?}: {line}");
        assert_eq!(line["path"], sent.path_without_query(), "{sent:?}: {line}");
        assert_eq!(line["client_address"], *sent.client, "{sent:?}: {line}");
        assert_eq!(line["account"], json!(sent.account), "{sent:?}: {line}");
        let is_missing = sent.reason == Some("insufficient_permission");
        let member = if is_missing {
            "missing_permission"
        } else {
            "permission"
        };
        let permission = sent.permission.map(|(name, _)| name);
        assert_eq!(line[member], json!(permission), "{sent:?}: {line}");
        assert_eq!(
            line["access"],
            json!(sent.permission.map(|(_, level)| level))
        );
        // The log contains what a rejected client can quote.
        if sent.decision == "deny" {
            let id = line["response_request_id"].as_str().unwrap();
            assert!(id.starts_with("req_"), "{line}");
        }
    }
    played.assert_chosen(&["--key", "mk_billing"], |sent| {
        sent.key == Some("mk_billing")
    });
    played.assert_chosen(&["--key", "mk_billing", "--key", "mk_org"], |sent| {
        matches!(sent.key, Some("mk_billing" | "mk_org"))
    });
    for decision in ["allow", "deny", "shadow", "verify"] {
        played.assert_chosen(&["--decision", decision], |sent| sent.decision == decision);
    }
    played.assert_chosen(&["--reason", "insufficient_permission"], |sent| {
        sent.reason == Some("insufficient_permission")
    });
    played.assert_chosen(&["--endpoint", "GET /v1/customers"], |sent| {
        sent.method == "GET" && sent.path_without_query() == "/v1/customers"
    });
    played.assert_chosen(&["--endpoint", "/v1/customers/{id}"], |sent| {
        sent.path == "/v1/customers/cus_1"
    });
    played.assert_chosen(&["--endpoint", "/v1/cust*"], |sent| {
        sent.path.starts_with("/v1/cust")
    });
    played.assert_chosen(&["--account", "acct_c"], |sent| {
        sent.account == Some("acct_c")
    });
    played.assert_chosen(&["--org", "org_1"], |sent| sent.known().is_some());
    played.assert_chosen(&["--permission", "customer"], |sent| {
        sent.permission.is_some_and(|(name, _)| name == "customer")
    });
    played.assert_chosen(&["--permission", "rak_product=write"], |sent| {
        sent.permission == Some(("product", "write"))
    });
    played.assert_chosen(
        &["--client", "198.51.100.0/24", "--key", "mk_admin"],
        |sent| sent.client.starts_with("198.51.100."),
    );
    played.assert_chosen(&["--status", "401", "--since", "1h"], |sent| {
        matches!(
            sent.reason,
            Some("deleted_key" | "secret_key_required" | "missing_credential" | "unknown_key")
        )
    });
    let id = shown[10]["response_request_id"].as_str();
    let id = id.unwrap_or_else(|| shown[10]["request_id"].as_str().unwrap());
    assert_eq!(played.logs(&["--request-id", id]), shown[10..=10]);
    let nothing = played.desk.run(&["logs", &played.log, "--until", "1h"]);
    assert_eq!(nothing.status.code(), Some(1));

    // As a table: one row for each, below headings.
    let table = played.desk.good(&["logs", &played.log]);
    assert_eq!(table.lines().count(), played.load.len() + 1);
    assert!(table.is_ascii());
    assert!(table.contains("product=write missing"), "{table}");
}

#[test]
fn every_form_of_a_log_is_the_same_log() {
    let played = Played::new("forms");
    let shown = played.logs(&[]);
    let plain = fs::read(&played.log).unwrap();
    let (first, second) = plain.split_at(plain.len() / 3);
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let packed = [gzip(first), gzip(second)].concat();
    fs::write(played.desk.path.join("log.gz"), packed).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(
        plain.as_slice(),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    fs::write(played.desk.path.join("log.zst"), zstd).unwrap();
    for file in ["log.gz", "log.zst"] {
        assert_eq!(lines(&played.desk.good(&["logs", "--json", file])), shown);
    }
    let input = fs::File::open(&played.log).unwrap();
    let output = played
        .desk
        .command(&["logs", "--json", "-"])
        .stdin(Stdio::from(input))
        .output()
        .unwrap();
    assert_eq!(lines(&String::from_utf8(output.stdout).unwrap()), shown);
    // Not a terminal, so it prints no progress.
    assert!(output.stderr.is_empty());
}

#[test]
fn the_audit_agrees_with_what_was_sent() {
    let played = Played::new("audit");
    let report = played.desk.good(&["audit", "--json", &played.log]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let load = &played.load;
    let count = |is: &dyn Fn(&Sent) -> bool| load.iter().filter(|sent| is(sent)).count();
    let requests = &report["requests"];
    assert_eq!(requests["total"], load.len());
    assert_eq!(requests["denied"], count(&|sent| sent.decision == "deny"));
    assert_eq!(requests["shadow"], count(&|sent| sent.decision == "shadow"));
    assert_eq!(requests["public"], 5);
    assert_eq!(requests["preflight"], 2);
    assert_eq!(requests["verify"], 5);
    assert_eq!(requests["none"], 0);
    let allowed = count(&|sent| sent.decision == "allow" && sent.key.is_some());
    assert_eq!(requests["allowed"], allowed);

    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for sent in load {
        if let Some(reason) = sent.reason {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    for reason in report["reasons"].as_array().unwrap() {
        let told = reason["denied"].as_u64().unwrap() + reason["shadow"].as_u64().unwrap();
        assert_eq!(
            reasons.remove(reason["reason"].as_str().unwrap()),
            Some(told)
        );
    }
    assert!(reasons.is_empty(), "{reasons:?}");

    let keys = report["keys"].as_array().unwrap();
    for key in keys {
        let id = key["id"].as_str().unwrap();
        let own = |sent: &&Sent| sent.known() == Some(id);
        assert_eq!(key["calls"], load.iter().filter(own).count(), "{id}");
        let denied = load
            .iter()
            .filter(own)
            .filter(|sent| sent.decision == "deny")
            .count();
        assert_eq!(key["denied"], denied, "{id}");
        for (member, value) in [
            (
                "accounts",
                (|sent| sent.account.map(str::to_owned)) as fn(&Sent) -> Option<String>,
            ),
            ("clients", |sent| Some(sent.client.clone())),
        ] {
            let mut expected: BTreeMap<String, u64> = BTreeMap::new();
            for value in load.iter().filter(own).filter_map(value) {
                *expected.entry(value).or_default() += 1;
            }
            let tops = &key[member];
            assert_eq!(tops["distinct"], expected.len(), "{id} {member}");
            for top in tops["listed"].as_array().unwrap() {
                let calls = expected.remove(top["value"].as_str().unwrap());
                assert_eq!(calls, top["calls"].as_u64(), "{id} {member}");
            }
            assert!(expected.is_empty(), "{id} {member}: {expected:?}");
        }
    }
    let org = &report["organizations"][0];
    assert_eq!(org["id"], "org_1");
    assert_eq!(org["calls"], count(&|sent| sent.known().is_some()));
    assert_eq!(org["keys"], 7);
    assert_eq!(
        org["denied"],
        count(&|sent| sent.known().is_some() && sent.decision == "deny")
    );
    assert_eq!(report["organizations"].as_array().unwrap().len(), 1);
    let stranger = &report["strangers"]["listed"][0];
    assert_eq!(stranger["value"], "192.0.2.66");
    assert_eq!(stranger["calls"], 12);
}

#[test]
fn without_keys_the_log_alone_is_audited_and_that_is_said() {
    let played = Played::new("alone");
    fs::remove_file(played.desk.file()).unwrap();
    let report = played.desk.good(&["audit", "--json", &played.log]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["keys"].as_array().unwrap().len(), 7);
    let billing = key(&report, "mk_billing");
    assert_eq!(permissions(billing, "unused"), Vec::<String>::new());
    assert_eq!(billing["commands"], json!([]));
    assert_eq!(billing["owner"], "acct_a");
    let limits = report["limits"].to_string();
    assert!(
        limits.contains("No key file and no configuration was given"),
        "{limits}"
    );
    // If the command names a key file that is missing, the command fails.
    let output = played
        .desk
        .run(&["audit", "--keys", "missing.toml", &played.log]);
    assert_eq!(output.status.code(), Some(4));
}
