//! Limits on the texts and lists that a store keeps.

use super::record::{Granted, Key};
use super::refusal::{Param, RuleCode, TextMember};
use crate::id::is_id;

/// From this number on, a time in Unix seconds must be one in milliseconds by mistake, as in
/// snapshots.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

/// The maximum lengths of texts and lists. A store that reads back what it wrote, and names the
/// line of a fault, sets none.
#[derive(Clone, Debug, Default)]
pub struct Limits(Option<Most>);

/// The limits.
#[derive(Clone, Debug)]
pub struct Most {
    /// The maximum length of a name, in characters.
    pub name: usize,
    /// The maximum length of a note or a reason, in characters.
    pub note: usize,
    /// The maximum number of a key's labels.
    pub labels: usize,
    /// The maximum length of a label's text, in characters.
    pub label: usize,
    /// The maximum number of a key's addresses and ranges.
    pub ips: usize,
    /// The maximum number of a key's permissions, on each side.
    pub permissions: usize,
    /// Returns whether a text is a single line with something visible on it.
    pub is_line: fn(&str) -> bool,
}

impl Limits {
    /// Creates empty limits, which accept everything.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Creates these limits.
    #[must_use]
    pub fn of(most: Most) -> Self {
        Self(Some(most))
    }

    /// Rejects a key with a text or a list that is too long or cannot be stored.
    pub(super) fn key(&self, key: &Key) -> Result<(), RuleCode> {
        let Some(most) = &self.0 else {
            return Ok(());
        };
        most.name(key.name.as_deref())?;
        most.note(key.note.as_deref(), TextMember::Note)?;
        let is_label = |(name, text): (&String, &String)| is_id(name) && is_text(text, most.label);
        if !key.labels.iter().all(is_label) {
            let member = TextMember::Label;
            return Err(RuleCode::TextInvalid { member });
        }
        for (time, param) in [
            (key.expires, Param::ExpiresAt),
            (key.not_before, Param::NotBefore),
            (key.created, Param::Created),
        ] {
            if time.is_some_and(|time| time >= FIRST_MILLISECONDS) {
                return Err(RuleCode::TimeTooFar { param });
            }
        }
        at_most(key.labels.len(), most.labels, Param::Labels)?;
        at_most(key.allowed_ips.len(), most.ips, Param::IpAllowlist)?;
        for (grants, param) in [
            (&key.grants, Param::Permissions),
            (&key.connect_grants, Param::ConnectPermissions),
        ] {
            let count = grants.as_ref().map_or(0, |grants| grants.inline_len());
            at_most(count, most.permissions, param)?;
        }
        Ok(())
    }

    /// Rejects more permissions than a grant set may have.
    pub(super) fn permissions(&self, granted: &Granted) -> Result<(), RuleCode> {
        let most = self.0.as_ref().map_or(usize::MAX, |most| most.permissions);
        at_most(granted.len(), most, Param::Permissions)
    }

    /// Rejects a name that is too long or not a visible line.
    pub(super) fn name(&self, name: Option<&str>) -> Result<(), RuleCode> {
        self.0.as_ref().map_or(Ok(()), |most| most.name(name))
    }

    /// Rejects a note or reason that is too long or cannot be stored.
    pub(super) fn note(&self, text: Option<&str>, member: TextMember) -> Result<(), RuleCode> {
        let most = self.0.as_ref();
        most.map_or(Ok(()), |most| most.note(text, member))
    }

    /// Returns whether there are limits, so that texts and ids are checked here.
    pub(super) fn are_any(&self) -> bool {
        self.0.is_some()
    }
}

impl Most {
    fn name(&self, name: Option<&str>) -> Result<(), RuleCode> {
        let is_name = |name: &str| name.chars().count() <= self.name && (self.is_line)(name);
        if name.is_none_or(is_name) {
            return Ok(());
        }
        let member = TextMember::Name;
        Err(RuleCode::TextInvalid { member })
    }

    fn note(&self, text: Option<&str>, member: TextMember) -> Result<(), RuleCode> {
        if text.is_none_or(|text| is_text(text, self.note)) {
            return Ok(());
        }
        Err(RuleCode::TextInvalid { member })
    }
}

/// Returns whether a text is short enough, not empty, and contains no control characters other than
/// line breaks and tabs.
fn is_text(text: &str, most: usize) -> bool {
    let is_control = |c: char| c.is_control() && c != '\n' && c != '\t';
    !text.is_empty() && text.chars().count() <= most && !text.chars().any(is_control)
}

fn at_most(count: usize, most: usize, param: Param) -> Result<(), RuleCode> {
    if count > most {
        return Err(RuleCode::TooMany { param, most });
    }
    Ok(())
}
