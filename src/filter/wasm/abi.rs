//! The host's calls, as functions that cannot panic. Those of the SDK unwrap UTF-8 and panic on
//! unexpected statuses, so a single byte from a client could end a VM. The functions here return
//! the host's result.
//!
//! Source: <https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1>
#![expect(
    unsafe_code,
    reason = "the ABI passes pointers; every call of it is in this file"
)]

use std::fmt;
use std::ptr::null_mut;

use crate::filter::host::LogLevel;

/// The host's status, if it is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HostStatus(pub(super) u32);

impl fmt::Display for HostStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.0)
    }
}

type HostResult<T> = Result<T, HostStatus>;

const HTTP_REQUEST_HEADERS: u32 = 0;
const CALL_RESPONSE_HEADERS: u32 = 6;
const CALL_RESPONSE_BODY: u32 = 4;
const PLUGIN_CONFIGURATION: u32 = 7;
const HTTP_REQUEST_STREAM: u32 = 0;
const NOT_FOUND: u32 = 1;
/// The gRPC status of an answer that is not a denial. For a denial, Envoy derives it from the HTTP
/// status.
const GRPC_OK: i32 = 0;
const NO_GRPC_STATUS: i32 = -1;

/// The type of a metric.
#[derive(Clone, Copy)]
pub(super) enum MetricKind {
    Counter,
    Gauge,
}

// SAFETY: names and signatures are those of the ABI, version 0.2.1.
#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, message: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_buffer_bytes(
        kind: u32,
        start: usize,
        most: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_close_stream(stream: u32) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_shared_data(
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        version: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
        version: u32,
    ) -> u32;
}

fn check(status: u32) -> HostResult<()> {
    if status == 0 {
        Ok(())
    } else {
        Err(HostStatus(status))
    }
}

/// Takes ownership of what the host wrote into memory from the SDK's `proxy_on_memory_allocate`: a
/// boxed slice of exactly `size` bytes.
fn received(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> HostResult<Option<Box<[u8]>>> {
    let mut data: *mut u8 = null_mut();
    let mut size: usize = 0;
    match call(&raw mut data, &raw mut size) {
        0 if data.is_null() || size == 0 => Ok(None),
        // SAFETY: the host wrote `size` bytes into a boxed slice of that size, and does not use it
        // any more.
        0 => Ok(Some(unsafe {
            Box::from_raw(std::ptr::slice_from_raw_parts_mut(data, size))
        })),
        NOT_FOUND => Ok(None),
        status => Err(HostStatus(status)),
    }
}

/// Writes a log line. If the host does not accept it, that is not an error.
pub(super) fn log(level: LogLevel, message: &str) {
    let level = match level {
        LogLevel::Info => 2,
        LogLevel::Error => 4,
    };
    // SAFETY: pointer and size are those of `message`.
    let _ = unsafe { proxy_log(level, message.as_ptr(), message.len()) };
}

/// Returns the Unix time in seconds, if there is a clock.
pub(super) fn now() -> Option<u64> {
    let mut time = 0;
    // SAFETY: the host writes eight bytes.
    check(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) }).ok()?;
    Some(time / 1_000_000_000)
}

/// Returns the Unix time in milliseconds, if there is a clock.
pub(super) fn now_milliseconds() -> Option<u64> {
    let mut time = 0;
    // SAFETY: the host writes eight bytes.
    check(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) }).ok()?;
    Some(time / 1_000_000)
}

/// Returns all headers of the answer to a call, serialized. Only for use in its callback, and only
/// if the answer has headers.
pub(super) fn call_headers() -> HostResult<Box<[u8]>> {
    // SAFETY: the host writes a pointer and a size.
    received(|data, size| unsafe { proxy_get_header_map_pairs(CALL_RESPONSE_HEADERS, data, size) })
        .map(Option::unwrap_or_default)
}

/// Returns at most `most` bytes of the body of the answer to a call, from `start` on. Only for use
/// in its callback.
pub(super) fn call_body(start: usize, most: usize) -> HostResult<Box<[u8]>> {
    // SAFETY: the host writes a pointer and a size.
    received(|data, size| unsafe {
        proxy_get_buffer_bytes(CALL_RESPONSE_BODY, start, most, data, size)
    })
    .map(Option::unwrap_or_default)
}

