//! The requests of callers.

use std::collections::BTreeMap;

use keyward::management::Granted;
use serde_json::{Value, json};

use super::dice::{Dice, PERMISSIONS};
use super::oracle::Seen;
use super::{ACCOUNTS, SETS, World};
use crate::time;

impl World {
    /// Makes one request of a caller that policies limit. Returns what it was, or `None` if the
    /// server rejected it.
    pub(super) async fn step(
        &mut self,
        keys: &BTreeMap<String, Seen>,
    ) -> Option<(String, Granted)> {
        let (caller, given) = self.caller();
        let acting = caller.acting_account().map(str::to_owned);
        // Mostly an account that it can see, and sometimes one that it cannot.
        let owner = match acting {
            Some(acting) if self.dice.chance(90) => acting,
            Some(_) | None => self.dice.of(&ACCOUNTS).to_owned(),
        };
        let is_any = self.dice.chance(15);
        let ids: Vec<String> = keys
            .iter()
            .filter(|(_, key)| {
                key.owner == owner || is_any && ACCOUNTS.contains(&key.owner.as_str())
            })
            .map(|(id, _)| id.clone())
            .collect();
        let id = if ids.is_empty() {
            "mk_none".to_owned()
        } else {
            self.dice.of(&ids)
        };
        let ends = |dice: &mut Dice| match dice.below(8) {
            0 => Value::Null,
            1 => json!(time::written(time::now() + 400 * 86_400)),
            2 => json!(time::written(time::now() + 20 * 86_400)),
            _ => json!(time::written(time::now() + 5 * 86_400)),
        };
        let (dice, key) = (&mut self.dice, format!("/v2/iam/api_keys/{id}"));
        let mut mine = json!({"owner": owner, "livemode": dice.chance(50), "kind": dice.of(&["restricted", "restricted", "restricted", "restricted", "restricted", "secret"])});
        if dice.chance(20) {
            mine["enforcement"] = json!("shadow");
        }
        if dice.chance(10) {
            mine["no_expiry"] = json!(true);
        }
        if dice.chance(5) {
            mine["override_policy"] = json!(true);
            mine["reason"] = json!("because");
        }
        let mut new = json!({"type": "secret_key"});
        match dice.below(6) {
            0 => mine["grant_set"] = json!(dice.of(&SETS)),
            1 => {}
            _ => new["permissions"] = json!(dice.asked(2)),
        }
        if dice.chance(15) {
            new["connect_permissions"] = json!(dice.asked(2));
        }
        if dice.chance(65) {
            new["ip_allowlist"] = json!(["203.0.113.7"]);
        }
        let end = ends(dice);
        if !end.is_null() && mine.get("no_expiry").is_none() {
            new["expires_at"] = end;
        }
        new["keyward"] = mine;
        let (what, method, path, body) = match dice.below(12) {
            0 | 1 => ("create", "POST", "/v2/iam/api_keys".to_owned(), new),
            2..=5 => {
                let mut mine = json!({});
                let mut edit = json!({});
                match dice.below(9) {
                    0 | 1 => edit["permissions"] = json!(dice.asked(3)),
                    2 => mine["grant"] = json!(dice.asked(1)),
                    3 => mine["grant_set"] = json!(dice.of(&SETS)),
                    4 => {
                        edit["ip_allowlist"] =
                            dice.of(&[json!([]), json!(["203.0.113.7"]), json!(["203.0.113.0/24"])])
                    }
                    5 => {
                        edit["expires_at"] = ends(dice);
                        mine["revive"] = json!(dice.chance(50));
                    }
                    6 => mine["enforcement"] = json!(dice.of(&["shadow", "enforce"])),
                    7 => edit["connect_permissions"] = json!(dice.asked(2)),
                    _ => mine["revoke"] = json!([dice.of(&["customer", "charge"])]),
                }
                if dice.chance(20) {
                    mine["limit"] = json!(true);
                }
                edit["keyward"] = mine;
                ("edit", "POST", key, edit)
            }
            6 | 7 => {
                let mut body =
                    json!({"expire_current_key_in_minutes": dice.of(&[0, 60, 1440, 10_080])});
                let end = ends(dice);
                if end.is_null() {
                    body["keyward"] = json!({"no_expiry": dice.chance(50)});
                } else {
                    body["expires_at"] = end;
                }
                ("rotate", "POST", format!("{key}/rotate"), body)
            }
            8 => {
                let mut body = json!({"name": "copy", "keyward": {}});
                if dice.chance(30) {
                    body["keyward"]["livemode"] = json!(true);
                }
                if dice.chance(10) {
                    body["keyward"]["enforcement"] = json!("shadow");
                }
                if dice.chance(65) {
                    body["ip_allowlist"] = json!(["203.0.113.7"]);
                }
                let end = ends(dice);
                if end.is_null() {
                    body["keyward"]["no_expiry"] = json!(true);
                } else {
                    body["expires_at"] = end;
                }
                (
                    "duplicate",
                    "POST",
                    format!("/v2/keyward/api_keys/{id}/duplicate"),
                    body,
                )
            }
            9 => {
                self.digests += 1;
                let mut row = new;
                row["keyward"]["sha256"] = json!(format!("{:064x}", self.digests));
                row["keyward"]["last4"] = json!("abcd");
                (
                    "import",
                    "POST",
                    "/v2/keyward/api_keys/import".to_owned(),
                    json!({"keys": [row]}),
                )
            }
            10 => ("expire", "POST", format!("{key}/expire"), json!({})),
            _ => {
                let set = dice.of(&SETS);
                (
                    "set",
                    "PUT",
                    format!("/v2/keyward/grant_sets/{set}"),
                    json!({"permissions": dice.some(&PERMISSIONS, 3)}),
                )
            }
        };
        let version = if what == "set" {
            let set = self.desk.good("GET", &path, &Value::Null, None).await;
            set["version"].as_u64()
        } else {
            None
        };
        let done = self.ask(&caller, method, &path, &body, version).await;
        done.then(|| (format!("{what} {path} {body} by {caller:?}"), given))
    }
}
