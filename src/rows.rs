//! Bytes that are read in place: rows of one width, and lists of different lengths in one pool.
//! Nothing is parsed in advance. Every access is checked, so no input can lead a reader out of
//! bounds or into an endless loop: it finds `None` there.
//!
//! Rows are stored in chunks of at most 1 MiB, and a row never crosses chunks. A filter takes the
//! chunks one by one as the host returns ranges, and a new snapshot fits into the gaps that an old
//! one left in memory.

/// The maximum size of a chunk, and of a range requested from a host.
pub(crate) const CHUNK: usize = 1 << 20;

/// Rows of one width.
#[derive(Clone)]
pub(crate) struct Rows {
    width: usize,
    count: usize,
    /// Every chunk but the last contains `1 << shift` rows.
    shift: u32,
    chunks: Vec<Box<[u8]>>,
}

impl Rows {
    /// Creates an empty set of rows. A width of 0 counts as 1.
    pub(crate) fn new(width: usize) -> Self {
        let width = width.max(1);
        Self {
            width,
            count: 0,
            shift: (CHUNK / width).max(1).ilog2(),
            chunks: Vec::new(),
        }
    }

    /// Splits bytes into rows. Bytes left over after the last row are dropped.
    pub(crate) fn from_bytes(width: usize, bytes: &[u8]) -> Self {
        let mut rows = Self::new(width);
        for chunk in bytes.chunks(rows.chunk_bytes()) {
            rows.push_chunk(chunk.into());
        }
        rows
    }

    /// Creates rows of four bytes from numbers.
    pub(crate) fn of_numbers(numbers: &[u32]) -> Self {
        let bytes: Vec<u8> = numbers.iter().copied().flat_map(u32::to_le_bytes).collect();
        Self::from_bytes(4, &bytes)
    }

    /// Returns the size of every chunk but the last.
    pub(crate) fn chunk_bytes(&self) -> usize {
        self.width << self.shift
    }

    /// Appends a chunk. If the previous chunk is shorter than [`Self::chunk_bytes`], the new one is
    /// unreachable.
    pub(crate) fn push_chunk(&mut self, chunk: Box<[u8]>) {
        self.count = self.count.saturating_add(chunk.len() / self.width);
        self.chunks.push(chunk);
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Returns the row with that number.
    #[inline]
    pub(crate) fn row(&self, number: usize) -> Option<&[u8]> {
        if number >= self.count {
            return None;
        }
        let chunk = self.chunks.get(number >> self.shift)?;
        let start = (number & ((1 << self.shift) - 1)) * self.width;
        chunk.get(start..)?.get(..self.width)
    }

    /// Returns the number at the start of a row.
    pub(crate) fn number(&self, row: usize) -> Option<u32> {
        number_at(self.row(row)?, 0, 4)
    }

    /// Returns all rows in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let width = self.width;
        self.chunks
            .iter()
            .flat_map(move |chunk| chunk.chunks_exact(width))
    }

    /// Returns all bytes in order.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks.iter().map(|chunk| &**chunk)
    }
}

/// Lists of bytes in one pool. For each list there is the offset of its end; it begins where the
/// previous one ends.
#[derive(Clone)]
pub(crate) struct Lists {
    ends: Rows,
    pool: Box<[u8]>,
}

impl Lists {
    /// Whether both have the same lists in the same order.
    pub(crate) fn are_the_same_as(&self, other: &Self) -> bool {
        self.pool == other.pool && self.ends.iter().eq(other.ends.iter())
    }

    pub(crate) fn new(ends: Rows, pool: Box<[u8]>) -> Self {
        Self { ends, pool }
    }

    /// Returns `None` if the pool is larger than an offset can express.
    pub(crate) fn collect<'a>(lists: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let (mut ends, mut pool) = (Vec::new(), Vec::new());
        for list in lists {
            pool.extend_from_slice(list);
            ends.push(u32::try_from(pool.len()).ok()?);
        }
        Some(Self::new(Rows::of_numbers(&ends), pool.into()))
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the list with that number.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> Option<&[u8]> {
        let start = match number.checked_sub(1) {
            None => 0,
            Some(before) => index(self.ends.number(before)?)?,
        };
        self.pool.get(start..index(self.ends.number(number)?)?)
    }

