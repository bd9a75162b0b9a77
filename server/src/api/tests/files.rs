//! A key file as the truth for its records: planned, applied, exported, and read-only elsewhere.

use keyward_files::key_file::KeyFile;

use super::*;

mod ends;
mod parts;

const FILE: &str = include_str!("billing.toml");

const PLAN: &str = "/v2/keyward/key_file/plan";
const APPLY: &str = "/v2/keyward/key_file/apply";

fn body(text: &str) -> Value {
    json!({
        "as": "billing", "files": {"billing.toml": text},
        "override_policy": true, "reason": "from the repository",
    })
}

fn read(text: &str) -> KeyFile {
    KeyFile::read(vec![("key file".to_owned(), text.to_owned())]).unwrap()
}

/// The file without the section of one record.
fn without(text: &str, id: &str) -> String {
    let mut sections: Vec<&str> = text.split("\n[").collect();
    let count = sections.len();
    sections.retain(|section| !section.contains(&format!("id = \"{id}\"\n")));
    assert_eq!(sections.len() + 1, count, "{id}");
    sections.join("\n[")
}

fn changes(plan: &Value) -> Vec<String> {
    let all = plan["changes"].as_array().unwrap().iter();
    all.map(|one| {
        let text = |name: &str| one[name].as_str().unwrap();
        let members: Vec<&str> = one["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member.as_str().unwrap())
            .collect();
        let end = members.join(",");
        format!("{} {} {end}", text("change"), text("id"))
            .trim_end()
            .to_owned()
    })
    .collect()
}

impl Desk {
    async fn planned(&self, text: &str) -> Value {
        self.good("POST", PLAN, &body(text), None).await
    }

    async fn applied(&self, text: &str) -> Value {
        let plan = self.planned(text).await;
        let order = json!({"plan": plan["plan"], "confirm": plan["count"]});
        self.good("POST", APPLY, &order, None).await;
        plan
    }

    async fn exported(&self) -> String {
        let path = "/v2/keyward/key_file?without_own=true";
        let answer = self.call("GET", path, &json!({}), None).await.unwrap();
        assert_eq!(answer.content_type, "application/toml");
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    async fn code(&self, method: &str, path: &str, body: &Value) -> &'static str {
        let refused = self.call(method, path, body, None).await;
        refused.err().map_or("nothing", |failure| failure.name())
    }

    pub(super) async fn changes_made(&self) -> u64 {
        let head: Result<_, Stored> = self.app.store.read(|reader| Ok(reader.head()?)).await;
        head.unwrap().sequence
    }
}

#[test]
fn what_goes_in_comes_out_again_and_then_nothing_is_left_to_do() {
    wait(async {
        let desk = Desk::of(100).await;
        let before = desk.changes_made().await;
        let plan = desk.planned(FILE).await;
        assert_eq!(plan["count"], 7, "{plan:#}");
        assert_eq!(desk.changes_made().await, before, "a plan changes nothing");
        desk.applied(FILE).await;
        let again = desk.planned(FILE).await;
        assert_eq!((&again["count"], &again["same"]), (&json!(0), &json!(7)));
        let (given, got) = (read(FILE), read(&desk.exported().await));
        assert_eq!(got.keys().count(), 4);
        for key in given.keys() {
            assert_eq!(got.key(&key.id), Some(key));
        }
        for account in given.accounts() {
            assert_eq!(got.account(&account.id), Some(account));
        }
        let sets: Vec<_> = got.grant_sets().collect();
        assert_eq!(sets, given.grant_sets().collect::<Vec<_>>());
        // What was exported is the same file to another server.
        let other = Desk::of(100).await;
        let exported = desk.exported().await;
        other.applied(&exported).await;
        assert_eq!(read(&other.exported().await).keys().count(), 4);
        assert_eq!(other.planned(FILE).await["count"], 0);
    });
}

#[test]
fn a_file_changes_and_ends_its_own_records_and_no_others() {
    wait(async {
        let desk = Desk::of(100).await;
        let made = json!({"type": "secret_key", "keyward": {"owner": "acct_1", "id": "mk_api", "livemode": true}});
        desk.good("POST", "/v2/iam/api_keys", &made, None).await;
        desk.applied(FILE).await;
        let text = without(FILE, "mk_public").replace("Support desk", "Help desk");
        let text = text.replace("charge = \"write\"", "charge = \"read\"");
        let plan = desk.applied(&text).await;
        let expected = [
            "change support permissions",
            "change mk_desk name",
            "end mk_public expires",
        ];
        assert_eq!(changes(&plan), expected);
        let plan = desk.applied("format = \"keyward.keys/v1\"\n").await;
        let expected = ["end mk_new status", "end mk_desk status"];
        assert_eq!(changes(&plan), expected);
        // The account has a key that expired and is not deleted.
        assert_eq!(plan["kept"], json!(["acct_2", "acct_3", "support"]));
        let state = |id: &'static str| {
            let desk = &desk;
            async move {
                let path = format!("/v2/iam/api_keys/{id}");
                desk.good("GET", &path, &json!({}), None).await["status"].clone()
            }
        };
        assert_eq!(state("mk_new").await, "deleted");
        assert_eq!(state("mk_public").await, "expired");
        assert_eq!(state("mk_api").await, "active");
        // Not even the file brings back what it ended.
        let plan = desk.planned(FILE).await;
        let mut ended: Vec<&str> = plan["ended"]
            .as_array()
            .unwrap()
            .iter()
            .map(|ended| ended["id"].as_str().unwrap())
            .collect();
        ended.sort_unstable();
        assert_eq!(ended, ["mk_desk", "mk_new", "mk_public"]);
    });
}

