//! The details of a new key, the same for `create`, `duplicate` and `import`: its name, when and
//! from where it works, and what it may do.

use clap::ValueEnum;

use super::grants;
use crate::times::{self, Moment};
use keyward::management::{self, End, Grant, NewGrants, is_id};
use keyward::snapshot::Enforcement;

/// Whether IPv6 is meant.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct IpArguments {
    /// Also accept IPv6 addresses and ranges
    #[arg(long)]
    pub(super) ipv6: bool,
}

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
    /// When it stops working: after a time (`90d`, `12h`) or at a date (`2026-11-20T10:00:00Z`)
    #[arg(long, value_name = "WHEN", value_parser = times::moment)]
    expires: Option<Moment>,
    /// When it begins to work, in the same forms
    #[arg(long, value_name = "WHEN", value_parser = times::moment)]
    not_before: Option<Moment>,
    /// Let it work only from this address or range; may be repeated
    #[arg(long = "allow-ip", value_name = "IP")]
    allow_ip: Vec<String>,
    #[command(flatten)]
    ip: IpArguments,
    /// Whether keyward denies what a rule forbids, or only logs it
    #[arg(long, value_enum, default_value_t = EnforcementArgument::Enforce)]
    enforcement: EnforcementArgument,
    /// In a folder of key files: the file for the new key, made if it does not exist
    #[arg(long, value_name = "FILE")]
    pub(super) file: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct GrantArguments {
    /// Grant a permission, `customer=read`, or all of a category, `category:billing=write`; may be repeated; a later one wins
    #[arg(long = "grant", value_name = "PERMISSION=LEVEL", value_parser = grants::grant)]
    pub(super) grants: Vec<Grant>,
    /// Follow a grant set of the key file, with all its later changes; with --grant, copy it instead
    #[arg(long, value_name = "NAME")]
    pub(super) from_grant_set: Option<String>,
    /// Like --grant, on connected accounts
    #[arg(long = "connect-grant", value_name = "PERMISSION=LEVEL", value_parser = grants::grant)]
    pub(super) connect_grants: Vec<Grant>,
    /// Like --from-grant-set, on connected accounts
    #[arg(long, value_name = "NAME")]
    pub(super) connect_from_grant_set: Option<String>,
}

/// Whether a key's refusals are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum EnforcementArgument {
    /// keyward denies requests that break a rule
    Enforce,
    /// keyward logs requests that break a rule, and lets them pass
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

/// Parses `team=billing`.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(name, value)| is_id(name) && !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected a name and a text, such as `team=billing`".to_owned())
}

impl Details {
    /// Returns the details of a key that is created at the time `now`.
    pub(super) fn to_rules(&self, now: u64) -> management::Details {
        management::Details {
            name: self.name.clone(),
            note: self.note.clone(),
            labels: self.labels.iter().cloned().collect(),
            expires: self
                .expires
                .map_or(End::Unsaid, |moment| End::At(moment.ahead_of(now))),
            not_before: self.not_before.map(|moment| moment.ahead_of(now)),
            allowed_ips: self.allow_ip.clone(),
            ipv6: self.ip.ipv6,
            enforcement: self.enforcement.into(),
        }
    }
}

impl GrantArguments {
    /// Returns the permissions of a new key, and those on connected accounts.
    pub(super) fn to_rules(&self) -> [NewGrants; 2] {
        let own = (&self.from_grant_set, &self.grants);
        let connected = (&self.connect_from_grant_set, &self.connect_grants);
        [own, connected].map(|(set, grants)| NewGrants {
            set: set.clone(),
            grants: grants.clone(),
        })
    }
}
