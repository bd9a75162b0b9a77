//! A plugin's configuration, loaded once per push. Only its bytes can make it refused; for any other trouble the plugin stays behind with what it has.

use std::cell::Cell;
use std::rc::Rc;

use super::census;
use super::host::{self, HostStatus, LogLevel};
use super::memory::{self, Meter};
use super::tenure::{PluginId, Tenure, release_pinned};
use crate::configuration::{Configuration, named_revision};

/// How much of a configuration is read in one call.
const RANGE: usize = 1 << 20;

/// A loaded configuration.
pub(super) struct Gateway {
    pub(super) configuration: Configuration,
}

impl Gateway {
    /// Denies everything for want of a snapshot.
    pub(super) fn closed() -> Rc<Self> {
        Rc::new(Self {
            configuration: Configuration::closed(),
        })
    }
}

/// How a load ended.
pub(super) enum Load {
    /// This is served from now on.
    Serve(Rc<Tenure>),
    /// The configuration's bytes are refused, here and in every other VM.
    Refuse,
}

/// Loads the plugin's configuration of `size` bytes.
pub(super) fn load(plugin: PluginId, size: usize) -> Load {
    if size > memory::LARGEST_CONFIGURATION {
        let most = memory::LARGEST_CONFIGURATION;
        return refuse(
            &plugin,
            None,
            &format!("expected at most {most} bytes, and there are {size}"),
        );
    }
    release_pinned(memory::is_low);
    if !memory::has_room_for(size) {
        release_pinned(|| memory::has_room_for(size));
    }
    if !memory::has_room_for(size) {
        let why = "there is not enough memory to load it beside what is served";
        return stay_behind(plugin, why);
    }
    let meter = Meter::start();
    let text = match read(size) {
        Ok(text) => text,
        Err(Unread::Host(HostStatus(status))) => {
            let why = format!("the host did not hand it over: status {status}");
            return stay_behind(plugin, &why);
        }
        Err(Unread::Memory) => return stay_behind(plugin, "there is not enough memory to read it"),
    };
    let configuration = match Configuration::from_json(&text) {
        Ok(configuration) => configuration,
        Err(refusal) => return refuse(&plugin, named_revision(&text), &refusal.to_string()),
    };
    drop(text);
    #[cfg(feature = "trap-door")]
    super::trap_door::tell_peak(meter.peak());
    let most = memory::allowance(size);
    if IS_FRESH.replace(false) {
        if meter.peak() > most {
            let snapshot = configuration.snapshot();
            return refuse(
                &plugin,
                snapshot.map(|snapshot| snapshot.revision().number()),
                &format!(
                    "expected a configuration that takes at most {most} bytes of memory to load"
                ),
            );
        }
        // The trial comes first, and on one thread: a worker that is late with an older push does not take back what this one says.
        census::accepts(&plugin);
    }
    Load::Serve(Tenure::begin(plugin, Rc::new(Gateway { configuration })))
}

thread_local! {
    /// Whether this VM has loaded nothing yet, as in every trial load. There a load takes the same memory to the byte wherever it is repeated, and what
    /// passed the trial is not measured again in a VM that has a past.
    static IS_FRESH: Cell<bool> = const { Cell::new(true) };
}

enum Unread {
    Host(HostStatus),
    Memory,
}

/// Reads the configuration in ranges, so that the host never asks for one large block.
fn read(size: usize) -> Result<Vec<u8>, Unread> {
    let mut text = Vec::new();
    text.try_reserve_exact(size).map_err(|_| Unread::Memory)?;
    while text.len() < size {
        let most = RANGE.min(size - text.len());
        let range = host::plugin_configuration(text.len(), most).map_err(Unread::Host)?;
        if range.is_empty() || range.len() > most {
            return Err(Unread::Host(HostStatus(0)));
        }
        text.extend_from_slice(&range);
    }
    Ok(text)
}

fn refuse(plugin: &PluginId, revision: Option<u64>, why: &str) -> Load {
    census::refuses(plugin, revision);
    host::log(
        LogLevel::Error,
        &format!("keyward: configuration refused: {why}"),
    );
    Load::Refuse
}

fn stay_behind(plugin: PluginId, why: &str) -> Load {
    let tenure = Tenure::begin_behind(plugin);
    let effect = if tenure.is_closed() {
        "everything is denied"
    } else {
        "the last good one goes on"
    };
    host::log(
        LogLevel::Error,
        &format!("keyward: configuration not loaded: {why}; {effect}"),
    );
    Load::Serve(tenure)
}
