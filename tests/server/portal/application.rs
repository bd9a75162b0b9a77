//! The application in `examples/portal`, unchanged.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use keyward_harness::http::{Connection, Response};
use keyward_harness::process::Guarded;
use keyward_harness::{BOUND, eventually, find::root};
use serde_json::json;

use super::{account, backend, policy};
use crate::browser::Browser;
use crate::world::{PROPAGATION, World};

#[test]
fn it_opens_the_portal_of_its_user_and_says_so_where_it_cannot() {
    let Some(python) = python() else {
        return;
    };
    let world = World::start();
    policy(
        &world,
        "customers",
        json!({"permissions": ["customer_write"]}),
    );
    account(
        &world,
        json!({"id": "acct_acme", "name": "Acme GmbH", "policy": "customers"}),
    );
    let (id, key) = backend(&world, "acct_operator", &["portal_session_write"]);
    let port = free();
    let _application = Guarded::spawn(
        Command::new(python)
            .args(["-E", "-s", "-B"])
            .arg(root().join("examples/portal/app.py"))
            .env("KEYWARD_URL", format!("http://{}", world.gateway))
            .env("KEYWARD_KEY", &key)
            .env("PORT", port.to_string())
            .env("APP_URL", "http://localhost")
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1")
            .stderr(File::create(world.folder.path().join("application.log")).unwrap()),
    )
    .unwrap();
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    let get = |path: &str, user: &str| -> Response {
        eventually("the application answers", BOUND, || {
            let cookie = format!("user={user}");
            let headers = [("host", "localhost"), ("cookie", cookie.as_str())];
            let mut connection = Connection::try_open(at).ok()?;
            connection.try_request("GET", path, &headers, b"").ok()
        })
    };
    // No one gets in without signing in.
    assert!(
        get("/keys", "mallory")
            .text()
            .contains("Sign in as Ada Admin")
    );
    let signed_in = get("/sign-in?user=ada", "");
    assert_eq!(
        signed_in.header("set-cookie"),
        Some("user=ada; HttpOnly; SameSite=Lax")
    );
    // The link opens the user's account, at the key that the query names.
    let link = get("/keys?key=mk_1&ask=charge_write", "ada");
    assert_eq!(link.status, 303, "{}", link.text());
    let link = link.header("location").unwrap().to_owned();
    assert!(
        link.contains("/portal/enter?key=mk_1&ask=charge_write#lt_"),
        "{link}"
    );
    let browser = Browser::of_link(&world, "portal", &link);
    let list = browser.get("/portal/keys");
    assert!(
        list.text().contains("API keys of Acme GmbH"),
        "{}",
        list.text()
    );
    // The page does not contain Grace's account.
    let refused = get("/keys", "grace");
    assert_eq!(refused.status, 404, "{}", refused.text());
    assert!(
        refused.text().contains("Your keys cannot be shown"),
        "{}",
        refused.text()
    );
    // With an ended key the application opens nothing, and its user sees no details.
    let ended = world.api("POST", &format!("/v2/iam/api_keys/{id}/expire"), None);
    assert_eq!(ended.status, 200, "{}", ended.text());
    eventually("the application opens nothing", PROPAGATION, || {
        let answer = get("/keys", "ada");
        (answer.status == 503 && !answer.text().contains("rk_live")).then_some(())
    });
}

/// Returns the Python that has Stripe's SDK. If the machine has no Python, prints a line and
/// returns `None`.
fn python() -> Option<String> {
    let set_up = Command::new(root().join("scripts/packages.sh"))
        .args(["server", "python"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&set_up.stderr);
    if set_up.status.code() == Some(3) {
        eprintln!("{said}");
        return None;
    }
    assert!(set_up.status.success(), "{said}");
    Some(String::from_utf8(set_up.stdout).unwrap().trim().to_owned())
}

/// Returns a port that is free at the moment, because the application needs a number.
fn free() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
