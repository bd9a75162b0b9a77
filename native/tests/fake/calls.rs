//! Calls of a configuration, and Envoy's answers.

use std::ffi::c_void;

use super::callbacks::config;
use super::{
    Buffer, Filter, RawHeader, Text,
    envoy_dynamic_module_on_http_filter_config_http_stream_complete,
    envoy_dynamic_module_on_http_filter_config_http_stream_data,
    envoy_dynamic_module_on_http_filter_config_http_stream_headers,
    envoy_dynamic_module_on_http_filter_config_http_stream_reset,
    envoy_dynamic_module_on_http_filter_config_scheduled,
};

/// An open call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub number: u64,
    pub cluster: String,
    pub headers: Vec<(String, String)>,
    pub timeout: u64,
}

impl Made {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other == name);
        found.map(|(_, value)| &**value)
    }
}

/// The parts of an answer, in the order that Envoy passes them.
#[derive(Clone, Copy, Debug)]
pub enum Parts<'a> {
    Headers(&'a [(&'a [u8], &'a [u8])]),
    /// Chunks of the body.
    Data(&'a [&'a [u8]]),
    /// This many headers, or chunks, with a null pointer.
    NoHeaders(usize),
    NoData(usize),
    /// A chunk of this many bytes, with a null pointer.
    NoChunk(usize),
    Complete,
    Reset,
}

impl Filter {
    /// Runs a turn of the main thread for an event that the module scheduled.
    pub fn turn_for(&self, event: u64) {
        self.config.process.lock().unwrap().scheduled.clear();
        // SAFETY: as abi.h specifies.
        unsafe {
            envoy_dynamic_module_on_http_filter_config_scheduled(
                self.raw(),
                self.config.held,
                event,
            )
        }
    }

    /// Returns the open calls.
    pub fn calls(&self) -> Vec<Made> {
        self.config.calls.lock().unwrap().clone()
    }

    /// Returns the call whose path ends with `end`.
    #[track_caller]
    pub fn call(&self, end: &str) -> Made {
        let calls = self.calls();
        let path = |made: &&Made| made.header(":path").is_some_and(|path| path.ends_with(end));
        let found = calls.iter().find(path).cloned();
        found.unwrap_or_else(|| panic!("no call to …{end}: {calls:?}"))
    }

    pub fn refuse_calls(&mut self) {
        self.config.refuses_calls = true;
    }

    /// Answers 200 with this body.
    pub fn answer(&self, call: u64, body: &[u8]) {
        self.hand_over(call, Parts::Headers(&[(b":status", b"200")]));
        // In two chunks, the first one empty, which Envoy may do.
        self.hand_over(call, Parts::Data(&[b"", body]));
        self.hand_over(call, Parts::Complete);
    }

    /// Calls one hook. The texts are freed after it has returned.
    pub fn hand_over(&self, call: u64, part: Parts<'_>) {
        let (config, held) = (self.raw(), self.config.held);
        if matches!(part, Parts::Complete | Parts::Reset) {
            let mut calls = self.config.calls.lock().unwrap();
            calls.retain(|made| made.number != call);
        }
        let headers = |headers: *const RawHeader, count| {
            // SAFETY: as abi.h specifies, or as Envoy never does, which the module must detect.
            unsafe {
                envoy_dynamic_module_on_http_filter_config_http_stream_headers(
                    config, held, call, headers, count, false,
                );
            }
        };
        let data = |chunks: *const Buffer, count| {
            // SAFETY: as above.
            unsafe {
                envoy_dynamic_module_on_http_filter_config_http_stream_data(
                    config, held, call, chunks, count, false,
                );
            }
        };
        match part {
            Parts::Headers(pairs) => {
                let own: Vec<(Text, Text)> = pairs
                    .iter()
                    .map(|(name, value)| (Text::from(*name), Text::from(*value)))
                    .collect();
                let raw: Vec<RawHeader> = own
                    .iter()
                    .map(|(name, value)| RawHeader {
                        name: Buffer::of(name),
                        value: Buffer::of(value),
                    })
                    .collect();
                headers(raw.as_ptr(), raw.len());
            }
            Parts::Data(chunks) => {
                let own: Vec<Box<[u8]>> = chunks.iter().map(|chunk| Box::from(*chunk)).collect();
                let raw: Vec<Buffer> = own.iter().map(|chunk| Buffer::of(chunk)).collect();
                data(raw.as_ptr(), raw.len());
            }
            Parts::NoHeaders(count) => headers(std::ptr::null(), count),
            Parts::NoData(count) => data(std::ptr::null(), count),
            Parts::NoChunk(length) => {
                let chunk = Buffer {
                    length,
                    ..Buffer::NULL
                };
                data(&raw const chunk, 1);
            }
            // SAFETY: as abi.h specifies.
            Parts::Complete => unsafe {
                envoy_dynamic_module_on_http_filter_config_http_stream_complete(config, held, call);
            },
            // SAFETY: as abi.h specifies.
            Parts::Reset => unsafe {
                envoy_dynamic_module_on_http_filter_config_http_stream_reset(config, held, call, 0);
            },
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_config_start_http_stream(
    raw: *mut c_void,
    number: *mut u64,
    cluster: Buffer,
    headers: *const RawHeader,
    count: usize,
    body: Buffer,
    ends: bool,
    timeout: u64,
) -> u32 {
    // SAFETY: the fake created it.
    let config = unsafe { config(raw) };
    assert!(body.length == 0 && ends && timeout > 0);
    if config.refuses_calls {
        return 2;
    }
    // SAFETY: the module owns it during the call.
    let headers = unsafe { std::slice::from_raw_parts(headers, count) };
    let mut made = config.made.lock().unwrap();
    *made += 1;
    config.calls.lock().unwrap().push(Made {
        number: *made,
        cluster: cluster.text(),
        headers: headers
            .iter()
            .map(|header| (header.name.text(), header.value.text()))
            .collect(),
        timeout,
    });
    // SAFETY: the module provides a place for the number.
    unsafe { *number = *made };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_config_reset_http_stream(
    raw: *mut c_void,
    call: u64,
) {
    // SAFETY: the fake created it.
    let config = unsafe { config(raw) };
    let was_open = {
        let mut calls = config.calls.lock().unwrap();
        let before = calls.len();
        calls.retain(|made| made.number != call);
        calls.len() < before
    };
    if was_open {
        // SAFETY: as abi.h specifies: before the function returns.
        unsafe {
            envoy_dynamic_module_on_http_filter_config_http_stream_reset(raw, config.held, call, 0);
        }
    }
}
