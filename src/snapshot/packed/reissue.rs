//! Gives a packed snapshot another revision. The tables are shared.

use super::{Packed, read};
use crate::refusal::{Place, Refusal};
use crate::snapshot::Revision;
use crate::wire::{Integer, Text};

impl Packed {
    /// Returns the same content with this revision and time of issue.
    pub fn reissued(&self, revision: Revision, issued_at: u64) -> Result<Self, Refusal> {
        let place = Place::default();
        let mut head = read::head::<Text<'_>>(&self.head, &place)?;
        head.revision = Integer(revision.number());
        head.issued_at = Integer(issued_at);
        let head =
            serde_json::to_vec(&head).map_err(|_| place.expected("a head that can be written"))?;
        Ok(Self {
            head: head.into(),
            ..self.clone()
        })
    }
}
