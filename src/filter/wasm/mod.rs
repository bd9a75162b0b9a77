//! The filter in an Envoy VM. Only this module uses proxy-wasm. It also contains what else a VM
//! needs: its memory, its statics, its timers.

mod abi;
mod feed;
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
    proxy_wasm::set_root_context(|_| Box::new(Root { instance: None, told: 0 }));
}}

/// A plugin in a VM, from one push to the next.
struct Root {
    instance: Option<Instance>,
    /// When the instance last ran its own tick, in milliseconds. A feed makes the timer fire more
    /// often.
    told: u64,
}

impl Context for Root {
    /// Called when the plugin was replaced or removed.
    fn on_done(&mut self) -> bool {
        // A timer outlives its root context.
        abi::set_tick_period(0);
        if let Some(instance) = self.instance.take() {
            instance.end();
            feed::end(&instance);
        }
        true
    }

    /// Called when a call was answered. Without headers, the call failed, and nothing of the answer
    /// may be read.
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, _: usize) {
        let instance = self.instance.as_ref();
        if let Some(next) = instance.and_then(|it| feed::answered(it, token, headers, body)) {
            abi::set_tick_period(timer::period(next));
        }
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

    /// Returns false only because of the configuration's bytes. In that case, every VM agrees,
    /// including the trial load on Envoy's main thread, and the push is rejected before a worker
    /// sees it.
    fn on_configure(&mut self, size: usize) -> bool {
        #[cfg(feature = "trap-door")]
        if let Some(result) = trap_door::on_configure(size) {
            return result;
        }
        match load::load(size) {
            Load::Serve(instance) => {
                if let Some(before) = self.instance.replace(instance) {
                    before.end();
                    feed::end(&before);
                }
                self.told = 0;
                abi::set_tick_period(SETTLING);
                true
            }
            Load::Refuse => false,
        }
    }

    fn on_tick(&mut self) {
        let Some(instance) = &self.instance else {
            return abi::set_tick_period(0);
        };
        let feed = feed::tick(instance);
        let Some(next) = feed else {
            let again = instance.tick();
            return abi::set_tick_period(if again { PERIOD } else { 0 });
        };
        let now = abi::now_milliseconds().unwrap_or(0);
        if now.abs_diff(self.told) >= u64::from(PERIOD) {
            self.told = now;
            instance.tick();
        }
        abi::set_tick_period(timer::period(next));
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(self.instance.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
