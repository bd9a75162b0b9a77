//! A fake Envoy in the test's process. It defines the functions that the module calls, and drives
//! the module's hooks as Envoy 1.40 does. It also allocates memory as Envoy does: each header text
//! is a separate block, freed by the setter that removes it, so that AddressSanitizer detects any
//! later read.
//!
//! Each fake belongs to one thread: the state is thread-local, and each test runs on its own
//! thread.
#![allow(
    dead_code,
    unsafe_code,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_safety_doc,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a test double of a C program"
)]

mod callbacks;
mod calls;

#[allow(unused_imports, reason = "not every test binary calls")]
pub use calls::{Made, Parts};

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::{CStr, c_char, c_void};
use std::ptr::null;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

/// `envoy_dynamic_module_type_envoy_buffer`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Buffer {
    pub start: *const u8,
    pub length: usize,
}

impl Buffer {
    pub const NULL: Self = Self {
        start: null(),
        length: 0,
    };

    pub fn of(bytes: &[u8]) -> Self {
        Self {
            start: bytes.as_ptr(),
            length: bytes.len(),
        }
    }

    pub fn bytes<'a>(self) -> &'a [u8] {
        match self.length {
            0 => &[],
            // SAFETY: the module owns it during the call.
            length => unsafe { std::slice::from_raw_parts(self.start, length) },
        }
    }

    pub fn text(self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("the module's texts are UTF-8")
    }
}

/// `envoy_dynamic_module_type_envoy_http_header`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawHeader {
    pub name: Buffer,
    pub value: Buffer,
}

// SAFETY: the module's hooks, by their names in abi.h.
unsafe extern "C" {
    fn envoy_dynamic_module_on_program_init() -> *const c_char;
    fn envoy_dynamic_module_on_http_filter_config_new(
        config: *mut c_void,
        name: Buffer,
        bytes: Buffer,
    ) -> *const c_void;
    fn envoy_dynamic_module_on_http_filter_config_destroy(held: *const c_void);
    fn envoy_dynamic_module_on_http_filter_config_scheduled(
        config: *mut c_void,
        held: *const c_void,
        event: u64,
    );
    fn envoy_dynamic_module_on_http_filter_new(
        held: *const c_void,
        filter: *mut c_void,
    ) -> *const c_void;
    fn envoy_dynamic_module_on_http_filter_request_headers(
        filter: *mut c_void,
        held: *const c_void,
        end: bool,
    ) -> u32;
    fn envoy_dynamic_module_on_http_filter_request_body(
        filter: *mut c_void,
        held: *const c_void,
        end: bool,
    ) -> u32;
    fn envoy_dynamic_module_on_http_filter_request_trailers(
        filter: *mut c_void,
        held: *const c_void,
    ) -> u32;
    fn envoy_dynamic_module_on_http_filter_stream_complete(
        filter: *mut c_void,
        held: *const c_void,
    );
    fn envoy_dynamic_module_on_http_filter_destroy(held: *const c_void);
    fn envoy_dynamic_module_on_http_filter_config_http_stream_headers(
        config: *mut c_void,
        held: *const c_void,
        call: u64,
        headers: *const RawHeader,
        count: usize,
        ends: bool,
    );
    fn envoy_dynamic_module_on_http_filter_config_http_stream_data(
        config: *mut c_void,
        held: *const c_void,
        call: u64,
        chunks: *const Buffer,
        count: usize,
        ends: bool,
    );
    fn envoy_dynamic_module_on_http_filter_config_http_stream_complete(
        config: *mut c_void,
        held: *const c_void,
        call: u64,
    );
    fn envoy_dynamic_module_on_http_filter_config_http_stream_reset(
        config: *mut c_void,
        held: *const c_void,
        call: u64,
        reason: u32,
    );
    fn envoy_dynamic_module_on_http_filter_local_reply(
        filter: *mut c_void,
        held: *const c_void,
        status: u32,
        details: Buffer,
        reset_imminent: bool,
    ) -> u32;
}

/// The metrics of all configurations. Like Envoy's, they outlive a configuration while any scope
/// has them.
pub type Metrics = BTreeMap<String, u64>;

/// The process's Envoy. The module's thread commits to schedulers from outside the test's thread.
#[derive(Default)]
pub struct Process {
    pub metrics: Metrics,
    pub log: Vec<String>,
    /// Configurations whose schedulers were committed.
    pub scheduled: VecDeque<usize>,
    pub schedulers: usize,
    /// A configuration whose last owner will be the next commit.
    pub given_up: Option<Filter>,
    /// How many configurations a commit destroyed.
    pub destroyed: usize,
}

