//! The answer to a verification, in the format of Kinde's:
//! <https://docs.kinde.com/manage-your-apis/about-api-keys/api-keys-quick-start>. If any of rules 2
//! to 5 fails, the answer is the same, byte for byte except for the request id, so that clients
//! cannot learn which part of a credential was right.

use serde::Serialize;

use super::{Reply, RequestId, request_id};
use crate::configuration::Configuration;
use crate::decision::{Authority, Denial, Verified};
use crate::invariant::Held;
use crate::permission::{AccessLevel, PermissionRegistry};
use crate::profile::Profile;

/// How often a key was accepted before, and when it was last accepted, as far as known. No decision
/// depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// How often the key was accepted.
    pub count: u64,
    /// When the key was last accepted, in Unix seconds.
    pub last: Option<u64>,
}

/// Kinde's members, and `account`, `connect_scopes`, `expires_at`, `kind` and `livemode`, in
/// alphabetical order.
#[derive(Default, Serialize)]
struct Body<'a> {
    account: Option<&'a str>,
    code: &'static str,
    connect_scopes: Vec<String>,
    expires_at: Option<u64>,
    is_valid: bool,
    key_id: Option<&'a str>,
    kind: Option<&'static str>,
    last_verified_on: Option<String>,
    livemode: Option<bool>,
    message: &'static str,
    org_code: Option<&'a str>,
    scopes: Vec<String>,
    status: &'static str,
    user_id: Option<&'a str>,
    verification_count: Option<u64>,
}

impl Body<'_> {
    fn text(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        let mut text = text.ok().held("texts and numbers have a form in JSON");
        text.push('\n');
        text
    }
}

impl Reply {
    /// Returns the answer about a valid credential.
    #[must_use]
    pub fn verified(
        configuration: &Configuration,
        verified: &Verified<'_>,
        activity: Activity,
        id: RequestId,
    ) -> Self {
        let key = verified.key();
        let permissions = verified.snapshot().permissions();
        let body = Body {
            account: verified.account(),
            code: "API_KEY_VERIFIED",
            connect_scopes: scopes(verified.authority(true), permissions),
            expires_at: key.expires_at(),
            is_valid: true,
            key_id: Some(key.id()),
            kind: Some(key.kind().name()),
            last_verified_on: activity.last.and_then(timestamp),
            livemode: Some(key.livemode().is_live()),
            message: "API key verified",
            org_code: verified.org(),
            scopes: scopes(verified.authority(false), permissions),
            status: "active",
            user_id: verified.user_id(),
            verification_count: Some(activity.count),
        };
        Self {
            status: 200,
            headers: headers(configuration.profile(), &[], id),
            body: body.text(),
            details: "keyward_verified".to_owned(),
        }
    }

    /// Returns the answer to a verification that failed.
    #[must_use]
    pub fn not_verified(configuration: &Configuration, denial: &Denial<'_>, id: RequestId) -> Self {
        if !matches!(denial.reason().rule(), 2..=5) {
            return Self::new(configuration, denial, id);
        }
        let profile = configuration.profile();
        let challenge = format!("Bearer realm=\"{}\"", profile.names().realm);
        let refusal = [
            ("WWW-Authenticate", &*challenge),
            (profile.names().retry_header.shown(), "false"),
            ("X-Keyward-Denied", NOT_VERIFIED),
        ];
        let body = Body {
            code: "API_KEY_INVALID",
            message: "API key not verified",
            status: "inactive",
            ..Body::default()
        };
        Self {
            status: 401,
            headers: headers(profile, &refusal, id),
            body: body.text(),
            details: format!("keyward_denied{{{NOT_VERIFIED}}}"),
        }
    }
}

impl Reply {
    /// Returns the usage report.
    #[must_use]
    pub fn usage(configuration: &Configuration, body: String, id: RequestId) -> Self {
        Self {
            status: 200,
            headers: headers(configuration.profile(), &[], id),
            body,
            details: "keyward_usage".to_owned(),
        }
    }
}

/// The only reason that the answer names, whatever the actual one was.
const NOT_VERIFIED: &str = "not_verified";

fn headers(profile: &Profile, others: &[(&str, &str)], id: RequestId) -> Vec<(String, String)> {
    let id = request_id(profile, id);
    let usual = [
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-cache, no-store"),
        ("Request-Id", &*id),
    ];
    let all = usual.iter().chain(others);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Returns scopes such as `customer_read` and `customer_write`, as Stripe's errors name grants.
/// `write` includes `read`, so both are listed: the list contains everything that the key may do.
/// `*` means everything.
fn scopes(authority: Authority<'_>, permissions: &PermissionRegistry) -> Vec<String> {
    let Some(grants) = authority.limits() else {
        let everything = matches!(authority, Authority::Full).then(|| "*".to_owned());
        return everything.into_iter().collect();
    };
    let mut scopes = Vec::new();
    let serving = grants.iter();
    for (permission, granted) in serving.filter(|(permission, _)| authority.serves(*permission)) {
        for level in [AccessLevel::Read, AccessLevel::Write] {
            if level <= granted {
                scopes.push(format!("{}_{}", permissions.name(permission), level.name()));
            }
        }
    }
    scopes
}

/// Formats a time as RFC 3339, in UTC: `2026-11-28T14:31:59Z`. Returns `None` after the year 9999.
fn timestamp(seconds: u64) -> Option<String> {
    const DAY: u64 = 86_400;
    if seconds >= 253_402_300_800 {
        return None;
    }
    let (days, second) = (seconds / DAY, seconds % DAY);
    let (hours, minutes, second) = (second / 3600, second / 60 % 60, second % 60);
    // Years begin in March, and are counted in eras of 400 years:
    // <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
    let from_march = days + 719_468;
    let (era, day) = (from_march / 146_097, from_march % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{second:02}Z"
    ))
}

#[cfg(test)]
mod tests;
