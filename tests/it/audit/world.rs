//! Keys of every kind, an Envoy that serves them, and requests whose verdict is known in advance.

use std::fs;
use std::sync::OnceLock;

use keyward::digest::KeyDigest;
use serde_json::Value;

use crate::support::bootstrap::hcm;
use crate::support::builder::Builder;
use crate::support::key_file::Folder;
use crate::support::world::now;
use crate::support::{BOUND, Envoy, eventually};

/// Ids and values of keys. The values occur nowhere else.
pub const KEYS: [(&str, &str); 9] = [
    ("mk_billing", "rk_test_FAKE-billing-0001"),
    ("mk_admin", "sk_test_FAKE-admin-00001"),
    ("mk_org", "sk_org_test_FAKE-org-0001"),
    ("mk_old", "rk_test_FAKE-old-00000001"),
    ("mk_gone", "rk_test_FAKE-gone-0000001"),
    ("mk_shadow", "rk_test_FAKE-shadow-00001"),
    ("mk_public", "pk_test_FAKE-public-00001"),
    ("mk_idle", "rk_test_FAKE-idle-0000001"),
    ("mk_young", "rk_test_FAKE-young-000001"),
];

pub const STRANGER: &str = "rk_test_FAKE-stranger-001";

fn value(id: &str) -> &'static str {
    KEYS.iter().find(|(known, _)| *known == id).unwrap().1
}

/// Returns a key file like an operator's. The times are so far apart that the date of the run does
/// not matter.
fn key_file() -> String {
    let key = |id: &str, kind: &str, owner: &str, more: &str| {
        let digest = KeyDigest::of(value(id).as_bytes());
        let place = if kind == "publishable" {
            format!("value = \"{}\"", value(id))
        } else {
            format!("sha256 = \"{digest}\"")
        };
        format!(
            "\n[[keys]]\nid = \"{id}\"\nkind = \"{kind}\"\nmode = \"test\"\nowner = \"{owner}\"\n{place}\n{more}\n"
        )
    };
    let soon = now() + 3 * 86_400;
    let keys = [
        key(
            "mk_billing",
            "restricted",
            "acct_a",
            "name = \"Billing <script>alert(1)</script>\"\ngrants = {customer = \"write\", charge = \"read\", invoice = \"read\", topup = \"read\"}\nconnect_grants = {balance = \"read\", charge = \"write\"}",
        ),
        key(
            "mk_admin",
            "secret",
            "acct_a",
            "name = \"It's the admin's $(id)\"",
        ),
        key("mk_org", "organization", "org_1", ""),
        key(
            "mk_old",
            "restricted",
            "acct_b",
            &format!(
                "grants = {{balance = \"read\"}}\nreplaced_by = \"mk_young\"\nexpires = {soon}"
            ),
        ),
        key(
            "mk_gone",
            "restricted",
            "acct_b",
            "grants = {balance = \"read\"}\nstatus = \"deleted\"",
        ),
        key(
            "mk_shadow",
            "restricted",
            "acct_b",
            "grants = {balance = \"read\"}\nenforcement = \"shadow\"",
        ),
        key("mk_public", "publishable", "acct_b", ""),
        key(
            "mk_idle",
            "restricted",
            "acct_b",
            "grants = {balance = \"read\"}\ncreated = 2020-01-01T00:00:00Z",
        ),
        key(
            "mk_young",
            "restricted",
            "acct_b",
            &format!(
                "grants = {{balance = \"read\"}}\nreplaces = \"mk_old\"\ncreated = {}",
                now() - 60
            ),
        ),
    ];
    format!(
        "format = \"keyward.keys/v1\"\n\
         [configuration]\nverify_path = \"/v1/keys/verify\"\n\
         [[endpoints]]\nmethod = \"GET\"\npath = \"/healthz\"\nauth = \"none\"\n\
         [[accounts]]\nid = \"org_1\"\n[[accounts]]\nid = \"acct_a\"\nparent = \"org_1\"\n[[accounts]]\nid = \"acct_b\"\nparent = \"org_1\"\n\
         [[accounts]]\nid = \"acct_c\"\nparent = \"acct_a\"\n{}",
        keys.concat()
    )
}

