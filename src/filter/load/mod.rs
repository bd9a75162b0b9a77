//! A plugin's configuration, loaded once per push and VM. Only its bytes can make the load fail as rejected; with any other trouble the plugin keeps what it has and lags.
//!
//! A VM has at most 1 GiB and never gives memory back, and it holds an old and a new snapshot at once: so what a load may take is bounded, by a rule that depends on the configuration's
//! bytes only. Whether there is room for that much is another matter: without room, the load does not begin, because a failed allocation would end the VM.

#[cfg(test)]
mod tests;

use std::fmt;

use crate::configuration::{
    Configuration, LARGEST, is_packed, named_revision, named_revision_packed,
};
use crate::refusal::Refusal;
use crate::rows::CHUNK;
use crate::snapshot::packed::{LoadFault, Source, Trust};

/// The most memory that one load may take, the configuration's text included: well under half of the VM.
const LARGEST_LOAD: usize = 320 << 20;

/// A load may take so many bytes for every byte of configuration, see [`Form`], and some for its own.
const LOAD_BASE: usize = 4 << 20;

/// What is left to requests.
const LEFT_TO_REQUESTS: usize = 32 << 20;

/// How a configuration is written: what is parsed takes more memory than what is kept unchanged.
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

    /// The most that a load of `size` bytes may take.
    fn allowance(self, size: usize) -> usize {
        size.saturating_mul(self.load_per_byte())
            .saturating_add(LOAD_BASE)
            .min(LARGEST_LOAD)
    }

    /// What has to be free for that. Half as much again is for the gaps it leaves: a vector that doubles leaves blocks after that are too small for what comes next.
    fn needed(self, size: usize) -> usize {
        let allowance = self.allowance(size);
        allowance
            .saturating_add(allowance / 2)
            .saturating_add(LEFT_TO_REQUESTS)
    }
}

/// What has to be free to load a packed snapshot of `size` bytes, wherever it comes from.
#[must_use]
pub fn needed_for_packed(size: usize) -> usize {
    Form::Packed.needed(size)
}

/// What a load asks of the VM it is in. Its bytes are the plugin's configuration, range by range, so that the host never asks for one large block.
pub trait Vm: Source {
    /// Whether this VM has loaded nothing yet, as in every trial load. There a load takes the same memory to the byte wherever it is repeated, and what passed the trial is not measured again
    /// in a VM that has a past. Nor are the million rows of a packed snapshot looked at again: Envoy hands the same string of bytes to the trial and then to every worker, and a
    /// worker that looks at them serves no one meanwhile.
    fn is_fresh(&self) -> bool;

    /// It has loaded something.
    fn ages(&mut self);

    /// Whether so much memory can be had at once.
    fn has_room(&mut self, size: usize) -> bool;

    /// Whether so little is in use that old snapshots may stay a while.
    fn is_low(&self) -> bool;

    /// Gives up the oldest snapshot that only open streams keep. False if no such snapshot is left.
    fn give_up_pinned(&mut self) -> bool;

    /// The most memory that was in use beyond what was when [`Self::start_metering`] was called.
    fn peak(&self) -> usize;

    /// See [`Self::peak`].
    fn start_metering(&mut self);
}

/// How a load ended.
#[derive(Debug)]
pub enum Loaded {
    /// This is served from now on. In a fresh VM, the push is accepted.
    Serve(Box<Configuration>, Freshness),
    /// The configuration's bytes are refused, here and in every other VM.
    Refuse {
        /// What is wrong.
        why: String,
        /// The revision that they name.
        revision: Option<u64>,
    },
    /// It could not be loaded, for this reason, which is not in its bytes.
    Behind(String),
}

/// Whether a VM was fresh before a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It was: see [`Vm::is_fresh`].
    Fresh,
    /// It had loaded something before.
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

/// The form of a configuration, by its first bytes.
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

/// All of the configuration, in one block.
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
