//! The rule of authority: what a key may do on its owner, and what on connected accounts. Decisions
//! apply it to a record of the snapshot, and commands to a key in its JSON form.

use super::key::KeyRecord;
use crate::key::KeyKind;
use crate::permission::Grants;

/// A key that states what it is granted.
pub trait Granting {
    /// The type of granted permissions.
    type Grants: Copy;

    /// Returns the key's kind.
    fn kind(&self) -> KeyKind;

    /// Returns what the key may do, if that is limited.
    fn own_grants(&self) -> Option<Self::Grants>;

    /// Returns what the key may do on connected accounts, if the key states that separately.
    fn connect_grants(&self) -> Option<Self::Grants>;

    /// Returns whether the grants are empty.
    fn is_nothing(grants: Self::Grants) -> bool;
}

/// What a key may do on an account, before a specific permission is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<G> {
    /// The key may do everything.
    Full,
    /// The key may do what it is granted.
    Granted(G),
    /// The key may do nothing.
    Nothing,
}

impl<G: Copy> Reach<G> {
    /// Returns the reach of `key`: `connect_grants` decide on connected accounts, `grants`
    /// elsewhere.
    pub fn of<K: Granting<Grants = G>>(key: &K, is_connected: bool) -> Self {
        let own = match (key.own_grants(), key.kind()) {
            (Some(grants), _) => Self::Granted(grants),
            (None, KeyKind::Secret | KeyKind::Organization) => Self::Full,
            // A snapshot with a restricted key that lacks grants is rejected, and publishable keys
            // stop at rule 10.
            (None, KeyKind::Restricted | KeyKind::Publishable) => Self::Nothing,
        };
        if !is_connected {
            return own;
        }
        match (key.connect_grants(), own) {
            (Some(grants), _) if K::is_nothing(grants) => Self::Nothing,
            (Some(grants), _) => Self::Granted(grants),
            (None, Self::Full) => own,
            (None, Self::Granted(_)) if holds_everywhere(key) => own,
            (None, Self::Granted(_) | Self::Nothing) => Self::Nothing,
        }
    }
}

/// Returns whether the key's own grants also apply to connected accounts.
pub fn holds_everywhere<K: Granting>(key: &K) -> bool {
    key.kind() == KeyKind::Organization && key.connect_grants().is_none()
}

impl<'a> Granting for KeyRecord<'a> {
    type Grants = &'a Grants;

    fn kind(&self) -> KeyKind {
        self.kind
    }

    fn own_grants(&self) -> Option<&'a Grants> {
        self.grants
    }

    fn connect_grants(&self) -> Option<&'a Grants> {
        self.connect_grants
    }

    fn is_nothing(grants: &'a Grants) -> bool {
        grants.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grants are a number in these tests, and 0 grants nothing.
    struct Key(KeyKind, Option<u8>, Option<u8>);

    impl Granting for Key {
        type Grants = u8;

        fn kind(&self) -> KeyKind {
            self.0
        }

        fn own_grants(&self) -> Option<u8> {
            self.1
        }

        fn connect_grants(&self) -> Option<u8> {
            self.2
        }

        fn is_nothing(grants: u8) -> bool {
            grants == 0
        }
    }

    #[test]
    fn every_kind_with_and_without_grants() {
        use KeyKind::{Organization, Publishable, Restricted, Secret};
        use Reach::{Full, Granted, Nothing};
        for (key, own, connected) in [
            (Key(Secret, None, None), Full, Full),
            (Key(Secret, None, Some(2)), Full, Granted(2)),
            (Key(Secret, None, Some(0)), Full, Nothing),
            (Key(Secret, Some(1), None), Granted(1), Nothing),
            (Key(Secret, Some(1), Some(2)), Granted(1), Granted(2)),
            (Key(Restricted, Some(1), None), Granted(1), Nothing),
            (Key(Restricted, Some(0), Some(2)), Granted(0), Granted(2)),
            (Key(Restricted, Some(1), Some(0)), Granted(1), Nothing),
            (Key(Publishable, None, None), Nothing, Nothing),
            (Key(Organization, None, None), Full, Full),
            (Key(Organization, None, Some(2)), Full, Granted(2)),
            (Key(Organization, Some(1), None), Granted(1), Granted(1)),
            (Key(Organization, Some(1), Some(2)), Granted(1), Granted(2)),
            (Key(Organization, Some(1), Some(0)), Granted(1), Nothing),
        ] {
            let Key(kind, grants, connect_grants) = key;
            let shown = format!("{kind:?} {grants:?} {connect_grants:?}");
            assert_eq!(Reach::of(&key, false), own, "{shown}");
            assert_eq!(Reach::of(&key, true), connected, "{shown}");
        }
    }
}
