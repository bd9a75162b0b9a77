//! How much a store keeps of texts and lists.

use super::record::{Granted, Key};
use super::refusal::{Param, RuleCode, TextMember};
use crate::id::is_id;

/// Unix seconds at or above this are milliseconds by mistake, as in snapshots.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

/// How long texts and lists may be. A store that reads back what it wrote, and names the line of a
/// fault, sets none.
#[derive(Clone, Debug, Default)]
pub struct Limits(Option<Most>);

/// The most of each.
#[derive(Clone, Debug)]
pub struct Most {
    /// Characters of a name.
    pub name: usize,
    /// Characters of a note, or a reason.
    pub note: usize,
    /// Labels of a key.
    pub labels: usize,
    /// Characters of a label's text.
    pub label: usize,
    /// Addresses and ranges of a key.
    pub ips: usize,
    /// Permissions of a key, on each side.
    pub permissions: usize,
    /// Whether a text is one line on which something is seen.
    pub is_line: fn(&str) -> bool,
}

impl Limits {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// These.
    #[must_use]
    pub fn of(most: Most) -> Self {
        Self(Some(most))
    }

    /// Refuses a key with a text or a list that is too long or not to be kept.
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

    /// Refuses more permissions than a grant set may have.
    pub(super) fn permissions(&self, granted: &Granted) -> Result<(), RuleCode> {
        let most = self.0.as_ref().map_or(usize::MAX, |most| most.permissions);
        at_most(granted.len(), most, Param::Permissions)
    }

    /// Refuses a name.
    pub(super) fn name(&self, name: Option<&str>) -> Result<(), RuleCode> {
        self.0.as_ref().map_or(Ok(()), |most| most.name(name))
    }

    /// Refuses a text of several lines.
    pub(super) fn note(&self, text: Option<&str>, member: TextMember) -> Result<(), RuleCode> {
        let most = self.0.as_ref();
        most.map_or(Ok(()), |most| most.note(text, member))
    }

    /// Whether texts and ids are looked at here.
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

/// Some text, of several lines, but without other controls.
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
