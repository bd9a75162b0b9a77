//! What Envoy calls. Every hook checks the pointers it is given, and no panic leaves one.

use std::cell::Cell;
use std::ffi::c_char;
use std::ptr::null;

use keyward::filter::exchange::Flow;

use crate::abi::{Buffer, Config, Envoy, Module, Stream, held, hold, release};
use crate::boundary::{caught, set_up};
use crate::plugin::Plugin;

/// The hooks' `…_status_Continue`, and `…_StopIteration` of headers and trailers.
const CONTINUE: u32 = 0;
const STOP: u32 = 1;
/// `envoy_dynamic_module_type_on_http_filter_request_body_status_StopIterationNoBuffer`.
const STOP_BODY: u32 = 3;

/// The module is loaded. Null refuses that.
pub(crate) fn program_init() -> *const c_char {
    caught(set_up).map_or(null(), |()| c"v0.2.0".as_ptr())
}

/// A configuration is pushed. Null refuses it.
pub(crate) fn config_new(config: Envoy, name: Buffer<'_>, bytes: Buffer<'_>) -> Module {
    let made = caught(|| {
        let config = Config::new(config)?;
        let plugin = Plugin::new(&config, name.text(), bytes.whole())?;
        Some(hold(&config, plugin))
    });
    made.flatten().unwrap_or(null())
}

/// Nothing uses the configuration any more.
pub(crate) fn config_destroy(module: Module) {
    caught(|| release(module, Plugin::on_destroy));
}

/// What the module's own thread asked for.
pub(crate) fn config_scheduled(config: Envoy, module: Module, _event: u64) {
    caught(|| {
        if let (Some(config), Some(plugin)) = (Config::new(config), held(module)) {
            plugin.on_schedule(&config);
        }
    });
}

/// A request comes. Its filter has the configuration for as long as it lives, so it needs nothing of its own.
pub(crate) fn filter_new(module: Module, _filter: Envoy) -> Module {
    module
}

/// The request's headers are there.
pub(crate) fn request_headers(filter: Envoy, module: Module, end_of_stream: bool) -> u32 {
    let has_answered = Cell::new(false);
    let stream = || Stream::new(filter, &has_answered);
    let flow = caught(|| match (stream(), held(module)) {
        (Some(stream), Some(plugin)) => plugin.on_request(stream, end_of_stream),
        // Envoys before 1.40 ask a filter that was not made.
        (Some(stream), None) => Plugin::on_request_of_none(stream),
        (None, _) => Flow::Stop,
    });
    match flow {
        Some(Flow::Continue) => CONTINUE,
        Some(Flow::Stop) => STOP,
        None => {
            let denied = caught(|| stream().map(|stream| Plugin::on_panic(held(module), stream)));
            if denied.is_none() {
                caught(|| stream().map(|mut stream| stream.reset()));
            }
            STOP
        }
    }
}

/// More of a request is there. A filter without a plugin lets nothing on; one with a plugin has decided at the headers.
pub(crate) fn request_body(_filter: Envoy, module: Module, _end_of_stream: bool) -> u32 {
    if module.is_null() {
        STOP_BODY
    } else {
        CONTINUE
    }
}

/// The same of its end.
pub(crate) fn request_trailers(_filter: Envoy, module: Module) -> u32 {
    if module.is_null() { STOP } else { CONTINUE }
}
