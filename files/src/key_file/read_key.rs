//! Reads a key from a table of the file.

use super::fields::{Fields, granted};
use keyward::address::parse_range;
use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{Key, KeyGrants};
use keyward::profile::Profile;
use keyward::snapshot::{Enforcement, KeyStatus};

pub(super) fn key(mut fields: Fields<'_, '_, '_>, profile: &Profile) -> Option<Key> {
    let id = fields.required("id", Fields::id);
    let name = fields.name("name");
    let note = fields.text("note");
    let labels = fields.labels("labels");
    let created = fields.instant("created");
    let created_by = fields.name("created_by");
    let kind = fields.required("kind", Fields::word::<KeyKind>);
    let mode = fields.required("mode", Fields::word::<Livemode>);
    let owner = fields.required("owner", Fields::id);
    let grants = key_grants(&mut fields, "grants");
    let connect_grants = key_grants(&mut fields, "connect_grants");
    let allowed_ips = ranges(&mut fields);
    let expires = fields.instant("expires");
    let not_before = fields.instant("not_before");
    let status = fields.word::<KeyStatus>("status");
    let enforcement = fields.word::<Enforcement>("enforcement");
    let replaces = fields.id("replaces");
    let replaced_by = fields.id("replaced_by");
    let last4 = last4(&mut fields);
    let value = fields.string("value").map(str::to_owned);
    let digest = match (kind, &value) {
        (Some(KeyKind::Publishable), Some(value)) => public(&mut fields, value, profile),
        _ => secret(&mut fields, value.is_some()),
    };
    limits(&mut fields, kind, grants.as_ref(), connect_grants.as_ref());
    if kind == Some(KeyKind::Publishable) && !allowed_ips.is_empty() {
        let why = "a publishable key has no IP limit: it is used in browsers everywhere";
        fields.refused("allowed_ips", why);
    }
    fields.finish();
    Some(Key {
        id: id?,
        name,
        note,
        labels,
        created,
        created_by,
        kind: kind?,
        mode: mode?,
        owner: owner?,
        grants,
        connect_grants,
        allowed_ips,
        expires,
        not_before,
        status: status.unwrap_or_default(),
        enforcement: enforcement.unwrap_or_default(),
        replaces,
        replaced_by,
        digest: digest?,
        last4,
        value,
    })
}

fn key_grants(fields: &mut Fields<'_, '_, '_>, name: &'static str) -> Option<KeyGrants> {
    let item = fields.take(name)?;
    if let Some(set) = item.as_str() {
        return Some(KeyGrants::Set(set.to_owned()));
    }
    match item.as_table_like() {
        Some(table) => {
            let place = fields.place.then(name);
            let granted = granted(table, &place, fields.collector);
            Some(KeyGrants::Inline(granted))
        }
        None => {
            fields.expected(name, "a table of permissions, or the name of a grant set");
            None
        }
    }
}

fn ranges(fields: &mut Fields<'_, '_, '_>) -> Vec<String> {
    let place = fields.place.then("allowed_ips");
    let mut ranges = Vec::new();
    for (index, (text, offset)) in fields.strings("allowed_ips").into_iter().enumerate() {
        if parse_range(&text).is_some() {
            ranges.push(text);
        } else {
            let place = place.at(index);
            let expected = "an address or CIDR range";
            fields.collector.expected(offset, &place, expected);
        }
    }
    ranges
}

fn last4(fields: &mut Fields<'_, '_, '_>) -> Option<String> {
    let text = fields.string("last4")?;
    let is_end = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_end {
        fields.expected("last4", "the last 1 to 4 characters of the key");
    }
    is_end.then(|| text.to_owned())
}

/// Returns the digest of a publishable key: the digest of its value, if the file has it.
fn public(fields: &mut Fields<'_, '_, '_>, value: &str, profile: &Profile) -> Option<KeyDigest> {
    let is_key = (1..=512).contains(&value.len())
        && value
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b',');
    let mut prefixes = profile.key_prefixes(KeyKind::Publishable);
    let is_prefix = prefixes.any(|prefix| prefix == value);
    if !is_key || is_prefix || !profile.is_key_of_kind(value, KeyKind::Publishable) {
        fields.expected("value", "a publishable key with its prefix");
    }
    let computed = KeyDigest::of(value.as_bytes());
    if let Some(written) = fields.string("sha256")
        && KeyDigest::from_hex(written) != Some(computed)
    {
        fields.expected(
            "sha256",
            "the digest of `value`; with a value it may be left out",
        );
    }
    Some(computed)
}

fn secret(fields: &mut Fields<'_, '_, '_>, has_value: bool) -> Option<KeyDigest> {
    if has_value {
        let why = "only a publishable key's value is kept; write its `sha256`";
        fields.refused("value", why);
    }
    let text = fields.required("sha256", Fields::string)?;
    let digest = KeyDigest::from_hex(text);
    if digest.is_none() {
        fields.expected("sha256", "64 hexadecimal digits");
    }
    digest
}

/// Checks which members a kind of key must have and which it cannot have.
fn limits(
    fields: &mut Fields<'_, '_, '_>,
    kind: Option<KeyKind>,
    grants: Option<&KeyGrants>,
    connect_grants: Option<&KeyGrants>,
) {
    match kind {
        Some(KeyKind::Restricted) if grants.is_none() => {
            let why = "a restricted key needs grants; `{}` grants nothing";
            fields.refused("grants", why);
        }
        Some(KeyKind::Publishable) => {
            for (name, given) in [("grants", grants), ("connect_grants", connect_grants)] {
                if given.is_some() {
                    fields.refused(name, "a publishable key has no grants");
                }
            }
        }
        Some(KeyKind::Secret | KeyKind::Restricted | KeyKind::Organization) | None => {}
    }
}
