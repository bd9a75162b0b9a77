//! Who serves: every plugin of this VM, from one push to the next.
//!
//! A worker holds a plugin's old and new root context for a while, and an old one for as long as one of its streams is open. Envoy may even take
//! an old one up again, without configuring it, where the very same bytes are pushed once more. And two plugins may have the same name in one VM, by
//! mistake. So what a root serves is its own, and only where there is no doubt about whose it is does a root take over from another.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::abi;
use super::gateway::Gateway;
use super::usage::Usage;
use super::{census, memory, metrics};
use crate::configuration::Role;
use crate::filter::counter::Counter;
use crate::filter::host::LogLevel;
use crate::snapshot::{Revision, Snapshot};

/// Plugins that share a VM share its statics: each is known by its name, its root id and its listener's direction, and never sees another's keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PluginId([Box<[u8]>; 3]);

/// The longest part of a plugin's name that metrics show.
const LONGEST_PART: usize = 64;

impl PluginId {
    pub(super) fn of_this_plugin() -> Self {
        let names = ["plugin_name", "plugin_root_id", "listener_direction"];
        Self(names.map(|name| abi::property(name).ok().flatten().unwrap_or_default()))
    }

    /// What tells plugins apart, in one text.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.join(&0)
    }

    /// The plugin in the names of its metrics: its name, and what else tells it from others, joined with `/`. All of it is the operator's.
    pub(super) fn label(&self) -> String {
        let [name, root_id, direction] = &self.0;
        // Envoy's `envoy.config.core.v3.TrafficDirection`, as eight bytes.
        let direction = match direction.first() {
            Some(1) => "inbound",
            Some(2) => "outbound",
            _ => "",
        };
        let mut label = spelled(name);
        for part in [spelled(root_id), direction.to_owned()] {
            if !part.is_empty() && part != label {
                label.push('/');
                label.push_str(&part);
            }
        }
        label
    }
}

/// In characters that neither Envoy's tags nor Prometheus give a meaning.
fn spelled(part: &[u8]) -> String {
    let plain = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(*byte),
        _ => '_',
    };
    part.iter().take(LONGEST_PART).map(plain).collect()
}

thread_local! {
    /// All tenures, in the order they began.
    static TENURES: RefCell<Vec<Rc<Tenure>>> = const { RefCell::new(Vec::new()) };
    /// The revision that each plugin last served.
    static SERVED: RefCell<HashMap<PluginId, Revision>> = RefCell::new(HashMap::new());
}

/// What one root context of a plugin serves, from its configuration to its end.
pub(super) struct Tenure {
    plugin: PluginId,
    gateway: RefCell<Rc<Gateway>>,
    turn: Cell<Turn>,
    lag: Cell<Lag>,
    standing: Cell<Standing>,
    usage: Usage,
}

/// Where a tenure stands among those of its plugin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// It has taken no request yet.
    Waiting,
    /// It took the last request.
    Serving,
    /// Another has taken requests since.
    Replaced,
    /// It takes requests again after another did: there are two plugins of one name, or Envoy has taken it up again.
    Shared,
}

/// Whether a tenure serves what it was given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lag {
    None,
    /// It could not load its configuration, and serves an older one or nothing.
    Behind,
    /// The same, and it is among those counted in the gauge.
    Counted,
}

/// Where a tenure stands in the census.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Its timer has not fired yet: it may be a trial.
    Trial,
    /// It serves, unless a newer one does.
    Settled,
    /// A newer one has settled.
    Old,
    /// It took a request although a newer one has settled. True where it did so since its timer last fired.
    Back(bool),
}

impl Tenure {
    /// Begins to serve what was loaded.
    pub(super) fn begin(plugin: PluginId, gateway: Rc<Gateway>) -> Rc<Self> {
        Self::enter(plugin, gateway, Lag::None)
    }

    /// Begins without the configuration, which could not be loaded: with what the plugin served last if there is no doubt about that, and
    /// closed otherwise.
    pub(super) fn begin_behind(plugin: PluginId) -> Rc<Self> {
        let gateway = predecessor(&plugin).unwrap_or_else(Gateway::closed);
        Self::enter(plugin, gateway, Lag::Behind)
    }

