//! Differences between keys: which ones gain or lose what. Grants are compared by the permissions
//! that they contain, whether they are inline or in a set, and however a permission is spelled.

use std::collections::{BTreeMap, BTreeSet};

use super::{Difference, Direction};
use crate::key_file::instant;
use crate::snapshot::Checked;
use keyward::key::{KeyKind, Livemode};
use keyward::permission::{AccessLevel, PermissionRegistry};
use keyward::snapshot::Reach;
use keyward::snapshot::document::{Key, KeyIn};

/// What a key may do on some accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Authority {
    /// Everything.
    All,
    /// These permissions, each with its level.
    These(BTreeMap<String, AccessLevel>),
}

pub(super) fn compare(a: &Checked, b: &Checked, differences: &mut Vec<Difference>) {
    let keys = |source: &Checked| -> BTreeMap<String, Facts> {
        let Some(snapshot) = source.snapshot() else {
            return BTreeMap::new();
        };
        let keys = snapshot.keys().iter();
        keys.filter_map(|key| Some((key.id.clone(), Facts::of(source, key)?)))
            .collect()
    };
    let (before, after) = (keys(a), keys(b));
    for (id, key) in &after {
        match before.get(id) {
            Some(old) => old.changes_to(key, |direction, what| {
                differences.push(Difference::new("key", id, direction, what));
            }),
            None => {
                let direction = if key.is_deleted {
                    Direction::Other
                } else {
                    Direction::More
                };
                let what = format!("is new: {}", key.in_words());
                differences.push(Difference::new("key", id, direction, what));
            }
        }
    }
    for (id, key) in &before {
        if !after.contains_key(id) {
            let direction = if key.is_deleted {
                Direction::Other
            } else {
                Direction::Less
            };
            let what = "is gone; a request with it is denied as unknown".to_owned();
            differences.push(Difference::new("key", id, direction, what));
        }
    }
}

/// The properties of a key that are compared.
struct Facts {
    kind: KeyKind,
    mode: Livemode,
    owner: String,
    /// Compared, but never shown.
    digest: String,
    is_deleted: bool,
    is_shadow: bool,
    expires: Option<u64>,
    not_before: Option<u64>,
    ips: BTreeSet<String>,
    own: Authority,
    connected: Authority,
}

impl Facts {
    fn of(source: &Checked, key: &Key) -> Option<Self> {
        let registry = source.configuration.snapshot()?.permissions();
        let document = source.snapshot()?;
        let key_in = KeyIn { document, key };
        let authority = |is_connected| match Reach::of(&key_in, is_connected) {
            Reach::Full => Authority::All,
            Reach::Nothing => Authority::These(BTreeMap::new()),
            Reach::Granted(granted) => Authority::These(named(granted, registry)),
        };
        Some(Self {
            kind: key.kind,
            mode: key.mode(),
            owner: key.owner.clone(),
            digest: key.sha256.to_ascii_lowercase(),
            is_deleted: key.is_deleted(),
            is_shadow: key.is_shadow(),
            expires: key.expires_at.map(|at| at.0),
            not_before: key.not_before.map(|at| at.0),
            ips: key.allowed_ips().iter().cloned().collect(),
            own: authority(false),
            connected: authority(true),
        })
    }

    /// Describes a new key in one line.
    fn in_words(&self) -> String {
        let mut words = format!(
            "a {} {} key of {}",
            self.mode.name(),
            self.kind.name(),
            self.owner
        );
        if self.is_deleted {
            words.push_str(", deleted");
        }
        if self.kind != KeyKind::Publishable {
            words.push_str(&format!(", which may {}", may(&self.own)));
            if self.connected != self.own {
                words.push_str(&format!(
                    ", and on connected accounts {}",
                    may(&self.connected)
                ));
            }
        }
        if !self.ips.is_empty() {
            words.push_str(&format!(", from {}", joined(&self.ips)));
        }
        if let Some(at) = self.not_before {
            words.push_str(&format!(", not before {}", instant::show(at)));
        }
        if let Some(at) = self.expires {
            words.push_str(&format!(", until {}", instant::show(at)));
        }
        words
    }

