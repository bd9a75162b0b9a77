//! What is said of a policy, and what that makes of the one that is there.

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde_json::{Map, Value as Json, json};

use crate::keys::{KindArgument, ModeArgument, grant};
use crate::server::{Policy, Server};
use crate::times;
use keyward::key::{KeyKind, Livemode};
use keyward::management::Grant;

#[derive(clap::Args)]
pub(crate) struct Members {
    /// The most that a key may do: a permission, `customer=read`, or all of a category, `category:billing=write`; `=none` takes one away; may be repeated
    #[arg(long = "grant", value_name = "PERMISSION=LEVEL", value_parser = grant)]
    grants: Vec<Grant>,
    /// Forget what keys may do so far: only what --grant gives here
    #[arg(long, conflicts_with = "everything")]
    only: bool,
    /// Keys may do everything but manage keys
    #[arg(long, conflicts_with = "grants")]
    everything: bool,
    /// Like --grant, on connected accounts
    #[arg(long = "connect-grant", value_name = "PERMISSION=LEVEL", value_parser = grant)]
    connect_grants: Vec<Grant>,
    /// Like --only, on connected accounts
    #[arg(long, conflicts_with = "connect_everything")]
    connect_only: bool,
    /// Like --everything, on connected accounts
    #[arg(long, conflicts_with = "connect_grants")]
    connect_everything: bool,
    /// Offer this grant set; may be repeated, and replaces the sets offered before; `""` offers none
    #[arg(long = "grant-set", value_name = "NAME")]
    grant_sets: Option<Vec<String>>,
    /// Whether permissions may be chosen one by one, or by grant set only
    #[arg(long, value_name = "BOOL")]
    free_choice: Option<bool>,
    /// A kind of key that may be made; may be repeated, and replaces those of before
    #[arg(long = "kind", value_name = "KIND", value_enum)]
    kinds: Option<Vec<KindArgument>>,
    /// A mode that keys may be made in; may be repeated, and replaces those of before
    #[arg(long = "mode", value_name = "MODE", value_enum)]
    modes: Option<Vec<ModeArgument>>,
    /// The longest that a key may last, such as `366d`, or `none` for no limit
    #[arg(long, value_name = "TIME", value_parser = span)]
    max_lifetime: Option<Span>,
    /// How long a key lasts where nothing is said, or `none` for as long as it may
    #[arg(long, value_name = "TIME", value_parser = span)]
    default_lifetime: Option<Span>,
    /// How many keys an account may have in each mode, or `none` for no limit
    #[arg(long, value_name = "N", value_parser = number)]
    max_keys: Option<Most>,
    /// Which keys must name the addresses they work from
    #[arg(long, value_name = "KEYS", value_enum)]
    require_ips: Option<RequireIps>,
    /// How long a replaced key may go on: `0` or a time; may be repeated, and replaces those of before
    #[arg(long = "overlap", value_name = "TIME", value_parser = overlap)]
    overlaps: Option<Vec<u64>>,
    /// What bounds a key
    #[arg(long, value_enum)]
    delegation: Option<Delegation>,
    /// A part of the portal that is offered; may be repeated
    #[arg(long, value_name = "PART", value_enum)]
    allow: Vec<Part>,
    /// A part of the portal that is not offered; may be repeated
    #[arg(long, value_name = "PART", value_enum)]
    deny: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RequireIps {
    /// No key must
    None,
    /// Live keys must
    Live,
    /// Test keys must
    Test,
    /// Every key must
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Delegation {
    /// The policy
    Policy,
    /// The policy, and what its maker's key may do itself
    Own,
}

/// A part of the portal that a policy may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Deleting keys
    Delete,
    /// The requests of keys
    Requests,
    /// The history of keys
    Activity,
}

impl Part {
    fn member(self) -> &'static str {
        match self {
            Self::Delete => "allow_delete",
            Self::Requests => "allow_requests",
            Self::Activity => "allow_activity",
        }
    }
}

/// Seconds, or no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span(Option<u64>);

/// A number of keys, or no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Most(Option<u64>);

fn span(text: &str) -> Result<Span, String> {
    match text {
        "none" => Ok(Span(None)),
        text => times::length(text).map(|seconds| Span(Some(seconds))),
    }
}

fn number(text: &str) -> Result<Most, String> {
    match text {
        "none" => Ok(Most(None)),
        text => {
            let number = text.parse().map(|number| Most(Some(number)));
            number.map_err(|_| "expected a whole number, or `none` for no limit".to_owned())
        }
    }
}

