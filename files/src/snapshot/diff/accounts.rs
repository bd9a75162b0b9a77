//! Differences between accounts: new, removed, moved, suspended.

use super::{Difference, Direction, by};
use keyward::snapshot::Document;
use keyward::snapshot::document::Account;

pub(super) fn compare(
    before: Option<&Document>,
    after: Option<&Document>,
    differences: &mut Vec<Difference>,
) {
    let id = |account: &Account| account.id.clone();
    let before = by(before.map_or(&[], Document::accounts), id);
    let after = by(after.map_or(&[], Document::accounts), id);
    let mut differ = |id: &str, direction, what: String| {
        differences.push(Difference::new("account", id, direction, what));
    };
    for (id, account) in &after {
        let Some(old) = before.get(id) else {
            differ(id, Direction::More, format!("is new, {}", stands(account)));
            if account.is_suspended() {
                differ(id, Direction::Less, "is suspended".to_owned());
            }
            continue;
        };
        if old.parent != account.parent {
            let what = format!(
                "moves: it is now {}, and was {}",
                stands(account),
                stands(old)
            );
            differ(id, Direction::Other, what);
        }
        match (old.is_suspended(), account.is_suspended()) {
            (false, true) => differ(id, Direction::Less, "is suspended".to_owned()),
            (true, false) => differ(id, Direction::More, "is no longer suspended".to_owned()),
            (true, true) | (false, false) => {}
        }
        match (old.takes_any(), account.takes_any()) {
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

fn stands(account: &Account) -> String {
    match &account.parent {
        Some(parent) => format!("below {parent}"),
        None => "at the root".to_owned(),
    }
}
