//! A key as one line of JSON, for `keyward keys export` and `keyward keys import --lines`: its
//! digest, and everything that decides what it may do.

use std::collections::BTreeMap;
use std::io::BufRead;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    Command, Details, End, Grant, ImportKey, ImportedValue, Last4, NewGrants,
};
use keyward::permission::AccessLevel;
use keyward::profile::Profile;
use keyward::snapshot::Enforcement;
use keyward_files::key_file::{Key, KeyGrants, instant};

type Levels = BTreeMap<String, String>;

/// A line. An unknown member is rejected, because it could restrict the key.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    owner: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    /// 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Replaces the digest. It is only printed for publishable keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last4: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grants: Option<Levels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_set: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_grants: Option<Levels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_grant_set: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allowed_ips: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforcement: Option<String>,
}

/// Returns the line for a key.
pub(super) fn line(key: &Key) -> Result<Json> {
    let time = |at: Option<u64>| at.map(instant::show);
    let (grants, grant_set) = said(key.grants.as_ref());
    let (connect_grants, connect_grant_set) = said(key.connect_grants.as_ref());
    let is_shadow = key.enforcement == Enforcement::Shadow;
    // The digest of a public value is redundant.
    let sha256 = key.value.is_none().then(|| key.digest.to_string());
    Ok(serde_json::to_value(Line {
        id: Some(key.id.clone()),
        owner: key.owner.clone(),
        kind: Some(key.kind.name().to_owned()),
        mode: Some(key.mode.name().to_owned()),
        sha256,
        value: key.value.clone(),
        last4: key.last4.clone(),
        name: key.name.clone(),
        note: key.note.clone(),
        labels: key.labels.clone(),
        created: time(key.created),
        expires: time(key.expires),
        not_before: time(key.not_before),
        grants,
        grant_set,
        connect_grants,
        connect_grant_set,
        allowed_ips: key.allowed_ips.clone(),
        enforcement: is_shadow.then(|| key.enforcement.name().to_owned()),
    })?)
}

fn said(grants: Option<&KeyGrants>) -> (Option<Levels>, Option<String>) {
    match grants {
        None => (None, None),
        Some(KeyGrants::Set(name)) => (None, Some(name.clone())),
        Some(KeyGrants::Inline(granted)) => {
            let levels = granted.iter();
            let levels = levels.map(|(name, level)| (name.clone(), level.name().to_owned()));
            (Some(levels.collect()), None)
        }
    }
}

/// Reads lines as commands that import the keys. A line may contain a key, so an error gives only
/// the place and what was expected.
pub(super) fn read(
    input: impl BufRead,
    profile: &Profile,
    allow_short: bool,
) -> Result<Vec<Command>> {
    let mut commands = Vec::new();
    for (number, line) in input.lines().enumerate() {
        let place = || format!("line {} of standard input", number.saturating_add(1));
        let line = line.with_context(place)?;
        if line.trim().is_empty() {
            bail!("{}: expected a key, and the line is empty", place());
        }
        let Ok(line) = serde_json::from_str::<Line>(&line) else {
            bail!(
                "{}: expected a key as `keyward keys export` prints it, `{{\"owner\": …, \"kind\": …, \"mode\": …, \"sha256\": …}}`; docs/keys.md lists the members",
                place()
            );
        };
        commands.push(command(line, profile, allow_short).with_context(place)?);
    }
    if commands.is_empty() {
        bail!(
            "standard input is empty; give one key per line, as `keyward keys export` prints them"
        );
    }
    Ok(commands)
}

fn command(line: Line, profile: &Profile, allow_short: bool) -> Result<Command> {
    let kind = word(line.kind.as_deref(), "kind", &KeyKind::ALL, KeyKind::name)?;
    let mode = word(line.mode.as_deref(), "mode", &Livemode::ALL, Livemode::name)?;
    let all = Enforcement::ALL;
    let enforcement = word(
        line.enforcement.as_deref(),
        "enforcement",
        &all,
        Enforcement::name,
    )?;
    let value = match (&line.sha256, &line.value) {
        (Some(digest), None) => {
            let digest = KeyDigest::from_hex(digest);
            let digest = digest.context("expected SHA-256 in `sha256`, 64 hexadecimal digits")?;
            let (Some(kind), Some(mode)) = (kind, mode) else {
                bail!("a digest does not say `kind` and `mode`; add them");
            };
            if kind == KeyKind::Publishable {
                bail!("a publishable key is public; give its `value` in place of `sha256`");
            }
            let last4 = line
                .last4
                .as_deref()
                .map(|text| Last4::new(text).context("expected four letters or digits in `last4`"));
            ImportedValue::digest_of(digest, kind, mode).ending(last4.transpose()?)
        }
        (None, Some(value)) => ImportedValue::read(profile, value, kind, mode),
        (None, None) | (Some(_), Some(_)) => bail!("expected `sha256` or `value`, one of them"),
    };
    let is_limited = matches!(kind, Some(KeyKind::Secret | KeyKind::Organization) | None);
    let grants = granted("grants", line.grants, line.grant_set, is_limited)?;
    let connected = (
        "connect_grants",
        line.connect_grants,
        line.connect_grant_set,
    );
    Ok(Command::ImportKey(ImportKey {
        owner: line.owner,
        value,
        id: line.id,
        allow_short,
        grants,
        connect_grants: granted(connected.0, connected.1, connected.2, true)?,
        details: Details {
            name: line.name,
            note: line.note,
            labels: line.labels,
            expires: time("expires", line.expires.as_deref())?.map_or(End::Never, End::At),
            not_before: time("not_before", line.not_before.as_deref())?,
            allowed_ips: line.allowed_ips,
            ipv6: true,
            enforcement: enforcement.unwrap_or(Enforcement::Enforce),
        },
        created: time("created", line.created.as_deref())?,
    }))
}

