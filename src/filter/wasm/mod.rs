//! The filter in a VM of Envoy's: the only code that names proxy-wasm, and what a VM needs besides: its memory, its statics, its timers.

mod abi;
mod instance;
mod load;
mod memory;
mod metrics;
mod request;
mod shared_data;
mod timer;
#[cfg(feature = "trap-door")]
mod trap_door;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::filter::host::LogLevel;
use instance::Instance;
use load::Load;
use request::Stream;
use timer::{PERIOD, SETTLING};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root { instance: None }));
}}

/// One plugin in one VM, from one push to the next.
struct Root {
    instance: Option<Instance>,
}

impl Context for Root {
    /// The plugin was replaced or taken away.
    fn on_done(&mut self) -> bool {
        // A timer outlives its root context.
        abi::set_tick_period(0);
        if let Some(instance) = self.instance.take() {
            instance.end();
        }
        true
    }
}

impl RootContext for Root {
    fn on_vm_start(&mut self, _size: usize) -> bool {
        let built = concat!(
            "keyward ",
            env!("CARGO_PKG_VERSION"),
            " (",
            env!("KEYWARD_COMMIT"),
            ")"
        );
        abi::log(LogLevel::Info, built);
        true
    }

    /// False for one cause alone, the configuration's bytes: then every VM agrees, the trial load on Envoy's main thread among them, and the push is
    /// refused before a worker sees it.
    fn on_configure(&mut self, size: usize) -> bool {
        #[cfg(feature = "trap-door")]
        if let Some(result) = trap_door::on_configure(size) {
            return result;
        }
        match load::load(size) {
            Load::Serve(instance) => {
                if let Some(before) = self.instance.replace(instance) {
                    before.end();
                }
                abi::set_tick_period(SETTLING);
                true
            }
            Load::Refuse => false,
        }
    }

    fn on_tick(&mut self) {
        let again = self.instance.as_ref().is_some_and(Instance::tick);
        abi::set_tick_period(if again { PERIOD } else { 0 });
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(self.instance.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
