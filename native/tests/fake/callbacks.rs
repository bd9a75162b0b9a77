//! Envoy's functions that the module calls.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex};

use super::{
    Answer, Buffer, Config, LOG, Process, RawHeader, Stream,
    envoy_dynamic_module_on_http_filter_local_reply,
};

pub(super) unsafe fn config<'a>(config: *mut c_void) -> &'a Config {
    // SAFETY: the fake created it.
    unsafe { &*config.cast::<Config>() }
}

unsafe fn stream<'a>(filter: *mut c_void) -> &'a mut Stream {
    // SAFETY: the fake created it, and it is valid during a hook.
    unsafe { &mut *filter.cast::<Stream>() }
}

/// Returns the labels as texts.
unsafe fn labels(labels: *const Buffer, count: usize) -> Vec<String> {
    let labels = match count {
        0 => &[],
        // SAFETY: the module owns it during the call.
        count => unsafe { std::slice::from_raw_parts(labels, count) },
    };
    labels.iter().map(|label| label.text()).collect()
}

#[unsafe(no_mangle)]
pub extern "C" fn envoy_dynamic_module_callback_log(_level: u32, message: Buffer) {
    LOG.with_borrow(|process| {
        if let Some(process) = process {
            process.lock().unwrap().log.push(message.text());
        }
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn envoy_dynamic_module_callback_get_concurrency() -> u32 {
    2
}

#[unsafe(no_mangle)]
pub extern "C" fn envoy_dynamic_module_callback_is_validation_mode() -> bool {
    false
}

unsafe fn define(
    raw: *mut c_void,
    name: Buffer,
    names: *const Buffer,
    count: usize,
    id: *mut usize,
) -> u32 {
    // SAFETY: the caller guarantees it.
    let (config, labels) = unsafe { (config(raw), labels(names, count)) };
    let mut defined = config.defined.lock().unwrap();
    if defined.len() >= config.most_metrics {
        return 3;
    }
    defined.push((name.text(), labels));
    // SAFETY: the module provides a place for the number.
    unsafe { *id = defined.len() - 1 };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_config_define_counter(
    config: *mut c_void,
    name: Buffer,
    labels: *const Buffer,
    count: usize,
    id: *mut usize,
) -> u32 {
    // SAFETY: as above.
    unsafe { define(config, name, labels, count, id) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_config_define_gauge(
    config: *mut c_void,
    name: Buffer,
    labels: *const Buffer,
    count: usize,
    id: *mut usize,
) -> u32 {
    // SAFETY: as above.
    unsafe { define(config, name, labels, count, id) }
}

unsafe fn change(
    raw: *mut c_void,
    id: usize,
    values: *const Buffer,
    count: usize,
    change: impl FnOnce(&mut u64),
) -> u32 {
    // SAFETY: the caller guarantees it.
    let (config, values) = unsafe { (config(raw), labels(values, count)) };
    let defined = config.defined.lock().unwrap();
    let Some((name, names)) = defined.get(id) else {
        return 1;
    };
    if names.len() != values.len() {
        return 2;
    }
    let tags = names
        .iter()
        .zip(values)
        .map(|(name, value)| format!(".{name}.{value}"));
    let name = format!("{name}{}", tags.collect::<String>());
    change(
        config
            .process
            .lock()
            .unwrap()
            .metrics
            .entry(name)
            .or_default(),
    );
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_config_increment_counter(
    config: *mut c_void,
    id: usize,
    values: *const Buffer,
    count: usize,
    by: u64,
) -> u32 {
    // SAFETY: as above.
    unsafe { change(config, id, values, count, |value| *value += by) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_config_set_gauge(
    config: *mut c_void,
    id: usize,
    values: *const Buffer,
    count: usize,
    to: u64,
) -> u32 {
    // SAFETY: as above.
    unsafe { change(config, id, values, count, |value| *value = to) }
}

/// A scheduler. Like Envoy's, it outlives its configuration: it has only a number, and the process.
struct Scheduler {
    number: usize,
    process: Arc<Mutex<Process>>,
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_config_scheduler_new(
    raw: *mut c_void,
) -> *mut c_void {
    // SAFETY: the fake created it.
    let config = unsafe { config(raw) };
    if !config.has_scheduler {
        return null_mut();
    }
    let scheduler = Scheduler {
        number: config.number,
        process: Arc::clone(&config.process),
    };
    Box::into_raw(Box::new(scheduler)).cast()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_config_scheduler_commit(
    scheduler: *mut c_void,
    _event: u64,
) {
    // SAFETY: the fake created it.
    let scheduler = unsafe { &*scheduler.cast::<Scheduler>() };
    let given_up = {
        let mut process = scheduler.process.lock().unwrap();
        process.scheduled.push_back(scheduler.number);
        process.given_up.take()
    };
    if let Some(filter) = given_up {
        drop(filter);
        scheduler.process.lock().unwrap().destroyed += 1;
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_config_scheduler_delete(
    scheduler: *mut c_void,
) {
    // SAFETY: the fake created it from a box, and the module returns it once.
    drop(unsafe { Box::from_raw(scheduler.cast::<Scheduler>()) });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_get_headers_size(
    filter: *mut c_void,
    map: u32,
) -> usize {
    assert_eq!(map, 0, "the request's headers");
    // SAFETY: the fake created it.
    let stream = unsafe { stream(filter) };
    let count = stream.headers.len() + usize::from(stream.faults.raw.is_some());
    stream.faults.headers_size.unwrap_or(count)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_get_headers(
    filter: *mut c_void,
    _map: u32,
    headers: *mut RawHeader,
) -> bool {
    // SAFETY: the fake created it.
    let stream = unsafe { stream(filter) };
    if stream.faults.get_headers {
        return false;
    }
    let all = stream.headers.iter().map(|(name, value)| RawHeader {
        name: Buffer::of(name),
        value: Buffer::of(value),
    });
    let raw = stream.faults.raw.map(|raw| {
        let part = |length: Option<usize>, good: &'static [u8]| {
            let wrong = |length| Buffer {
                length,
                ..Buffer::NULL
            };
            length.map_or(Buffer::of(good), wrong)
        };
        RawHeader {
            name: part(raw.name, b"x-raw"),
            value: part(raw.value, b"raw"),
        }
    });
    let most = stream.faults.headers_size.unwrap_or(usize::MAX);
    for (at, header) in all.chain(raw).take(most).enumerate() {
        // SAFETY: the module has as many places as this function counted.
        unsafe { headers.add(at).write(header) };
    }
    true
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_add_header(
    filter: *mut c_void,
    _map: u32,
    name: Buffer,
    value: Buffer,
) -> bool {
    // SAFETY: the fake created it.
    let stream = unsafe { stream(filter) };
    stream.calls.push("add");
    if stream.faults.add_header {
        return false;
    }
    stream
        .headers
        .push((name.bytes().into(), value.bytes().into()));
    true
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_set_header(
    filter: *mut c_void,
    _map: u32,
    name: Buffer,
    value: Buffer,
) -> bool {
    // SAFETY: the fake created it.
    let stream = unsafe { stream(filter) };
    stream.calls.push("remove");
    assert!(value.start.is_null(), "the module only removes");
    if stream.faults.remove_header {
        return false;
    }
    stream.headers.retain(|(other, _)| **other != *name.bytes());
    true
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_send_response(
    filter: *mut c_void,
    status: u32,
    headers: *const RawHeader,
    count: usize,
    body: Buffer,
    details: Buffer,
) {
    // SAFETY: the module owns it during the call.
    let headers = unsafe { std::slice::from_raw_parts(headers, count) };
    let answer = Answer {
        status,
        headers: headers
            .iter()
            .map(|header| (header.name.text(), header.value.text()))
            .collect(),
        body: body.text(),
        details: details.text(),
    };
    // SAFETY: the fake created it. Envoy calls the hook before it returns.
    unsafe {
        stream(filter).calls.push("answer");
        stream(filter).answers.push(answer);
        let held = stream(filter).held;
        assert_eq!(
            envoy_dynamic_module_on_http_filter_local_reply(filter, held, status, details, false),
            0
        );
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_clear_route_cache(filter: *mut c_void) {
    // SAFETY: the fake created it.
    unsafe { stream(filter) }.calls.push("route");
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_set_filter_state_bytes(
    filter: *mut c_void,
    key: Buffer,
    value: Buffer,
) -> bool {
    // SAFETY: the fake created it.
    let stream = unsafe { stream(filter) };
    stream.calls.push("state");
    if stream.faults.set_state {
        return false;
    }
    stream.state.push((key.text(), value.bytes().to_vec()));
    true
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_get_attribute_string(
    filter: *mut c_void,
    attribute: u32,
    value: *mut Buffer,
) -> bool {
    // SAFETY: the fake created it.
    let stream = unsafe { stream(filter) };
    let text = match attribute {
        24 => &stream.source,
        26 => &stream.destination,
        other => panic!("the module asks for attribute {other}"),
    };
    if stream.faults.attributes {
        return false;
    }
    // SAFETY: the module provides the buffer.
    unsafe { value.write(Buffer::of(text)) };
    true
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_get_worker_index(
    filter: *mut c_void,
) -> u32 {
    // SAFETY: the fake created it.
    unsafe { stream(filter) }.faults.worker
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_reset_stream(
    filter: *mut c_void,
    _reason: u32,
    _details: Buffer,
) {
    // SAFETY: the fake created it.
    unsafe { stream(filter) }.resets += 1;
}
