//! The filter in a VM of Envoy's: the only code that names proxy-wasm, and what a VM needs besides: its memory, its statics, its timers.

mod abi;
mod census;
mod gateway;
mod memory;
mod metrics;
mod request;
mod tenure;
#[cfg(feature = "trap-door")]
mod trap_door;
mod usage;

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use gateway::Load;
use request::Stream;

use crate::filter::host::LogLevel;
use tenure::{BACK_PERIOD, PluginId, Tenure};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root { tenure: None }));
}}

/// When a configuration counts as loaded, in milliseconds after its load. Any time will do: Envoy ends a trial before it looks at a timer.
const SETTLING: u32 = 10;

/// One plugin in one VM, from one push to the next.
struct Root {
    tenure: Option<Rc<Tenure>>,
}

impl Context for Root {
    /// The plugin was replaced or taken away.
    fn on_done(&mut self) -> bool {
        // A timer outlives its root context.
        abi::set_tick_period(0);
        if let Some(tenure) = self.tenure.take() {
            tenure.end();
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
        match gateway::load(PluginId::of_this_plugin(), size) {
            Load::Serve(tenure) => {
                if let Some(before) = self.tenure.replace(tenure) {
                    before.end();
                }
                abi::set_tick_period(SETTLING);
                true
            }
            Load::Refuse => false,
        }
    }

    fn on_tick(&mut self) {
        let again = self.tenure.as_ref().is_some_and(|tenure| {
            let is_back = tenure.tick();
            tenure.usage().tick(tenure.plugin(), is_back)
        });
        abi::set_tick_period(if again { BACK_PERIOD } else { 0 });
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(self.tenure.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
