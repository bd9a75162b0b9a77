//! The body of `POST /v2/iam/api_keys`.

use std::collections::BTreeMap;

use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    CreateKey, Details, End, Grant, Last4, NewGrants, Override, Value as Origin,
};
use keyward::snapshot::Enforcement;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reason::said;
use crate::caller::Caller;
use crate::http::failure::{Code, Failure};
use crate::service::refusal::mode;
use crate::time;

/// A new key, as Stripe's SDKs send it, with our members in `keyward`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    /// `secret_key` or `publishable_key`.
    r#type: KeyType,
    name: Option<String>,
    note: Option<String>,
    permissions: Option<Vec<String>>,
    connect_permissions: Option<Vec<String>>,
    /// RFC 3339, with a zone.
    expires_at: Option<String>,
    ip_allowlist: Option<Vec<String>>,
    /// Not built.
    public_key: Option<Value>,
    #[serde(default)]
    keyward: Members,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum KeyType {
    SecretKey,
    PublishableKey,
}

/// What Stripe's request does not have.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Members {
    kind: Option<Kind>,
    owner: Option<String>,
    livemode: Option<bool>,
    grant_set: Option<String>,
    connect_grant_set: Option<String>,
    not_before: Option<String>,
    enforcement: Option<Mode>,
    labels: BTreeMap<String, String>,
    user_id: Option<String>,
    ipv6: bool,
    /// SHA-256 of a value that the caller made and keeps, 64 hexadecimal digits.
    sha256: Option<String>,
    /// How that value ends: four letters or digits, shown where the key is masked.
    last4: Option<String>,
    id: Option<String>,
    /// Whether the key never ends, where a policy would give it an end.
    no_expiry: bool,
    override_policy: bool,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Secret,
    Restricted,
    Publishable,
    Organization,
}