/// Writes a key file into its own folder.
pub fn desk(name: &str) -> Folder {
    let folder = Folder::empty(&format!("audit-{name}"));
    fs::write(folder.file(), key_file()).unwrap();
    folder
}

/// Starts an Envoy that serves the key file, and that accepts the client's address from the test.
pub fn gateway(desk: &Folder, more: impl FnOnce(Builder) -> Builder) -> Envoy {
    let configuration = desk.good(&["snapshot", "build", "--configuration"]);
    let builder = Envoy::builder().config(configuration).edit(|bootstrap| {
        hcm(bootstrap)["xff_num_trusted_hops"] = 1.into();
    });
    more(builder).start()
}

/// Returns a separate key file for the test, and the log of the whole load, which is played once
/// for all tests.
pub fn played(name: &str) -> (Folder, String) {
    static PLAYED: OnceLock<(String, Vec<u8>)> = OnceLock::new();
    let (keys, log) = PLAYED.get_or_init(|| {
        let desk = desk("played");
        let envoy = gateway(&desk, |builder| builder);
        let log = fs::read(play(&envoy, &load())).unwrap();
        (desk.text(), log)
    });
    let folder = Folder::empty(&format!("audit-{name}"));
    fs::write(folder.file(), keys).unwrap();
    let file = folder.path.join("access.log");
    fs::write(&file, log).unwrap();
    (folder, file.display().to_string())
}

/// A request, and its result.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The id of the key that is presented and logged. `stranger` is the id of no key.
    pub key: Option<&'static str>,
    pub method: &'static str,
    /// The path, with a query.
    pub path: &'static str,
    pub account: Option<&'static str>,
    pub context: Option<&'static str>,
    pub client: String,
    pub decision: &'static str,
    pub reason: Option<&'static str>,
    /// The permission in the log, with its level.
    pub permission: Option<(&'static str, &'static str)>,
}

impl Sent {
    fn new(key: Option<&'static str>, method: &'static str, path: &'static str) -> Self {
        Self {
            key,
            method,
            path,
            account: None,
            context: None,
            client: "203.0.113.1".to_owned(),
            decision: "allow",
            reason: None,
            permission: None,
        }
    }

    fn about(self, account: &'static str, context: Option<&'static str>) -> Self {
        Self {
            account: Some(account),
            context,
            ..self
        }
    }

    fn from(self, client: String) -> Self {
        Self { client, ..self }
    }

    fn needs(self, permission: &'static str, level: &'static str) -> Self {
        Self {
            permission: Some((permission, level)),
            ..self
        }
    }

    fn but(self, decision: &'static str, reason: &'static str) -> Self {
        Self {
            decision,
            reason: Some(reason),
            ..self
        }
    }

    pub fn path_without_query(&self) -> &'static str {
        self.path.split('?').next().unwrap()
    }

    /// Returns the key's id if the log names the key.
    pub fn known(&self) -> Option<&'static str> {
        self.key.filter(|key| *key != "stranger")
    }

    /// Sends the request, and checks that the result is as expected.
    #[track_caller]
    fn send(&self, envoy: &Envoy) {
        let mut headers = vec![("x-forwarded-for", self.client.clone())];
        if let Some(key) = self.key {
            let value = if key == "stranger" {
                STRANGER
            } else {
                value(key)
            };
            headers.push(("authorization", format!("Bearer {value}")));
        }
        if let Some(context) = self.context {
            headers.push(("stripe-context", context.to_owned()));
            headers.push(("stripe-version", "2026-10-28.endive".to_owned()));
        }
        if self.method == "OPTIONS" {
            headers.push(("origin", "https://shop.example".to_owned()));
            headers.push(("access-control-request-method", "GET".to_owned()));
        }
        let response = envoy.request(self.method, self.path, &headers, b"");
        let denied = self.reason.filter(|_| self.decision == "deny");
        // The reply to a verification does not contain the reason.
        let denied = denied.map(|reason| match self.path {
            "/v1/keys/verify" => "not_verified",
            _ => reason,
        });
        assert_eq!(response.header("x-keyward-denied"), denied, "{self:?}");
    }
}

