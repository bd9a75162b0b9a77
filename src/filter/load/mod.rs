//! Loads a plugin's configuration, once per push and VM. A load is rejected only because of the
//! configuration's bytes. After any other failure, the plugin keeps what it has, and the push has
//! no effect.
//!
//! A VM has at most 1 GiB, never returns memory, and contains an old and a new snapshot at the same
//! time. So the memory of a load is limited by a rule that depends only on the configuration's
//! bytes. Whether that much memory is free is a separate question. If it is not, the load does not
//! begin, because a failed allocation would end the VM.

#[cfg(test)]
mod tests;

use std::fmt;

use crate::configuration::{
    Configuration, LARGEST, is_packed, named_revision, named_revision_packed,
};
use crate::refusal::Refusal;
use crate::rows::CHUNK;
use crate::snapshot::packed::{LoadFault, Source, Trust};

/// The maximum memory of a load, including the configuration's text: well under half of the VM.
const LARGEST_LOAD: usize = 320 << 20;

/// The memory that any load may use in addition to a multiple of its configuration's size: see
/// [`Form`].
const LOAD_BASE: usize = 4 << 20;

/// The memory that stays free for requests.
const LEFT_TO_REQUESTS: usize = 32 << 20;

/// The form of a configuration. Parsed text takes more memory than bytes that are kept unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Packed,
}

impl Form {
    fn load_per_byte(self) -> usize {
        match self {
            Self::Text => 32,
            Self::Packed => 3,
        }
    }

    /// Returns the maximum memory of a load of `size` bytes.
    fn allowance(self, size: usize) -> usize {
        size.saturating_mul(self.load_per_byte())
            .saturating_add(LOAD_BASE)
            .min(LARGEST_LOAD)
    }

    /// Returns how much memory must be free for that. It adds half for gaps: a growing vector
    /// leaves blocks that are too small for what comes next.
    fn needed(self, size: usize) -> usize {
        let allowance = self.allowance(size);
        allowance
            .saturating_add(allowance / 2)
            .saturating_add(LEFT_TO_REQUESTS)
    }
}

/// Returns how much memory must be free to load a packed snapshot of `size` bytes, wherever it
/// comes from.
#[must_use]
pub fn needed_for_packed(size: usize) -> usize {
    Form::Packed.needed(size)
}

/// What a load needs from its VM. As a source, the VM returns the plugin's configuration range by
/// range, so that the host never asks for one large block.
pub trait Vm: Source {
    /// Returns whether this VM has loaded nothing yet, as in every trial load. In a fresh VM, a
    /// repeated load takes exactly the same memory, so a configuration that passed the trial is not
    /// measured again in an older VM. Nor are the million rows of a packed snapshot checked again:
    /// Envoy passes the same bytes to the trial and then to every worker, and a worker that checks
    /// them serves no requests meanwhile.
    fn is_fresh(&self) -> bool;

    /// Records that the VM has loaded something.
    fn ages(&mut self);

    /// Returns whether this much memory is available at once.
    fn has_room(&mut self, size: usize) -> bool;

    /// Returns whether so little memory is in use that old snapshots may stay for a while.
    fn is_low(&self) -> bool;

    /// Drops the oldest snapshot that only open streams keep. Returns whether one existed.
    fn give_up_pinned(&mut self) -> bool;

    /// Returns the maximum memory in use, beyond what was in use when [`Self::start_metering`] was
    /// called.
    fn peak(&self) -> usize;

    /// Starts measuring for [`Self::peak`].
    fn start_metering(&mut self);
}

/// The result of a load.
#[derive(Debug)]
pub enum Loaded {
    /// The plugin serves this configuration from now on. In a fresh VM, the push is accepted.
    Serve(Box<Configuration>, Freshness),
    /// The configuration's bytes are rejected, here and in every other VM.
    Refuse {
        /// What is wrong with them.
        why: String,
        /// The revision that they name.
        revision: Option<u64>,
    },
    /// The load failed, for this reason, which does not depend on the bytes.
    Behind(String),
}

