//! In whose name a command is carried out, and within which bounds.

use keyward::management::{Ceiling, Override};

use super::sender::Sender;
use crate::quota::Quota;
use crate::store::Scope;

/// In whose name, and within which bounds.
pub(crate) struct Bounds<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) ceiling: &'a Ceiling,
    pub(crate) sender: &'a Sender,
    /// Why it is done, or why the policy of the account is passed over. The trail keeps it.
    pub(crate) reason: Option<&'a str>,
    /// How many keys there may be; nothing, where a person has the store itself.
    pub(crate) quota: Option<&'a Quota>,
    /// What new records say of their source.
    pub(crate) source: &'a str,
    /// The file whose records are changed, by what it says itself. Everyone else finds them read-only.
    pub(crate) file: Option<&'a str>,
    /// Unix seconds.
    pub(crate) now: u64,
}

/// What the trail keeps of why a policy is passed over.
pub(crate) fn reason(passes_policy: &Override) -> Option<String> {
    match passes_policy {
        Override::Because(reason) => Some(reason.clone()),
        Override::None | Override::FirstKeys => None,
    }
}