    fn enter(plugin: PluginId, gateway: Rc<Gateway>, lag: Lag) -> Rc<Self> {
        let tenure = Rc::new(Self {
            plugin,
            gateway: RefCell::new(gateway),
            turn: Cell::new(Turn::Waiting),
            lag: Cell::new(lag),
            standing: Cell::new(Standing::Trial),
            usage: Usage::default(),
        });
        TENURES.with_borrow_mut(|tenures| tenures.push(Rc::clone(&tenure)));
        tenure
    }

    /// What a request is decided by.
    pub(super) fn take_request(&self) -> Rc<Gateway> {
        if self.turn.get() != Turn::Serving {
            self.take_turn();
        }
        if let Standing::Old | Standing::Back(false) = self.standing.get() {
            self.come_back();
        }
        Rc::clone(&self.gateway.borrow())
    }

    /// Its root's timer has fired. True where it is to fire again, after [`BACK_PERIOD`].
    pub(super) fn tick(&self) -> bool {
        match self.standing.get() {
            Standing::Trial => {
                self.standing.set(Standing::Settled);
                self.put_older_ones_behind();
            }
            Standing::Back(true) => self.standing.set(Standing::Back(false)),
            Standing::Back(false) => self.standing.set(Standing::Old),
            Standing::Settled | Standing::Old => {}
        }
        count(&self.plugin);
        matches!(self.standing.get(), Standing::Back(_))
    }

    fn put_older_ones_behind(&self) {
        let mut is_older = true;
        each_of(&self.plugin, |other| {
            if std::ptr::eq(&raw const **other, self) {
                is_older = false;
            } else if is_older && other.standing.get() == Standing::Settled {
                other.standing.set(Standing::Old);
            } else if !is_older && other.standing.get() == Standing::Settled {
                self.standing.set(Standing::Old);
            }
        });
    }

    /// It still takes requests: Envoy has not switched to the newer one yet, or an old connection holds on to this one.
    fn come_back(&self) {
        let is_new = self.standing.replace(Standing::Back(true)) == Standing::Old;
        if is_new {
            abi::set_tick_period(BACK_PERIOD);
            count(&self.plugin);
        }
    }

    fn revision(&self) -> Option<Revision> {
        let gateway = self.gateway.borrow();
        gateway.configuration.snapshot().map(Snapshot::revision)
    }

    /// Whether it is there to report usage, and serves no snapshot that anybody waits for.
    fn only_reports(&self) -> bool {
        let gateway = self.gateway.borrow();
        gateway.configuration.settings().role == Role::UsageReport
    }

    /// How often its keys are used.
    pub(super) fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Whose tenure it is.
    pub(super) fn plugin(&self) -> &PluginId {
        &self.plugin
    }

    /// The plugin was replaced or taken away, and its last stream has ended.
    pub(super) fn end(&self) {
        self.usage.end(&self.plugin);
        self.close();
        TENURES.with_borrow_mut(|tenures| {
            tenures.retain(|other| !std::ptr::eq(&raw const **other, self));
            if !tenures.iter().any(|other| other.plugin == self.plugin) {
                SERVED.with_borrow_mut(|served| served.remove(&self.plugin));
            }
        });
        count(&self.plugin);
    }

    /// Whether it was closed, for want of a snapshot or of memory, or never had any.
    pub(super) fn is_closed(&self) -> bool {
        self.gateway.borrow().configuration.snapshot().is_none()
    }

    fn take_turn(&self) {
        each_of(&self.plugin, |other| {
            if other.turn.get() == Turn::Serving {
                other.turn.set(Turn::Replaced);
                // What it was given is not what it serves, so it must not come back with that.
                if other.lag.get() != Lag::None {
                    other.close();
                }
            }
        });
        match self.turn.get() {
            Turn::Waiting => self.turn.set(Turn::Serving),
            Turn::Replaced => self.turn.set(Turn::Shared),
            Turn::Serving | Turn::Shared => return,
        }
        if self.lag.get() == Lag::Behind {
            self.lag.set(Lag::Counted);
            metrics::add_behind(1);
        }
        // The first request proves as much as the timer.
        if self.standing.get() == Standing::Trial {
            self.tick();
        }
        self.announce();
    }