/// Envoy's side of a filter configuration. The module receives its address.
pub struct Config {
    pub number: usize,
    pub process: Arc<Mutex<Process>>,
    /// Names with labels, by id.
    pub defined: Mutex<Vec<(String, Vec<String>)>>,
    /// How many metrics can be defined.
    pub most_metrics: usize,
    pub has_scheduler: bool,
    pub concurrency: u32,
    /// Open calls.
    pub calls: Mutex<Vec<Made>>,
    /// How many calls were made.
    pub made: Mutex<u64>,
    /// Whether every call fails.
    pub refuses_calls: bool,
    held: *const c_void,
}

/// How Envoy misbehaves in one request.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub headers_size: Option<usize>,
    pub get_headers: bool,
    pub add_header: bool,
    pub remove_header: bool,
    pub set_state: bool,
    pub attributes: bool,
    /// A header with exactly these parts, after all others.
    pub raw: Option<RawParts>,
    pub worker: u32,
}

/// Lengths and null pointers that Envoy should never pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawParts {
    pub name: Option<usize>,
    pub value: Option<usize>,
}

/// An answer that the module sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u32,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub details: String,
}

/// A text in a separate block.
pub type Text = Box<[u8]>;

/// Envoy's side of a request.
pub struct Stream {
    pub headers: Vec<(Text, Text)>,
    pub source: Box<[u8]>,
    pub destination: Box<[u8]>,
    pub faults: Faults,
    pub state: Vec<(String, Vec<u8>)>,
    pub answers: Vec<Answer>,
    pub resets: usize,
    /// The calls that changed something, in order.
    pub calls: Vec<&'static str>,
    held: *const c_void,
}

impl Stream {
    /// Creates a request over HTTP/1.1 from loopback.
    pub fn new(headers: &[(&[u8], &[u8])]) -> Self {
        let own = |bytes: &[u8]| Box::<[u8]>::from(bytes);
        Self {
            headers: headers
                .iter()
                .map(|(name, value)| (own(name), own(value)))
                .collect(),
            source: own(b"127.0.0.1:37456"),
            destination: own(b"127.0.0.1:10000"),
            faults: Faults::default(),
            state: Vec::new(),
            answers: Vec::new(),
            resets: 0,
            calls: Vec::new(),
            held: null(),
        }
    }

    pub fn get(path: &str, headers: &[(&str, &str)]) -> Self {
        let head: [(&[u8], &[u8]); 4] = [
            (b":authority", b"api.example"),
            (b":path", path.as_bytes()),
            (b":method", b"GET"),
            (b":scheme", b"http"),
        ];
        let own = headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        Self::new(&head.into_iter().chain(own).collect::<Vec<_>>())
    }

    /// Returns the filter state that the interlock reads.
    pub fn told(&self) -> Option<String> {
        let of_key = |(key, _): &&(String, Vec<u8>)| key == "wasm.keyward";
        let (_, state) = self.state.iter().rev().find(of_key)?;
        Some(String::from_utf8_lossy(state).into_owned())
    }

    pub fn header(&self, name: &str) -> Vec<String> {
        let same = self
            .headers
            .iter()
            .filter(|(other, _)| **other == *name.as_bytes());
        same.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }
}

/// What a hook returned for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    Stop,
}

/// An Envoy. A process has one at a time, because the module's statics belong to the process.
pub struct Envoy {
    pub process: Arc<Mutex<Process>>,
    _only: MutexGuard<'static, ()>,
}

static ONLY: Mutex<()> = Mutex::new(());

thread_local! {
    /// Where this thread's log lines go.
    static LOG: RefCell<Option<Arc<Mutex<Process>>>> = const { RefCell::new(None) };
}

