//! The request bodies that change, replace or copy a key.

use std::collections::BTreeMap;

use keyward::management::{
    Details, DuplicateKey, EditKey, End, GrantsChange, IpAction, IpChange, Override, Patch,
    RotateKey,
};
use keyward::snapshot::Enforcement;
use serde::{Deserialize, Deserializer, Serialize};

use super::new_key::{Mode, end, grants, instant, named, origin, passes_policy};
use super::reason::{of_an_end, said};
use crate::caller::Caller;
use crate::http::failure::{Code, Failure};

/// What is absent stays, and `null` clears.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Update {
    /// `""` leaves it as it is: Stripe's rule.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    note: Option<Option<String>>,
    /// These and no others; an empty list takes everything away.
    permissions: Option<Vec<String>>,
    connect_permissions: Option<Vec<String>>,
    /// These and no others; an empty list lets the key work from everywhere.
    ip_allowlist: Option<Vec<String>>,
    /// `null`: never.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    expires_at: Option<Option<String>>,
    keyward: UpdateMembers,
}

#[derive(Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UpdateMembers {
    grant: Option<Vec<String>>,
    revoke: Option<Vec<String>>,
    connect_grant: Option<Vec<String>>,
    connect_revoke: Option<Vec<String>>,
    grant_set: Option<String>,
    connect_grant_set: Option<String>,
    ip_add: Option<Vec<String>>,
    ip_remove: Option<Vec<String>>,
    ipv6: bool,
    /// A null value takes a label away.
    labels: BTreeMap<String, Option<String>>,
    enforcement: Option<Mode>,
    limit: bool,
    revive: bool,
    override_policy: bool,
    reason: Option<String>,
}

/// Distinguishes `null` from an absent member.
pub(crate) fn nullable<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

impl Update {
    /// The caller's reason, if there is one.
    pub(crate) fn reason(&self) -> Result<Option<String>, Failure> {
        said(self.keyward.reason.as_ref())
    }

    /// The command.
    pub(crate) fn command(self, id: &str) -> Result<(EditKey, Override), Failure> {
        let mine = self.keyward;
        let (mut labels, mut unlabels) = (Vec::new(), Vec::new());
        for (name, text) in mine.labels {
            match text {
                Some(text) => labels.push((name, text)),
                None => unlabels.push(name),
            }
        }
        let ips = [
            (IpAction::Set, self.ip_allowlist),
            (IpAction::Add, mine.ip_add),
            (IpAction::Remove, mine.ip_remove),
        ];
        let edit = EditKey {
            id: id.to_owned(),
            name: patch(self.name),
            note: patch(self.note),
            labels,
            unlabels,
            enforcement: mine.enforcement.map(Mode::enforcement),
            grants: change(
                self.permissions,
                mine.grant_set,
                mine.grant,
                mine.revoke,
                "permissions",
            )?,
            connect_grants: change(
                self.connect_permissions,
                mine.connect_grant_set,
                mine.connect_grant,
                mine.connect_revoke,
                "connect_permissions",
            )?,
            limit: mine.limit,
            ips: ip_change(ips, mine.ipv6)?,
            expires: match self.expires_at {
                None => End::Unsaid,
                Some(None) => End::Never,
                Some(Some(text)) => End::At(instant(&text, "expires_at")?),
            },
            revive: mine.revive,
        };
        Ok((edit, passes_policy(mine.override_policy, mine.reason)))
    }
}

pub(crate) fn patch(text: Option<Option<String>>) -> Patch<String> {
    match text {
        None => Patch::Keep,
        Some(None) => Patch::Clear,
        Some(Some(text)) if text.is_empty() => Patch::Keep,
        Some(Some(text)) => Patch::Set(text),
    }
}

/// Returns a replacement of all permissions, or additions and removals, but not both.
fn change(
    all: Option<Vec<String>>,
    set: Option<String>,
    more: Option<Vec<String>>,
    fewer: Option<Vec<String>>,
    param: &str,
) -> Result<GrantsChange, Failure> {
    let edits = set.is_some() || more.is_some() || fewer.is_some();
    match all {
        Some(_) if edits => Err(Failure::new(
            Code::ParameterInvalid,
            "Send all permissions, or what is added and taken away, not both.",
        )
        .at(param)),
        Some(all) => Ok(GrantsChange::Replace(grants(&all, param)?)),
        None if edits => Ok(GrantsChange::Edit {
            set,
            grants: grants(&more.unwrap_or_default(), param)?,
            revoked: fewer.unwrap_or_default(),
        }),
        None => Ok(GrantsChange::Keep),
    }
}

fn ip_change(
    all: [(IpAction, Option<Vec<String>>); 3],
    ipv6: bool,
) -> Result<Option<IpChange>, Failure> {
    let mut said = all
        .into_iter()
        .filter_map(|(action, texts)| texts.map(|texts| (action, texts)));
    let Some((action, texts)) = said.next() else {
        return Ok(None);
    };
    if said.next().is_some() {
        return Err(Failure::new(
            Code::ParameterInvalid,
            "Send all addresses, or what is added, or what is taken away.",
        )
        .at("ip_allowlist"));
    }
    let action = match action {
        IpAction::Set if texts.is_empty() => IpAction::Clear,
        IpAction::Set | IpAction::Add | IpAction::Remove | IpAction::Clear => action,
    };
    Ok(Some(IpChange {
        action,
        texts,
        ipv6,
    }))
}

