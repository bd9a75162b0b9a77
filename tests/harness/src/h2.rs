//! A minimal HTTP/2 client with prior knowledge that sends one request at a time. It sends header
//! names and values exactly as given: no lower-casing, no checks, and pseudo-headers wherever the
//! test puts them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use httlib_hpack::Decoder;

use super::http::Response;
use super::wait::BOUND;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 32;

/// The largest frame that a peer must accept.
const MAX_FRAME: usize = 16_384;

/// How a stream ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    Response(Response),
    /// `RST_STREAM`, with its error code.
    Reset(u32),
    /// `GOAWAY`, with its error code.
    GoAway(u32),
    /// The connection was closed.
    Closed,
}

impl Outcome {
    /// Returns the response, if the stream was not cut off.
    pub fn answer(self) -> Option<Response> {
        match self {
            Self::Response(response) => Some(response),
            Self::Reset(_) | Self::GoAway(_) | Self::Closed => None,
        }
    }

    #[track_caller]
    pub fn response(self) -> Response {
        match self {
            Self::Response(response) => response,
            Self::Reset(_) | Self::GoAway(_) | Self::Closed => panic!("no response but {self:?}"),
        }
    }
}

/// Sends one request on its own connection, with the four pseudo-headers first.
#[track_caller]
pub fn request<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(N, V)],
    body: &[u8],
) -> Outcome {
    Connection::open(to).request(method, path, headers, body)
}

#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    decoder: Decoder<'static>,
    authority: String,
    next: u32,
    /// The number of bytes of a header block that go into one frame.
    piece: usize,
    /// Frames that wait to be sent together. `None` sends each at once.
    held: Option<Vec<u8>>,
}