impl Envoy {
    pub fn start() -> Self {
        let envoy = Self {
            process: Arc::default(),
            _only: ONLY.lock().unwrap_or_else(PoisonError::into_inner),
        };
        LOG.set(Some(Arc::clone(&envoy.process)));
        // SAFETY: it has no parameters, and returns a static text.
        let version = unsafe { CStr::from_ptr(envoy_dynamic_module_on_program_init()) };
        assert_eq!(version, c"v0.2.0");
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // The module writes only a panic's place to Envoy's log, but a failed test needs the
            // message.
            let module = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                module(panic);
                eprintln!("{panic}");
            }));
        });
        envoy
    }

    /// Pushes a configuration. Returns `None` if the module rejects it.
    pub fn push(&self, bytes: &[u8]) -> Option<Filter> {
        self.push_with(b"keyward", bytes, |_| {})
    }

    pub fn push_with(
        &self,
        name: &[u8],
        bytes: &[u8],
        change: impl FnOnce(&mut Config),
    ) -> Option<Filter> {
        let mut process = self.process.lock().unwrap();
        process.schedulers += 1;
        let mut config = Box::new(Config {
            number: process.schedulers,
            process: Arc::clone(&self.process),
            defined: Mutex::default(),
            most_metrics: usize::MAX,
            has_scheduler: true,
            concurrency: 2,
            calls: Mutex::default(),
            made: Mutex::default(),
            refuses_calls: false,
            held: null(),
        });
        drop(process);
        change(&mut config);
        // Envoy frees the texts after the hook has returned.
        let (name, bytes) = (Box::<[u8]>::from(name), Box::<[u8]>::from(bytes));
        let config = Box::into_raw(config);
        // SAFETY: as abi.h specifies.
        let held = unsafe {
            envoy_dynamic_module_on_http_filter_config_new(
                config.cast(),
                Buffer::of(&name),
                Buffer::of(&bytes),
            )
        };
        // SAFETY: it was created from a box above.
        let mut config = unsafe { Box::from_raw(config) };
        config.held = held;
        (!held.is_null()).then(|| Filter { config })
    }

    /// Pushes a configuration from any two buffers.
    pub fn push_raw(&self, name: Buffer, bytes: Buffer) -> bool {
        let config = Box::into_raw(Box::new(Config {
            number: 0,
            process: Arc::clone(&self.process),
            defined: Mutex::default(),
            most_metrics: usize::MAX,
            has_scheduler: true,
            concurrency: 2,
            calls: Mutex::default(),
            made: Mutex::default(),
            refuses_calls: false,
            held: null(),
        }));
        // SAFETY: Envoy never does this; the module must detect it.
        unsafe {
            let held = envoy_dynamic_module_on_http_filter_config_new(config.cast(), name, bytes);
            if !held.is_null() {
                envoy_dynamic_module_on_http_filter_config_destroy(held);
            }
            drop(Box::from_raw(config));
            !held.is_null()
        }
    }

    pub fn stat(&self, name: &str) -> Option<u64> {
        self.process.lock().unwrap().metrics.get(name).copied()
    }

    pub fn requests_total(&self, decision: &str, reason: &str) -> u64 {
        self.stat(&format!(
            "requests_total.decision.{decision}.reason.{reason}"
        ))
        .unwrap_or(0)
    }

    pub fn log(&self) -> String {
        self.process.lock().unwrap().log.join("\n")
    }
}

/// A filter configuration that the module accepted. Envoy destroys it when it is dropped.
pub struct Filter {
    config: Box<Config>,
}

// SAFETY: Envoy shares configurations among its threads.
unsafe impl Send for Filter {}
// SAFETY: as above.
unsafe impl Sync for Filter {}

impl Filter {
    /// Runs one turn of the main thread: calls what was scheduled for this configuration.
    pub fn turn(&self) {
        self.turn_for(0);
    }

    fn raw(&self) -> *mut c_void {
        std::ptr::from_ref(&*self.config).cast_mut().cast()
    }

    /// Sends a request without a body.
    pub fn request(&self, stream: &mut Stream) -> Flow {
        self.request_with(stream, true)
    }

    pub fn request_with(&self, stream: &mut Stream, end: bool) -> Flow {
        request(self.config.held, stream, end)
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        // SAFETY: as abi.h specifies: once, after the last request.
        unsafe { envoy_dynamic_module_on_http_filter_config_destroy(self.config.held) }
    }
}

/// Sends a request to a filter that could not be created, as Envoy before 1.40 does.
pub fn request_of_none(stream: &mut Stream) -> Flow {
    request(null(), stream, true)
}

/// Calls a hook without Envoy's side.
pub fn request_without_stream(filter: &Filter) -> u32 {
    // SAFETY: Envoy never does this; the module must detect it.
    unsafe {
        envoy_dynamic_module_on_http_filter_request_headers(
            std::ptr::null_mut(),
            filter.config.held,
            true,
        )
    }
}

fn request(held: *const c_void, stream: &mut Stream, end: bool) -> Flow {
    let raw = std::ptr::from_mut(stream).cast::<c_void>();
    // SAFETY: as abi.h specifies.
    unsafe {
        let filter = envoy_dynamic_module_on_http_filter_new(held, raw);
        (*raw.cast::<Stream>()).held = filter;
        let status = envoy_dynamic_module_on_http_filter_request_headers(raw, filter, end);
        let flow = match status {
            0 => Flow::Continue,
            1 => Flow::Stop,
            other => panic!("the status {other} is unknown"),
        };
        if !end && flow == Flow::Continue {
            assert_eq!(
                envoy_dynamic_module_on_http_filter_request_body(raw, filter, true),
                0
            );
        }
        if filter.is_null() {
            assert_eq!(
                envoy_dynamic_module_on_http_filter_request_body(raw, filter, true),
                3
            );
            assert_eq!(
                envoy_dynamic_module_on_http_filter_request_trailers(raw, filter),
                1
            );
        }
        envoy_dynamic_module_on_http_filter_stream_complete(raw, filter);
        envoy_dynamic_module_on_http_filter_destroy(filter);
        flow
    }
}
