//! Only in test builds: makes a hook panic on demand, so that tests can show what happens. No
//! release contains this file.
#![expect(clippy::panic, reason = "that is what it is for")]

use crate::abi::{Header, Stream};

/// A request with this header panics.
const HEADER: &[u8] = b"x-keyward-trap-door";

/// Where a configuration with one of these texts panics.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    New,
    Schedule,
    Destroy,
    Answer,
}

const TEXTS: [(&[u8], Trap); 4] = [
    (b"trap-door: panic when new", Trap::New),
    (b"trap-door: panic when scheduled", Trap::Schedule),
    (b"trap-door: panic when destroyed", Trap::Destroy),
    (b"trap-door: panic when answered", Trap::Answer),
];

/// Returns the trap that a configuration asks for.
pub(crate) fn of(bytes: &[u8]) -> Option<Trap> {
    let says = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    let trap = TEXTS.iter().find(|(text, _)| says(text));
    trap.map(|(_, trap)| *trap)
}

/// Panics if the configuration asks for it. The message must not become visible.
pub(crate) fn spring(asked: Option<Trap>, here: Trap) {
    assert!(asked != Some(here), "sk_live_FAKE-a-panic-tells-a-key");
}

pub(crate) fn on_request(stream: &Stream<'_>) {
    let (mut few, mut many) = ([Header::NULL; 0], Vec::new());
    let headers = stream.headers(usize::MAX, &mut few, &mut many);
    if headers.is_ok_and(|headers| {
        let mut names = headers.iter().map(|header| header.name.text());
        names.any(|name| name == Ok(HEADER))
    }) {
        panic!("sk_live_FAKE-a-panic-tells-a-key");
    }
}
