//! Lines of bounded length.

use std::io::{self, Read};

/// The maximum length of a line in bytes. Envoy accepts headers of up to 60 KiB by default, and an
/// escape in JSON takes six bytes for one.
const LONGEST: usize = 1024 * 1024;

const BUFFER: usize = 256 * 1024;

/// The next item of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// A line without its line end.
    Line(&'a [u8]),
    /// A line that was skipped.
    TooLong,
}

/// Splits a stream at its line ends. The last line may lack one.
pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// The start of the data in the buffer that has not been returned yet.
    start: usize,
    end: usize,
    is_over: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            is_over: false,
        }
    }

    /// Whether the buffer contains a complete line.
    pub(super) fn has_line(&self) -> bool {
        let unseen = self.buffer.get(self.start..self.end);
        unseen.is_some_and(|unseen| memchr::memchr(b'\n', unseen).is_some())
    }

    /// Returns the next line, or `None` at the end. After an error there is nothing more.
    pub(super) fn next(&mut self) -> io::Result<Option<Next<'_>>> {
        let mut looked_at = self.start;
        let mut is_too_long = false;
        loop {
            let found = self
                .buffer
                .get(looked_at..self.end)
                .and_then(|unseen| memchr::memchr(b'\n', unseen));
            let is_last = found.is_none() && self.is_over;
            if found.is_some() || is_last {
                let end = found.map_or(self.end, |at| looked_at + at);
                let line = (self.start, end);
                self.start = (end + 1).min(self.end);
                if is_too_long {
                    return Ok(Some(Next::TooLong));
                }
                if is_last && line.0 == line.1 {
                    return Ok(None);
                }
                let line = self.buffer.get(line.0..line.1).unwrap_or(&[]);
                return Ok(Some(Next::Line(line)));
            }
            if self.end - self.start > LONGEST {
                is_too_long = true;
                self.start = self.end;
            }
            self.make_room();
            looked_at = self.end;
            self.fill()?;
        }
    }

    /// Moves the remaining data to the front, and enlarges the buffer if one line fills it.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let Some(room) = self.buffer.get_mut(self.end..) else {
            return Ok(());
        };
        loop {
            match self.source.read(room) {
                Ok(0) => self.is_over = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.is_over = true;
                    return Err(error);
                }
            }
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: impl Read) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(source);
        let mut all = Vec::new();
        while let Some(next) = lines.next().unwrap() {
            all.push(match next {
                Next::Line(line) => Some(line.to_vec()),
                Next::TooLong => None,
            });
        }
        all
    }

    /// A source that returns one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    #[test]
    fn a_stream_is_its_lines() {
        let some = |text: &str| Some(text.as_bytes().to_vec());
        let text = b"a\n\nbc\r\nd";
        let expected = [some("a"), some(""), some("bc\r"), some("d")];
        assert_eq!(lines(&text[..]), expected);
        assert_eq!(lines(Slow(text)), expected);
        assert_eq!(lines(&b""[..]), []);
        assert_eq!(lines(&b"\n"[..]), [some("")]);
    }

    #[test]
    fn a_line_without_end_is_left_out_in_bounded_memory() {
        let long = io::repeat(b'x').take(64 << 20);
        let mut lines = Lines::new(long.chain(&b"\nnext"[..]));
        assert_eq!(lines.next().unwrap(), Some(Next::TooLong));
        assert_eq!(lines.next().unwrap(), Some(Next::Line(b"next")));
        assert_eq!(lines.next().unwrap(), None);
        assert!(lines.buffer.len() <= 4 * LONGEST);
    }

    #[test]
    fn a_line_of_the_longest_length_is_read() {
        let mut text = vec![b'x'; LONGEST];
        text.extend(b"\ny\n");
        let lines = lines(&text[..]);
        assert_eq!(lines[0].as_ref().unwrap().len(), LONGEST);
        assert_eq!(lines[1].as_deref(), Some(&b"y"[..]));
    }
}
