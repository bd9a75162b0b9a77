//! What the VMs of a process share: named texts. A VM can replace a text only if it has read the
//! latest version. Entries can be added but never removed, so their number is limited.

use crate::rows::{index as number, long_at, number_at};

use super::Plugin;

/// A version that no text has. A write with it succeeds only if no text exists yet.
const FIRST: u32 = u32::MAX;

/// How often an update is tried. Other VMs may be faster, but each time one of them succeeds.
const TRIES: usize = 16;

/// The maximum number of plugins that are counted under one VM name.
const MOST_PLUGINS: usize = 64;

const INDEX: &str = "keyward.usage";

const MAGIC: [u8; 8] = *b"keyward0";

/// Named texts with versions.
pub trait Store {
    /// Returns the text and its version.
    fn get(&mut self, name: &str) -> Option<(Box<[u8]>, u32)>;

    /// Replaces the text if it still has that version, or writes the first one. Returns `false` if
    /// the version has changed or the write fails.
    fn set(&mut self, name: &str, text: &[u8], version: u32) -> bool;
}

/// Replaces a text with what `change` returns for it. `None` leaves it unchanged. Returns its size
/// in bytes.
pub(crate) fn update<S: Store>(
    store: &mut S,
    name: &str,
    change: impl Fn(Option<&[u8]>) -> Option<Vec<u8>>,
) -> Option<usize> {
    for _ in 0..TRIES {
        let (before, version) = match store.get(name) {
            Some((text, version)) => (Some(text), version),
            None => (None, FIRST),
        };
        let after = change(before.as_deref())?;
        if store.set(name, &after, version) {
            return Some(before.map_or(0, |before| before.len()));
        }
    }
    None
}

pub(super) fn page_name(plugin: usize, place: usize) -> String {
    format!("{INDEX}/{plugin}/{place}")
}

/// The counted plugins, in the order of their start.
#[derive(Default)]
pub(super) struct Index(pub(super) Vec<Listed>);

pub(super) struct Listed {
    pub(super) id: Box<[u8]>,
    pub(super) label: Box<str>,
    /// The plugin's start, in Unix seconds.
    pub(super) since: u64,
}

impl Index {
    /// Reads eight bytes that identify an index, and for each plugin its start in eight bytes, its
    /// id and its label, each after its length in four bytes. Returns `None` for anything else.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&MAGIC)?;
        let mut listed = Vec::new();
        while !rest.is_empty() {
            let since = long_at(rest, 0)?;
            let (id, behind) = text(rest.get(8..)?)?;
            let (label, behind) = text(behind)?;
            listed.push(Listed {
                id: id.into(),
                label: std::str::from_utf8(label).ok()?.into(),
                since,
            });
            rest = behind;
        }
        Some(Self(listed))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for Listed { id, label, since } in &self.0 {
            bytes.extend(since.to_le_bytes());
            for text in [id, label.as_bytes()] {
                bytes.extend(u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
                bytes.extend(text);
            }
        }
        bytes
    }

    pub(super) fn position(&self, id: &[u8]) -> Option<usize> {
        self.0.iter().position(|listed| *listed.id == *id)
    }
}

fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = number(number_at(bytes, 0, 4)?)?;
    bytes.get(4..)?.split_at_checked(length)
}

pub(super) fn index<S: Store>(store: &mut S) -> Option<Index> {
    let (bytes, _) = store.get(INDEX)?;
    Index::read(&bytes)
}

/// Returns the number of the plugin, and lists the plugin if needed. Returns `None` if there are
/// too many.
pub(super) fn register<S: Store>(store: &mut S, plugin: &Plugin<'_>, now: u64) -> Option<usize> {
    if let Some(number) = index(store).and_then(|index| index.position(plugin.id)) {
        return Some(number);
    }
    let _ = update(store, INDEX, |before| {
        let mut index = before.and_then(Index::read).unwrap_or_default();
        if index.position(plugin.id).is_some() || index.0.len() >= MOST_PLUGINS {
            return None;
        }
        index.0.push(Listed {
            id: plugin.id.into(),
            label: plugin.label.into(),
            since: now,
        });
        Some(index.bytes())
    });
    // Another VM may have been faster, with the same plugin or another.
    index(store)?.position(plugin.id)
}
