//! A proxy-wasm filter that does nothing, built as the SDK's examples are, with every callback exported. What it adds to a bare Envoy is the price of any filter, and the unit in
//! which keyward's own is counted.

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

impl HttpContext for Exchange {}
