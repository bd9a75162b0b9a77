//! The principal: the caller, the account and the permission, as the upstream and the logs see
//! them.

use std::fmt;

use crate::permission::AccessLevel;
use crate::snapshot::{KeyRecord, Revision};
use crate::word::words;

words! {
    /// A member of a principal, in the order of writing. The words are dictionary keys: lower-case
    /// letters.
    pub enum Member {
        /// The key's id.
        Key = "key",
        /// The key's kind.
        Kind = "kind",
        /// The key's mode.
        Livemode = "livemode",
        /// The target account.
        Account = "account",
        /// The accounts from the key's owner to the target.
        Path = "path",
        /// The organization at the root.
        Org = "org",
        /// The permission the endpoint needs.
        Permission = "permission",
        /// The level it needs.
        Access = "access",
        /// The snapshot's revision.
        Revision = "revision",
    }
}

/// A request's target: an account at the end of a path, or an organization itself (no account).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountTrail<'a> {
    /// The key's owner, if the path begins with it.
    pub owner: Option<&'a str>,
    /// The accounts below the owner, joined with `/`.
    pub below: Option<&'a str>,
}

impl<'a> AccountTrail<'a> {
    /// Returns the last account of the path.
    #[must_use]
    pub fn account(&self) -> Option<&'a str> {
        self.below
            .and_then(|below| below.rsplit('/').next())
            .or(self.owner)
    }
}

impl<'a> AccountTrail<'a> {
    /// Returns the pieces that make up the path when joined.
    fn parts(&self) -> [&'a str; 3] {
        let between = match (self.owner, self.below) {
            (Some(_), Some(_)) => "/",
            _ => "",
        };
        [self.owner.unwrap_or(""), between, self.below.unwrap_or("")]
    }
}

impl fmt::Display for AccountTrail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().iter().try_for_each(|part| f.write_str(part))
    }
}

/// What a decision has established so far. Members that do not apply are absent.
#[derive(Clone, Debug, Default)]
pub struct Principal<'a> {
    /// The key, known from rule 3 on.
    pub key: Option<KeyRecord<'a>>,
    /// Whether the key passed rule 4.
    pub is_live: bool,
    /// The target, known from rule 8 on.
    pub trail: Option<AccountTrail<'a>>,
    /// The organization at the root of the owner's tree.
    pub org: Option<&'a str>,
    /// The permission that decides, known from rule 9 on, for keys whose permissions matter.
    pub permission: Option<(&'a str, AccessLevel)>,
    /// The snapshot's revision.
    pub revision: Option<Revision>,
}

impl<'a> Principal<'a> {
    /// Returns the account that the request is about.
    #[must_use]
    pub fn account(&self) -> Option<&'a str> {
        self.trail.and_then(|trail| trail.account())
    }

    /// Returns a member as plain text, for a header that contains only this member.
    #[must_use]
    pub fn plain(&self, member: Member) -> Option<String> {
        match member {
            Member::Key => self.key.as_ref().map(|key| key.id().to_owned()),
            Member::Kind => self.key.map(|key| key.kind().name().to_owned()),
            Member::Livemode => self.key.map(|key| key.livemode().is_live().to_string()),
            Member::Account => self.account().map(str::to_owned),
            Member::Path => self
                .account()
                .and(self.trail)
                .map(|trail| trail.to_string()),
            Member::Org => self.org.map(str::to_owned),
            Member::Permission => self.permission.map(|(name, _)| name.to_owned()),
            Member::Access => self.permission.map(|(_, access)| access.name().to_owned()),
            Member::Revision => self.revision.map(|revision| revision.number().to_string()),
        }
    }
}

/// An RFC 9651 dictionary: `key="mk_1", kind=restricted, livemode=?0, …`. No string in it contains
/// a character that needs an escape.
impl fmt::Display for Principal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write_to(&mut text);
        f.write_str(&text)
    }
}

impl Principal<'_> {
    /// Appends the dictionary. Every request that passes pays for this, so it avoids `format!`:
    /// formatting would cost more than all the rest of a decision.
    pub fn write_to(&self, text: &mut String) {
        let mut members = Members {
            text,
            is_first: true,
        };
        if let Some(key) = &self.key {
            members.string(Member::Key, &[key.id()]);
            members.bare(Member::Kind, key.kind().name());
            let livemode = if key.livemode().is_live() { "?1" } else { "?0" };
            members.bare(Member::Livemode, livemode);
        }
        if let (Some(account), Some(trail)) = (self.account(), self.trail) {
            members.string(Member::Account, &[account]);
            members.string(Member::Path, &trail.parts());
        }
        if let Some(org) = self.org {
            members.string(Member::Org, &[org]);
        }
        if let Some((name, access)) = self.permission {
            members.string(Member::Permission, &[name]);
            members.bare(Member::Access, access.name());
        }
        if let Some(revision) = self.revision {
            members.bare(
                Member::Revision,
                itoa::Buffer::new().format(revision.number()),
            );
        }
    }
}

struct Members<'t> {
    text: &'t mut String,
    is_first: bool,
}

impl Members<'_> {
    fn string(&mut self, member: Member, parts: &[&str]) {
        self.name(member);
        self.text.push('"');
        for part in parts {
            self.text.push_str(part);
        }
        self.text.push('"');
    }

    fn bare(&mut self, member: Member, value: &str) {
        self.name(member);
        self.text.push_str(value);
    }

    fn name(&mut self, member: Member) {
        if !std::mem::take(&mut self.is_first) {
            self.text.push_str(", ");
        }
        self.text.push_str(member.name());
        self.text.push('=');
    }
}
