//! The kinds of keys, and the two modes of a key.

use crate::word::words;

words! {
/// The four kinds of Stripe's key model.
///
/// Source: <https://docs.stripe.com/keys> and <https://docs.stripe.com/get-started/account/orgs/setup> (organization keys).
#[derive(PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Has every permission on its account, unless it was given grants.
    Secret = "secret",
    /// Has the granted permissions and no others.
    Restricted = "restricted",
    /// Public: calls only the endpoints that are open to client-side code.
    Publishable = "publishable",
    /// An organization's secret key. Every request names the account that it works on.
    Organization = "organization",
}
}

words! {
/// Live mode or test mode. The snapshot gives a key's mode; its prefix says nothing about it.
/// Replies and key files use these words, and a snapshot uses a boolean.
pub enum Livemode {
    /// Real money.
    Live = "live",
    /// A sandbox.
    Test = "test",
}
}

impl Livemode {
    /// Returns whether this is live mode.
    #[must_use]
    pub fn is_live(self) -> bool {
        self == Self::Live
    }
}

impl From<bool> for Livemode {
    fn from(livemode: bool) -> Self {
        if livemode { Self::Live } else { Self::Test }
    }
}
