//! The part of Envoy's ABI for dynamic modules that an HTTP filter needs: types, safe wrappers for
//! Envoy's functions, and the symbols of the hooks that Envoy calls. All `unsafe` code of the
//! package is in this file.
//!
//! Source: `source/extensions/dynamic_modules/abi/abi.h` of envoyproxy/envoy, as of Envoy 1.40 (ABI
//! `v0.2.0`). If a `SAFETY` comment rests on more than that file says, it names the source.
#![expect(
    unsafe_code,
    reason = "the ABI passes pointers; all of them are read and written in this file"
)]

use std::cell::Cell;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::{NonNull, null};
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fault::Fault;

/// The maximum length of a text that is read from a request. Envoy's limit for all headers together
/// is at most 8 MiB, and 60 KiB by default.
const LONGEST_TEXT: usize = 1 << 20;

/// `envoy_dynamic_module_type_envoy_buffer` and `…_module_buffer`, which have the same fields: the
/// place of some bytes during `'a`, in Envoy's or the module's memory. The pointer may be null if
/// the length is 0.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Buffer<'a> {
    start: *const u8,
    length: usize,
    bytes: PhantomData<&'a [u8]>,
}

impl<'a> Buffer<'a> {
    pub(crate) const NULL: Self = Self {
        start: null(),
        length: 0,
        bytes: PhantomData,
    };

    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self {
            start: bytes.as_ptr(),
            length: bytes.len(),
            bytes: PhantomData,
        }
    }

    /// Returns the bytes of a name, a value or an address.
    pub(crate) fn text(self) -> Result<&'a [u8], Fault> {
        if self.length > LONGEST_TEXT {
            return Err(Fault("a text is longer than any that Envoy takes"));
        }
        self.whole()
    }

    /// Returns all bytes, without a limit.
    pub(crate) fn whole(self) -> Result<&'a [u8], Fault> {
        match (self.start.is_null(), self.length) {
            (_, 0) => Ok(&[]),
            (true, _) => Err(Fault("a text has a length and no place")),
            // SAFETY: the buffer was made from a slice, or Envoy wrote it, and Envoy promises that
            // this many bytes are there during `'a`.
            (false, length) => Ok(unsafe { slice::from_raw_parts(self.start, length) }),
        }
    }
}

/// `envoy_dynamic_module_type_envoy_http_header` and `…_module_http_header`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Header<'a> {
    pub(crate) name: Buffer<'a>,
    pub(crate) value: Buffer<'a>,
}

impl Header<'_> {
    pub(crate) const NULL: Self = Self {
        name: Buffer::NULL,
        value: Buffer::NULL,
    };
}

/// A pointer to the first of several items that Envoy passes to a hook.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct First<'a, T>(*const T, PhantomData<&'a T>);

impl<'a, T> First<'a, T> {
    /// Returns all items. Envoy passes their number to the same hook.
    pub(crate) fn all(self, count: usize) -> Result<&'a [T], Fault> {
        const MOST: usize = 1 << 24;
        match (self.0.is_null(), count) {
            (_, 0) => Ok(&[]),
            (true, _) => Err(Fault("an answer has parts and no place")),
            (false, count) if count > MOST => Err(Fault("an answer has too many parts")),
            // SAFETY: Envoy promises that this many items are there until the hook returns.
            (false, count) => Ok(unsafe { slice::from_raw_parts(self.0, count) }),
        }
    }
}

/// `envoy_dynamic_module_type_http_header_type_RequestHeader`.
const REQUEST: u32 = 0;
/// `envoy_dynamic_module_type_http_filter_stream_reset_reason_LocalReset`.
const LOCAL_RESET: u32 = 0;
/// `envoy_dynamic_module_type_log_level_Info` and `…_Error`.
pub(crate) const INFO: u32 = 2;
pub(crate) const ERROR: u32 = 4;

/// `envoy_dynamic_module_type_attribute_id_SourceAddress` and `…_DestinationAddress`.
pub(crate) const SOURCE_ADDRESS: u32 = 24;
pub(crate) const DESTINATION_ADDRESS: u32 = 26;

pub(crate) type Envoy = *mut c_void;
/// A [`Module`] in a hook that does nothing with it.
pub(crate) type Opaque = *const c_void;
pub(crate) type Texts<'a> = *const Buffer<'a>;

