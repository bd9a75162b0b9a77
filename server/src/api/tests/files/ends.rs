//! Ends of records that come from a key file, by the file and elsewhere.

use super::*;

#[test]
fn elsewhere_its_records_are_read_only_but_for_ends_which_stay() {
    wait(async {
        let desk = Desk::of(100).await;
        desk.applied(FILE).await;
        let rename = json!({"name": "Mine"});
        for (method, path, body) in [
            ("POST", "/v2/iam/api_keys/mk_desk", &rename),
            ("POST", "/v2/iam/api_keys/mk_desk/rotate", &json!({})),
            ("POST", "/v2/keyward/accounts/acct_2", &rename),
            ("DELETE", "/v2/keyward/grant_sets/support", &json!({})),
        ] {
            assert_eq!(
                desk.code(method, path, body).await,
                "controlled_by_file",
                "{path}"
            );
        }
        let suspend = "/v2/keyward/accounts/acct_3/suspend";
        desk.good("POST", suspend, &json!({"reason": "unpaid"}), None)
            .await;
        let resume = "/v2/keyward/accounts/acct_3/resume";
        assert_eq!(
            desk.code("POST", resume, &json!({})).await,
            "controlled_by_file"
        );
        desk.good("POST", "/v2/iam/api_keys/mk_desk/expire", &json!({}), None)
            .await;
        desk.good("DELETE", "/v2/keyward/api_keys/mk_new", &json!({}), None)
            .await;
        let plan = desk.planned(FILE).await;
        assert_eq!(plan["count"], 0, "{plan:#}");
        let ended = &plan["ended"];
        assert_eq!(
            ended[0],
            json!({"expires_at": null, "id": "acct_3", "object": "account", "status": "suspended"})
        );
        assert_eq!(
            (&ended[1]["id"], &ended[1]["status"]),
            (&json!("mk_new"), &json!("deleted"))
        );
        assert_eq!(
            (&ended[2]["id"], &ended[2]["status"]),
            (&json!("mk_desk"), &json!("active"))
        );
        let end = crate::time::read(ended[2]["expires_at"].as_str().unwrap()).unwrap();
        assert!(end.abs_diff(crate::time::now()) < 600, "{ended:#}");
        assert_eq!(ended.as_array().unwrap().len(), 3);
        // Other changes of such a record are made, and it stays ended.
        let plan = desk
            .applied(&FILE.replace("Support desk", "Help desk"))
            .await;
        assert_eq!(changes(&plan), ["change mk_desk name"]);
        let desk_key = desk
            .good("GET", "/v2/iam/api_keys/mk_desk", &json!({}), None)
            .await;
        assert_eq!(
            (&desk_key["status"], &desk_key["name"]),
            (&json!("expired"), &json!("Help desk"))
        );
    });
}

#[test]
fn an_end_that_was_asked_for_is_not_put_off_by_the_file() {
    wait(async {
        let desk = Desk::of(100).await;
        let until =
            |text: &str| FILE.replace("labels = {", &format!("expires = {text}\nlabels = {{"));
        desk.applied(&until("2096-01-01T00:00:00Z")).await;
        // The file itself may say another time.
        let plan = desk.applied(&until("2097-01-01T00:00:00Z")).await;
        assert_eq!(changes(&plan), ["change mk_desk expires"]);
        let command = keyward::management::Command::ExpireKey(keyward::management::ExpireKey {
            id: "mk_desk".to_owned(),
            end: Some(3_900_000_000),
            revive: false,
        });
        let sooner: Result<(), Stored> = desk
            .app
            .store
            .end(move |tx: &mut Tx<'_>| {
                let (scope, ceiling) = (Scope::everything(), keyward::management::Ceiling::none());
                let sender = Sender::local(Uid::own());
                let bounds = crate::service::bounds::Bounds {
                    scope: &scope,
                    ceiling: &ceiling,
                    sender: &sender,
                    reason: None,
                    quota: None,
                    source: "api",
                    file: None,
                    now: crate::time::now(),
                };
                crate::service::step::step(tx, &command, &bounds).map(|_| ())
            })
            .await;
        sooner.unwrap();
        let plan = desk.planned(&until("2097-01-01T00:00:00Z")).await;
        assert_eq!(
            (&plan["count"], &plan["ended"]),
            (
                &json!(0),
                &json!([{
                    "expires_at": "2093-08-01T21:20:00.000Z", "id": "mk_desk",
                    "object": "api_key", "status": "active",
                }])
            )
        );
    });
}

/// The file with the support desk's key ended in it.
fn ending(end: &str) -> String {
    FILE.replace("labels = {", &format!("{end}\nlabels = {{"))
}

#[test]
fn a_file_that_only_ends_records_works_where_nothing_can_be_added() {
    wait(async {
        let desk = Desk::of(100).await;
        desk.applied(FILE).await;
        let suspended = ending("expires = 2021-01-01T00:00:00Z").replace(
            "children = \"any\"",
            "children = \"any\"\nstatus = \"suspended\"",
        );
        // What needs the usual room, and what may take the room that is kept for ends.
        for (text, expected) in [
            (FILE.replace("Support desk", "Help desk"), "ends_only"),
            (ending("expires = 2096-01-01T00:00:00Z"), "ends_only"),
            (
                ending("status = \"deleted\"").replace("Support desk", "Help desk"),
                "ends_only",
            ),
            (
                format!("{}\n[grant_sets.more]\n", without(FILE, "mk_desk")),
                "ends_only",
            ),
            (
                FILE.replace("charge = \"write\"", "charge = \"read\""),
                "ends_only",
            ),
            (suspended.clone(), "nothing"),
            (
                without(&suspended, "mk_public").replace("2021-01-01", "2020-01-01"),
                "nothing",
            ),
            (
                without(&suspended, "mk_public")
                    .replace("expires = 2021-01-01T00:00:00Z", "status = \"deleted\""),
                "nothing",
            ),
        ] {
            desk.app.store.take_ends_only();
            let plan = desk.planned(&text).await;
            assert_ne!(plan["count"], 0, "{text}");
            let order = json!({"plan": plan["plan"], "confirm": plan["count"]});
            assert_eq!(desk.code("POST", APPLY, &order).await, expected, "{plan:#}");
        }
        let path = "/v2/iam/api_keys/mk_desk";
        let key = desk.good("GET", path, &json!({}), None).await;
        assert_eq!(key["status"], "deleted");
        assert_eq!(key["name"], "Support desk");
    });
}
