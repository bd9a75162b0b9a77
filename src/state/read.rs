//! Reads a state from a log. Every byte is checked.

use super::{ALLOW, DENY, Named, PREFLIGHT, PUBLIC, State, VERIFY, Verdict, WOULD_DENY};
use crate::id::{LONGEST as LONGEST_ID, is_id};
use crate::key::KeyKind;
use crate::permission::AccessLevel;
use crate::principal::Member;
use crate::reason::DenyReason;
use crate::word::Word;

/// The maximum length of a path of accounts in bytes: a key's owner and 8 more ids, joined.
const LONGEST_PATH: usize = 9 * (LONGEST_ID + 1);

impl<'a> State<'a> {
    /// Reads a filter state. Returns `None` if keyward did not write it.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (verdict, members) = verdict(text)?;
        let mut state = Self {
            verdict,
            key: None,
            account: None,
            path: None,
            org: None,
            permission: None,
            revision: None,
        };
        state.read_members(members)?;
        Some(state)
    }

    fn read_members(&mut self, members: &'a str) -> Option<()> {
        let mut key = (None, None, None);
        let mut permission = (None, None);
        let mut is_first = true;
        let mut rest = members;
        while !rest.is_empty() {
            if !is_first {
                rest = rest.strip_prefix(", ")?;
            }
            is_first = false;
            let (name, behind) = rest.split_once('=')?;
            let (value, behind) = Value::take(behind)?;
            rest = behind;
            let Some(member) = Member::from_word(name) else {
                // A member of a later version. It must be spelled like a member.
                is_name(name).then_some(())?;
                continue;
            };
            match member {
                Member::Key => once(&mut key.0, value.id()?)?,
                Member::Kind => once(&mut key.1, kind(value)?)?,
                Member::Livemode => once(&mut key.2, value.boolean()?)?,
                Member::Account => once(&mut self.account, value.id()?)?,
                Member::Path => once(&mut self.path, value.path()?)?,
                Member::Org => once(&mut self.org, value.id()?)?,
                Member::Permission => once(&mut permission.0, value.id()?)?,
                Member::Access => once(&mut permission.1, level(value)?)?,
                Member::Revision => once(&mut self.revision, value.integer()?)?,
            }
        }
        self.key = match key {
            (None, None, None) => None,
            (Some(id), Some(kind), Some(livemode)) => Some(Named { id, kind, livemode }),
            _ => return None,
        };
        self.permission = match permission {
            (None, None) => None,
            (Some(name), Some(level)) => Some((name, level)),
            _ => return None,
        };
        // keyward never writes a verdict on a key without the key, or a key with a verdict that
        // needs none.
        let is_for_nobody = matches!(self.verdict, Verdict::Public | Verdict::Preflight);
        (!is_for_nobody || self.key.is_none()).then_some(())?;
        let is_for_key = matches!(self.verdict, Verdict::Key | Verdict::Verify);
        (!is_for_key || self.key.is_some()).then_some(())
    }
}

/// Splits a state into the verdict and the members after it.
fn verdict(text: &str) -> Option<(Verdict, &str)> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        ALLOW => {
            let (next, behind) = rest.split_once(' ').unwrap_or((rest, ""));
            match next {
                PUBLIC => Some((Verdict::Public, behind)),
                PREFLIGHT => Some((Verdict::Preflight, behind)),
                _ => match next.strip_prefix(WOULD_DENY) {
                    Some(reason) => Some((Verdict::Shadow(DenyReason::from_name(reason)?), behind)),
                    None => Some((Verdict::Key, rest)),
                },
            }
        }
        VERIFY => Some((Verdict::Verify, rest)),
        DENY => {
            let (reason, behind) = rest.split_once(' ').unwrap_or((rest, ""));
            Some((Verdict::Deny(DenyReason::from_name(reason)?), behind))
        }
        _ => None,
    }
}

/// A member's value: a string without escapes, or anything without quotes (a token, a boolean, an
/// integer).
#[derive(Clone, Copy)]
enum Value<'a> {
    Quoted(&'a str),
    Bare(&'a str),
}

impl<'a> Value<'a> {
    fn take(text: &'a str) -> Option<(Self, &'a str)> {
        if let Some(quoted) = text.strip_prefix('"') {
            let (value, behind) = quoted.split_once('"')?;
            return Some((Self::Quoted(value), behind));
        }
        let end = text.find(',').unwrap_or(text.len());
        let (value, behind) = text.split_at_checked(end)?;
        (!value.is_empty()).then_some((Self::Bare(value), behind))
    }

    fn id(self) -> Option<&'a str> {
        match self {
            Self::Quoted(text) if is_id(text) => Some(text),
            Self::Quoted(_) | Self::Bare(_) => None,
        }
    }

    fn path(self) -> Option<&'a str> {
        match self {
            Self::Quoted(text) if text.len() <= LONGEST_PATH && text.split('/').all(is_id) => {
                Some(text)
            }
            Self::Quoted(_) | Self::Bare(_) => None,
        }
    }

    fn bare(self) -> Option<&'a str> {
        match self {
            Self::Bare(text) => Some(text),
            Self::Quoted(_) => None,
        }
    }

    fn boolean(self) -> Option<bool> {
        match self.bare()? {
            "?1" => Some(true),
            "?0" => Some(false),
            _ => None,
        }
    }

    fn integer(self) -> Option<u64> {
        let text = self.bare()?;
        let is_number = text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().ok()).flatten()
    }
}

fn kind(value: Value<'_>) -> Option<KeyKind> {
    KeyKind::from_word(value.bare()?)
}

fn level(value: Value<'_>) -> Option<AccessLevel> {
    AccessLevel::from_word(value.bare()?)
}

/// Fills a slot, which must be empty.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
        })
}
