//! The hooks that Envoy calls. Every hook checks the pointers that it receives, and no panic leaves
//! one.

use std::cell::Cell;
use std::ffi::c_char;
use std::ptr::null;

use keyward::filter::exchange::Flow;

use crate::abi::{
    Buffer, Caller, Config, Envoy, First, Header, Opaque, Stream, Texts, export, idle,
};
use crate::boundary::{caught, set_up};
use crate::plugin::Plugin;

export! {
    type Module = Plugin;
    "envoy_dynamic_module_on_program_init" program_init() -> *const c_char;
    "envoy_dynamic_module_on_http_filter_config_new" config_new(
        config: Envoy, name: Buffer<'_>, bytes: Buffer<'_>) -> Module;
    "envoy_dynamic_module_on_http_filter_config_destroy" config_destroy(module: Module);
    "envoy_dynamic_module_on_http_filter_config_scheduled" config_scheduled(
        config: Envoy, module: Module, event: u64);
    "envoy_dynamic_module_on_http_filter_new" filter_new(module: Module, filter: Envoy) -> Module;
    "envoy_dynamic_module_on_http_filter_request_headers" request_headers(
        filter: Envoy, module: Module, end_of_stream: bool) -> u32;
    "envoy_dynamic_module_on_http_filter_request_body" request_body(
        filter: Envoy, module: Module, end_of_stream: bool) -> u32;
    "envoy_dynamic_module_on_http_filter_request_trailers" request_trailers(
        filter: Envoy, module: Module) -> u32;
    "envoy_dynamic_module_on_http_filter_config_http_stream_headers" call_headers(
        config: Envoy, module: Module, call: u64, headers: First<'_, Header<'_>>, count: usize, ends: bool);
    "envoy_dynamic_module_on_http_filter_config_http_stream_data" call_data(
        config: Envoy, module: Module, call: u64, chunks: First<'_, Buffer<'_>>, count: usize, ends: bool);
    "envoy_dynamic_module_on_http_filter_config_http_stream_complete" call_complete(
        config: Envoy, module: Module, call: u64);
    "envoy_dynamic_module_on_http_filter_config_http_stream_reset" call_reset(
        config: Envoy, module: Module, call: u64, reason: u32);
}

/// The hooks' `…_status_Continue`, and `…_StopIteration` of headers and trailers.
const CONTINUE: u32 = 0;
const STOP: u32 = 1;
/// `envoy_dynamic_module_type_on_http_filter_request_body_status_StopIterationNoBuffer`.
const STOP_BODY: u32 = 3;

/// Called when the module is loaded. Null makes Envoy refuse it.
fn program_init() -> *const c_char {
    caught(set_up).map_or(null(), |()| c"v0.2.0".as_ptr())
}

/// Called when a configuration is pushed. Null rejects it.
fn config_new(config: Envoy, name: Buffer<'_>, bytes: Buffer<'_>) -> Module {
    let made = caught(|| {
        let make = |config: &Config<'_>, caller: &Caller| {
            Plugin::new(config, caller, name.text(), bytes.whole())
        };
        Config::new(config).map(|config| Module::make(&config, make))
    });
    made.flatten().unwrap_or(Module::NULL)
}

/// Called when nothing uses the configuration any more.
fn config_destroy(module: Module) {
    caught(|| module.release(Plugin::on_destroy));
}

/// Called for what the module's own thread scheduled.
fn config_scheduled(config: Envoy, module: Module, event: u64) {
    caught(|| {
        if let (Some(config), Some(plugin)) = (Config::new(config), module.held()) {
            plugin.on_schedule(&config, event);
        }
    });
}

/// Called with the headers of an answer to a configuration's call.
fn call_headers(
    _config: Envoy,
    module: Module,
    call: u64,
    headers: First<'_, Header<'_>>,
    count: usize,
    _ends: bool,
) {
    caught(|| {
        let plugin = module.held();
        plugin.map(|plugin| plugin.on_call_headers(call, headers.all(count)))
    });
}

/// Called with a part of the answer's body.
fn call_data(
    _config: Envoy,
    module: Module,
    call: u64,
    chunks: First<'_, Buffer<'_>>,
    count: usize,
    _ends: bool,
) {
    caught(|| {
        let plugin = module.held();
        plugin.map(|plugin| plugin.on_call_data(call, chunks.all(count)))
    });
}