impl Kind {
    pub(crate) fn key_kind(self) -> KeyKind {
        match self {
            Self::Secret => KeyKind::Secret,
            Self::Restricted => KeyKind::Restricted,
            Self::Publishable => KeyKind::Publishable,
            Self::Organization => KeyKind::Organization,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    Enforce,
    Shadow,
}

impl Mode {
    pub(crate) fn enforcement(self) -> Enforcement {
        match self {
            Self::Enforce => Enforcement::Enforce,
            Self::Shadow => Enforcement::Shadow,
        }
    }
}

/// What a request for a new key asks for.
pub(crate) struct Asked {
    pub(crate) create: CreateKey,
    pub(crate) passes_policy: Override,
}

impl NewKey {
    /// The caller's reason, if there is one.
    pub(crate) fn reason(&self) -> Result<Option<String>, Failure> {
        said(self.keyward.reason.as_ref())
    }

    /// Returns the command.
    pub(crate) fn command(self, caller: &Caller) -> Result<Asked, Failure> {
        if self.public_key.is_some() {
            return Err(Failure::new(
                Code::PublicKey,
                "Values are not encrypted here. Make the value yourself and send its digest as `keyward.sha256`.",
            )
            .at("public_key"));
        }
        let mine = self.keyward;
        let kind = kind(self.r#type, mine.kind)?;
        let details = Details {
            name: named(self.name),
            note: named(self.note),
            labels: labels(mine.labels, mine.user_id)?,
            expires: end(self.expires_at.as_deref(), mine.no_expiry)?,
            not_before: mine
                .not_before
                .as_deref()
                .map(|text| instant(text, "keyward.not_before"))
                .transpose()?,
            allowed_ips: self.ip_allowlist.unwrap_or_default(),
            ipv6: mine.ipv6,
            enforcement: mine
                .enforcement
                .map_or(Enforcement::Enforce, Mode::enforcement),
        };
        let create = CreateKey {
            owner: owner(mine.owner, caller)?,
            kind,
            mode: livemode(mine.livemode, caller)?,
            value: origin(mine.sha256.as_deref(), mine.last4.as_deref(), caller)?,
            id: mine.id,
            grants: new_grants(self.permissions, mine.grant_set, "permissions")?,
            connect_grants: new_grants(
                self.connect_permissions,
                mine.connect_grant_set,
                "connect_permissions",
            )?,
            details,
        };
        Ok(Asked {
            create,
            passes_policy: passes_policy(mine.override_policy, mine.reason),
        })
    }
}

/// Returns the name. As in Stripe's API, `""` is no name.
pub(crate) fn named(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

pub(crate) fn passes_policy(is_asked: bool, reason: Option<String>) -> Override {
    match (is_asked, reason) {
        (false, _) => Override::None,
        (true, reason) => Override::Because(reason.unwrap_or_default()),
    }
}

fn kind(of_type: KeyType, said: Option<Kind>) -> Result<Option<KeyKind>, Failure> {
    let said = said.map(Kind::key_kind);
    match (of_type, said) {
        (KeyType::PublishableKey, None | Some(KeyKind::Publishable)) => {
            Ok(Some(KeyKind::Publishable))
        }
        (KeyType::SecretKey, Some(KeyKind::Publishable))
        | (
            KeyType::PublishableKey,
            Some(KeyKind::Secret | KeyKind::Restricted | KeyKind::Organization),
        ) => Err(Failure::new(
            Code::ParameterInvalid,
            "`type` and `keyward.kind` contradict each other.",
        )
        .at("keyward.kind")),
        (KeyType::SecretKey, said) => Ok(said),
    }
}

/// Returns the owner: operators name it, and every other caller has its own.
pub(crate) fn owner(said: Option<String>, caller: &Caller) -> Result<String, Failure> {
    match (said, caller.acting_account()) {
        (Some(said), None) => Ok(said),
        (None, Some(acting)) => Ok(acting.to_owned()),
        (None, None) => Err(Failure::new(
            Code::ParameterMissing,
            "An operator says whose key it is: `keyward.owner`.",
        )
        .at("keyward.owner")),
        (Some(said), Some(acting)) if said == acting || caller.names_accounts_of_tree() => Ok(said),
        (Some(_), Some(_)) => Err(Failure::new(
            Code::ResourceMissing,
            "No such account for this caller. The target of a call is named by `Stripe-Context`.",
        )
        .at("keyward.owner")),
    }
}

pub(crate) fn livemode(said: Option<bool>, caller: &Caller) -> Result<Livemode, Failure> {
    match (said, caller.mode()) {
        (Some(said), _) => Ok(mode(said)),
        (None, Some(own)) => Ok(own),
        (None, None) => Err(Failure::new(
            Code::ParameterMissing,
            "Say the mode: `keyward.livemode`.",
        )
        .at("keyward.livemode")),
    }
}

/// Returns the origin of the value: the caller sends its digest and its last characters, or the
/// server makes it.
pub(crate) fn origin(
    sha256: Option<&str>,
    last4: Option<&str>,
    caller: &Caller,
) -> Result<Origin, Failure> {
    let invalid = |message: &str| Failure::new(Code::ParameterInvalid, message).at("keyward.last4");
    match (sha256, last4) {
        (None, None) => Ok(Origin::Minted),
        (None, Some(_)) => Err(invalid("`keyward.last4` goes with `keyward.sha256`.")),
        (Some(sha256), None) => digest(sha256, caller).map(Origin::Digest),
        (Some(sha256), Some(last4)) => {
            let last4 =
                Last4::new(last4).ok_or_else(|| invalid("Expected 4 letters or digits."))?;
            Ok(Origin::Ending(digest(sha256, caller)?, last4))
        }
    }
}

/// Reads the digest of a value that the caller made, which requires a separate permission.
fn digest(text: &str, caller: &Caller) -> Result<KeyDigest, Failure> {
    if !caller.holds("api_key_import", keyward::permission::AccessLevel::Write) {
        return Err(Failure::new(
            Code::MorePermissionsRequired,
            "To send a digest, the caller needs `api_key_import_write`.",
        )
        .at("keyward.sha256"));
    }
    KeyDigest::from_hex(text).ok_or_else(|| {
        Failure::new(Code::ParameterInvalid, "Expected 64 hexadecimal digits.").at("keyward.sha256")
    })
}

pub(crate) fn end(text: Option<&str>, never: bool) -> Result<End, Failure> {
    match (text, never) {
        (None, false) => Ok(End::Unsaid),
        (None, true) => Ok(End::Never),
        (Some(text), false) => Ok(End::At(instant(text, "expires_at")?)),
        (Some(_), true) => Err(Failure::new(
            Code::ParameterInvalid,
            "`expires_at` and `keyward.no_expiry` contradict each other.",
        )
        .at("keyward.no_expiry")),
    }
}

pub(crate) fn instant(text: &str, param: &str) -> Result<u64, Failure> {
    time::read(text).ok_or_else(|| {
        Failure::new(
            Code::ParameterInvalid,
            "Expected a time such as 2027-01-31T12:00:00Z.",
        )
        .at(param)
    })
}

fn labels(
    mut labels: BTreeMap<String, String>,
    user_id: Option<String>,
) -> Result<BTreeMap<String, String>, Failure> {
    if let Some(user_id) = user_id
        && labels.insert("user_id".to_owned(), user_id).is_some()
    {
        return Err(Failure::new(
            Code::ParameterInvalid,
            "The user is named twice, also as a label.",
        )
        .at("keyward.user_id"));
    }
    Ok(labels)
}

/// Reads permissions such as `customer_read` and `category:billing_write`. If both levels of a
/// permission are listed, it is granted at write, whatever the order: of two grants, the later one
/// wins.
pub(crate) fn grants(texts: &[String], param: &str) -> Result<Vec<Grant>, Failure> {
    let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    texts.sort_by_key(|text| text.ends_with("_write"));
    let all = texts.iter().map(|text| {
        Grant::of_api(text).ok_or_else(|| {
            Failure::new(
                Code::PermissionUnknown,
                "Expected names with their level, such as `customer_read`.",
            )
            .at(param)
        })
    });
    all.collect()
}

fn new_grants(
    texts: Option<Vec<String>>,
    set: Option<String>,
    param: &str,
) -> Result<NewGrants, Failure> {
    if set.is_some() && texts.is_some() {
        return Err(Failure::new(
            Code::ParameterInvalid,
            "Send the permissions or the grant set, not both.",
        )
        .at(param));
    }
    Ok(NewGrants {
        set,
        grants: grants(&texts.unwrap_or_default(), param)?,
    })
}
