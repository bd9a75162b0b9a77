//! Loads a configuration in this VM: its memory, its old snapshots, and what it reports to Envoy.

use std::cell::Cell;
use std::sync::Arc;

use super::abi::{self, HostStatus};
use super::feed;
use super::instance::{Instance, release_pinned, this_plugin};
use super::memory::{self, Meter};
use super::metrics::Metrics;
use crate::configuration::Role;
use crate::filter::followers::Prepared;
use crate::filter::host::LogLevel;
use crate::filter::load::{self, Freshness, Loaded, Vm};
use crate::filter::monitor;
use crate::filter::plugin_id::PluginId;
use crate::snapshot::packed::Source;

/// The result of a load.
pub(super) enum Load {
    /// The plugin serves this instance from now on.
    Serve(Instance),
    /// The configuration's bytes are rejected, here and in every other VM.
    Refuse,
}

/// Loads the plugin's configuration of `size` bytes.
pub(super) fn load(size: usize) -> Load {
    let plugin = this_plugin();
    match load::load(&mut ThisVm(Meter::start()), size) {
        Loaded::Serve(configuration, freshness) => {
            // The trial comes first, and on one thread, so a worker that is late with an older push
            // cannot undo this report. A usage report serves no snapshot. `keyward wait` waits for
            // everything that reports pushes, so a usage report does not report them.
            match (freshness, configuration.settings().role) {
                (Freshness::Fresh, Role::Gateway) => monitor::accepts(&mut Metrics, &plugin),
                (Freshness::Fresh, Role::UsageReport) | (Freshness::Aged, _) => {}
            }
            let Prepared {
                configuration,
                following,
                seed,
            } = feed::prepare(&plugin, *configuration);
            let configuration = Arc::new(configuration);
            let instance = Instance::begin(plugin, Arc::clone(&configuration), seed);
            if let Some(following) = following {
                feed::follow(&instance, &configuration, following);
            }
            Load::Serve(instance)
        }
        Loaded::Refuse { why, revision } => {
            monitor::refuses(&mut Metrics, &plugin, revision);
            abi::log(
                LogLevel::Error,
                &format!("keyward: configuration refused: {why}"),
            );
            Load::Refuse
        }
        Loaded::Behind(why) => stay_behind(plugin, &why),
    }
}

thread_local! {
    static IS_FRESH: Cell<bool> = const { Cell::new(true) };
}

struct ThisVm(Meter);

impl Source for ThisVm {
    type Fault = HostStatus;

    fn read(&mut self, start: usize, length: usize) -> Result<Box<[u8]>, HostStatus> {
        let range = abi::plugin_configuration(start, length)?;
        if range.len() == length {
            Ok(range)
        } else {
            Err(HostStatus(0))
        }
    }
}

impl Vm for ThisVm {
    fn is_fresh(&self) -> bool {
        IS_FRESH.get()
    }

    fn ages(&mut self) {
        IS_FRESH.set(false);
    }

    fn has_room(&mut self, size: usize) -> bool {
        memory::has_room(size)
    }

    fn is_low(&self) -> bool {
        memory::is_low()
    }

    fn give_up_pinned(&mut self) -> bool {
        let is_one = release_pinned();
        if is_one {
            feed::sweep();
            tell_given_up();
        }
        is_one
    }

    fn peak(&self) -> usize {
        let peak = self.0.peak();
        #[cfg(feature = "trap-door")]
        super::trap_door::tell_peak(peak);
        peak
    }

    fn start_metering(&mut self) {
        self.0 = Meter::start();
    }
}

fn stay_behind(plugin: PluginId, why: &str) -> Load {
    let (instance, is_closed) = Instance::begin_behind(plugin);
    let effect = if is_closed {
        "everything is denied"
    } else {
        "the last good one goes on"
    };
    abi::log(
        LogLevel::Error,
        &format!("keyward: configuration not loaded: {why}; {effect}"),
    );
    feed::take_over(&instance);
    Load::Serve(instance)
}

fn tell_given_up() {
    let live = memory::live() >> 20;
    abi::log(
        LogLevel::Info,
        &format!(
            "keyward: an old snapshot that open streams had kept is given up; {live} MiB are in use"
        ),
    );
}
