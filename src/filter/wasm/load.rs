//! A plugin's configuration, loaded once per push. Only its bytes can make it refused; for any other trouble the plugin stays behind with what it has.

use std::cell::Cell;

use super::abi::{self, HostStatus};
use super::feed;
use super::instance::{Instance, release_pinned, this_plugin};
use super::memory::{self, Form, Meter};
use super::metrics::Metrics;
use crate::configuration::{Configuration, Role, is_packed, named_revision, named_revision_packed};
use crate::filter::host::LogLevel;
use crate::filter::monitor;
use crate::filter::plugin_id::PluginId;
use crate::refusal::Refusal;
use crate::rows::CHUNK;
use crate::snapshot::packed::{LoadFault, Source, Trust};

/// How a load ended.
pub(super) enum Load {
    /// This is served from now on.
    Serve(Instance),
    /// The configuration's bytes are refused, here and in every other VM.
    Refuse,
}

/// Loads the plugin's configuration of `size` bytes.
pub(super) fn load(size: usize) -> Load {
    let plugin = this_plugin();
    if size > memory::LARGEST_CONFIGURATION {
        let most = memory::LARGEST_CONFIGURATION;
        return refuse(
            &plugin,
            None,
            &format!("expected at most {most} bytes, and there are {size}"),
        );
    }
    let form = match form(size) {
        Ok(form) => form,
        Err(status) => return stay_behind(plugin, &not_handed_over(status)),
    };
    release_pinned(memory::is_low, tell_given_up);
    if !memory::has_room_for(size, form) {
        release_pinned(|| memory::has_room_for(size, form), tell_given_up);
    }
    if !memory::has_room_for(size, form) {
        let why = "there is not enough memory to load it beside what is served";
        return stay_behind(plugin, why);
    }
    let meter = Meter::start();
    let configuration = match read(size, form) {
        Ok(configuration) => configuration,
        Err(Unread::Refused(refusal, revision)) => {
            return refuse(&plugin, revision, &refusal.to_string());
        }
        Err(Unread::Host(status)) => return stay_behind(plugin, &not_handed_over(status)),
        Err(Unread::Memory) => return stay_behind(plugin, "there is not enough memory to read it"),
    };
    #[cfg(feature = "trap-door")]
    super::trap_door::tell_peak(meter.peak());
    let most = memory::allowance(size, form);
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
        // A report serves no snapshot. `keyward wait` waits for whatever says anything of pushes, so a report says nothing.
        if configuration.settings().role == Role::Gateway {
            monitor::accepts(&mut Metrics, &plugin);
        }
    }
    let (configuration, following) = feed::prepare(&plugin, configuration);
    let settings = configuration.with_snapshot(None);
    let instance = Instance::begin(plugin, configuration);
    if let Some(following) = following {
        feed::follow(&instance, settings, following);
    }
    Load::Serve(instance)
}

thread_local! {
    /// Whether this VM has loaded nothing yet, as in every trial load. There a load takes the same memory to the byte wherever it is repeated, and what
    /// passed the trial is not measured again in a VM that has a past. Nor are the million rows of a packed snapshot looked at again: Envoy hands the same
    /// string of bytes to the trial and then to every worker, and a worker that looks at them serves nobody meanwhile.
    static IS_FRESH: Cell<bool> = const { Cell::new(true) };
}

enum Unread {
    /// With the revision that the configuration names.
    Refused(Refusal, Option<u64>),
    Host(HostStatus),
    Memory,
}

/// The plugin configuration, range by range, so that the host never asks for one large block.
struct Host;

impl Source for Host {
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

/// The form of a configuration, by its first bytes.
fn form(size: usize) -> Result<Form, HostStatus> {
    const ENOUGH: usize = 16;
    if size < ENOUGH {
        return Ok(Form::Text);
    }
    let start = Host.read(0, ENOUGH)?;
    Ok(if is_packed(&start) {
        Form::Packed
    } else {
        Form::Text
    })
}

fn read(size: usize, form: Form) -> Result<Configuration, Unread> {
    match form {
        Form::Text => {
            let text = text(size)?;
            Configuration::from_json(&text)
                .map_err(|refusal| Unread::Refused(refusal, named_revision(&text)))
        }
        Form::Packed => {
            let trust = if IS_FRESH.get() {
                Trust::Nothing
            } else {
                Trust::Content
            };
            Configuration::from_packed(&mut Host, size, trust).map_err(|fault| match fault {
                LoadFault::Source(status) => Unread::Host(status),
                LoadFault::Refused(refusal) => {
                    Unread::Refused(refusal, named_revision_packed(&mut Host, size))
                }
            })
        }
    }
}

/// All of the configuration, in one block.
fn text(size: usize) -> Result<Vec<u8>, Unread> {
    let mut text = Vec::new();
    text.try_reserve_exact(size).map_err(|_| Unread::Memory)?;
    while text.len() < size {
        let most = CHUNK.min(size - text.len());
        let range = Host.read(text.len(), most).map_err(Unread::Host)?;
        text.extend_from_slice(&range);
    }
    Ok(text)
}

fn not_handed_over(status: HostStatus) -> String {
    format!("the host did not hand it over: {status}")
}

fn refuse(plugin: &PluginId, revision: Option<u64>, why: &str) -> Load {
    monitor::refuses(&mut Metrics, plugin, revision);
    abi::log(
        LogLevel::Error,
        &format!("keyward: configuration refused: {why}"),
    );
    Load::Refuse
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
