//! What kinds of keys there are, and the two modes of a key.

use crate::word::words;

words! {
/// The four kinds of Stripe's key model.
///
/// Source: <https://docs.stripe.com/keys> and <https://docs.stripe.com/get-started/account/orgs/setup> (organization keys).
#[derive(PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Every permission on its account, unless it is given grants.
    Secret = "secret",
    /// The permissions it is granted, and no other.
    Restricted = "restricted",
    /// Public: it calls only the endpoints that are open to client-side code.
    Publishable = "publishable",
    /// A secret key of an organization: it names the account it works on in every request.
    Organization = "organization",
}
}

words! {
/// Live mode or test mode. A key's mode is in the snapshot; its prefix says nothing about it. The words are those of
/// replies and key files; a snapshot has a truth value.
pub enum Livemode {
    /// Real money.
    Live = "live",
    /// A sandbox.
    Test = "test",
}
}

impl Livemode {
    /// Whether this is live mode.
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
