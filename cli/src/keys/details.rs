//! What can be said of a key when it is made, the same for `create`, `duplicate` and `import`: what it is called, when and from where it works, what it may do.

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::grants::{self, Grant, Permissions};
use super::ips::{self, IpArguments};
use super::times::{self, Moment};
use keyward::key::KeyKind;
use keyward::snapshot::Enforcement;
use keyward_files::key_file::{Granted, Key, KeyFile, KeyGrants, is_id};
use keyward_files::store::actor;

#[derive(clap::Args)]
pub(super) struct Details {
    /// A name for people
    #[arg(long)]
    name: Option<String>,
    /// A note for people: where the key is used, whom to ask
    #[arg(long)]
    note: Option<String>,
    /// A label, `team=billing`; it is an annotation of the snapshot
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    labels: Vec<(String, String)>,
    /// When it stops working: after a while (`90d`, `12h`) or at a time (`2026-11-20T10:00:00Z`)
    #[arg(long, value_name = "WHEN", value_parser = times::moment)]
    expires: Option<Moment>,
    /// When it begins to work, likewise
    #[arg(long, value_name = "WHEN", value_parser = times::moment)]
    not_before: Option<Moment>,
    /// Let it work from this address or range alone; may be repeated
    #[arg(long = "allow-ip", value_name = "IP")]
    allow_ip: Vec<String>,
    #[command(flatten)]
    ip: IpArguments,
    /// Whether its refusals are carried out, or noted alone
    #[arg(long, value_enum, default_value_t = EnforcementArgument::Enforce)]
    enforcement: EnforcementArgument,
    /// In a folder of key files: the one it goes into, made if it is not there
    #[arg(long, value_name = "FILE")]
    pub(super) file: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct GrantArguments {
    /// Grant a permission, `customer=read`, or all of a category, `category:billing=write`; may be repeated, a later one wins
    #[arg(long = "grant", value_name = "PERMISSION=LEVEL", value_parser = grants::grant)]
    pub(super) grants: Vec<Grant>,
    /// Grant what a grant set of the key file has, now and whenever it changes; with --grant a copy of it
    #[arg(long, value_name = "NAME")]
    pub(super) from_grant_set: Option<String>,
    /// Grant on connected accounts, like --grant
    #[arg(long = "connect-grant", value_name = "PERMISSION=LEVEL", value_parser = grants::grant)]
    pub(super) connect_grants: Vec<Grant>,
    /// Grant on connected accounts what a grant set has, like --from-grant-set
    #[arg(long, value_name = "NAME")]
    pub(super) connect_from_grant_set: Option<String>,
}

/// Whether a key's refusals are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum EnforcementArgument {
    /// What may not pass does not pass
    Enforce,
    /// What may not pass is noted, and passes
    Shadow,
}

impl From<EnforcementArgument> for Enforcement {
    fn from(argument: EnforcementArgument) -> Self {
        match argument {
            EnforcementArgument::Enforce => Self::Enforce,
            EnforcementArgument::Shadow => Self::Shadow,
        }
    }
}

/// Reads `team=billing`.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(name, value)| is_id(name) && !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected a name and a text, such as `team=billing`".to_owned())
}

impl Details {
    /// `key` with what is said here, made at `now`. Its name stays where none is given.
    pub(super) fn put_into(&self, key: Key, now: u64) -> Result<Key> {
        let expires = self.expires.map(|moment| moment.ahead_of(now));
        let not_before = self.not_before.map(|moment| moment.ahead_of(now));
        refuse_past(expires, not_before, now)?;
        if key.kind == KeyKind::Publishable && !self.allow_ip.is_empty() {
            bail!(
                "a publishable key has no IP limit: it is used in browsers everywhere; leave out --allow-ip"
            );
        }
        Ok(Key {
            name: self.name.clone().or(key.name),
            note: self.note.clone(),
            labels: self.labels.iter().cloned().collect(),
            expires,
            not_before,
            allowed_ips: ips::added(&[], &self.allow_ip, self.ip)?,
            enforcement: self.enforcement.into(),
            created: Some(now),
            created_by: Some(actor()),
            ..key
        })
    }
}

/// A key that would never work is a slip.
pub(super) fn refuse_past(expires: Option<u64>, not_before: Option<u64>, now: u64) -> Result<()> {
    if expires.is_some_and(|at| at <= now) {
        bail!("that expiry is in the past; give a time ahead, or leave --expires out");
    }
    if expires
        .zip(not_before)
        .is_some_and(|(end, start)| end <= start)
    {
        bail!(
            "it would expire before it begins to work; give a later --expires or an earlier --not-before"
        );
    }
    Ok(())
}

impl GrantArguments {
    /// `key` with what is granted here. A kind that needs grants and is given none has none at all.
    pub(super) fn put_into(&self, key: Key, file: &KeyFile) -> Result<Key> {
        let grants = made(file, &self.grants, self.from_grant_set.as_deref())?;
        let connect = made(
            file,
            &self.connect_grants,
            self.connect_from_grant_set.as_deref(),
        )?;
        if key.kind == KeyKind::Publishable && (grants.is_some() || connect.is_some()) {
            bail!(
                "a publishable key has no grants: it calls the endpoints that are open to publishable keys; leave the grants out, or make a key of --kind restricted"
            );
        }
        Ok(Key {
            grants: grants.or(key.grants),
            connect_grants: connect.or(key.connect_grants),
            ..key
        })
    }
}

/// What arguments grant; `None` where they say nothing.
pub(super) fn made(
    file: &KeyFile,
    grants: &[Grant],
    set: Option<&str>,
) -> Result<Option<KeyGrants>> {
    let mut granted = Granted::new();
    if let Some(name) = set {
        let found = set_of(file, name)?;
        if grants.is_empty() {
            return Ok(Some(KeyGrants::Set(name.to_owned())));
        }
        granted.clone_from(found);
    }
    Permissions::of(file).add(&mut granted, grants)?;
    Ok((!grants.is_empty()).then_some(KeyGrants::Inline(granted)))
}

fn set_of<'a>(file: &'a KeyFile, name: &str) -> Result<&'a Granted> {
    file.grant_set(name).with_context(|| {
        let all: Vec<&str> = file.grant_sets().map(|(name, _)| name).collect();
        if all.is_empty() {
            "the key file has no grant sets; write one, such as `[grant_sets.support]` with `customer = \"read\"` below it, or use --grant".to_owned()
        } else {
            format!("there is no such grant set, only `{}`", all.join("`, `"))
        }
    })
}