/// `POST …/rotate`.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rotation {
    /// 0 to 10080; absent: the old key ends now.
    expire_current_key_in_minutes: u64,
    expires_at: Option<String>,
    keyward: RotationMembers,
}

#[derive(Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RotationMembers {
    no_expiry: bool,
    sha256: Option<String>,
    /// The same for the end of that value.
    last4: Option<String>,
    override_policy: bool,
    reason: Option<String>,
}

impl Rotation {
    /// The caller's reason, if there is one.
    pub(crate) fn reason(&self) -> Result<Option<String>, Failure> {
        said(self.keyward.reason.as_ref())
    }

    /// The command.
    pub(crate) fn command(
        self,
        id: &str,
        caller: &Caller,
    ) -> Result<(RotateKey, Override), Failure> {
        let mine = self.keyward;
        let rotate = RotateKey {
            id: id.to_owned(),
            keep_for: self.expire_current_key_in_minutes.saturating_mul(60),
            keep_from: Some(crate::time::at_once()),
            expires: end(self.expires_at.as_deref(), mine.no_expiry)?,
            value: origin(mine.sha256.as_deref(), mine.last4.as_deref(), caller)?,
        };
        Ok((rotate, passes_policy(mine.override_policy, mine.reason)))
    }
}

/// `POST …/expire`. Stripe's SDKs send `{}`.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ending {
    keyward: EndingMembers,
}

#[derive(Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EndingMembers {
    reason: Option<String>,
}

impl Ending {
    /// The caller's reason, if there is one.
    pub(crate) fn reason(&self) -> Option<String> {
        of_an_end(self.keyward.reason.as_deref()?)
    }
}

/// `POST …/duplicate`.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Duplicate {
    name: Option<String>,
    note: Option<String>,
    expires_at: Option<String>,
    ip_allowlist: Option<Vec<String>>,
    keyward: DuplicateMembers,
}

#[derive(Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DuplicateMembers {
    /// `true`: the live key of a test key.
    livemode: Option<bool>,
    labels: BTreeMap<String, String>,
    ipv6: bool,
    no_expiry: bool,
    enforcement: Option<Mode>,
    override_policy: bool,
    reason: Option<String>,
}

impl Duplicate {
    /// The caller's reason, if there is one.
    pub(crate) fn reason(&self) -> Result<Option<String>, Failure> {
        said(self.keyward.reason.as_ref())
    }

    /// Returns the command.
    pub(crate) fn command(self, id: &str) -> Result<(DuplicateKey, Override), Failure> {
        let mine = self.keyward;
        if mine.livemode == Some(false) {
            return Err(Failure::new(
                Code::ParameterInvalid,
                "A duplicate has the mode of the other key, or is the live key of a test key: `true`.",
            )
            .at("keyward.livemode"));
        }
        let duplicate = DuplicateKey {
            id: id.to_owned(),
            live: mine.livemode.is_some(),
            details: Details {
                name: named(self.name),
                note: named(self.note),
                labels: mine.labels,
                expires: end(self.expires_at.as_deref(), mine.no_expiry)?,
                not_before: None,
                allowed_ips: self.ip_allowlist.unwrap_or_default(),
                ipv6: mine.ipv6,
                enforcement: mine
                    .enforcement
                    .map_or(Enforcement::Enforce, Mode::enforcement),
            },
        };
        Ok((duplicate, passes_policy(mine.override_policy, mine.reason)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(body: &str) -> Result<EditKey, Failure> {
        let update: Update = serde_json::from_str(body).unwrap();
        update.command("mk_1").map(|(edit, _)| edit)
    }

    #[test]
    fn what_is_absent_stays_and_null_clears() {
        let empty = edit("{}").unwrap();
        assert_eq!(empty.name, Patch::Keep);
        assert_eq!(empty.expires, End::Unsaid);
        assert_eq!(empty.grants, GrantsChange::Keep);
        assert_eq!(empty.ips, None);
        let cleared = edit(r#"{"name": null, "note": "", "expires_at": null}"#).unwrap();
        assert_eq!(cleared.name, Patch::Clear);
        assert_eq!(cleared.note, Patch::Keep);
        assert_eq!(cleared.expires, End::Never);
    }

    #[test]
    fn no_reason_prevents_an_end() {
        let because = |body: &str| serde_json::from_str::<Ending>(body).unwrap().reason();
        assert_eq!(because("{}"), None);
        assert_eq!(because(r#"{"keyward": {"reason": " \n "}}"#), None);
        assert_eq!(
            because(r#"{"keyward": {"reason": "leaked\non a \u202eforge"}}"#).as_deref(),
            Some("leaked on a  forge")
        );
        let long = format!(r#"{{"keyward": {{"reason": "{}"}}}}"#, "x".repeat(900));
        assert_eq!(because(&long).unwrap().len(), 500);
    }

    #[test]
    fn an_empty_list_takes_everything_away() {
        let edit = edit(r#"{"permissions": [], "ip_allowlist": []}"#).unwrap();
        assert_eq!(edit.grants, GrantsChange::Replace(Vec::new()));
        assert_eq!(edit.ips.unwrap().action, IpAction::Clear);
    }

    #[test]
    fn a_list_and_a_change_of_it_are_refused() {
        for body in [
            r#"{"permissions": [], "keyward": {"grant": ["charge_write"]}}"#,
            r#"{"ip_allowlist": [], "keyward": {"ip_add": ["203.0.113.7"]}}"#,
        ] {
            assert!(edit(body).unwrap_err().is(Code::ParameterInvalid), "{body}");
        }
    }
}
