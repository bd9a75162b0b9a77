//! Builds a snapshot from the bytes of an object, step by step. No step delays requests for more
//! than a millisecond or two.

use super::download::Pieces;
use super::head::Sha256;
use super::request::Object;
use crate::profile::Profile;
use crate::refusal::{Place, Refusal};
use crate::snapshot::Snapshot;
use crate::snapshot::delta::{Applying, Delta};
use crate::snapshot::packed::{Assembly, LoadFault, Outside, Source, Trust};

/// The number of keys of a delta that a step applies.
const KEYS: usize = 1000;

/// A snapshot that is being built.
pub(super) enum Build {
    Base(Pieces, Box<Assembly>),
    Delta(Box<Applying>),
}

impl Build {
    /// Begins with the bytes of an object, whose hash is already verified.
    pub(super) fn begin(
        object: Object,
        mut pieces: Pieces,
        before: Option<&Snapshot>,
        profile: &Profile,
    ) -> Result<Self, Refusal> {
        let place = Place::default();
        let size = pieces.size();
        match object {
            Object::Base(Sha256 { .. }) => {
                let trust = Trust::Content;
                let assembly = Assembly::begin(&mut pieces, (0, size), trust, &place);
                let assembly = assembly.map_err(refusal)?;
                Ok(Self::Base(pieces, Box::new(assembly)))
            }
            Object::Delta(Sha256 { .. }) => {
                let before = before.ok_or_else(|| place.expected("a snapshot to apply it to"))?;
                let bytes = pieces.read(0, size);
                let bytes = bytes.map_err(|Outside| place.expected("all of its bytes"))?;
                drop(pieces);
                let applying = Applying::new(before, Delta::read(&bytes)?, profile)?;
                Ok(Self::Delta(Box::new(applying)))
            }
        }
    }

    /// Takes a step. Returns true when the last one is done.
    pub(super) fn step(&mut self) -> Result<bool, Refusal> {
        match self {
            Self::Base(pieces, assembly) => assembly.step(pieces).map_err(refusal),
            Self::Delta(applying) => applying.step(KEYS),
        }
    }

    /// Returns the snapshot after the last step.
    pub(super) fn finish(self, profile: &Profile) -> Result<Snapshot, Refusal> {
        match self {
            Self::Base(_, assembly) => assembly.finish()?.into_snapshot(profile, Trust::Content),
            Self::Delta(applying) => Ok(applying.finish()),
        }
    }
}

fn refusal(fault: LoadFault<Outside>) -> Refusal {
    match fault {
        LoadFault::Source(Outside) => Place::default().expected("all of its bytes"),
        LoadFault::Refused(refusal) => refusal,
    }
}