    /// Says what is served from now on.
    fn announce(&self) {
        let gateway = self.gateway.borrow();
        let Some(snapshot) = gateway.configuration.snapshot() else {
            return;
        };
        let revision = snapshot.revision();
        let before = SERVED.with_borrow_mut(|served| served.insert(self.plugin.clone(), revision));
        if before.is_some_and(|before| revision < before) {
            metrics::count(Counter::Rollbacks);
        }
        metrics::announce(snapshot);
    }

    fn close(&self) {
        self.gateway.replace(Gateway::closed());
        if self.lag.get() == Lag::Counted {
            self.lag.set(Lag::Behind);
            metrics::add_behind(-1);
        }
    }

    /// Whether nothing but open streams keep it: it was replaced, and Envoy still holds its root.
    fn is_pinned(self: &Rc<Self>) -> bool {
        // One is the registry's, one the root's, all others are streams'.
        self.turn.get() == Turn::Replaced && Rc::strong_count(self) > 2
    }
}

/// How long a tenure that took a request out of its turn counts, in milliseconds.
pub(super) const BACK_PERIOD: u32 = 1000;

/// Tells the census what this VM serves for `plugin`: the newest revision that has settled, or a lower one that still takes requests.
fn count(plugin: &PluginId) {
    let mut newest: Option<Option<Revision>> = None;
    let mut back: Option<Option<Revision>> = None;
    each_of(plugin, |tenure| match tenure.standing.get() {
        Standing::Trial => {}
        _ if tenure.only_reports() => {}
        Standing::Settled | Standing::Old => newest = Some(tenure.revision()),
        Standing::Back(_) => {
            let revision = tenure.revision();
            back = Some(back.map_or(revision, |other| other.min(revision)));
        }
    });
    match back.or(newest) {
        Some(revision) => census::serves(plugin, revision),
        None => census::leaves(plugin),
    }
}

fn each_of(plugin: &PluginId, act: impl FnMut(&Rc<Tenure>)) {
    TENURES.with_borrow(|tenures| {
        tenures
            .iter()
            .filter(|tenure| tenure.plugin == *plugin)
            .for_each(act);
    });
}

/// What `plugin` serves now, where one tenure alone can be meant. With two plugins of one name it is nobody's: better to deny than to serve
/// another's keys.
fn predecessor(plugin: &PluginId) -> Option<Rc<Gateway>> {
    let mut serving = None;
    let mut waiting: Vec<Rc<Gateway>> = Vec::new();
    let mut is_shared = false;
    each_of(plugin, |tenure| {
        let gateway = Rc::clone(&tenure.gateway.borrow());
        match tenure.turn.get() {
            Turn::Serving => serving = Some(gateway),
            Turn::Waiting => waiting.push(gateway),
            Turn::Shared => is_shared = true,
            Turn::Replaced => {}
        }
    });
    // A tenure that waits may be a newer one, or another plugin's.
    let is_clear = |gateway: &Rc<Gateway>| {
        !is_shared && waiting.iter().all(|other| Rc::ptr_eq(other, gateway))
    };
    serving.filter(is_clear)
}

/// Makes room by taking old snapshots from root contexts that open streams alone keep, the oldest first, until `is_enough`. Nothing is lost with
/// them but one thing: if the very same bytes are pushed again while such a stream is open, Envoy takes the old root up as it is, and that denies.
pub(super) fn release_pinned(is_enough: impl Fn() -> bool) {
    let pinned: Vec<Rc<Tenure>> = TENURES.with_borrow(|tenures| {
        let pinned = tenures
            .iter()
            .filter(|tenure| tenure.is_pinned() && !tenure.is_closed());
        pinned.map(Rc::clone).collect()
    });
    for tenure in pinned {
        if is_enough() {
            return;
        }
        tenure.close();
        let live = memory::live() >> 20;
        abi::log(
            LogLevel::Info,
            &format!(
                "keyward: an old snapshot that open streams had kept is given up; {live} MiB are in use"
            ),
        );
    }
}
