//! `keyward keys rotate`: a replacement that works at once, with everything the old key may do. The old one ends with the next push, which is asked for, or after up to 7 days.

use anyhow::{Result, bail};

use super::confirm;
use super::details::refuse_past;
use super::find_key::find;
use super::times::{self, Moment, relative};
use super::told::{self, Made};
use crate::exit::Exit;
use crate::input;
use crate::once::Once;
use crate::output::OutputArguments;
use keyward::key::KeyKind;
use keyward_files::key_file::{Key, KeyFile};
use keyward_files::secret;
use keyward_files::store::{Store, actor};

/// How long a key may go on beside its replacement, in seconds: 7 days, as at Stripe.
pub(super) const LONGEST_OVERLAP: u64 = 7 * 86_400;

/// Said where nobody can be asked when the old key ends.
const WHEN: &str = "say when the old key ends: --keep-for 24h lets both work for a day, --now ends it with the next push";

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The key to replace, by its id
    #[arg(value_name = "KEY")]
    key: String,
    /// How long the old key goes on, up to `7d`
    #[arg(long, value_name = "LENGTH", value_parser = overlap)]
    keep_for: Option<u64>,
    /// End the old key with the next push, without asking
    #[arg(long, conflicts_with = "keep_for")]
    now: bool,
    /// When the replacement stops working: after a while (`90d`) or at a time
    #[arg(long, value_name = "WHEN", value_parser = times::moment, conflicts_with = "no_expiry")]
    expires: Option<Moment>,
    /// Let the replacement of a key that has an expiry work for ever
    #[arg(long)]
    no_expiry: bool,
}

/// Reads `24h`; at most 7 days.
fn overlap(text: &str) -> Result<u64, String> {
    let seconds = times::length(text)?;
    if seconds > LONGEST_OVERLAP {
        return Err(
            "a replaced key ends within 7 days; give `7d` or less, and rotate later if that is too soon"
                .to_owned(),
        );
    }
    Ok(seconds)
}

pub(super) fn run(arguments: &Arguments, store: &Store, output: OutputArguments) -> Result<Exit> {
    let now = input::now();
    let once = Once::open(output)?;
    let mut seen = None;
    if arguments.keep_for.is_none() && !arguments.now {
        let file = store.read()?;
        let old = find(&file, &arguments.key)?;
        expiry(arguments, &file, old, now)?;
        let question = format!(
            "End {} ({}) with the next push? Its users are locked out until they have the new key; --keep-for 24h lets both work.",
            old.id,
            old.name.as_deref().unwrap_or("without a name")
        );
        if let Some(exit) = confirm::ask_or(&question, WHEN)? {
            return Ok(exit);
        }
        seen = Some(file);
    }
    told::make(store, "keys rotate", seen.as_ref(), once, now, |file| {
        let old = find(file, &arguments.key)?.clone();
        let expires = expiry(arguments, file, &old, now)?;
        let (key, secret) = secret::new_key(file, old.kind, old.mode, &old.owner)?;
        let key = Key {
            expires,
            created: Some(now),
            created_by: Some(actor()),
            ..replacement(&old, key)
        };
        let id = key.id.clone();
        let end = now.saturating_add(arguments.keep_for.unwrap_or(0));
        file.replace_key(&old.id, key, end)?;
        let end = find(file, &old.id)?.expires.unwrap_or(end);
        let note = if end <= now {
            format!("the old key, {}, ends with the next push", old.id)
        } else {
            format!("the old key, {}, ends {}", old.id, relative(end, now))
        };
        let notes = vec![note];
        Ok(Made { id, secret, notes })
    })
}

/// When the replacement ends. Refused where that is not said and must be.
fn expiry(arguments: &Arguments, file: &KeyFile, old: &Key, now: u64) -> Result<Option<u64>> {
    let expires = arguments.expires.map(|moment| moment.ahead_of(now));
    refuse_past(expires, None, now)?;
    // Without a replacement of its own to rotate: that comes first.
    file.may_be_replaced(old)?;
    let is_said = expires.is_some() || arguments.no_expiry;
    if old.expires.is_some() && !is_said {
        bail!(
            "`{}` has an expiry: say when its replacement ends, such as `--expires 90d`, or that it does not, with --no-expiry",
            old.id
        );
    }
    Ok(expires)
}

/// `new` with what `old` has: where it works and what it may do. A secret and a publishable key are named for what they are, as at Stripe; a restricted key keeps its name, and
/// so does an organization key, of which there may be several, too.
fn replacement(old: &Key, new: Key) -> Key {
    let name = match old.kind {
        KeyKind::Secret => Some("Secret key".to_owned()),
        KeyKind::Publishable => Some("Publishable key".to_owned()),
        KeyKind::Restricted | KeyKind::Organization => old.name.clone(),
    };
    Key {
        name,
        note: old.note.clone(),
        labels: old.labels.clone(),
        grants: old.grants.clone(),
        connect_grants: old.connect_grants.clone(),
        allowed_ips: old.allowed_ips.clone(),
        enforcement: old.enforcement,
        ..new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::digest::KeyDigest;
    use keyward::key::Livemode;
    use keyward::snapshot::Enforcement;
    use keyward_files::key_file::KeyGrants;

    fn key(kind: KeyKind, digest: &[u8]) -> Key {
        let digest = KeyDigest::of(digest);
        Key::new("mk_1", kind, Livemode::Live, "acct_1", digest)
    }

    #[test]
    fn a_replacement_is_named_by_its_kind() {
        for (kind, expected) in [
            (KeyKind::Secret, "Secret key"),
            (KeyKind::Publishable, "Publishable key"),
            (KeyKind::Restricted, "Billing"),
            (KeyKind::Organization, "Billing"),
        ] {
            let name = Some("Billing".to_owned());
            let old = Key {
                name,
                ..key(kind, b"old")
            };
            let new = replacement(&old, key(kind, b"new"));
            assert_eq!(new.name.as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_replacement_may_do_what_the_old_key_could_and_no_more() {
        let old = Key {
            note: Some("a note".to_owned()),
            labels: [("team".to_owned(), "billing".to_owned())].into(),
            grants: Some(KeyGrants::Set("support".to_owned())),
            connect_grants: Some(KeyGrants::Set("reports".to_owned())),
            allowed_ips: vec!["192.0.2.1".to_owned()],
            enforcement: Enforcement::Shadow,
            not_before: Some(5),
            ..key(KeyKind::Restricted, b"old")
        };
        let new = replacement(&old, key(KeyKind::Restricted, b"new"));
        assert_eq!(new.differences(&old), ["not_before", "sha256"]);
        assert_eq!(new.not_before, None, "it works at once");
    }

    #[test]
    fn an_overlap_is_7_days_at_most() {
        assert_eq!(overlap("24h"), Ok(86_400));
        assert_eq!(overlap("7d"), Ok(LONGEST_OVERLAP));
        for text in ["8d", "604801s", "2w"] {
            assert!(
                overlap(text).unwrap_err().contains("within 7 days"),
                "{text}"
            );
        }
    }
}
