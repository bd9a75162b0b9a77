//! The shell commands that carry out a proposal.

use super::grants::{Privileges, Proposal};
use super::inventory::KnownKey;
use keyward::key::KeyKind;
use keyward_files::key_file::Granted;

/// The part that all commands share: the key file, if it was named.
pub(super) struct Commands<'a> {
    pub(super) keys: Option<&'a str>,
}

impl Commands<'_> {
    /// Returns commands that replace a key with a limited one. The new key starts in shadow mode:
    /// a request that lacks a permission is noted but passes.
    pub(super) fn replace(&self, id: &str, key: &KnownKey, proposal: &Proposal) -> Vec<String> {
        let name = match &key.name {
            Some(name) => format!("{name}, limited"),
            None => format!("in place of {id}"),
        };
        let mut create = self.begin("create");
        create.extend([
            "--owner".to_owned(),
            quoted(&key.owner),
            "--mode".to_owned(),
            key.mode.name().to_owned(),
            "--name".to_owned(),
            quoted(&name),
        ]);
        create.extend(grants("--grant", &proposal.grants));
        create.extend(grants("--connect-grant", &proposal.connect_grants));
        create.extend(["--enforcement".to_owned(), "shadow".to_owned()]);
        let mut enforce = self.begin("edit");
        enforce.extend(["\"$NEW\"", "--enforcement", "enforce"].map(str::to_owned));
        let mut delete = self.begin("delete");
        delete.push(quoted(id));
        [create, enforce, delete]
            .iter()
            .map(|words| words.join(" "))
            .collect()
    }

    /// Returns a command that removes a limited key's unused grants. `None` if nothing would
    /// change.
    pub(super) fn lower(&self, id: &str, privileges: &Privileges) -> Option<String> {
        let mut words = self.begin("edit");
        words.push(quoted(id));
        let start = words.len();
        for unused in &privileges.unused {
            // A grant that may have served an expansion stays, because queries are not logged.
            if unused.may_be_expanded {
                continue;
            }
            let (grant, revoke) = if unused.is_connected {
                ("--connect-grant", "--connect-revoke")
            } else {
                ("--grant", "--revoke")
            };
            match unused.used {
                Some(level) => words.extend([
                    grant.to_owned(),
                    format!("{}={}", quoted(&unused.permission), level.name()),
                ]),
                None => words.extend([revoke.to_owned(), quoted(&unused.permission)]),
            }
            // If a used permission was only implied by the removed one, grant it explicitly.
            for implied in &unused.implied {
                words.extend([grant.to_owned(), format!("{}=read", quoted(implied))]);
            }
        }
        (words.len() > start).then(|| words.join(" "))
    }

    fn begin(&self, command: &str) -> Vec<String> {
        let mut words = vec!["keyward".to_owned(), "keys".to_owned(), command.to_owned()];
        if let Some(keys) = self.keys {
            words.extend(["--keys".to_owned(), quoted(keys)]);
        }
        words
    }
}

/// Whether a key of this kind can be replaced by a limited one from `keyward keys create`.
pub(super) fn can_be_limited(kind: KeyKind, proposal: &Proposal) -> bool {
    let is_secret = matches!(kind, KeyKind::Secret | KeyKind::Organization);
    is_secret && !(proposal.grants.is_empty() && proposal.connect_grants.is_empty())
}

fn grants(argument: &str, granted: &Granted) -> Vec<String> {
    granted
        .iter()
        .flat_map(|(name, level)| {
            [
                argument.to_owned(),
                format!("{}={}", quoted(name), level.name()),
            ]
        })
        .collect()
}

/// Returns one word of a POSIX shell, with quotes only if it needs them.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.,/:@=+".contains(&byte);
    if !text.is_empty() && !text.starts_with('-') && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    // A control character in a name could run as a separate line when it is pasted.
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_word_to_a_shell() {
        for (text, expected) in [
            ("acct_1", "acct_1"),
            ("", "''"),
            ("-rf", "'-rf'"),
            ("Bob's $(id) `x`", "'Bob'\\''s $(id) `x`'"),
            ("a\n\u{1b}]0;b", "'a]0;b'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