fn overlap(text: &str) -> Result<u64, String> {
    match text {
        "0" => Ok(0),
        text => times::length(text),
    }
}

impl Members {
    /// The members of the policy after the change. Members that this command does not know stay as the server shows them.
    pub(super) fn change(
        &self,
        server: &Server,
        before: Option<&Policy>,
    ) -> Result<Map<String, Json>> {
        let mut after = before.map(Policy::members).unwrap_or_default();
        let mut say = |name: &str, value: Json| {
            after.insert(name.to_owned(), value);
        };
        for (name, side) in [
            ("permissions", Side::own(self, before)),
            ("connect_permissions", Side::connected(self, before)),
        ] {
            if let Some(said) = side.said(server)? {
                say(name, said);
            }
        }
        if let Some(sets) = &self.grant_sets {
            let named: Vec<&String> = sets.iter().filter(|name| !name.is_empty()).collect();
            say("grant_sets", json!(named));
        }
        if let Some(kinds) = &self.kinds {
            let kinds = kinds.iter().map(|kind| KeyKind::from(*kind).name());
            say("kinds", kinds.collect());
        }
        if let Some(modes) = &self.modes {
            let modes = modes.iter().map(|mode| Livemode::from(*mode).name());
            say("modes", modes.collect());
        }
        for (name, span) in [
            ("max_lifetime", self.max_lifetime),
            ("default_lifetime", self.default_lifetime),
        ] {
            if let Some(Span(seconds)) = span {
                say(name, json!(seconds.map(|seconds| seconds.to_string())));
            }
        }
        if let Some(Most(most)) = self.max_keys {
            say("max_keys", json!(most));
        }
        if let Some(required) = self.require_ips {
            let (live, test) = match required {
                RequireIps::None => (false, false),
                RequireIps::Live => (true, false),
                RequireIps::Test => (false, true),
                RequireIps::All => (true, true),
            };
            say("require_ip_allowlist", json!({"live": live, "test": test}));
        }
        if let Some(overlaps) = &self.overlaps {
            say("overlaps", overlaps.iter().map(u64::to_string).collect());
        }
        if let Some(delegation) = self.delegation {
            let name = match delegation {
                Delegation::Policy => "policy",
                Delegation::Own => "own",
            };
            say("delegation", json!(name));
        }
        if let Some(both) = self.allow.iter().find(|part| self.deny.contains(part)) {
            let name = both.to_possible_value();
            let name = name.as_ref().map_or("part", |value| value.get_name());
            bail!("--allow {name} and --deny {name} contradict each other");
        }
        for (parts, is_offered) in [(&self.allow, true), (&self.deny, false)] {
            for part in parts {
                say(part.member(), json!(is_offered));
            }
        }
        if let Some(free_choice) = self.free_choice {
            say("free_choice", json!(free_choice));
        }
        Ok(after)
    }
}

/// What is said of the permissions on own or connected accounts.
struct Side<'a> {
    grants: &'a [Grant],
    only: bool,
    everything: bool,
    /// Those of before; the inner `None` is everything except managing keys.
    before: Option<Option<Vec<String>>>,
    /// The option that starts from nothing.
    option: &'static str,
}

impl<'a> Side<'a> {
    fn own(members: &'a Members, before: Option<&Policy>) -> Self {
        Self {
            grants: &members.grants,
            only: members.only,
            everything: members.everything,
            before: before.map(|policy| policy.permissions().map(<[String]>::to_vec)),
            option: "--only",
        }
    }

    fn connected(members: &'a Members, before: Option<&Policy>) -> Self {
        Self {
            grants: &members.connect_grants,
            only: members.connect_only,
            everything: members.connect_everything,
            before: before.map(|policy| policy.connect_permissions().map(<[String]>::to_vec)),
            option: "--connect-only",
        }
    }

    /// None where nothing is said.
    fn said(&self, server: &Server) -> Result<Option<Json>> {
        if self.everything {
            return Ok(Some(Json::Null));
        }
        if self.grants.is_empty() && !self.only {
            return Ok(None);
        }
        let before = match &self.before {
            _ if self.only => Vec::new(),
            None => Vec::new(),
            Some(Some(names)) => names.clone(),
            // To add to everything would take the rest away.
            Some(None) => bail!(
                "the policy allows everything except managing keys; add {} to allow only what is granted here",
                self.option
            ),
        };
        server
            .granted(&before, self.grants)
            .map(|names| Some(json!(names)))
    }
}