    /// Returns whether no list ends before it begins, and the last list ends with the pool.
    pub(crate) fn are_whole(&self) -> bool {
        let mut last = 0;
        let ascend = (0..self.len()).all(|number| {
            let end = self.ends.number(number).unwrap_or(0);
            let ascends = last <= end;
            last = end;
            ascends
        });
        ascend && index(last) == Some(self.pool.len())
    }

    pub(crate) fn ends(&self) -> &Rows {
        &self.ends
    }

    pub(crate) fn pool(&self) -> &[u8] {
        &self.pool
    }
}

/// Reads the unsigned little-endian number of `width` bytes (0 to 4) at `start`. A number of no
/// bytes is 0.
#[inline]
pub(crate) fn number_at(row: &[u8], start: usize, width: usize) -> Option<u32> {
    let bytes = row.get(start..)?.get(..width)?;
    if let Some(whole) = bytes.first_chunk::<4>() {
        return (width == 4).then(|| u32::from_le_bytes(*whole));
    }
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u32::from(*byte)),
    )
}

/// Reads the unsigned little-endian number of eight bytes at `start`.
pub(crate) fn long_at(row: &[u8], start: usize) -> Option<u64> {
    let bytes = row.get(start..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*bytes))
}

/// Returns how many bytes are enough for every number up to `most`: 0 to 4.
pub(crate) fn width_of(most: u32) -> usize {
    match most {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xff_ffff => 3,
        0x100_0000.. => 4,
    }
}

/// Converts a number from a row to an index.
#[inline]
pub(crate) fn index(number: u32) -> Option<usize> {
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_in_every_chunk() {
        // A chunk's size is not a multiple of seven.
        let bytes: Vec<u8> = (0..400_000_u32)
            .flat_map(|number| [&number.to_le_bytes()[..], b"xyz"].concat())
            .collect();
        let rows = Rows::from_bytes(7, &bytes);
        assert_eq!(rows.len(), 400_000);
        assert!(rows.chunks().count() > 2);
        assert!(rows.chunks().all(|chunk| chunk.len() <= CHUNK));
        for number in [0, 1, 131_071, 131_072, 262_144, 399_999] {
            let row = rows.row(number).unwrap();
            assert_eq!(row.len(), 7);
            assert_eq!(rows.number(number), u32::try_from(number).ok());
        }
        assert_eq!(rows.row(400_000), None);
        assert_eq!(rows.row(usize::MAX), None);
        assert_eq!(rows.iter().flatten().copied().collect::<Vec<_>>(), bytes);
    }

    #[test]
    fn lists_with_wrong_ends_are_empty_or_absent_and_never_outside() {
        let lists = |ends: &[u32]| Lists::new(Rows::of_numbers(ends), (*b"abc").into());
        assert!(lists(&[1, 1, 3]).are_whole());
        assert_eq!(lists(&[1, 1, 3]).get(2), Some(&b"bc"[..]));
        assert_eq!(lists(&[1, 1, 3]).get(3), None);
        for (ends, last) in [
            (&[2, 1, 3][..], Some(&b"bc"[..])),
            (&[1, 2], Some(b"b")),
            (&[1, 4], None),
            (&[3, u32::MAX], None),
            (&[4, 3], None),
        ] {
            assert!(!lists(ends).are_whole(), "{ends:?}");
            assert_eq!(lists(ends).get(ends.len() - 1), last, "{ends:?}");
        }
        assert_eq!(lists(&[2, 1]).get(1), None);
        assert!(Lists::new(Rows::new(4), Box::default()).are_whole());
    }

    #[test]
    fn numbers_are_little_endian_and_as_wide_as_needed() {
        let row = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(number_at(&row, 0, 0), Some(0));
        assert_eq!(number_at(&row, 1, 1), Some(2));
        assert_eq!(number_at(&row, 0, 3), Some(0x03_0201));
        assert_eq!(number_at(&row, 5, 4), Some(0x0908_0706));
        assert_eq!(number_at(&row, 6, 4), None);
        assert_eq!(number_at(&row, 0, 5), None);
        assert_eq!(number_at(&row, 10, 0), None);
        assert_eq!(long_at(&row, 1), Some(0x0908_0706_0504_0302));
        assert_eq!(long_at(&row, 2), None);
        for (most, width) in [
            (0, 0),
            (1, 1),
            (255, 1),
            (256, 2),
            (65_536, 3),
            (u32::MAX, 4),
        ] {
            assert_eq!(width_of(most), width);
        }
    }
}