    fn changes_to(&self, new: &Self, mut say: impl FnMut(Direction, String)) {
        use Direction::{Less, More, Other};
        if self.digest != new.digest {
            say(
                Other,
                "has another value: the old one is unknown now".to_owned(),
            );
        }
        if (self.kind, self.mode) != (new.kind, new.mode) {
            let what = format!(
                "is now a {} {} key, and was a {} {} one",
                new.mode.name(),
                new.kind.name(),
                self.mode.name(),
                self.kind.name()
            );
            say(Other, what);
        }
        if self.owner != new.owner {
            say(
                Other,
                format!("now belongs to {}, and did to {}", new.owner, self.owner),
            );
        }
        match (self.is_deleted, new.is_deleted) {
            (false, true) => say(Less, "is deleted".to_owned()),
            (true, false) => say(More, "is no longer deleted".to_owned()),
            (true, true) | (false, false) => {}
        }
        match (self.is_shadow, new.is_shadow) {
            (false, true) => say(
                More,
                "is in shadow: what it may not do passes and is noted".to_owned(),
            ),
            (true, false) => say(Less, "is no longer in shadow".to_owned()),
            (true, true) | (false, false) => {}
        }
        self.expiry_to(new, &mut say);
        match (self.not_before, new.not_before) {
            (old, now) if old == now => {}
            (_, None) => say(More, "works at once".to_owned()),
            (old, Some(at)) => {
                let direction = if old.is_some_and(|old| at < old) {
                    More
                } else {
                    Less
                };
                say(direction, format!("works from {} on", instant::show(at)));
            }
        }
        self.ips_to(new, &mut say);
        authority(&self.own, &new.own, "", &mut say);
        authority(
            &self.connected,
            &new.connected,
            " on connected accounts",
            &mut say,
        );
    }

    fn expiry_to(&self, new: &Self, say: &mut impl FnMut(Direction, String)) {
        match (self.expires, new.expires) {
            (old, now) if old == now => {}
            (_, None) => say(Direction::More, "no longer expires".to_owned()),
            (old, Some(at)) => {
                let direction = if old.is_some_and(|old| at > old) {
                    Direction::More
                } else {
                    Direction::Less
                };
                let was = old.map(|old| format!(", and did at {}", instant::show(old)));
                let was = was.unwrap_or_default();
                say(direction, format!("expires at {}{was}", instant::show(at)));
            }
        }
    }

    fn ips_to(&self, new: &Self, say: &mut impl FnMut(Direction, String)) {
        if self.ips == new.ips {
            return;
        }
        match (self.ips.is_empty(), new.ips.is_empty()) {
            (true, _) => say(
                Direction::Less,
                format!("works only from {}", joined(&new.ips)),
            ),
            (false, true) => say(Direction::More, "works from every address".to_owned()),
            (false, false) => {
                let gained: BTreeSet<String> = new.ips.difference(&self.ips).cloned().collect();
                let lost: BTreeSet<String> = self.ips.difference(&new.ips).cloned().collect();
                if !gained.is_empty() {
                    say(Direction::More, format!("works from {}", joined(&gained)));
                }
                if !lost.is_empty() {
                    say(
                        Direction::Less,
                        format!("no longer works from {}", joined(&lost)),
                    );
                }
            }
        }
    }
}

fn joined(words: &BTreeSet<String>) -> String {
    words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Returns permissions by their canonical names.
fn named(
    granted: &[(String, AccessLevel)],
    registry: &PermissionRegistry,
) -> BTreeMap<String, AccessLevel> {
    let named = granted.iter().filter_map(|(name, level)| {
        let permission = registry.find(name)?;
        Some((registry.name(permission).to_owned(), *level))
    });
    named.collect()
}

/// Formats an authority as `read customer, write charge`.
fn may(authority: &Authority) -> String {
    match authority {
        Authority::All => "do everything".to_owned(),
        Authority::These(granted) if granted.is_empty() => "do nothing".to_owned(),
        Authority::These(granted) => {
            let words = granted
                .iter()
                .map(|(name, level)| format!("{} {name}", level.name()));
            words.collect::<Vec<_>>().join(", ")
        }
    }
}

fn authority(
    old: &Authority,
    new: &Authority,
    place: &str,
    say: &mut impl FnMut(Direction, String),
) {
    let (old, new) = match (old, new) {
        (old, new) if old == new => return,
        (_, Authority::All) => return say(Direction::More, format!("may do everything{place}")),
        (Authority::All, limited) => {
            let what = format!("may no longer do everything{place}, only {}", may(limited));
            return say(Direction::Less, what);
        }
        (Authority::These(old), Authority::These(new)) => (old, new),
    };
    let list = |words: Vec<String>| words.join(", ");
    let mut gained = Vec::new();
    let mut lost = Vec::new();
    for (name, level) in new {
        match (old.get(name), level) {
            (None, level) => gained.push(format!("{} on {name}", level.name())),
            (Some(AccessLevel::Read), AccessLevel::Write) => {
                gained.push(format!("write on {name}"));
            }
            (Some(AccessLevel::Write), AccessLevel::Read) => {
                lost.push(format!("write on {name}, but may still read it"));
            }
            (Some(AccessLevel::Read), AccessLevel::Read)
            | (Some(AccessLevel::Write), AccessLevel::Write) => {}
        }
    }
    let gone = old.iter().filter(|(name, _)| !new.contains_key(*name));
    lost.extend(gone.map(|(name, level)| format!("{} on {name}", level.name())));
    if !gained.is_empty() {
        say(Direction::More, format!("gains {}{place}", list(gained)));
    }
    if !lost.is_empty() {
        say(Direction::Less, format!("loses {}{place}", list(lost)));
    }
}