/// Envoy's functions, by their names in abi.h without `envoy_dynamic_module_callback_`.
macro_rules! envoy {
    ($($name:ident = $symbol:literal ($($part:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {
        // SAFETY: names and signatures are those of abi.h. C's enums are passed as 32 bits.
        unsafe extern "C" {
            $(#[link_name = $symbol] fn $name($($part: $kind),*) $(-> $result)?;)*
        }
    };
}

envoy! {
    write_log = "envoy_dynamic_module_callback_log"(level: u32, message: Buffer<'_>);
    get_concurrency = "envoy_dynamic_module_callback_get_concurrency"() -> u32;
    define_counter = "envoy_dynamic_module_callback_http_filter_config_define_counter"(
        config: Envoy, name: Buffer<'_>, labels: Texts<'_>, count: usize, id: *mut usize) -> u32;
    define_gauge = "envoy_dynamic_module_callback_http_filter_config_define_gauge"(
        config: Envoy, name: Buffer<'_>, labels: Texts<'_>, count: usize, id: *mut usize) -> u32;
    increment_counter = "envoy_dynamic_module_callback_http_filter_config_increment_counter"(
        config: Envoy, id: usize, values: Texts<'_>, count: usize, by: u64) -> u32;
    set_gauge = "envoy_dynamic_module_callback_http_filter_config_set_gauge"(
        config: Envoy, id: usize, values: Texts<'_>, count: usize, value: u64) -> u32;
    scheduler_new = "envoy_dynamic_module_callback_http_filter_config_scheduler_new"(
        config: Envoy) -> Envoy;
    scheduler_commit = "envoy_dynamic_module_callback_http_filter_config_scheduler_commit"(
        scheduler: Envoy, event: u64);
    scheduler_delete = "envoy_dynamic_module_callback_http_filter_config_scheduler_delete"(
        scheduler: Envoy);
    start_stream = "envoy_dynamic_module_callback_http_filter_config_start_http_stream"(
        config: Envoy, call: *mut u64, cluster: Buffer<'_>, headers: *const Header<'_>, count: usize,
        body: Buffer<'_>, ends: bool, timeout: u64) -> u32;
    end_stream = "envoy_dynamic_module_callback_http_filter_config_reset_http_stream"(
        config: Envoy, call: u64);
    get_headers_size = "envoy_dynamic_module_callback_http_get_headers_size"(
        filter: Envoy, map: u32) -> usize;
    get_headers = "envoy_dynamic_module_callback_http_get_headers"(
        filter: Envoy, map: u32, headers: *mut Header<'_>) -> bool;
    add_header = "envoy_dynamic_module_callback_http_add_header"(
        filter: Envoy, map: u32, name: Buffer<'_>, value: Buffer<'_>) -> bool;
    set_header = "envoy_dynamic_module_callback_http_set_header"(
        filter: Envoy, map: u32, name: Buffer<'_>, value: Buffer<'_>) -> bool;
    send_response = "envoy_dynamic_module_callback_http_send_response"(
        filter: Envoy, status: u32, headers: *const Header<'_>, count: usize,
        body: Buffer<'_>, details: Buffer<'_>);
    set_state = "envoy_dynamic_module_callback_http_set_filter_state_bytes"(
        filter: Envoy, key: Buffer<'_>, value: Buffer<'_>) -> bool;
    get_attribute = "envoy_dynamic_module_callback_http_filter_get_attribute_string"(
        filter: Envoy, attribute: u32, value: *mut Buffer<'_>) -> bool;
    get_worker_index = "envoy_dynamic_module_callback_http_filter_get_worker_index"(
        filter: Envoy) -> u32;
    clear_route = "envoy_dynamic_module_callback_http_clear_route_cache"(filter: Envoy);
    reset_stream = "envoy_dynamic_module_callback_http_filter_reset_stream"(
        filter: Envoy, reason: u32, details: Buffer<'_>);
}

/// Writes a line to Envoy's log, at [`INFO`] or [`ERROR`]. May be called from any thread.
pub(crate) fn log(level: u32, message: &str) {
    // SAFETY: Envoy copies the line.
    unsafe { write_log(level, Buffer::of(message.as_bytes())) }
}

/// Envoy's side of a filter configuration, during the hook that received it.
#[derive(Debug)]
pub(crate) struct Config<'a> {
    config: NonNull<c_void>,
    hook: PhantomData<&'a ()>,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Counter,
    Gauge,
}

/// A metric of a configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    kind: Kind,
    id: usize,
}

fn buffers<'a>(texts: &[&'a str]) -> Vec<Buffer<'a>> {
    let bytes = texts.iter().map(|text| text.as_bytes());
    bytes.map(Buffer::of).collect()
}

fn done(is_done: bool, fault: &'static str) -> Result<(), Fault> {
    if is_done { Ok(()) } else { Err(Fault(fault)) }
}

impl Config<'_> {
    pub(crate) fn new(config: Envoy) -> Option<Self> {
        let hook = PhantomData;
        NonNull::new(config).map(|config| Self { config, hook })
    }

    /// Returns the number of Envoy's workers. Call it on the main thread.
    pub(crate) fn concurrency(&self) -> u32 {
        // SAFETY: no pointer is passed.
        unsafe { get_concurrency() }
    }

    /// Defines a counter or a gauge. Call it only in the hook that creates the configuration.
    pub(crate) fn define(&self, kind: Kind, name: &str, labels: &[&str]) -> Result<Metric, Fault> {
        let (config, name) = (self.config.as_ptr(), Buffer::of(name.as_bytes()));
        let (labels, mut id) = (buffers(labels), 0);
        let (start, count) = (labels.as_ptr(), labels.len());
        // SAFETY: Envoy copies the texts and writes one number.
        let status = match kind {
            Kind::Counter => unsafe { define_counter(config, name, start, count, &raw mut id) },
            Kind::Gauge => unsafe { define_gauge(config, name, start, count, &raw mut id) },
        };
        done(status == 0, "a metric is not defined").map(|()| Metric { kind, id })
    }

    /// Adds to a counter, or sets a gauge. May be called from any thread: Envoy's table of metrics
    /// is complete by then, and its metrics are atomics.
    pub(crate) fn record(
        &self,
        Metric { kind, id }: Metric,
        values: &[&str],
        value: u64,
    ) -> Result<(), Fault> {
        let (config, values) = (self.config.as_ptr(), buffers(values));
        let (start, count) = (values.as_ptr(), values.len());
        // SAFETY: Envoy checks the number, and reads the texts during the call.
        let status = match kind {
            Kind::Counter => unsafe { increment_counter(config, id, start, count, value) },
            Kind::Gauge => unsafe { set_gauge(config, id, start, count, value) },
        };
        done(status == 0, "a metric is not recorded")
    }

    /// Returns a scheduler, which makes Envoy call the hook `config_scheduled` for this
    /// configuration.
    pub(crate) fn scheduler(&self) -> Option<Scheduler> {
        // SAFETY: the module owns what Envoy returns, and deletes it.
        let scheduler = unsafe { scheduler_new(self.config.as_ptr()) };
        NonNull::new(scheduler).map(Scheduler)
    }
}

/// Makes Envoy call the hook `config_scheduled` on its main thread. Envoy drops the call if the
/// configuration is gone by then.
#[derive(Debug)]
pub(crate) struct Scheduler(NonNull<c_void>);

// SAFETY: abi.h allows its use "from any thread": it is a weak pointer and Envoy's dispatcher,
// whose queue has a lock.
unsafe impl Send for Scheduler {}

// SAFETY: a commit locks the weak pointer and posts to the dispatcher, and several threads may do
// both at the same time.
unsafe impl Sync for Scheduler {}

impl Scheduler {
    /// Schedules the hook, which receives `event`.
    pub(crate) fn commit(&self, event: u64) {
        // SAFETY: the scheduler exists until it is dropped.
        unsafe { scheduler_commit(self.0.as_ptr(), event) }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        // SAFETY: the scheduler is deleted only here.
        unsafe { scheduler_delete(self.0.as_ptr()) }
    }
}

/// Makes calls through a configuration, and ends them. Use it on Envoy's main thread, while Envoy
/// has the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Caller(Arc<Mutex<Option<Side>>>);

/// Envoy's side of a configuration.
#[derive(Debug)]
struct Side(NonNull<c_void>);

// SAFETY: it is used under a lock, and never after `config_destroy`: see [`Vouched`].
unsafe impl Send for Side {}

impl Caller {
    fn side(&self) -> MutexGuard<'_, Option<Side>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a request without a body. The hooks `config_http_stream_…` receive the answer under
    /// the returned number. `timeout` is in milliseconds, for the whole answer.
    pub(crate) fn start(
        &self,
        cluster: &str,
        headers: &[(String, String)],
        timeout: u64,
    ) -> Option<u64> {
        let side = self.side();
        let config = side.as_ref()?.0.as_ptr();
        let headers: Vec<Header<'_>> = headers
            .iter()
            .map(|(name, value)| Header {
                name: Buffer::of(name.as_bytes()),
                value: Buffer::of(value.as_bytes()),
            })
            .collect();
        let (start, count) = (headers.as_ptr(), headers.len());
        let (cluster, mut call) = (Buffer::of(cluster.as_bytes()), 0);
        // SAFETY: the lock keeps `config_destroy` from returning, so Envoy's side exists. Envoy
        // copies the texts and writes one number.
        let status = unsafe {
            start_stream(
                config,
                &raw mut call,
                cluster,
                start,
                count,
                Buffer::NULL,
                true,
                timeout,
            )
        };
        (status == 0).then_some(call)
    }

    /// Ends a call if it has not ended yet. Envoy calls the hook `config_http_stream_reset` before
    /// this returns.
    pub(crate) fn end(&self, call: u64) {
        if let Some(side) = &*self.side() {
            // SAFETY: as above.
            unsafe { end_stream(side.0.as_ptr(), call) }
        }
    }
}

/// A caller that works until this is dropped, which happens before Envoy's side of the
/// configuration goes away.
struct Vouched(Caller);

impl Drop for Vouched {
    fn drop(&mut self) {
        *self.0.side() = None;
    }
}

/// Envoy's side of a request, during the hook that received it. Calls that change the request take
/// `&mut self`, because Envoy's header memory is valid "until the end of the current event hook
/// unless the setter callback is called". So no borrow of it is alive at that point.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    filter: NonNull<c_void>,
    has_answered: &'a Cell<bool>,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(filter: Envoy, has_answered: &'a Cell<bool>) -> Option<Self> {
        NonNull::new(filter).map(|filter| Self {
            filter,
            has_answered,
        })
    }

    /// Returns whether the request was answered in this hook.
    pub(crate) fn has_answered(&self) -> bool {
        self.has_answered.get()
    }

    /// Returns the request's headers, at most `most`. They are written over `few`, which contains
    /// [`Header::NULL`], or into `many` if `few` is too small.
    pub(crate) fn headers<'b, 'c>(
        &'b self,
        most: usize,
        few: &'c mut [Header<'b>],
        many: &'c mut Vec<Header<'b>>,
    ) -> Result<&'c [Header<'b>], Fault> {
        // SAFETY: the request exists during the hook.
        let count = match unsafe { get_headers_size(self.filter.as_ptr(), REQUEST) } {
            // A request has headers, at least `:method`. 0 is Envoy's way to say that it has none.
            0 => return Err(Fault("the request's headers are not there")),
            count if count > most => return Err(Fault("the request has too many headers")),
            count => count,
        };
        let headers = if let Some((headers, _)) = few.split_at_mut_checked(count) {
            headers
        } else {
            let has_room = many.try_reserve_exact(count);
            has_room.map_err(|_| Fault("there is no memory for the headers"))?;
            many.resize(count, Header::NULL);
            many
        };
        // SAFETY: Envoy writes as many as it has just counted, on this thread, which is the
        // request's. They stay valid as long as `self` is borrowed.
        let is_done = unsafe { get_headers(self.filter.as_ptr(), REQUEST, headers.as_mut_ptr()) };
        done(is_done, "the headers are not handed over").map(|()| &*headers)
    }

    /// Returns [`SOURCE_ADDRESS`] or [`DESTINATION_ADDRESS`] as Envoy spells it, if Envoy knows it.
    pub(crate) fn address(&self, attribute: u32) -> Option<&[u8]> {
        let mut text = Buffer::NULL;
        // SAFETY: Envoy writes one buffer, whose text stays valid as long as `self` is borrowed.
        let is_told = unsafe { get_attribute(self.filter.as_ptr(), attribute, &raw mut text) };
        is_told.then(|| text.text().ok()).flatten()
    }

    /// Returns the number of the worker that runs this.
    pub(crate) fn worker(&self) -> u32 {
        // SAFETY: the request exists during the hook.
        unsafe { get_worker_index(self.filter.as_ptr()) }
    }

    /// Adds a header after all others. (abi.h says that it replaces headers with the same name, but
    /// in 1.40 it does not.)
    pub(crate) fn add_header(&mut self, name: &[u8], value: &[u8]) -> Result<(), Fault> {
        let (name, value) = (Buffer::of(name), Buffer::of(value));
        // SAFETY: Envoy copies both.
        let is_done = unsafe { add_header(self.filter.as_ptr(), REQUEST, name, value) };
        done(is_done, "a header is not added")
    }

    /// Removes all headers with that name.
    pub(crate) fn remove_header(&mut self, name: &[u8]) -> Result<(), Fault> {
        let (name, value) = (Buffer::of(name), Buffer::NULL);
        // SAFETY: Envoy copies the name. A null value means removal.
        let is_done = unsafe { set_header(self.filter.as_ptr(), REQUEST, name, value) };
        done(is_done, "a header is not removed")
    }

    /// Makes Envoy select the request's route again, because routes may match what was changed.
    pub(crate) fn forget_route(&mut self) {
        // SAFETY: the request exists during the hook, in a filter chain of a listener.
        unsafe { clear_route(self.filter.as_ptr()) }
    }

    /// Sets the filter state with that name.
    pub(crate) fn set_state(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let [name, value] = [name, value].map(|text| Buffer::of(text.as_bytes()));
        // SAFETY: Envoy copies both.
        let is_done = unsafe { set_state(self.filter.as_ptr(), name, value) };
        done(is_done, "the filter state is not set")
    }

    /// Answers instead of the upstream. Envoy calls the hook `local_reply` before this returns.
    pub(crate) fn answer(&mut self, status: u16, headers: &[Header<'_>], texts: [&str; 2]) {
        let (filter, status) = (self.filter.as_ptr(), status.into());
        let [body, details] = texts.map(|text| Buffer::of(text.as_bytes()));
        let (headers, count) = (headers.as_ptr(), headers.len());
        self.has_answered.set(true);
        // SAFETY: Envoy copies everything before it returns, and that hook does nothing.
        unsafe { send_response(filter, status, headers, count, body, details) }
    }

    /// Resets the request's stream.
    pub(crate) fn reset(&mut self) {
        let details = Buffer::of(b"keyward_no_reply");
        // SAFETY: the request exists during the hook.
        unsafe { reset_stream(self.filter.as_ptr(), LOCAL_RESET, details) }
    }
}

/// What Envoy stores for the module: both sides of a filter configuration.
struct Held<P> {
    config: NonNull<c_void>,
    caller: Vouched,
    plugin: P,
}

/// What [`Module::make`] gave to Envoy, or null. All hooks of a module use the same `P`, which
/// [`export`] names once.
#[repr(transparent)]
pub(crate) struct Module<P>(*const Held<P>);

impl<P: Send + Sync> Module<P> {
    pub(crate) const NULL: Self = Self(null());

    pub(crate) fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// Creates a plugin for that configuration, for Envoy to store. Returns null on failure.
    pub(crate) fn make(
        config: &Config<'_>,
        make: impl FnOnce(&Config<'_>, &Caller) -> Option<P>,
    ) -> Self {
        let side = Side(config.config);
        let caller = Vouched(Caller(Arc::new(Mutex::new(Some(side)))));
        let Some(plugin) = make(config, &caller.0) else {
            return Self::NULL;
        };
        Self(Box::into_raw(Box::new(Held {
            config: config.config,
            caller,
            plugin,
        })))
    }

    /// Returns the plugin that Envoy stores, if there is one.
    pub(crate) fn held(&self) -> Option<&P> {
        // SAFETY: the pointer is null, or what `make` returned. Envoy keeps it as long as a request
        // or a scheduled call of the configuration is in a hook, and passes it to `config_destroy`
        // after the last.
        unsafe { self.0.as_ref() }.map(|held| &held.plugin)
    }

    /// Takes the plugin back from Envoy, and passes it to `end`. Only for the hook
    /// `config_destroy`.
    pub(crate) fn release(self, end: impl FnOnce(P, &Config<'_>)) {
        if !self.is_null() {
            // SAFETY: `make` created it from a box, and Envoy returns it once.
            let held = *unsafe { Box::from_raw(self.0.cast_mut()) };
            let Held {
                config,
                caller,
                plugin,
            } = held;
            // If the main thread is just making or ending a call, this waits for that.
            drop(caller);
            // Envoy's side exists until its destructor, which calls the hook, has ended.
            let hook = PhantomData;
            end(plugin, &Config { config, hook });
        }
    }
}

/// Exports the hooks, by their names in abi.h without `envoy_dynamic_module_on_`, for a plugin of
/// that type.
macro_rules! export {
    (type $of:ident = $plugin:ty; $($symbol:literal $name:ident($($part:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {
        /// The module's side of a filter configuration, as Envoy stores it.
        pub(crate) type $of = $crate::abi::Module<$plugin>;
        $(
            const _: () = {
                #[expect(unsafe_code, reason = "Envoy looks for this name")]
                #[unsafe(export_name = $symbol)]
                extern "C" fn exported($($part: $kind),*) $(-> $result)? { $name($($part),*) }
            };
        )*
    };
}
pub(crate) use export;

/// Exports hooks that do nothing. For those that return a status, 0 means `Continue`.
macro_rules! idle {
    ($($hook:ident($($kind:ty),*) $(-> $result:ty)?;)*) => {
        $(
            #[expect(unsafe_code, reason = "Envoy looks for this name")]
            #[unsafe(no_mangle)]
            extern "C" fn $hook($(_: $kind),*) $(-> $result)? { Default::default() }
        )*
    };
}
pub(crate) use idle;
