//! The bytes of a log: a file or standard input, decompressed if it begins with the magic number of
//! gzip or zstd.

use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, DEFAULT_MAX_WINDOW_SIZE};

use super::Progress;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The other magic numbers of zstd, for frames to skip. The low half of the first byte is
/// arbitrary.
const SKIPPABLE: &[u8] = &[0x2a, 0x4d, 0x18];

const BUFFER: usize = 256 * 1024;

const STANDARD_INPUT: &str = "standard input";

/// How long to wait before a followed file is checked again.
const PAUSE: Duration = Duration::from_millis(100);

/// A log that exists.
pub(super) struct Input {
    name: String,
    size: u64,
    is_stream: bool,
    source: Box<dyn Read>,
}

impl Input {
    /// Checks that a file can be opened. It is opened when its turn comes.
    pub(super) fn new(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self {
                name: STANDARD_INPUT.to_owned(),
                size: 0,
                is_stream: true,
                source: Box::new(io::stdin()),
            });
        }
        let name = path.display().to_string();
        let failure = || format!("`{name}` cannot be read");
        let found = fs::metadata(path).with_context(failure)?;
        if found.is_dir() {
            anyhow::bail!("`{name}` is a folder; name the files in it");
        }
        File::open(path).with_context(failure)?;
        Ok(Self {
            name: name.clone(),
            size: if found.is_file() { found.len() } else { 0 },
            is_stream: !found.is_file(),
            source: Box::new(Later::Closed(path.to_owned())),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the stored size in bytes, or 0 if it is unknown.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether more data may come later.
    pub(super) fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// Continues with data that is appended to the file, and with the file that replaces it when
    /// logs are rotated.
    pub(super) fn follow(&mut self) -> Result<()> {
        if self.name == STANDARD_INPUT {
            anyhow::bail!("standard input is read as it comes; leave --follow out, or name a file");
        }
        self.is_stream = true;
        self.size = 0;
        self.source = Box::new(Followed::open(Path::new(&self.name))?);
        Ok(())
    }

    /// Returns the decompressed log. If it cannot be decompressed, the first read fails.
    pub(super) fn decoded(self, progress: &dyn Progress) -> Box<dyn Read + '_> {
        let source = Counted {
            source: self.source,
            progress,
        };
        Box::new(Packed::Unknown(Some(BufReader::with_capacity(
            BUFFER, source,
        ))))
    }
}

/// A source that reports its progress.
struct Counted<'a> {
    source: Box<dyn Read>,
    progress: &'a dyn Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.progress.read(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

/// A file that is opened when it is first read, so that a thousand of them are not open at once.
enum Later {
    Closed(PathBuf),
    Open(File),
}

impl Read for Later {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Self::Closed(path) = self {
            *self = Self::Open(File::open(path)?);
        }
        match self {
            Self::Open(file) => file.read(buffer),
            Self::Closed(_) => Ok(0),
        }
    }
}

/// A file that is read beyond its end as it grows.
struct Followed {
    path: PathBuf,
    file: File,
    read: u64,
}

impl Followed {
    fn open(path: &Path) -> Result<Self> {
        let file =
            File::open(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            read: 0,
        })
    }

    /// Starts from the beginning if the file was truncated, or if another file has its name.
    fn turn(&mut self) -> io::Result<()> {
        let old = self.file.metadata()?;
        // Only the identity counts: two files with the same name have no order.
        let is_other = |new: &Metadata| (new.dev(), new.ino()) != (old.dev(), old.ino());
        if fs::metadata(&self.path).is_ok_and(|new| is_other(&new)) {
            self.file = File::open(&self.path)?;
            self.read = 0;
        } else if old.len() < self.read {
            self.file.seek(SeekFrom::Start(0))?;
            self.read = 0;
        }
        Ok(())
    }
}

impl Read for Followed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.file.read(buffer)?;
            self.read = self
                .read
                .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.turn()?;
            thread::sleep(PAUSE);
        }
    }
}

type Stored<'a> = BufReader<Counted<'a>>;

/// A reader that chooses the decoder when it knows the first bytes.
enum Packed<'a> {
    Unknown(Option<Stored<'a>>),
    Plain(io::Chain<Cursor<Vec<u8>>, Stored<'a>>),
    Gzip(Box<MultiGzDecoder<io::Chain<Cursor<Vec<u8>>, Stored<'a>>>>),
    Zstd(Box<Frames<io::Chain<Cursor<Vec<u8>>, Stored<'a>>>>),
}

impl Read for Packed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Self::Unknown(source) = self
            && let Some(mut source) = source.take()
        {
            let mut first = Vec::with_capacity(4);
            source.by_ref().take(4).read_to_end(&mut first)?;
            let is_gzip = first.starts_with(GZIP);
            let is_zstd = first.starts_with(ZSTD)
                || (first.get(1..) == Some(SKIPPABLE)
                    && first.first().is_some_and(|byte| byte >> 4 == 5));
            let all = Cursor::new(first).chain(source);
            *self = if is_gzip {
                Self::Gzip(Box::new(MultiGzDecoder::new(all)))
            } else if is_zstd {
                Self::Zstd(Box::new(Frames::new(all)))
            } else {
                Self::Plain(all)
            };
        }
        match self {
            Self::Unknown(_) => Ok(0),
            Self::Plain(source) => source.read(buffer),
            Self::Gzip(source) => source.read(buffer),
            Self::Zstd(source) => source.read(buffer),
        }
    }
}

/// The frames of a zstd stream, one after the other. `zstd` output that was appended to has
/// several, and so has `pzstd` output.
struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: Read> Frames<R> {
    fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(DEFAULT_MAX_WINDOW_SIZE);
        Self {
            source,
            decoder,
            is_in_frame: false,
        }
    }

    /// Begins the next frame. `false` at the end.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            let mut first = [0; 1];
            if self.source.read(&mut first)? == 0 {
                return Ok(false);
            }
            let header = Cursor::new(first).chain(&mut self.source);
            match self.decoder.reset(header) {
                Ok(()) => {
                    self.is_in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped =
                        io::copy(&mut self.source.by_ref().take(length), &mut io::sink())?;
                    if skipped < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(broken(error)),
            }
        }
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.is_in_frame && !self.begin()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let some = BlockDecodingStrategy::UptoBytes(buffer.len());
                self.decoder
                    .decode_blocks(&mut self.source, some)
                    .map_err(broken)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.is_in_frame = false;
        }
    }
}

fn broken(error: FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
