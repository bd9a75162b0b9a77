//! A proxy-wasm filter that does nothing, built like the SDK's examples, with every callback
//! exported. The time that it adds to a bare Envoy is the price of any filter, and the unit for
//! keyward's own time. With the feature `probe`, it makes the host calls that keyward makes for a
//! request that passes: the cost of the ABI itself.

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Exchange))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Exchange;

impl Context for Exchange {}

impl HttpContext for Exchange {
    #[cfg(feature = "probe")]
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> proxy_wasm::types::Action {
        probe::call(self);
        proxy_wasm::types::Action::Continue
    }
}

#[cfg(feature = "probe")]
mod probe {
    use std::cell::Cell;

    use proxy_wasm::hostcalls;
    use proxy_wasm::types::MetricType;

    use super::*;

    thread_local! {
        static COUNTER: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// As long as a restricted key's identity.
    const IDENTITY: &str = "key=\"mk_restricted_000001\", kind=restricted, livemode=?0, account=\"acct_0000000001\", path=\"acct_0000000001\", permission=\"balance\", access=read, revision=1";

    pub(super) fn call(exchange: &mut Exchange) {
        std::hint::black_box(exchange.get_http_request_headers_bytes());
        exchange.add_http_request_header("x-keyward-principal", IDENTITY);
        exchange.set_property(vec!["keyward"], Some(IDENTITY.as_bytes()));
        let id = COUNTER.get().or_else(|| {
            let name = "decision=.=allow;.;reason=.=key;.;probe_requests_total";
            hostcalls::define_metric(MetricType::Counter, name).ok()
        });
        COUNTER.set(id);
        if let Some(id) = id {
            let _ = hostcalls::increment_metric(id, 1);
        }
    }
}
