//! The keys for requests to a row of the catalogue, and what is wrong with the answers.

use keyward_reference::catalogue::{Permission, Row, permissions, rows};

use super::ask::{Answer, Grants, Keys};

/// The keys for requests to a row.
pub struct Asked {
    pub row: Row,
    /// Each has one permission that is enough.
    enough: Vec<(String, String)>,
    /// Each has a permission that implies reading what the row requires.
    implying: Vec<String>,
    /// Each lacks something, with the reason why it is listed.
    lacking: Vec<(&'static str, String)>,
}

fn one(name: &str, level: &'static str) -> Grants {
    Grants::from([(name.to_owned(), level)])
}

impl Asked {
    fn new(row: Row, permissions: &[Permission], keys: &mut Keys) -> Self {
        let level = if row.access == "read" {
            "read"
        } else {
            "write"
        };
        let enough = row.permissions.iter();
        let enough = enough
            .map(|name| (name.clone(), keys.with(one(name, level))))
            .collect();
        let is_needed = |name: &String| row.permissions.contains(name);
        let implies = |known: &&Permission| known.implied.iter().any(is_needed);
        let is_read = row.access == "read";
        let (mut implying, mut lacking) = (Vec::new(), Vec::new());
        if is_read {
            let levels = ["read", "write"];
            implying.extend(
                permissions
                    .iter()
                    .filter(implies)
                    .filter(|known| !is_needed(&known.name))
                    .flat_map(|known| levels.map(|level| one(&known.name, level)))
                    .map(|grants| keys.with(grants)),
            );
        } else {
            let read = row.permissions.iter();
            let read: Grants = read.map(|name| (name.clone(), "read")).collect();
            lacking.push(("only read", keys.with(read)));
        }
        // A permission that implies it allows reading, so it may prevent only a read.
        let others = permissions.iter().filter(|known| !is_needed(&known.name));
        let others = others.filter(|known| !is_read || !implies(known));
        let others: Grants = others.map(|known| (known.name.clone(), "write")).collect();
        assert!(others.len() > 100, "{}", others.len());
        lacking.push(("every other permission", keys.with(others)));
        lacking.push(("nothing", keys.with(Grants::new())));
        Self {
            row,
            enough,
            implying,
            lacking,
        }
    }

    /// Returns what is wrong with a gateway's answers.
    pub fn faults(&self, ask: &mut impl FnMut(&str, &str, &str) -> Answer) -> Vec<String> {
        let Row { method, path, .. } = &self.row;
        let sample = self.row.sample();
        let mut faults = Vec::new();
        let mut fault = |what: &str, answer: &Answer| {
            faults.push(format!("{method} {path}: {what}: {answer:?}"));
        };
        for (permission, key) in &self.enough {
            let answer = ask(method, &sample, key);
            let is_named = answer.permission.as_ref() == Some(permission);
            if answer.reason.is_some() || !is_named {
                fault(&format!("with only `{permission}`"), &answer);
            }
        }
        for key in &self.implying {
            let answer = ask(method, &sample, key);
            if answer.reason.is_some() {
                fault("with what implies it", &answer);
            }
        }
        let first = &self.row.permissions[0];
        let named = match self.row.access.as_str() {
            "read" => format!(
                "Enabling {} Read ('{first}_read') permissions",
                self.row.label
            ),
            _ => format!(
                "Enabling {} Write ('{first}_write') permissions",
                self.row.label
            ),
        };
        for (what, key) in &self.lacking {
            let answer = ask(method, &sample, key);
            let is_told = answer.message.contains(&named);
            if answer.reason.as_deref() != Some("insufficient_permission")
                || answer.permission.as_ref() != Some(first)
                || !is_told
            {
                fault(&format!("with {what}, not `{named}`"), &answer);
            }
        }
        faults
    }
}

pub fn asked() -> (Keys, Vec<Asked>) {
    let (mut keys, permissions) = (Keys::default(), permissions());
    let rows = rows().into_iter();
    let asked = rows.map(|row| Asked::new(row, &permissions, &mut keys));
    let asked = asked.collect();
    (keys, asked)
}

#[track_caller]
pub fn assert_sound(faults: &[String]) {
    let count = faults.len();
    assert!(faults.is_empty(), "{count} faults:\n{}", faults.join("\n"));
}
