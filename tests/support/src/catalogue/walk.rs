//! The keys for testing a row of the catalogue, and the faults in the answers.

use keyward_reference::catalogue::{Permission, Row, permissions, rows};

use super::ask::{Answer, Grants, Keys};

/// The keys for testing a row.
pub struct Asked {
    pub row: Row,
    /// Keys that each have one sufficient permission.
    enough: Vec<(String, String)>,
    /// Keys that each have a permission which implies reading what the row needs.
    implying: Vec<String>,
    /// Keys that each lack something, with a description of what they have.
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
        // A permission that implies a needed one allows reading, so it is left out only if the row
        // reads.
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

    /// Returns the faults in the answers of a gateway.
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
