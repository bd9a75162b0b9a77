//! The conditions for a list of keys.

use keyward::key::{KeyKind, Livemode};
use keyward::permission::AccessLevel;

/// The conditions for a list of keys. Without any, it contains all keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// The account that owns them.
    pub owner: Option<String>,
    /// Their kinds, or any kind if empty.
    pub kinds: Vec<KeyKind>,
    /// Their mode.
    pub mode: Option<Livemode>,
    /// Their state at a time, in Unix seconds, is one of these.
    pub states: Option<(Vec<KeyState>, u64)>,
    /// A label that they have, and its value.
    pub label: Option<(String, Option<String>)>,
    /// They were made before this time, in Unix seconds. A key without a known age counts as old.
    pub created_before: Option<u64>,
    /// They were made after this time, in Unix seconds.
    pub created_after: Option<u64>,
    /// They expire before this time, in Unix seconds.
    pub expires_before: Option<u64>,
    /// Who made them.
    pub created_by: Option<String>,
    /// The file that they come from: `file:NAME`.
    pub file: Option<String>,
    /// The grant set they follow.
    pub grant_set: Option<String>,
    /// A permission that they have, at this level or a higher one. Only together with `owner`,
    /// because no index finds these keys.
    pub has_permission: Option<(String, AccessLevel)>,
    /// Their ids begin with this, a word of their names or labels does, or it is their last
    /// characters.
    pub query: Option<String>,
    /// Whether `query` ignores labels, because some labels are not for the owners of the keys.
    pub query_is_of_names: bool,
}

/// The state of a key at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is valid.
    Active,
    /// It becomes valid later.
    Inactive,
    /// It is no longer valid.
    Expired,
    /// It was deleted.
    Deleted,
    /// Its owner is suspended.
    Suspended,
}
