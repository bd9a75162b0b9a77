//! A key as people and programs see it: its present status, a summary of its permissions, the table
//! of keys, and the JSON object that every command prints.

use clap::ValueEnum;
use serde_json::{Map, Value as Json, json};

use super::usage::{Usage, Used};
use crate::output::{Rows, Tone};
use crate::times::relative;
use keyward::key::KeyKind;
use keyward::snapshot::Enforcement;
use keyward_files::key_file::{Granted, Key, KeyFile, KeyGrants, instant};

/// Whether a key works, and why not, in the order of a gateway's checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Status {
    /// It was deleted
    Deleted,
    /// It has expired
    Expired,
    /// It does not work yet
    Inactive,
    /// Its owner is suspended
    Suspended,
    /// It works
    Active,
}

impl Status {
    /// Returns the status of a key at the time `now`.
    pub(super) fn of(key: &Key, file: &KeyFile, now: u64) -> Self {
        let is_suspended = file
            .account(&key.owner)
            .is_some_and(|owner| owner.is_suspended());
        if key.is_deleted() {
            Self::Deleted
        } else if key.is_expired(now) {
            Self::Expired
        } else if !key.is_live_at(now) {
            Self::Inactive
        } else if is_suspended {
            Self::Suspended
        } else {
            Self::Active
        }
    }

    /// Returns the status as it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Expired => "expired",
            Self::Inactive => "inactive",
            Self::Suspended => "suspended",
            Self::Active => "active",
        }
    }

    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Deleted | Self::Expired => Tone::Dim,
            Self::Inactive => Tone::Warning,
            Self::Suspended => Tone::Bad,
            Self::Active => Tone::Good,
        }
    }
}

/// Summarizes what a key may do: `all`, `3`, `none`, `support (2)`, and its permissions on
/// connected accounts.
pub(super) fn permissions(key: &Key, file: &KeyFile) -> String {
    let own = match (&key.grants, key.kind) {
        (_, KeyKind::Publishable) => "public endpoints".to_owned(),
        (None, _) => "all".to_owned(),
        (Some(grants), _) => counted(grants, file),
    };
    match &key.connect_grants {
        Some(grants) => format!("{own}, connected {}", counted(grants, file)),
        None => own,
    }
}

fn counted(grants: &KeyGrants, file: &KeyFile) -> String {
    let count = file.granted(grants).map_or(0, Granted::len);
    match grants {
        KeyGrants::Set(name) => format!("{name} ({count})"),
        KeyGrants::Inline(_) if count == 0 => "none".to_owned(),
        KeyGrants::Inline(_) => count.to_string(),
    }
}

/// Summarizes when a key ends. The tone shows whether that is within a week.
pub(super) fn expiry(key: &Key, now: u64) -> (Tone, String) {
    const SOON: u64 = 7 * 86_400;
    match key.expires {
        None => (Tone::Dim, "never".to_owned()),
        Some(at) if at <= now || key.is_deleted() => (Tone::Dim, relative(at, now)),
        Some(at) if at <= now.saturating_add(SOON) => (Tone::Warning, relative(at, now)),
        Some(at) => (Tone::Plain, relative(at, now)),
    }
}

/// Returns the table of keys, with their use if it is known.
pub(super) fn table<'a>(
    file: &KeyFile,
    keys: impl IntoIterator<Item = &'a Key>,
    usage: Option<&Usage>,
    now: u64,
) -> Rows {
    let of_use: &[&str] = match usage {
        Some(_) => &["last used", "accepted"],
        None => &[],
    };
    let columns = [
        "id",
        "name",
        "kind",
        "mode",
        "owner",
        "permissions",
        "expires",
        "ip limits",
        "status",
    ];
    let mut rows = Rows::new(&[&columns[..], of_use].concat());
    for key in keys {
        let status = Status::of(key, file, now);
        let (soon, expires) = expiry(key, now);
        let (plain, soon) = match status {
            Status::Deleted | Status::Expired => (Tone::Dim, Tone::Dim),
            Status::Inactive | Status::Suspended | Status::Active => (Tone::Plain, soon),
        };
        let permissions = permissions(key, file);
        let ips = match key.allowed_ips.len() {
            0 => "–".to_owned(),
            count => count.to_string(),
        };
        let used = usage.map(|usage| usage.of(&key.id));
        let used = used.map(|used| {
            let last = used.and_then(|used| used.last_accepted);
            let count = used.map_or(0, Used::accepted);
            let last = last.map_or("–".to_owned(), |last| relative(last, now));
            (last, count.to_string())
        });
        let cells = [
            (plain, key.id.as_str()),
            (plain, key.name.as_deref().unwrap_or("–")),
            (plain, key.kind.name()),
            (plain, key.mode.name()),
            (plain, key.owner.as_str()),
            (plain, permissions.as_str()),
            (soon, expires.as_str()),
            (plain, ips.as_str()),
            (status.tone(), status.name()),
        ];
        let of_use = used
            .iter()
            .flat_map(|(last, count)| [(plain, last.as_str()), (plain, count)]);
        rows.push(cells.into_iter().chain(of_use));
    }
    rows
}

/// Returns everything about a key except its digest, for programs. Members that do not apply are
/// left out.
pub(super) fn json(key: &Key, file: &KeyFile, now: u64) -> Map<String, Json> {
    let time = |at: Option<u64>| at.map(|at| json!(instant::show(at)));
    let grants = |grants: &Option<KeyGrants>| {
        let granted = file.granted(grants.as_ref()?)?;
        let levels = granted.iter();
        let levels = levels.map(|(name, level)| (name.clone(), json!(level.name())));
        Some(Json::Object(levels.collect()))
    };
    let set = |grants: &Option<KeyGrants>| match grants {
        Some(KeyGrants::Set(name)) => Some(json!(name)),
        Some(KeyGrants::Inline(_)) | None => None,
    };
    let some = |wanted: bool, json: Json| wanted.then_some(json);
    let members = [
        ("id", Some(json!(key.id))),
        ("name", key.name.as_ref().map(|name| json!(name))),
        ("note", key.note.as_ref().map(|note| json!(note))),
        ("labels", some(!key.labels.is_empty(), json!(key.labels))),
        ("kind", Some(json!(key.kind.name()))),
        ("mode", Some(json!(key.mode.name()))),
        ("owner", Some(json!(key.owner))),
        ("status", Some(json!(Status::of(key, file, now).name()))),
        ("created", time(key.created)),
        ("created_by", key.created_by.as_ref().map(|by| json!(by))),
        ("expires", time(key.expires)),
        ("not_before", time(key.not_before)),
        ("grants", grants(&key.grants)),
        ("grant_set", set(&key.grants)),
        ("connect_grants", grants(&key.connect_grants)),
        ("connect_grant_set", set(&key.connect_grants)),
        (
            "allowed_ips",
            some(!key.allowed_ips.is_empty(), json!(key.allowed_ips)),
        ),
        (
            "enforcement",
            some(key.enforcement == Enforcement::Shadow, json!("shadow")),
        ),
        ("replaces", key.replaces.as_ref().map(|id| json!(id))),
        ("replaced_by", key.replaced_by.as_ref().map(|id| json!(id))),
        ("last4", key.last4.as_ref().map(|end| json!(end))),
        ("public_value", key.value.as_ref().map(|value| json!(value))),
        ("file", file.file_of_key(&key.id).map(|name| json!(name))),
    ];
    members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}
