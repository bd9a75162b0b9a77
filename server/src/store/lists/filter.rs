//! What a list of keys is asked for.

use keyward::key::{KeyKind, Livemode};
use keyward::permission::AccessLevel;

/// What is asked of the keys of a list. Without anything, they are all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// The account they belong to.
    pub owner: Option<String>,
    /// Their kinds; any where none is named.
    pub kinds: Vec<KeyKind>,
    /// Their mode.
    pub mode: Option<Livemode>,
    /// Their states, any of these, at a time: Unix seconds.
    pub states: Option<(Vec<KeyState>, u64)>,
    /// A label they have, and what it says.
    pub label: Option<(String, Option<String>)>,
    /// They were made before that, Unix seconds. A key of unknown age counts as old.
    pub created_before: Option<u64>,
    /// They were made after that, Unix seconds.
    pub created_after: Option<u64>,
    /// They end before that, Unix seconds.
    pub expires_before: Option<u64>,
    /// Who made them.
    pub created_by: Option<String>,
    /// The file that they come from: `file:NAME`.
    pub file: Option<String>,
    /// The grant set they follow.
    pub grant_set: Option<String>,
    /// A permission they hold, at that level at least. Only together with `owner`: nothing finds
    /// these keys but a look at each.
    pub has_permission: Option<(String, AccessLevel)>,
    /// Their ids begin so, or a word of their names or labels does, or it is their end.
    pub query: Option<String>,
    /// Whether `query` leaves labels out: some are not for those whose keys they are on.
    pub query_is_of_names: bool,
}

/// What a key is at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It works.
    Active,
    /// It works later.
    Inactive,
    /// It no longer works.
    Expired,
    /// It was deleted.
    Deleted,
    /// Its owner is suspended.
    Suspended,
}
