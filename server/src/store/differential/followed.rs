//! A gateway that gets changes by their records alone.

use keyward::profile::Profile;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::{Delta, Touched};
use keyward::snapshot::packed::{Packed, Trust};
use keyward_files::key_file::Issue;
use serde_json::json;

use super::super::{Changes, Records};
use super::ISSUE;

/// How many changes came by their records alone, and how many as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ways {
    pub(super) parts: u64,
    pub(super) wholes: u64,
}

/// Its state, and how it came to it.
#[derive(Default)]
pub(super) struct Followed {
    state: Option<Snapshot>,
    pub(super) ways: Ways,
}

impl Followed {
    /// Follows a change, and asserts that it has what the records have.
    pub(super) fn follow(&mut self, records: &Records, changes: &Changes) {
        let profile = Profile::stripe();
        let held = self
            .state
            .as_ref()
            .map_or(0, |state| state.revision().number());
        let issue = Issue {
            revision: held + 1,
            ..ISSUE
        };
        let packed = |snapshot| {
            let json = json!(snapshot).to_string();
            Packed::from_json(json.as_bytes(), &profile).unwrap()
        };
        let whole = packed(records.snapshot(&issue));
        let whole = whole.snapshot(&profile, Trust::Nothing).unwrap();
        let (Some(state), Some(part)) = (&self.state, records.part(changes)) else {
            self.ways.wholes += 1;
            self.state = Some(whole);
            return;
        };
        let touched = &changes.touched;
        let next = if touched.is_empty() {
            state.clone()
        } else {
            self.ways.parts += 1;
            let part = packed(records.snapshot(&issue).only(&part));
            let bytes = Delta::write(&part, touched, state.revision()).unwrap();
            state
                .apply(&Delta::read(&bytes).unwrap(), &profile)
                .unwrap()
        };
        let differs = Touched::between(&next, &whole);
        assert!(differs.is_empty(), "{differs:?} of {changes:?}");
        let counts = (next.key_count(), next.accounts().len());
        assert_eq!(counts, records.counts());
        // What was not touched is as it was, apart from the accounts above those that changed.
        let really = Touched::between(state, &next);
        assert!(really.keys.is_subset(&touched.keys));
        assert!(
            really.accounts.is_subset(&touched.accounts),
            "{really:?} of {changes:?}"
        );
        self.state = Some(next);
    }
}