/// Returns a mixed load: every verdict, kind of key and place, in different numbers.
pub fn load() -> Vec<Sent> {
    let mut all = Vec::new();
    let mut add = |count: usize, sent: Sent| all.extend(std::iter::repeat_n(sent, count));
    let billing = |method, path| Sent::new(Some("mk_billing"), method, path);
    add(
        7,
        billing("GET", "/v1/customers?email=ann@example.com")
            .about("acct_a", None)
            .needs("customer", "read"),
    );
    add(
        3,
        billing("GET", "/v1/charges/ch_1")
            .about("acct_a", None)
            .needs("charge", "read"),
    );
    add(
        2,
        billing("POST", "/v1/products")
            .about("acct_a", None)
            .needs("product", "write")
            .but("deny", "insufficient_permission"),
    );
    add(
        4,
        billing("GET", "/v1/balance")
            .about("acct_c", Some("acct_c"))
            .needs("balance", "read"),
    );
    add(
        1,
        billing("GET", "/v1/customers/")
            .about("acct_a", None)
            .but("deny", "unknown_endpoint"),
    );
    let admin = |method, path| Sent::new(Some("mk_admin"), method, path).about("acct_a", None);
    for client in 0..12 {
        add(
            1,
            admin("POST", "/v1/customers/cus_1").from(format!("198.51.100.{client}")),
        );
    }
    add(5, admin("GET", "/v1/invoices/in_1"));
    add(2, admin("GET", "/v1/customers/cus_1"));
    add(3, admin("GET", "/internal/report"));
    add(
        6,
        Sent::new(Some("mk_admin"), "GET", "/v1/charges").about("acct_c", Some("acct_c")),
    );
    add(
        8,
        Sent::new(Some("mk_org"), "GET", "/v1/balance").about("acct_b", Some("acct_b")),
    );
    add(
        1,
        Sent::new(Some("mk_org"), "GET", "/v1/balance").but("deny", "missing_version"),
    );
    add(
        2,
        Sent::new(Some("mk_old"), "GET", "/v1/balance")
            .about("acct_b", None)
            .needs("balance", "read"),
    );
    add(
        3,
        Sent::new(Some("mk_gone"), "GET", "/v1/balance").but("deny", "deleted_key"),
    );
    add(
        4,
        Sent::new(Some("mk_shadow"), "GET", "/v1/charges")
            .about("acct_b", None)
            .needs("charge", "read")
            .but("shadow", "insufficient_permission"),
    );
    add(
        1,
        Sent::new(Some("mk_shadow"), "GET", "/v1/balance")
            .about("acct_b", None)
            .needs("balance", "read"),
    );
    add(
        2,
        Sent::new(Some("mk_public"), "GET", "/v1/charges")
            .about("acct_b", None)
            .needs("charge", "read")
            .but("deny", "secret_key_required"),
    );
    let verify = |key| Sent {
        decision: "verify",
        ..Sent::new(Some(key), "GET", "/v1/keys/verify")
    };
    add(3, verify("mk_old"));
    add(2, verify("mk_org"));
    add(1, verify("mk_gone").but("deny", "deleted_key"));
    add(5, Sent::new(None, "GET", "/healthz"));
    add(2, Sent::new(None, "OPTIONS", "/v1/charges"));
    add(
        3,
        Sent::new(None, "GET", "/v1/charges")
            .but("deny", "missing_credential")
            .from("192.0.2.66".to_owned()),
    );
    add(
        9,
        Sent::new(Some("stranger"), "GET", "/v1/charges")
            .but("deny", "unknown_key")
            .from("192.0.2.66".to_owned()),
    );
    all
}

/// Sends a load one request at a time, and waits until every request is logged. Returns the access
/// log's file.
#[track_caller]
pub fn play(envoy: &Envoy, load: &[Sent]) -> std::path::PathBuf {
    for sent in load {
        sent.send(envoy);
    }
    eventually("every request is in the access log", BOUND, || {
        (envoy.access_log().len() >= load.len()).then_some(())
    });
    assert_eq!(envoy.access_log().len(), load.len());
    envoy.directory().join("access.log")
}

/// Parses lines of JSON.
pub fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}
