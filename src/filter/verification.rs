//! Answering a verification.

use proxy_wasm::types::Action;

use super::tenure::Tenure;
use super::{answer as reply_with, metrics, request_id, usage};
use crate::configuration::Configuration;
use crate::decision::{Verification, Verified};
use crate::reply::{Activity, Reply};
use crate::usage::Event;

/// Answers, and tells the logs what was asked and what came of it.
pub(super) fn answer(
    configuration: &Configuration,
    tenure: Option<&Tenure>,
    verification: &Verification<'_>,
) -> Action {
    match verification {
        Verification::Valid(verified) => {
            let activity = count(tenure, verified);
            let reply = Reply::verified(configuration, verified, activity, request_id());
            metrics::count_verification();
            reply_with(configuration, &reply, &verified.to_string())
        }
        Verification::Refused(denial) => {
            match (tenure, &denial.principal().key) {
                (Some(tenure), None) => tenure.usage().count_nothing(),
                _ => usage::count_denial(tenure, denial),
            }
            let reply = Reply::not_verified(configuration, denial, request_id());
            metrics::count_denial(denial.reason());
            reply_with(configuration, &reply, &denial.to_string())
        }
    }
}

/// How active the key was before this request, which is counted then.
fn count(tenure: Option<&Tenure>, verified: &Verified<'_>) -> Activity {
    let Some(tenure) = tenure else {
        return Activity::default();
    };
    let (usage, key) = (tenure.usage(), verified.key().id());
    let activity = usage.activity(tenure.plugin(), key);
    usage.count(tenure.plugin(), key, Event::Verified);
    activity
}