#[test]
fn a_plan_is_carried_out_as_it_was_shown_or_not_at_all() {
    wait(async {
        let desk = Desk::of(100).await;
        let plan = desk.planned(FILE).await;
        let order = |confirm: u64| json!({"plan": plan["plan"], "confirm": confirm});
        // Someone takes the digest meanwhile.
        let taken = json!({"type": "secret_key", "keyward": {"owner": "acct_1", "livemode": false, "id": "mk_other", "sha256": "3".repeat(64)}});
        desk.good("POST", "/v2/iam/api_keys", &taken, None).await;
        assert_eq!(desk.code("POST", APPLY, &order(7)).await, "digest_exists");
        assert_eq!(desk.code("POST", APPLY, &order(7)).await, "plan_expired");
        desk.good("DELETE", "/v2/keyward/api_keys/mk_other", &json!({}), None)
            .await;
        let text = without(FILE, "mk_desk");
        let plan = desk.planned(&text).await;
        let wrong = json!({"plan": plan["plan"], "confirm": 5});
        assert_eq!(desk.code("POST", APPLY, &wrong).await, "plan_changed");
        let plan = desk.planned(&text).await;
        desk.good(
            "POST",
            "/v2/keyward/grant_sets",
            &json!({"name": "support", "permissions": ["customer_read", "charge_write"]}),
            None,
        )
        .await;
        let order = json!({"plan": plan["plan"], "confirm": plan["count"]});
        assert_eq!(desk.code("POST", APPLY, &order).await, "plan_changed");
        assert_eq!(
            desk.code("GET", "/v2/iam/api_keys/mk_new", &json!({}))
                .await,
            "resource_missing"
        );
    });
}

#[test]
fn records_of_others_and_what_no_gateway_takes_are_refused() {
    wait(async {
        let desk = Desk::of(100).await;
        let made = json!({"type": "secret_key", "keyward": {"owner": "acct_1", "id": "mk_desk", "livemode": true}});
        desk.good("POST", "/v2/iam/api_keys", &made, None).await;
        let before = desk.changes_made().await;
        let too_many = FILE.replace("acct_2", "acct_1");
        for (text, code) in [
            (FILE, "id_exists"),
            (&too_many, "id_exists"),
            (
                &FILE.replace("charge = \"write\"", "chrage = \"write\""),
                "parameter_invalid",
            ),
            (
                &FILE.replace("customer = \"read\"", "api_key = \"reed\""),
                "parameter_invalid",
            ),
            ("nonsense", "parameter_invalid"),
            (
                &format!("{FILE}\n[configuration]\nmax_snapshot_age = 60\n"),
                "parameter_invalid",
            ),
        ] {
            assert_eq!(desk.code("POST", PLAN, &body(text)).await, code, "{text}");
        }
        let own = json!({"as": "a b", "files": {"a": FILE}});
        assert_eq!(desk.code("POST", PLAN, &own).await, "parameter_invalid");
        assert_eq!(desk.changes_made().await, before);
    });
}

#[test]
fn a_file_gives_its_sender_nothing_that_single_requests_would_not() {
    wait(async {
        let desk = Desk::of(100).await;
        let (head, ()) = Request::builder()
            .method("POST")
            .uri(PLAN)
            .body(())
            .unwrap()
            .into_parts();
        let all = [
            "api_key_import",
            "account",
            "grant_set",
            "secret_api_key",
            "key_policy",
        ];
        let lacking =
            |name: &str| -> Vec<&str> { all.into_iter().filter(|held| *held != name).collect() };
        let code = async |permissions: &[&str], text: &str, passes: bool| {
            let body = json!({"as": "billing", "files": {"a": text}, "override_policy": passes, "reason": "a test"});
            let answer = desk
                .call_by(operator(permissions), &head, &body, None)
                .await;
            answer.err().map_or("nothing", |failure| failure.name())
        };
        assert_eq!(code(&all, FILE, true).await, "nothing");
        assert_eq!(
            code(&lacking("account"), FILE, true).await,
            "more_permissions_required"
        );
        assert_eq!(
            code(&lacking("grant_set"), FILE, true).await,
            "more_permissions_required"
        );
        assert_eq!(
            code(&lacking("secret_api_key"), FILE, true).await,
            "unrestricted_key_refused"
        );
        assert_eq!(
            code(&lacking("key_policy"), FILE, true).await,
            "escalation_refused"
        );
        // The policy of the account holds for what a file has: the default one allows no such keys.
        assert_eq!(code(&all, FILE, false).await, "policy_refused");
        let managing = FILE.replace("customer = \"read\"", "api_key = \"read\"");
        assert_eq!(code(&all, &managing, true).await, "management_key_refused");
        let of_test = KeyCaller {
            mode: Livemode::Test,
            ..operators_key(&all)
        };
        let by_test = desk
            .call_by(Caller::by_key(of_test, None), &head, &body(FILE), None)
            .await;
        assert_eq!(by_test.err().unwrap().name(), "more_permissions_required");
        let tenant = KeyCaller {
            account: "acct_1".to_owned(),
            is_operator: false,
            ..operators_key(&all)
        };
        let refused = desk
            .call_by(Caller::by_key(tenant, None), &head, &body(FILE), None)
            .await;
        assert_eq!(refused.err().unwrap().name(), "more_permissions_required");
        let most = Desk::of(4).await;
        assert_eq!(most.code("POST", PLAN, &body(FILE)).await, "max_keys");
    });
}