/// Whether a VM was fresh before a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The VM was fresh: see [`Vm::is_fresh`].
    Fresh,
    /// The VM had loaded something before.
    Aged,
}

/// Loads the plugin's configuration of `size` bytes.
pub fn load<V: Vm<Fault: fmt::Display>>(vm: &mut V, size: usize) -> Loaded {
    match try_load(vm, size) {
        Ok((configuration, freshness)) => Loaded::Serve(Box::new(configuration), freshness),
        Err(Unloaded::Refused { why, revision }) => Loaded::Refuse { why, revision },
        Err(Unloaded::Host(fault)) => {
            Loaded::Behind(format!("the host did not hand it over: {fault}"))
        }
        Err(Unloaded::Memory(what)) => {
            Loaded::Behind(format!("there is not enough memory to {what}"))
        }
    }
}

enum Unloaded<F> {
    Refused { why: String, revision: Option<u64> },
    Host(F),
    Memory(&'static str),
}

fn try_load<V: Vm>(
    vm: &mut V,
    size: usize,
) -> Result<(Configuration, Freshness), Unloaded<V::Fault>> {
    if size > LARGEST {
        return Err(Unloaded::Refused {
            why: format!("expected at most {LARGEST} bytes, and there are {size}"),
            revision: None,
        });
    }
    let form = form(vm, size).map_err(Unloaded::Host)?;
    while !vm.is_low() && vm.give_up_pinned() {}
    let needed = form.needed(size);
    while !vm.has_room(needed) {
        if !vm.give_up_pinned() {
            return Err(Unloaded::Memory("load it beside what is served"));
        }
    }
    vm.start_metering();
    let configuration = read(vm, size, form)?;
    let peak = vm.peak();
    if !vm.is_fresh() {
        return Ok((configuration, Freshness::Aged));
    }
    vm.ages();
    let most = form.allowance(size);
    if peak > most {
        let snapshot = configuration.snapshot();
        return Err(Unloaded::Refused {
            why: format!(
                "expected a configuration that takes at most {most} bytes of memory to load"
            ),
            revision: snapshot.map(|snapshot| snapshot.revision().number()),
        });
    }
    Ok((configuration, Freshness::Fresh))
}

/// Returns the form of a configuration, from its first bytes.
fn form<V: Vm>(vm: &mut V, size: usize) -> Result<Form, V::Fault> {
    const ENOUGH: usize = 16;
    if size < ENOUGH {
        return Ok(Form::Text);
    }
    let start = vm.read(0, ENOUGH)?;
    Ok(if is_packed(&start) {
        Form::Packed
    } else {
        Form::Text
    })
}

fn read<V: Vm>(vm: &mut V, size: usize, form: Form) -> Result<Configuration, Unloaded<V::Fault>> {
    let refused = |refusal: Refusal, revision| Unloaded::Refused {
        why: refusal.to_string(),
        revision,
    };
    match form {
        Form::Text => {
            let text = text(vm, size)?;
            Configuration::from_json(&text)
                .map_err(|refusal| refused(refusal, named_revision(&text)))
        }
        Form::Packed => {
            let trust = if vm.is_fresh() {
                Trust::Nothing
            } else {
                Trust::Content
            };
            Configuration::from_packed(vm, size, trust).map_err(|fault| match fault {
                LoadFault::Source(fault) => Unloaded::Host(fault),
                LoadFault::Refused(refusal) => refused(refusal, named_revision_packed(vm, size)),
            })
        }
    }
}

/// Returns the whole configuration in one block.
fn text<V: Vm>(vm: &mut V, size: usize) -> Result<Vec<u8>, Unloaded<V::Fault>> {
    let mut text = Vec::new();
    let has_room = text.try_reserve_exact(size);
    has_room.map_err(|_| Unloaded::Memory("read it"))?;
    while text.len() < size {
        let most = CHUNK.min(size - text.len());
        let range = vm.read(text.len(), most).map_err(Unloaded::Host)?;
        text.extend_from_slice(&range);
    }
    Ok(text)
}
