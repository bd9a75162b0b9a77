//! Reconstructs a request from the log. What the log does not contain is left out, and required
//! parts are invented, in the same way for both snapshots.

use super::stand_ins::StandIns;
use super::unclear::Unclear;
use crate::access_log::State;
use crate::access_log::{Record, Verdict};
use keyward::key::KeyKind;
use keyward::profile::Profile;
use keyward::reason::DenyReason;

/// The head of a request.
pub(super) struct Question {
    pub(super) headers: Vec<(String, String)>,
}

impl Question {
    pub(super) fn of(
        record: &Record<'_>,
        state: &State<'_>,
        profile: &Profile,
        stand_ins: &StandIns,
    ) -> Result<Self, Unclear> {
        let mut headers = vec![
            (":method".to_owned(), record.method.as_str().to_owned()),
            (":path".to_owned(), record.path.as_str().to_owned()),
        ];
        let mut put = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        match (&state.key, state.verdict) {
            (Some(key), _) => {
                let stand_in = stand_ins.of_key(key.id).ok_or(Unclear::UnknownToOld)?;
                put("authorization", &format!("Bearer {stand_in}"));
                let names = profile.names();
                if key.kind == KeyKind::Organization {
                    put(names.version_header.lower(), stand_ins.version());
                }
                if let Some(context) = context(state, key.kind) {
                    put(names.context_header.lower(), context);
                }
            }
            (None, Verdict::Preflight) => {
                put("origin", "https://example.com");
                put("access-control-request-method", "GET");
            }
            (None, Verdict::Deny(reason) | Verdict::Shadow(reason)) => {
                if reason == DenyReason::MalformedCredential {
                    put("authorization", "Bearer");
                } else if reason == DenyReason::UnknownKey {
                    put("authorization", "Bearer of-a-stranger");
                } else if reason != DenyReason::MissingCredential {
                    // keyward answered before it examined the credential.
                    return Err(Unclear::BeyondALog(reason));
                }
            }
            (None, Verdict::Public | Verdict::Key | Verdict::Verify) => {}
        }
        Ok(Self { headers })
    }
}

/// Returns the context header as far as the verdict shows it, or nothing for a key's own account.
fn context<'a>(state: &State<'a>, kind: KeyKind) -> Option<&'a str> {
    match (kind, state.path) {
        // An organization's key names the complete path, or the organization itself.
        (KeyKind::Organization, Some(path)) => Some(path),
        (KeyKind::Organization, None) => state.org,
        // The path of any other key begins with its owner.
        (KeyKind::Secret | KeyKind::Restricted | KeyKind::Publishable, path) => {
            path?.split_once('/').map(|(_, below)| below)
        }
    }
}
