//! What kinds of keys there are, and in which of the two modes a key works.

/// The four kinds of Stripe's key model.
///
/// Source: <https://docs.stripe.com/keys> and <https://docs.stripe.com/get-started/account/orgs/setup> (organization keys).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Every permission on its account, unless it is given grants.
    Secret,
    /// The permissions it is granted, and no other.
    Restricted,
    /// Public: it calls only the endpoints that are open to client-side code.
    Publishable,
    /// A secret key of an organization: it names the account it works on in every request.
    Organization,
}

impl KeyKind {
    /// All kinds, in the order of their declaration.
    pub const ALL: [Self; 4] = [
        Self::Secret,
        Self::Restricted,
        Self::Publishable,
        Self::Organization,
    ];

    /// The lower-case name used in snapshots, identity headers and filter state.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Restricted => "restricted",
            Self::Publishable => "publishable",
            Self::Organization => "organization",
        }
    }
}

/// Live mode or test mode. A key's mode stands in the snapshot; its prefix says nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Livemode {
    /// Real money.
    Live,
    /// A sandbox.
    Test,
}

impl Livemode {
    /// Whether this is live mode.
    #[must_use]
    pub fn is_live(self) -> bool {
        self == Self::Live
    }

    /// `live` or `test`, as replies name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

impl From<bool> for Livemode {
    fn from(livemode: bool) -> Self {
        if livemode { Self::Live } else { Self::Test }
    }
}