/// Called when the answer is complete.
fn call_complete(config: Envoy, module: Module, call: u64) {
    call_ended(config, &module, call, true);
}

/// Called when the call has failed, or was ended.
fn call_reset(config: Envoy, module: Module, call: u64, _reason: u32) {
    call_ended(config, &module, call, false);
}

fn call_ended(config: Envoy, module: &Module, call: u64, is_whole: bool) {
    let ended = caught(|| {
        if let (Some(config), Some(plugin)) = (Config::new(config), module.held()) {
            plugin.on_call_end(&config, call, is_whole);
        }
    });
    if ended.is_none() {
        caught(|| module.held().map(Plugin::on_call_panic));
    }
}

/// Called for a new request. Its filter keeps the configuration as long as it lives, and needs
/// nothing else.
fn filter_new(module: Module, _filter: Envoy) -> Module {
    module
}

/// Called with the request's headers.
fn request_headers(filter: Envoy, module: Module, end_of_stream: bool) -> u32 {
    let has_answered = Cell::new(false);
    let stream = || Stream::new(filter, &has_answered);
    let flow = caught(|| match (stream(), module.held()) {
        (Some(stream), Some(plugin)) => plugin.on_request(stream, end_of_stream),
        // Before 1.40, Envoy also calls a filter that could not be created.
        (Some(stream), None) => Plugin::on_request_of_none(stream),
        (None, _) => Flow::Stop,
    });
    match flow {
        Some(Flow::Continue) => CONTINUE,
        Some(Flow::Stop) => STOP,
        None => {
            let denied = caught(|| stream().map(|stream| Plugin::on_panic(module.held(), stream)));
            if denied.is_none() {
                caught(|| stream().map(|mut stream| stream.reset()));
            }
            STOP
        }
    }
}

/// Called with a part of the request's body. Without a plugin, nothing continues. With one, the
/// decision was made at the headers.
fn request_body(_filter: Envoy, module: Module, _end_of_stream: bool) -> u32 {
    if module.is_null() {
        STOP_BODY
    } else {
        CONTINUE
    }
}

/// Called at the end of the request, with the same rule as [`request_body`].
fn request_trailers(_filter: Envoy, module: Module) -> u32 {
    if module.is_null() { STOP } else { CONTINUE }
}

// Hooks that Envoy looks for when it loads a filter.
idle! {
    envoy_dynamic_module_on_http_filter_response_headers(Envoy, Opaque, bool) -> u32;
    envoy_dynamic_module_on_http_filter_response_body(Envoy, Opaque, bool) -> u32;
    envoy_dynamic_module_on_http_filter_response_trailers(Envoy, Opaque) -> u32;
    envoy_dynamic_module_on_http_filter_local_reply(Envoy, Opaque, u32, Buffer<'_>, bool) -> u32;
    envoy_dynamic_module_on_http_filter_stream_complete(Envoy, Opaque);
    envoy_dynamic_module_on_http_filter_destroy(Opaque);
    envoy_dynamic_module_on_http_filter_scheduled(Envoy, Opaque, u64);
    envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark(Envoy, Opaque);
    envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark(Envoy, Opaque);
    // The trailers of an answer.
    envoy_dynamic_module_on_http_filter_config_http_stream_trailers(
        Envoy, Opaque, u64, *const Header<'_>, usize);
    // Calls of a request's filter, which this one does not make.
    envoy_dynamic_module_on_http_filter_http_callout_done(
        Envoy, Opaque, u64, u32, *const Header<'_>, usize, Texts<'_>, usize);
    envoy_dynamic_module_on_http_filter_http_stream_headers(
        Envoy, Opaque, u64, *const Header<'_>, usize, bool);
    envoy_dynamic_module_on_http_filter_http_stream_data(
        Envoy, Opaque, u64, Texts<'_>, usize, bool);
    envoy_dynamic_module_on_http_filter_http_stream_trailers(
        Envoy, Opaque, u64, *const Header<'_>, usize);
    envoy_dynamic_module_on_http_filter_http_stream_complete(Envoy, Opaque, u64);
    envoy_dynamic_module_on_http_filter_http_stream_reset(Envoy, Opaque, u64, u32);
}