/// Returns the permissions of a key. Empty grants limit a key to nothing, but an import cannot
/// express that for every kind. If it would grant everything instead, the line is rejected.
fn granted(
    member: &str,
    grants: Option<Levels>,
    set: Option<String>,
    is_wider_without: bool,
) -> Result<NewGrants> {
    let is_nothing = set.is_none() && grants.as_ref().is_some_and(BTreeMap::is_empty);
    if is_nothing && is_wider_without {
        bail!(
            "`{member}` is empty, and a key of this kind cannot be taken in with nothing granted; grant it something, or leave it out"
        );
    }
    let grants = grants.unwrap_or_default().into_iter();
    let grants = grants.map(|(name, level)| {
        let level = word(Some(&level), member, &AccessLevel::ALL, AccessLevel::name)?;
        Ok(Grant::new(&name, level))
    });
    Ok(NewGrants {
        set,
        grants: grants.collect::<Result<_>>()?,
    })
}

/// Parses one of several words.
fn word<T: Copy>(
    text: Option<&str>,
    member: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Option<T>> {
    let Some(text) = text else {
        return Ok(None);
    };
    let found = all.iter().copied().find(|one| name(*one) == text);
    found.map(Some).with_context(|| {
        let words: Vec<&str> = all.iter().map(|one| name(*one)).collect();
        format!("expected one of `{}` in `{member}`", words.join("`, `"))
    })
}

fn time(member: &str, text: Option<&str>) -> Result<Option<u64>> {
    let Some(text) = text else {
        return Ok(None);
    };
    let read = instant::parse(text);
    read.map(Some).with_context(|| {
        format!("expected a time with its zone in `{member}`, such as `2026-11-20T10:00:00Z`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        let error = read(line.as_bytes(), &Profile::stripe(), false).unwrap_err();
        format!("{error:#}")
    }

    const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_line_that_would_widen_a_key_is_refused() {
        for (members, expected) in [
            (
                r#""kind": "secret", "mode": "live", "grants": {}"#,
                "`grants` is empty",
            ),
            (
                r#""kind": "restricted", "mode": "live", "connect_grants": {}"#,
                "`connect_grants` is empty",
            ),
            (
                r#""kind": "restricted", "mode": "live", "allow": []"#,
                "expected a key as",
            ),
            (r#""kind": "restricted""#, "does not say `kind` and `mode`"),
            (
                r#""kind": "publishable", "mode": "live""#,
                "give its `value`",
            ),
            (r#""kind": "any", "mode": "live""#, "expected one of `"),
            (
                r#""kind": "restricted", "mode": "live", "grants": {"customer": "all"}"#,
                "expected one of `read`, `write` in `grants`",
            ),
        ] {
            let line = format!(r#"{{"owner": "acct_1", "sha256": "{DIGEST}", {members}}}"#);
            let said = refused(&line);
            assert!(said.starts_with("line 1 of standard input: "), "{said}");
            assert!(said.contains(expected), "{members}: {said}");
        }
    }

    #[test]
    fn no_fault_repeats_a_value() {
        let value = "sk_live_FAKE-alice-0001";
        for line in [
            format!(r#"{{"owner": "acct_1", "value": "{value}", "sha256": "{value}"}}"#),
            format!(r#"{{"owner": "acct_1", "valu": "{value}"}}"#),
            format!(r#"{{"owner": "acct_1", "sha256": "{value}"}}"#),
            value.to_owned(),
        ] {
            let said = refused(&line);
            assert!(!said.contains("alice"), "{said}");
        }
    }
}
