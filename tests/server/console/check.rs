//! What a change would have refused, before it is made: by the API, on the console's forms, and on the portal's.

use std::fs;

use keyward_harness::{BOUND, eventually};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::world::{PROPAGATION, World, with_logs};

#[test]
fn a_change_says_which_requests_it_would_refuse_and_changes_nothing() {
    let world = World::start_with(with_logs);
    world.account("acct_widgets");
    let (id, value) = world.key("acct_widgets", &["balance_read", "customer_read"]);
    let other = world.key("acct_widgets", &["balance_read"]).1;
    eventually("both keys work", PROPAGATION, || {
        let work = |key: &str| world.call(key, "GET", "/v1/balance", None).status == 200;
        (work(&value) && work(&other)).then_some(())
    });
    for _ in 0..3 {
        assert_eq!(
            world
                .call(&value, "GET", "/v1/customers/cus_1", None)
                .status,
            200
        );
    }
    assert_eq!(world.call(&value, "POST", "/v1/charges", None).status, 403);
    let log = world.folder.path().join("access.log");
    let of_key = |path: &str| {
        let text = fs::read_to_string(&log).unwrap();
        let lines = text.lines().filter(|line| line.contains(&id));
        lines.filter(|line| line.contains(path)).count()
    };
    eventually("the last request is in the log", BOUND, || {
        (of_key("/v1/charges") == 1).then_some(())
    });
    // How often it was tried until it worked.
    let balances = of_key("/v1/balance");
    let all = balances + 4;

    let path = format!("/v2/keyward/api_keys/{id}/preview");
    let preview = |change: Value| {
        let answer = world.api("POST", &path, Some(change));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let less = preview(json!({"permissions": ["customer_read"]}));
    assert_eq!(less["compared"], all, "{less}");
    assert_eq!(less["refused"], balances, "{less}");
    assert_eq!(less["allowed"], 0, "{less}");
    let by = &less["refused_by"];
    assert_eq!(by.as_array().unwrap().len(), 1, "{less}");
    assert_eq!(by[0]["endpoint"], "GET /v1/balance");
    assert_eq!(by[0]["count"], balances);
    assert_eq!(by[0]["missing_permission"], "balance_read");
    assert_eq!(by[0]["reason"], "insufficient_permission");
    let more = preview(json!({"keyward": {"grant": ["charge_write"]}}));
    assert_eq!(
        (&more["refused"], &more["allowed"]),
        (&json!(0), &json!(1)),
        "{more}"
    );
    let moved = preview(json!({"ip_allowlist": ["203.0.113.7"]}));
    assert_eq!(moved["refused"], all - 1, "{moved}");
    // The template of the endpoint, and not what a client put into its path.
    let endpoints: Vec<&str> = moved["refused_by"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["endpoint"].as_str())
        .collect();
    assert!(endpoints.contains(&"GET /v1/customers/{id}"), "{moved}");
    // In shadow nothing is refused, whatever it may do.
    let tried = preview(json!({"permissions": [], "keyward": {"enforcement": "shadow"}}));
    assert_eq!(tried["refused"], 0, "{tried}");
    for (change, status) in [
        (json!({"permissions": ["nonsense_read"]}), 400),
        (json!({"ip_allowlist": ["nowhere"]}), 400),
    ] {
        let refused = world.api("POST", &path, Some(change));
        assert_eq!(refused.status, status, "{}", refused.text());
    }
    let nobodys = world.api(
        "POST",
        "/v2/keyward/api_keys/mk_none/preview",
        Some(json!({})),
    );
    assert_eq!(nobodys.status, 404);

    let console = Browser::signed_in(&world, "admin");
    let visit = json!({"account": "acct_widgets", "actor": {"id": "ada@acme.example"}, "return_url": "http://localhost/"});
    let portal = Browser::in_portal(&world, &world.first, visit.clone());
    for (site, browser) in [("console", &console), ("portal", &portal)] {
        let edit = format!("/{site}/keys/{id}/edit");
        let form = browser.get(&edit);
        assert!(
            form.text().contains("Check against the last 7 days"),
            "{site}"
        );
        let fields = [("p.customer", "read"), ("check", "yes"), ("reason", "less")];
        let checked = browser.send(&form, &edit, &fields);
        assert_eq!(checked.status, 200, "{site}: {}", checked.text());
        for says in [
            format!("Of {all} requests in 7 days, {balances} would be refused"),
            "GET /v1/balance".to_owned(),
            "missing: balance_read".to_owned(),
            "value=\"less\"".to_owned(),
        ] {
            assert!(
                checked.text().contains(&says),
                "{site}, {says}: {}",
                checked.text()
            );
        }
        let addresses = format!("/{site}/keys/{id}/addresses");
        let form = browser.get(&addresses);
        let fields = [("ips", "127.0.0.1"), ("check", "yes")];
        let checked = browser.send(&form, &addresses, &fields);
        assert!(
            checked.text().contains("none would be refused"),
            "{site}: {}",
            checked.text()
        );
    }
    let now = world
        .api("GET", &format!("/v2/iam/api_keys/{id}"), None)
        .json();
    assert_eq!(now["keyward"]["version"], 1, "something was changed: {now}");

    // Without the requests of the key there is nothing to check.
    let mut body = visit;
    body["features"] = json!(["edit"]);
    let less = Browser::in_portal(&world, &world.first, body);
    let edit = format!("/portal/keys/{id}/edit");
    let form = less.get(&edit);
    assert!(!form.text().contains("Check against"), "{}", form.text());
    let refused = less.send(&form, &edit, &[("p.customer", "read"), ("check", "yes")]);
    assert_eq!(refused.status, 403, "{}", refused.text());

    // And then it is saved, with why.
    let edit = format!("/console/keys/{id}/edit");
    let form = console.get(&edit);
    let fields = [
        ("p.customer", "read"),
        ("reason", "nobody asks for the balance"),
    ];
    assert_eq!(console.send(&form, &edit, &fields).status, 303);
    let history = console.get(&format!("/console/keys/{id}/history"));
    assert!(
        history.text().contains("nobody asks for the balance"),
        "{}",
        history.text()
    );
    for reason in ["two\nlines", &"x".repeat(501)] {
        let body = json!({"note": "n", "keyward": {"reason": reason}});
        let refused = world.api("POST", &format!("/v2/iam/api_keys/{id}"), Some(body));
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert_eq!(refused.json()["error"]["param"], "keyward.reason");
    }
}
