//! The principal: who calls, on which account, with which permission. Told to the upstream and to the logs.

use std::fmt::{self, Write};

use crate::permission::AccessLevel;
use crate::snapshot::{KeyRecord, Revision};

/// One member of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// The key's id.
    Key,
    /// The key's kind.
    Kind,
    /// The key's mode.
    Livemode,
    /// The target account.
    Account,
    /// The accounts from the key's owner to the target.
    Path,
    /// The organization at the root.
    Org,
    /// The permission the endpoint needs.
    Permission,
    /// The level it needs.
    Access,
    /// The snapshot's revision.
    Revision,
}

impl Member {
    /// All members in the order they are written.
    pub const ALL: [Self; 9] = [
        Self::Key,
        Self::Kind,
        Self::Livemode,
        Self::Account,
        Self::Path,
        Self::Org,
        Self::Permission,
        Self::Access,
        Self::Revision,
    ];

    /// The dictionary key: lower-case letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Kind => "kind",
            Self::Livemode => "livemode",
            Self::Account => "account",
            Self::Path => "path",
            Self::Org => "org",
            Self::Permission => "permission",
            Self::Access => "access",
            Self::Revision => "revision",
        }
    }

    /// The member of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|member| member.name() == name)
    }
}

/// Where a request goes: an account at the end of a path, or an organization itself (no account).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountTrail<'a> {
    /// The key's owner, where the path begins with it.
    pub owner: Option<&'a str>,
    /// The accounts below, joined with `/`.
    pub below: Option<&'a str>,
}

impl<'a> AccountTrail<'a> {
    /// The last account of the path.
    #[must_use]
    pub fn account(&self) -> Option<&'a str> {
        self.below
            .and_then(|below| below.rsplit('/').next())
            .or(self.owner)
    }
}

impl fmt::Display for AccountTrail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.owner.unwrap_or(""))?;
        if self.owner.is_some() && self.below.is_some() {
            f.write_str("/")?;
        }
        f.write_str(self.below.unwrap_or(""))
    }
}

/// What a decision has established so far. Members that do not apply are absent.
#[derive(Clone, Debug, Default)]
pub struct Principal<'a> {
    /// The key: known from rule 3 on.
    pub key: Option<KeyRecord<'a>>,
    /// Whether the key passed rule 4.
    pub is_live: bool,
    /// The target: known from rule 8 on.
    pub trail: Option<AccountTrail<'a>>,
    /// The organization at the root of the owner's tree.
    pub org: Option<&'a str>,
    /// The permission that decides: known from rule 9 on, for keys whose permissions matter.
    pub permission: Option<(&'a str, AccessLevel)>,
    /// The snapshot's revision.
    pub revision: Option<Revision>,
}

impl<'a> Principal<'a> {
    /// The account the request is about.
    #[must_use]
    pub fn account(&self) -> Option<&'a str> {
        self.trail.and_then(|trail| trail.account())
    }

    /// A member as plain text, for a header of its own.
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

/// An RFC 9651 dictionary: `key="mk_1", kind=restricted, livemode=?0, …`. Every string in it is spelled in characters that need no escape.
impl fmt::Display for Principal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut members = Members { f, is_first: true };
        if let Some(key) = &self.key {
            members.string(Member::Key, key.id())?;
            members.bare(Member::Kind, key.kind().name())?;
            members.bare(
                Member::Livemode,
                if key.livemode().is_live() { "?1" } else { "?0" },
            )?;
        }
        if let (Some(account), Some(trail)) = (self.account(), self.trail) {
            members.string(Member::Account, account)?;
            members.string(Member::Path, trail)?;
        }
        if let Some(org) = self.org {
            members.string(Member::Org, org)?;
        }
        if let Some((name, access)) = self.permission {
            members.string(Member::Permission, name)?;
            members.bare(Member::Access, access.name())?;
        }
        if let Some(revision) = self.revision {
            members.bare(Member::Revision, revision.number())?;
        }
        Ok(())
    }
}

struct Members<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    is_first: bool,
}

impl Members<'_, '_> {
    fn string(&mut self, member: Member, value: impl fmt::Display) -> fmt::Result {
        self.name(member)?;
        write!(self.f, "\"{value}\"")
    }

    fn bare(&mut self, member: Member, value: impl fmt::Display) -> fmt::Result {
        self.name(member)?;
        write!(self.f, "{value}")
    }

    fn name(&mut self, member: Member) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.f.write_str(", ")?;
        }
        self.f.write_str(member.name())?;
        self.f.write_char('=')
    }
}