impl Connection {
    #[track_caller]
    pub fn open(to: SocketAddr) -> Self {
        let stream =
            TcpStream::connect_timeout(&to, BOUND).unwrap_or_else(|error| panic!("{to}: {error}"));
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.set_write_timeout(Some(BOUND)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut connection = Self {
            stream,
            decoder: Decoder::with_dynamic_size(4096),
            authority: to.to_string(),
            next: 1,
            piece: MAX_FRAME,
            held: None,
        };
        connection.greet().unwrap();
        connection
    }

    /// Cuts header blocks into frames of this many bytes.
    pub fn with_pieces(mut self, piece: usize) -> Self {
        self.piece = piece;
        self
    }

    #[track_caller]
    pub fn request<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(N, V)],
        body: &[u8],
    ) -> Outcome {
        let authority = self.authority.clone();
        let pseudo = [
            (":method", method),
            (":scheme", "http"),
            (":authority", &authority),
            (":path", path),
        ];
        let pseudo = pseudo
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let all: Vec<_> = pseudo
            .chain(
                headers
                    .iter()
                    .map(|(name, value)| (name.as_ref(), value.as_ref())),
            )
            .collect();
        self.exchange(&all, body, &[])
    }

    /// Sends exactly these headers, a body of at most 64 KiB, and trailers. Omits an empty body or
    /// empty trailers.
    #[track_caller]
    pub fn exchange(
        &mut self,
        headers: &[(&[u8], &[u8])],
        body: &[u8],
        trailers: &[(&[u8], &[u8])],
    ) -> Outcome {
        let id = self.open_stream();
        // A peer that has already rejected the request may close before it has read everything.
        // Only what it answered before counts.
        let _ = self.send(id, headers, body, trailers);
        self.outcome(id)
    }

    /// Sends exactly these headers, and each piece in its own `DATA` frame, even an empty one. The
    /// last frame ends the stream. All frames go in one write, so no answer overtakes the pieces.
    #[track_caller]
    pub fn exchange_frames(&mut self, headers: &[(&[u8], &[u8])], pieces: &[&[u8]]) -> Outcome {
        let id = self.open_stream();
        self.held = Some(Vec::new());
        self.send_frames(id, headers, pieces).unwrap();
        let all = self.held.take().unwrap_or_default();
        let _ = self.stream.write_all(&all);
        self.outcome(id)
    }

    /// Sends exactly these headers, waits for the answer to them alone, and sends the pieces after
    /// it.
    #[track_caller]
    pub fn exchange_late(&mut self, headers: &[(&[u8], &[u8])], pieces: &[&[u8]]) -> Outcome {
        let id = self.open_stream();
        let _ = self.send_headers(id, headers, false);
        let outcome = self.outcome(id);
        let _ = self.send_pieces(id, pieces);
        outcome
    }

    fn open_stream(&mut self) -> u32 {
        let id = self.next;
        self.next += 2;
        id
    }

    fn send_frames(
        &mut self,
        id: u32,
        headers: &[(&[u8], &[u8])],
        pieces: &[&[u8]],
    ) -> io::Result<()> {
        self.send_headers(id, headers, pieces.is_empty())?;
        self.send_pieces(id, pieces)
    }

    fn send_pieces(&mut self, id: u32, pieces: &[&[u8]]) -> io::Result<()> {
        for (at, piece) in pieces.iter().enumerate() {
            let is_last = at + 1 == pieces.len();
            self.frame(DATA, if is_last { END_STREAM } else { 0 }, id, piece)?;
        }
        Ok(())
    }

    #[track_caller]
    fn outcome(&mut self, id: u32) -> Outcome {
        self.receive(id).unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Outcome::Closed,
            _ => panic!("no answer over HTTP/2: {error}"),
        })
    }

    fn greet(&mut self) -> io::Result<()> {
        self.stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
        // SETTINGS_INITIAL_WINDOW_SIZE, so large that no response waits for a window update.
        self.frame(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff])?;
        self.frame(WINDOW_UPDATE, 0, 0, &0x7000_0000_u32.to_be_bytes())
    }

    fn send(
        &mut self,
        id: u32,
        headers: &[(&[u8], &[u8])],
        body: &[u8],
        trailers: &[(&[u8], &[u8])],
    ) -> io::Result<()> {
        self.send_headers(id, headers, body.is_empty() && trailers.is_empty())?;
        let mut pieces = body.chunks(MAX_FRAME).peekable();
        while let Some(piece) = pieces.next() {
            let last = pieces.peek().is_none() && trailers.is_empty();
            self.frame(DATA, if last { END_STREAM } else { 0 }, id, piece)?;
        }
        if trailers.is_empty() {
            Ok(())
        } else {
            self.send_headers(id, trailers, true)
        }
    }

    fn send_headers(&mut self, id: u32, headers: &[(&[u8], &[u8])], end: bool) -> io::Result<()> {
        let block: Vec<u8> = headers
            .iter()
            .flat_map(|(name, value)| literal(name, value))
            .collect();
        let mut pieces = block.chunks(self.piece).peekable();
        let mut kind = HEADERS;
        while let Some(piece) = pieces.next() {
            let end_stream = if end && kind == HEADERS {
                END_STREAM
            } else {
                0
            };
            let end_headers = if pieces.peek().is_none() {
                END_HEADERS
            } else {
                0
            };
            self.frame(kind, end_stream | end_headers, id, piece)?;
            kind = CONTINUATION;
        }
        Ok(())
    }

    fn receive(&mut self, id: u32) -> io::Result<Outcome> {
        let mut response = Response::default();
        let mut block = Vec::new();
        let mut end = false;
        loop {
            let (kind, flags, stream, payload) = self.read_frame()?;
            match kind {
                SETTINGS if flags & ACK == 0 => self.frame(SETTINGS, ACK, 0, &[])?,
                PING if flags & ACK == 0 => self.frame(PING, ACK, 0, &payload)?,
                GOAWAY => return Ok(Outcome::GoAway(number(payload.get(4..8)))),
                RST_STREAM if stream == id => return Ok(Outcome::Reset(number(payload.get(..4)))),
                HEADERS | CONTINUATION if stream == id => {
                    end |= kind == HEADERS && flags & END_STREAM != 0;
                    let skipped = if kind == HEADERS && flags & PRIORITY != 0 {
                        5
                    } else {
                        0
                    };
                    block.extend(
                        unpadded(kind == HEADERS && flags & PADDED != 0, &payload)
                            .iter()
                            .skip(skipped),
                    );
                    if flags & END_HEADERS != 0 {
                        self.decode(&mut block, &mut response)?;
                    }
                }
                DATA if stream == id => {
                    end |= flags & END_STREAM != 0;
                    response
                        .body
                        .extend(unpadded(flags & PADDED != 0, &payload));
                }
                // Window updates, acknowledgements, and late frames of earlier streams.
                _ => {}
            }
            if end && block.is_empty() {
                return Ok(Outcome::Response(response));
            }
        }
    }

    /// Decodes a header block. Drops a 1xx before the response, and appends trailers to the
    /// headers.
    fn decode(&mut self, block: &mut Vec<u8>, response: &mut Response) -> io::Result<()> {
        let mut fields = Vec::new();
        let decoded = self.decoder.decode(block, &mut fields);
        decoded
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{error:?}")))?;
        block.clear();
        for (name, value, _) in fields {
            if name == b":status" {
                let status = std::str::from_utf8(&value)
                    .ok()
                    .and_then(|digits| digits.parse().ok());
                response.status = status
                    .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no status"))?;
                response.headers.clear();
            } else {
                response.headers.push((name, value));
            }
        }
        Ok(())
    }

    fn frame(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let frame = [&length[1..], &[kind, flags], &id.to_be_bytes(), payload].concat();
        if let Some(held) = &mut self.held {
            held.extend(frame);
            return Ok(());
        }
        self.stream.write_all(&frame)
    }

    fn read_frame(&mut self) -> io::Result<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap()];
        self.stream.read_exact(&mut payload)?;
        Ok((kind, flags, u32::from_be_bytes(id) & 0x7fff_ffff, payload))
    }
}

/// Encodes a literal field as in RFC 7541, section 6.2.2: without indexing, with a new name and
/// without Huffman coding.
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name, value] {
        // Section 5.1: an integer with a prefix of 7 bits. The first bit is 0 because there is no
        // Huffman coding.
        let mut rest = text.len();
        if rest < 0x7f {
            field.push(u8::try_from(rest).unwrap());
        } else {
            field.push(0x7f);
            rest -= 0x7f;
            while rest >= 0x80 {
                field.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
                rest >>= 7;
            }
            field.push(u8::try_from(rest).unwrap());
        }
        field.extend(text);
    }
    field
}

fn unpadded(padded: bool, payload: &[u8]) -> &[u8] {
    if !padded {
        return payload;
    }
    let (&padding, rest) = payload.split_first().unwrap();
    &rest[..rest.len() - usize::from(padding)]
}

fn number(bytes: Option<&[u8]>) -> u32 {
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u32::from_be_bytes)
}
