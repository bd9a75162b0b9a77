//! What a person can do about a rejected push.

use anyhow::{Error, anyhow};

use crate::source::Source;
use keyward_files::publish::Rejection;

/// Adds advice to the error of a push from `source`.
pub(crate) fn rejected(error: Error, source: &Source) -> Error {
    let Some(rejection) = error.downcast_ref::<Rejection>() else {
        return error;
    };
    let path = source.path().display();
    let advice = match rejection {
        Rejection::NoSnapshot => {
            return anyhow!("`{path}` has no snapshot: every request would be denied");
        }
        Rejection::Older { held, .. } => {
            let next = held.saturating_add(1);
            format!(
                "Push with --revision {next} or higher, or with --reissue, which takes the next one"
            )
        }
        Rejection::Stale { .. } => "Push with --reissue".to_owned(),
        Rejection::OtherSource {
            source: Some(_), ..
        } => "Push from the key file with that name, or say --take-over if this one replaces it"
            .to_owned(),
        Rejection::OtherSource {
            owner,
            source: None,
            ..
        } => format!(
            "Say --source {owner} if it is the same source, or --take-over if it replaces that one"
        ),
        Rejection::Missing { .. } => {
            format!("Put `{path}` right, or say --allow-removals if that is meant")
        }
    };
    anyhow!("{rejection}. {advice}")
}
