//! Notes on a change, in words.

use super::refusals::SHORT;
use crate::times::relative;
use keyward::management::Note;

/// Returns a note on the key with this id. `at_once` says when an immediate change takes effect.
pub(crate) fn text(note: &Note, id: &str, now: u64, at_once: &str) -> String {
    match note {
        Note::NoLongerFollows { set, side: _ } => format!(
            "note: it had the permissions of the grant set `{set}`; it keeps a copy of them with this change, and no longer follows the set"
        ),
        Note::FirstLimit => "note: it had no limit, and now works from nowhere else".to_owned(),
        Note::IpsLeftBehind(ips) => format!(
            "note: the IP limits were not taken over; if they are to be: `keyward keys limit-ip {id} set {}`",
            ips.join(" ")
        ),
        Note::ExpiryLeftBehind => format!(
            "note: the expiry was not taken over; if there is to be one: `keyward keys expire {id} --in 90d`"
        ),
        Note::OldKeyEnds { id, at } if *at <= now => {
            format!("the old key, {id}, ends {at_once}")
        }
        Note::OldKeyEnds { id, at } => {
            format!("the old key, {id}, ends {}", relative(*at, now))
        }
        Note::RotationTakenBack { id, expires } => {
            let end = match expires {
                Some(end) if *end <= now => "has ended".to_owned(),
                Some(end) => format!("ends {}", relative(*end, now)),
                None => "has no end".to_owned(),
            };
            format!("the rotation of {id} is taken back: it {end}, and can be rotated again")
        }
        Note::ShortKey => {
            format!("note: {SHORT}, so rotate it soon: `keyward keys rotate {id} --keep-for 24h`")
        }
    }
}
