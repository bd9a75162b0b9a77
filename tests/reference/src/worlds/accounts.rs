//! The accounts of a snapshot. The trees are deep rather than wide.

use serde_json::{Value, json};

use super::dice::Dice;

pub(super) fn accounts(dice: &mut Dice) -> Vec<Value> {
    let organizations = dice.of(&[1, 1, 2, 0]);
    let long = format!("acct_{}", "y".repeat(59));
    let ids = [
        "acct_1",
        "acct_2",
        "acct_A-b_9",
        "acct_a",
        "acct_A",
        &long,
        "acct_org_1",
    ];
    let mut listed: Vec<Value> = Vec::new();
    let mut parents: Vec<&str> = Vec::new();
    for id in ["org_1", "org_2"].into_iter().take(organizations) {
        let mut account = json!({"id": id});
        vary(dice, &mut account);
        listed.push(account);
        parents.push(id);
    }
    for id in ids.into_iter().take(1 + dice.below(ids.len())) {
        let mut account = json!({"id": id});
        if !parents.is_empty() && !dice.one_in(4) {
            // Deep rather than wide.
            let last = parents.len() - 1;
            let parent = if dice.one_in(2) {
                last
            } else {
                dice.below(parents.len())
            };
            account["parent"] = json!(parents[parent]);
        }
        vary(dice, &mut account);
        listed.push(account);
        parents.push(id);
    }
    if dice.one_in(3) {
        listed.reverse();
    }
    listed
}

fn vary(dice: &mut Dice, account: &mut Value) {
    if dice.one_in(3) {
        account["children"] = json!(dice.pick(&["any", "listed", "any"]));
    }
    if dice.one_in(8) {
        account["status"] = json!(dice.pick(&["suspended", "active"]));
    }
}
