//! Rules 9 to 11 for any path and query: paths have one reading or none, the row that is found is
//! the reference's, and a query's expansions require the permissions that the reference lists.

use std::sync::LazyLock;

use keyward::configuration::Configuration;
use keyward::endpoint::{EndpointCatalogue, Method, PlainPath, ROWS, Row};
use keyward_reference::sha256;
use regex::bytes::Regex;
use serde_json::{Value, json};

use super::decide::BUILTIN;
use super::{pattern, take};
use keyward_reference::asking::{Shown, ask, without_aliases};
use keyward_reference::model::{self, Endpoints, Request};

/// Segments: printable ASCII, and escapes of characters that must be escaped and delimit nothing.
static PATH: LazyLock<Regex> = LazyLock::new(|| {
    let segment = concat!(
        r"(?:[!\x22$&-.0-:<->@-\[\]-~]",
        r"|%(?i:2[01246-9a-c]|3[acde]|40|5[bde]|60|7[b-d]))+"
    );
    pattern(&format!(r"\A/(?:{segment}(?:/{segment})*/?)?\z"))
});

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "get",
];

/// Keys by their grants. The last is publishable.
const GRANTS: [&str; 4] = [
    r#"{"customer": "read", "charge": "read", "invoice": "read", "widget": "write"}"#,
    r#"{"customer": "write", "subscription": "read", "payment_intent": "write"}"#,
    "{}",
    "null",
];

/// A configuration, read by keyward and by the reference.
static WORLD: LazyLock<(Configuration, Value)> = LazyLock::new(|| {
    let keys: Vec<Value> = GRANTS.iter().enumerate().map(key).collect();
    let json = json!({"snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}],
        "endpoints": [
            {"method": "GET", "path": "/v1/widgets/{id}", "permission": "widget"},
            {"method": "GET", "path": "/v1/widgets/search", "permission": "charge", "publishable": true},
            {"method": "GET", "path": "/v1/customers/{any}", "any_of": ["widget", "customer"]},
            {"method": "POST", "path": "/v1/widgets/a:b", "permission": "widget", "access": "read"},
            {"method": "POST", "path": "/v1/files/{*rest}", "permission": "widget"},
            {"method": "GET", "path": "/v1/files/{*rest}", "permission": "customer"},
            {"method": "GET", "path": "/v1/open/{x}/Token", "auth": "none"},
            {"method": "GET", "path": "/", "permission": "customer"},
        ],
        "keys": keys,
    }});
    (
        Configuration::from_json(json.to_string().as_bytes()).unwrap(),
        without_aliases(&json),
    )
});

static ENDPOINTS: LazyLock<Endpoints> = LazyLock::new(|| Endpoints::of(&WORLD.1, &BUILTIN));

fn key((number, grants): (usize, &&str)) -> Value {
    let mut key = json!({
        "id": format!("mk_{number}"), "sha256": sha256(raw(number).as_ref()),
        "kind": "publishable", "livemode": false, "owner": "acct_1",
    });
    let grants: Value = serde_json::from_str(grants).unwrap();
    if !grants.is_null() {
        key["kind"] = json!("restricted");
        key["grants"] = grants;
    }
    key
}

fn raw(number: usize) -> String {
    let prefix = if GRANTS[number] == "null" { "pk" } else { "rk" };
    format!("{prefix}_test_FAKE-{number}")
}

/// The first byte chooses the key and the method, and the rest is the path with its query.
pub fn run(mut input: &[u8]) {
    let how = usize::from(take(&mut input));
    let path = input.split(|byte| *byte == b'?').next().unwrap_or_default();
    let plain = PlainPath::parse(path);
    assert_eq!(
        plain.is_some(),
        has_one_reading(path),
        "{}",
        path.escape_ascii()
    );
    if let Some(plain) = plain {
        assert_eq!(plain.as_str().as_bytes(), path);
        for catalogue in [
            &EndpointCatalogue::stripe(),
            WORLD.0.snapshot().unwrap().endpoints(),
        ] {
            found(catalogue, METHODS[how % METHODS.len()], plain);
        }
    }
    let key = how / METHODS.len() % GRANTS.len();
    let request = Request {
        method: METHODS[how % METHODS.len()].into(),
        path: input.to_vec(),
        headers: vec![(
            b"authorization".to_vec(),
            format!("Bearer {}", raw(key)).into_bytes(),
        )],
        has_body: false,
        address: None,
        now: 1_795_200_000,
    };
    let (actual, _) = ask(&WORLD.0, &request);
    let expected = model::decide_among(&ENDPOINTS, &WORLD.1, &BUILTIN, &request);
    assert_eq!(actual, expected, "\n{:#?}", Shown(&request));
}

fn has_one_reading(path: &[u8]) -> bool {
    let mut segments = path.split(|byte| *byte == b'/');
    PATH.is_match(path) && segments.all(|segment| segment != b"." && segment != b"..")
}

/// Asserts that a row that is found matches segment by segment, and that HEAD finds the row of GET.
fn found(catalogue: &EndpointCatalogue, method: &str, path: PlainPath<'_>) {
    let Some(read) = Method::of_request(method.as_bytes()) else {
        assert!(matches!(method, "OPTIONS" | "get"), "{method}");
        return;
    };
    let Some(endpoint) = catalogue.find(read, path) else {
        return;
    };
    if let Row::Builtin(row) = endpoint.row {
        let row = &ROWS[usize::from(row)];
        let expected = if method == "HEAD" { "GET" } else { method };
        assert_eq!(row.method.name(), expected);
        let mut sent = path.as_str().split('/');
        for piece in row.path.split('/') {
            let segment = sent.next().unwrap_or_default();
            let fits = match piece.strip_prefix('{') {
                None => segment == piece,
                Some(_) => !segment.is_empty(),
            };
            assert!(fits, "{} for {}", row.path, path.as_str());
            if piece.starts_with("{*") {
                return;
            }
        }
        assert_eq!(sent.next(), None, "{} for {}", row.path, path.as_str());
    }
}