/// Returns at most `most` bytes of the plugin configuration, from `start` on.
pub(super) fn plugin_configuration(start: usize, most: usize) -> HostResult<Box<[u8]>> {
    // SAFETY: the host writes a pointer and a size.
    received(|data, size| unsafe {
        proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, start, most, data, size)
    })
    .map(Option::unwrap_or_default)
}

/// Returns all headers of the request, serialized: see [`crate::header_map`].
pub(super) fn request_headers() -> HostResult<Box<[u8]>> {
    // SAFETY: the host writes a pointer and a size.
    received(|data, size| unsafe { proxy_get_header_map_pairs(HTTP_REQUEST_HEADERS, data, size) })
        .map(Option::unwrap_or_default)
}

/// Adds a header after all others.
pub(super) fn add_request_header(name: &[u8], value: &[u8]) -> HostResult<()> {
    // SAFETY: pointers and sizes are those of the slices.
    check(unsafe {
        proxy_add_header_map_value(
            HTTP_REQUEST_HEADERS,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    })
}

/// Removes all headers with that name.
pub(super) fn remove_request_header(name: &[u8]) -> HostResult<()> {
    // SAFETY: pointer and size are those of the slice.
    check(unsafe { proxy_remove_header_map_value(HTTP_REQUEST_HEADERS, name.as_ptr(), name.len()) })
}

/// Returns an Envoy attribute. The parts of its path are joined by NUL.
pub(super) fn property(path: &str) -> HostResult<Option<Box<[u8]>>> {
    // SAFETY: pointer and size are those of `path`; the host writes a pointer and a size.
    received(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

/// Sets the filter state `wasm.NAME`.
pub(super) fn set_filter_state(name: &str, value: &str) -> HostResult<()> {
    // SAFETY: pointers and sizes are those of the slices.
    check(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// Answers the request instead of the upstream, with response details for the access log.
pub(super) fn send_local_response(
    status: u16,
    details: &str,
    body: &str,
    headers: &[u8],
) -> HostResult<()> {
    let grpc_status = match status {
        200 => GRPC_OK,
        _ => NO_GRPC_STATUS,
    };
    // SAFETY: pointers and sizes are those of the slices.
    check(unsafe {
        proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status,
        )
    })
}

/// Resets the request's stream: the last resort if no reply can be sent.
pub(super) fn reset_stream() {
    // SAFETY: the call takes no pointer.
    let _ = unsafe { proxy_close_stream(HTTP_REQUEST_STREAM) };
}

/// Defines a metric and returns its id.
pub(super) fn define_metric(kind: MetricKind, name: &str) -> HostResult<u32> {
    let kind = match kind {
        MetricKind::Counter => 0,
        MetricKind::Gauge => 1,
    };
    let mut id = 0;
    // SAFETY: pointer and size are those of `name`; the host writes four bytes.
    check(unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}

/// Sets a gauge.
pub(super) fn record_metric(id: u32, value: u64) {
    // SAFETY: the call takes no pointer.
    let _ = unsafe { proxy_record_metric(id, value) };
}

/// Adds to a counter or gauge.
pub(super) fn increment_metric(id: u32, offset: i64) {
    // SAFETY: the call takes no pointer.
    let _ = unsafe { proxy_increment_metric(id, offset) };
}

/// Makes Envoy tick the root context of this call every `period` milliseconds. 0 stops it.
pub(super) fn set_tick_period(period: u32) {
    // SAFETY: the call takes no pointer.
    let _ = unsafe { proxy_set_tick_period_milliseconds(period) };
}

/// Returns a text that all VMs with this VM's name share, and its version.
pub(super) fn shared_data(name: &str) -> HostResult<Option<(Box<[u8]>, u32)>> {
    let mut version = 0;
    // SAFETY: pointer and size are those of `name`; the host writes a pointer, a size and four bytes.
    let text = received(|data, size| unsafe {
        proxy_get_shared_data(name.as_ptr(), name.len(), data, size, &raw mut version)
    })?;
    Ok(text.map(|text| (text, version)))
}

/// Replaces the shared text if it has that version. The first text is written with any version.
pub(super) fn set_shared_data(name: &str, text: &[u8], version: u32) -> HostResult<()> {
    // SAFETY: pointers and sizes are those of the slices.
    check(unsafe {
        proxy_set_shared_data(
            name.as_ptr(),
            name.len(),
            text.as_ptr(),
            text.len(),
            version,
        )
    })
}
