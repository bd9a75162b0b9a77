//! What a change of a grant set would have refused of the keys that follow it, before it is made.

use std::fs;

use keyward_harness::{BOUND, eventually};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::world::{PROPAGATION, World, with_logs};

#[test]
fn a_changed_set_says_which_requests_of_its_keys_it_would_refuse() {
    let world = World::start_with(with_logs);
    world.account("acct_widgets");
    world.account("acct_other");
    let set = json!({"name": "support", "permissions": ["balance_read", "customer_read"]});
    let made = world.api("POST", "/v2/keyward/grant_sets", Some(set));
    assert_eq!(made.status, 200, "{}", made.text());
    // Of two unrelated accounts. A third key may the same without the set.
    let follows = |owner: &str| {
        let body = json!({"type": "secret_key", "keyward": {"owner": owner, "livemode": false, "grant_set": "support"}});
        let made = world.api("POST", "/v2/iam/api_keys", Some(body));
        assert_eq!(made.status, 200, "{}", made.text());
        let made = made.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["id"]), text(&made["secret_key"]["token"]))
    };
    let keys = [
        follows("acct_widgets"),
        follows("acct_other"),
        world.key("acct_widgets", &["balance_read"]),
    ];
    eventually("the keys work", PROPAGATION, || {
        let work = |value: &str| world.call(value, "GET", "/v1/balance", None).status == 200;
        keys.iter().all(|(_, value)| work(value)).then_some(())
    });
    assert_eq!(
        world.call(&keys[0].1, "POST", "/v1/charges", None).status,
        403
    );
    let log = world.folder.path().join("access.log");
    let of_key = |id: &str, path: &str| {
        let text = fs::read_to_string(&log).unwrap();
        let lines = text.lines().filter(|line| line.contains(id));
        lines.filter(|line| line.contains(path)).count()
    };
    eventually("the last request is in the log", BOUND, || {
        (of_key(&keys[0].0, "/v1/charges") == 1).then_some(())
    });
    let balances = of_key(&keys[0].0, "/v1/balance") + of_key(&keys[1].0, "/v1/balance");
    let all = balances + 1;

    let path = "/v2/keyward/grant_sets/support/preview";
    let preview = |permissions: &[&str]| {
        let answer = world.api("POST", path, Some(json!({"permissions": permissions})));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let less = preview(&["customer_read"]);
    assert_eq!(less["compared"], all, "{less}");
    assert_eq!(less["refused"], balances, "{less}");
    assert_eq!(less["keyward"]["is_whole"], true, "{less}");
    assert_eq!(less["refused_by"].as_array().unwrap().len(), 1, "{less}");
    assert_eq!(less["refused_by"][0]["endpoint"], "GET /v1/balance");
    assert_eq!(less["refused_by"][0]["missing_permission"], "balance_read");
    let more = preview(&["balance_read", "charge_write"]);
    assert_eq!(
        (&more["refused"], &more["allowed"]),
        (&json!(0), &json!(1)),
        "{more}"
    );
    for (path, permissions, status) in [
        (path, "nonsense_read", 400),
        ("/v2/keyward/grant_sets/nobodys/preview", "charge_read", 404),
    ] {
        let body = json!({"permissions": [permissions]});
        let refused = world.api("POST", path, Some(body));
        assert_eq!(refused.status, status, "{}", refused.text());
    }

    let console = Browser::signed_in(&world, "admin");
    let page = "/console/grant_sets/support";
    let form = console.get(page);
    assert!(
        form.text().contains("Check against the last 7 days"),
        "{}",
        form.text()
    );
    let fields = [("p.customer", "read"), ("check", "yes")];
    let checked = console.send(&form, page, &fields);
    assert_eq!(checked.status, 200, "{}", checked.text());
    for says in [
        format!("Of {all} requests in 7 days, {balances} would be refused"),
        "GET /v1/balance".to_owned(),
        "missing: balance_read".to_owned(),
    ] {
        assert!(checked.text().contains(&says), "{says}: {}", checked.text());
    }
    let now = world.api("GET", "/v2/keyward/grant_sets/support", None);
    assert_eq!(now.json()["version"], 1, "something was changed");
    // The form still saves.
    let saved = console.send(&checked, page, &[("p.customer", "read")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
    eventually("its keys follow", PROPAGATION, || {
        let answer = world.call(&keys[1].1, "GET", "/v1/balance", None);
        (answer.status == 403).then_some(())
    });
    // A check does not show what someone else saved meanwhile.
    let form = console.get(page);
    let theirs = json!({"permissions": ["invoice_read"]});
    let saved = world.call_with(
        &world.first,
        "PUT",
        "/v2/keyward/grant_sets/support",
        Some(theirs),
        &[("if-match", "\"v2\"")],
    );
    assert_eq!(saved.status, 200, "{}", saved.text());
    let checked = console.send(&form, page, &[("p.customer", "write"), ("check", "yes")]);
    assert_eq!(checked.status, 200, "{}", checked.text());
    let late = console.send(&checked, page, &[("p.customer", "write")]);
    assert!(
        late.text().contains("Someone else saved this set"),
        "{}",
        late.text()
    );
    let now = world
        .api("GET", "/v2/keyward/grant_sets/support", None)
        .json();
    assert_eq!(now["permissions"], json!(["invoice_read"]));
    let viewer = Browser::signed_in(&world, "viewer");
    assert!(!viewer.get(page).text().contains("Check against"));
}
