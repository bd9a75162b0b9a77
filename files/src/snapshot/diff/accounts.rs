//! Accounts: which are new or gone, moved, suspended.

use serde_json::Value;

use super::{Difference, Direction, by, text};

pub(super) fn compare(a: &Value, b: &Value, differences: &mut Vec<Difference>) {
    let identity = |account: &Value| text(account, "id").map(str::to_owned);
    let before = by(a, "accounts", identity);
    let after = by(b, "accounts", identity);
    let mut differ = |id: &str, direction, what: String| {
        differences.push(Difference::new("account", id, direction, what));
    };
    for (id, account) in &after {
        let Some(old) = before.get(id) else {
            differ(id, Direction::More, format!("is new, {}", stands(account)));
            if is_suspended(account) {
                differ(id, Direction::Less, "is suspended".to_owned());
            }
            continue;
        };
        if text(old, "parent") != text(account, "parent") {
            let what = format!(
                "moves: it is now {}, and was {}",
                stands(account),
                stands(old)
            );
            differ(id, Direction::Other, what);
        }
        match (is_suspended(old), is_suspended(account)) {
            (false, true) => differ(id, Direction::Less, "is suspended".to_owned()),
            (true, false) => differ(id, Direction::More, "is no longer suspended".to_owned()),
            (true, true) | (false, false) => {}
        }
        match (takes_any(old), takes_any(account)) {
            (false, true) => differ(
                id,
                Direction::More,
                "accepts any account below it".to_owned(),
            ),
            (true, false) => {
                let what = "accepts only listed accounts below it".to_owned();
                differ(id, Direction::Less, what);
            }
            (true, true) | (false, false) => {}
        }
    }
    for id in before.keys() {
        if !after.contains_key(id) {
            differ(id, Direction::Less, "is gone".to_owned());
        }
    }
}

fn stands(account: &Value) -> String {
    match text(account, "parent") {
        Some(parent) => format!("below {parent}"),
        None => "at the root".to_owned(),
    }
}

fn is_suspended(account: &Value) -> bool {
    text(account, "status") == Some("suspended")
}

fn takes_any(account: &Value) -> bool {
    text(account, "children") == Some("any")
}
