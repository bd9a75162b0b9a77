//! The download of an object: fetched in pieces, hashed in order, and given up at the first wrong
//! answer.

use sha2::{Digest, Sha256 as Hasher};

use super::answer::{Answer, Body};
use super::head::Sha256;
use super::request::{CallId, IN_FLIGHT, Object, PIECE, Wanted};
use crate::snapshot::packed::{Outside, Source};

/// Why an object is not the one that the head names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server does not have it.
    Missing,
    /// The server answered something else.
    Answer,
    /// There is not enough memory for it.
    Memory,
    /// Its bytes do not match the hash.
    Hash,
}

/// An object that is being fetched.
pub(super) struct Download {
    object: Object,
    size: usize,
    pieces: Vec<Option<Box<[u8]>>>,
    asked: usize,
    under_way: Vec<(CallId, usize)>,
    hasher: Hasher,
    hashed: usize,
}

impl Download {
    pub(super) fn new(object: Object, size: usize) -> Self {
        let count = size.div_ceil(PIECE);
        Self {
            object,
            size,
            pieces: (0..count).map(|_| None).collect(),
            asked: 0,
            under_way: Vec::new(),
            hasher: Hasher::new(),
            hashed: 0,
        }
    }

    /// Returns the next piece to request, if another request may start.
    pub(super) fn next(&mut self, id: CallId) -> Option<Wanted> {
        if self.under_way.len() >= IN_FLIGHT || self.asked >= self.pieces.len() {
            return None;
        }
        let piece = self.asked;
        self.asked += 1;
        self.under_way.push((id, piece));
        let range = (self.pieces.len() > 1).then(|| self.bounds(piece));
        Some(Wanted::Object {
            object: self.object,
            range,
        })
    }

    /// Returns the first and the last byte of a piece.
    fn bounds(&self, piece: usize) -> (u64, u64) {
        let start = piece.saturating_mul(PIECE);
        let end = start.saturating_add(PIECE).min(self.size);
        let wide = |place: usize| u64::try_from(place).unwrap_or(u64::MAX);
        (wide(start), wide(end.saturating_sub(1)))
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Returns whether this download still waits for the answer to a call.
    pub(super) fn waits_for(&self, id: CallId) -> bool {
        self.under_way.iter().any(|(of, _)| *of == id)
    }

    /// Takes an answer. Its body is read only if its length is right.
    pub(super) fn take(
        &mut self,
        id: CallId,
        answer: &Answer,
        body: &mut dyn Body,
    ) -> Result<(), Fault> {
        let Some(place) = self.under_way.iter().position(|(of, _)| *of == id) else {
            return Ok(());
        };
        let (_, piece) = self.under_way.swap_remove(place);
        if answer.is_encoded() {
            return Err(Fault::Answer);
        }
        let (first, last) = self.bounds(piece);
        let size = u64::try_from(self.size).map_err(|_| Fault::Answer)?;
        match answer.status() {
            206 if self.pieces.len() > 1 => {
                let is_it = answer.range() == Some((first, last, size));
                let length = last.saturating_sub(first).saturating_add(1);
                if !is_it || u64::try_from(body.size()) != Ok(length) {
                    return Err(Fault::Answer);
                }
                self.keep(piece, 0, body)
            }
            // A server without support for ranges sends the whole object.
            200 => {
                if body.size() != self.size {
                    return Err(Fault::Answer);
                }
                self.under_way.clear();
                self.asked = self.pieces.len();
                (0..self.pieces.len())
                    .try_for_each(|piece| self.keep(piece, piece.saturating_mul(PIECE), body))
            }
            404 | 410 | 416 => Err(Fault::Missing),
            _ => Err(Fault::Answer),
        }
    }

    fn keep(&mut self, piece: usize, start: usize, body: &mut dyn Body) -> Result<(), Fault> {
        let behind = self.size.saturating_sub(piece.saturating_mul(PIECE));
        let bytes = body.read(start, behind.min(PIECE)).ok_or(Fault::Memory)?;
        if let Some(kept) = self.pieces.get_mut(piece)
            && piece >= self.hashed
        {
            *kept = Some(bytes);
        }
        Ok(())
    }

    /// Hashes at most this many of the pieces that have arrived, in order.
    pub(super) fn hash(&mut self, most: usize) {
        for _ in 0..most {
            let Some(Some(piece)) = self.pieces.get(self.hashed) else {
                return;
            };
            self.hasher.update(piece);
            self.hashed += 1;
        }
    }

    /// Returns whether the next piece in order has arrived and is not hashed yet.
    pub(super) fn can_hash(&self) -> bool {
        matches!(self.pieces.get(self.hashed), Some(Some(_)))
    }

    /// Returns whether all bytes have arrived and are hashed.
    pub(super) fn is_whole(&self) -> bool {
        self.hashed == self.pieces.len()
    }

    /// Returns the bytes if they match the hash.
    pub(super) fn finish(self) -> Result<Pieces, Fault> {
        let Self {
            object: Object::Base(expected) | Object::Delta(expected),
            pieces,
            hasher,
            size,
            ..
        } = self;
        if Sha256::new(hasher.finalize().into()) != expected {
            return Err(Fault::Hash);
        }
        Ok(Pieces {
            pieces,
            size,
            freed: 0,
        })
    }
}

/// The bytes of an object. Bytes are freed as soon as they are read, so that building a base does
/// not need memory for it twice.
pub(super) struct Pieces {
    pieces: Vec<Option<Box<[u8]>>>,
    size: usize,
    freed: usize,
}

impl Pieces {
    pub(super) fn size(&self) -> usize {
        self.size
    }
}

impl Source for Pieces {
    type Fault = Outside;

    /// Reads bytes, only in ascending order.
    fn read(&mut self, start: usize, length: usize) -> Result<Box<[u8]>, Outside> {
        let end = start.checked_add(length).ok_or(Outside)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| Outside)?;
        let mut at = start;
        while at < end {
            let piece = self.pieces.get(at / PIECE).ok_or(Outside)?;
            let piece = piece.as_deref().ok_or(Outside)?;
            let rest = piece.get(at % PIECE..).ok_or(Outside)?;
            let part = rest.get(..rest.len().min(end - at)).ok_or(Outside)?;
            if part.is_empty() {
                return Err(Outside);
            }
            bytes.extend_from_slice(part);
            at += part.len();
        }
        while self.freed < end / PIECE {
            if let Some(piece) = self.pieces.get_mut(self.freed) {
                *piece = None;
            }
            self.freed += 1;
        }
        Ok(bytes.into())
    }
}
