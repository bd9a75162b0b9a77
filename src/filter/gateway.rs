//! What one plugin of this VM serves: its configuration, loaded once per push, and the last good one of each plugin.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::host::{self, HostStatus, LogLevel};
use super::memory::{self, Meter};
use super::metrics;
use crate::configuration::Configuration;

/// How much of a configuration is read in one call.
const RANGE: usize = 1 << 20;

/// Plugins that share a VM share its statics: each is known by its name and root id, and never sees another's keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PluginId(Box<[u8]>, Box<[u8]>);

impl PluginId {
    pub(super) fn of_this_plugin() -> Self {
        let read = |path| host::property(path).ok().flatten().unwrap_or_default();
        Self(read("plugin_name"), read("plugin_root_id"))
    }
}

/// A loaded configuration.
pub(super) struct Gateway {
    pub(super) configuration: Configuration,
    is_announced: Cell<bool>,
}

impl Gateway {
    fn new(configuration: Configuration) -> Rc<Self> {
        Rc::new(Self {
            configuration,
            is_announced: Cell::new(false),
        })
    }

    /// Denies everything for want of a snapshot.
    pub(super) fn closed() -> Rc<Self> {
        Self::new(Configuration::closed())
    }

    /// Says what is served, once: at the first request.
    pub(super) fn announce(&self, plugin: &PluginId) {
        if self.is_announced.replace(true) {
            return;
        }
        let Some(snapshot) = self.configuration.snapshot() else {
            return;
        };
        let revision = snapshot.revision();
        let before = SERVED.with_borrow_mut(|served| served.insert(plugin.clone(), revision));
        if before.is_some_and(|before| revision < before) {
            metrics::count_rollback();
        }
        metrics::announce(snapshot);
    }
}

thread_local! {
    static LAST_GOOD: RefCell<HashMap<PluginId, LastGood>> = RefCell::new(HashMap::new());
    static SERVED: RefCell<HashMap<PluginId, crate::snapshot::Revision>> = RefCell::new(HashMap::new());
}

struct LastGood {
    gateway: Rc<Gateway>,
    /// Whether a newer configuration could not be loaded.
    is_behind: bool,
}

/// How a load ended.
pub(super) enum Load {
    /// This is served from now on.
    Serve(Rc<Gateway>),
    /// The configuration's bytes are refused, here and in every other VM.
    Refuse,
}

/// Loads the plugin's configuration of `size` bytes. Only its bytes can make it refused; for any other trouble the last good one goes on.
pub(super) fn load(plugin: &PluginId, size: usize) -> Load {
    if size > memory::LARGEST_CONFIGURATION {
        let most = memory::LARGEST_CONFIGURATION;
        return refuse(&format!(
            "expected at most {most} bytes, and there are {size}"
        ));
    }
    if !memory::has_room_for(size) {
        return keep(
            plugin,
            "there is not enough memory to load it beside the one that is served",
        );
    }
    let meter = Meter::start();
    let text = match read(size) {
        Ok(text) => text,
        Err(Unread::Host(HostStatus(status))) => {
            return keep(
                plugin,
                &format!("the host did not hand it over: status {status}"),
            );
        }
        Err(Unread::Memory) => return keep(plugin, "there is not enough memory to read it"),
    };
    let configuration = match Configuration::from_json(&text) {
        Ok(configuration) => configuration,
        Err(refusal) => return refuse(&refusal.to_string()),
    };
    drop(text);
    let most = memory::allowance(size);
    if meter.peak() > most {
        return refuse(&format!(
            "expected a configuration that takes at most {most} bytes of memory to load"
        ));
    }
    let gateway = Gateway::new(configuration);
    remember(plugin, &gateway, false);
    Load::Serve(gateway)
}

/// Forgets `gateway` where it is still the plugin's last good one: the plugin was taken away, not replaced.
pub(super) fn forget(plugin: &PluginId, gateway: &Rc<Gateway>) {
    LAST_GOOD.with_borrow_mut(|plugins| {
        let is_last = plugins
            .get(plugin)
            .is_some_and(|last| Rc::ptr_eq(&last.gateway, gateway));
        if is_last {
            plugins.remove(plugin);
        }
    });
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

fn refuse(why: &str) -> Load {
    host::log(
        LogLevel::Error,
        &format!("keyward: configuration refused: {why}"),
    );
    Load::Refuse
}

fn keep(plugin: &PluginId, why: &str) -> Load {
    let last =
        LAST_GOOD.with_borrow(|plugins| plugins.get(plugin).map(|last| Rc::clone(&last.gateway)));
    let effect = if last.is_some() {
        "the last good one goes on"
    } else {
        "everything is denied"
    };
    host::log(
        LogLevel::Error,
        &format!("keyward: configuration not loaded: {why}; {effect}"),
    );
    let gateway = last.unwrap_or_else(Gateway::closed);
    remember(plugin, &gateway, true);
    Load::Serve(gateway)
}

fn remember(plugin: &PluginId, gateway: &Rc<Gateway>, is_behind: bool) {
    let last = LastGood {
        gateway: Rc::clone(gateway),
        is_behind,
    };
    let before = LAST_GOOD.with_borrow_mut(|plugins| plugins.insert(plugin.clone(), last));
    match (before.is_some_and(|before| before.is_behind), is_behind) {
        (false, true) => metrics::add_behind(1),
        (true, false) => metrics::add_behind(-1),
        _ => {}
    }
}
