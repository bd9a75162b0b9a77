//! The list of keys that each session saw last, for a page that the store cannot answer.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use maud::{Markup, PreEscaped};

/// Lists of sessions, the newest last.
#[derive(Default)]
pub(crate) struct LastLists(Mutex<VecDeque<Kept>>);

#[derive(Clone)]
struct Kept {
    session: String,
    at: u64,
    /// Without the frame around it, so without any form's token.
    body: String,
}

/// How many sessions are remembered: 25 KB each.
const MOST: usize = 100;

/// For how long, in seconds: after that it says too little of what is.
const LASTS: u64 = 30 * 60;

impl LastLists {
    /// Remembers what a session sees.
    pub(crate) fn note(&self, session: &str, body: &Markup, now: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|kept| kept.session != session && is_recent(kept, now));
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back(Kept {
            session: session.to_owned(),
            at: now,
            body: body.0.clone(),
        });
    }

    /// What a session saw last, and when.
    pub(crate) fn of(&self, session: &str, now: u64) -> Option<(Markup, u64)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.iter().find(|kept| kept.session == session);
        let kept = kept.filter(|kept| is_recent(kept, now))?;
        Some((PreEscaped(kept.body.clone()), kept.at))
    }
}

fn is_recent(kept: &Kept, now: u64) -> bool {
    now.saturating_sub(kept.at) < LASTS
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::*;

    fn shown(all: &LastLists, session: &str, now: u64) -> Option<(String, u64)> {
        all.of(session, now).map(|(body, at)| (body.0, at))
    }

    #[test]
    fn a_session_sees_its_own_last_list_for_a_while_and_no_others() {
        let all = LastLists::default();
        all.note("a", &html! { p { "first" } }, 1_000);
        all.note("a", &html! { p { "second" } }, 1_010);
        all.note("b", &html! { p { "other" } }, 1_020);
        let second = Some(("<p>second</p>".to_owned(), 1_010));
        assert_eq!(shown(&all, "a", 1_010 + LASTS - 1), second);
        assert_eq!(shown(&all, "a", 1_010 + LASTS), None);
        assert_eq!(shown(&all, "c", 1_020), None);
    }

    #[test]
    fn the_oldest_goes_where_there_are_too_many() {
        let all = LastLists::default();
        for number in 0..=MOST {
            all.note(&number.to_string(), &html! {}, 1_000);
        }
        assert!(shown(&all, "0", 1_000).is_none());
        assert!(shown(&all, "1", 1_000).is_some());
    }
}
