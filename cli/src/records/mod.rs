//! The records that a command works on: a key file or a server's records. Both have one interface,
//! so no command is written twice, and both give the same output.

mod arguments;

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use crate::rules::{self, Done, interrupted, which};
use crate::server::{self, Count, Filter, Made, Server};
use keyward::digest::KeyDigest;
use keyward::invariant::Held;
use keyward::management::{self, AddAccount, Command, Note};
use keyward::profile::Profile;
use keyward_files::key_file::{Key, KeyFile};
use keyward_files::store::{self, Store};

pub(crate) use arguments::{OnRecords, OnServer};

pub(crate) enum Records {
    File(Store),
    Server(Box<Server>),
}

/// The records at the time when a person was asked about them.
pub(crate) enum Seen {
    File(Box<KeyFile>),
    Server(Box<server::Seen>),
}

impl Seen {
    pub(crate) fn file(&self) -> &KeyFile {
        match self {
            Self::File(file) => file,
            Self::Server(seen) => seen.file(),
        }
    }
}

/// A command to carry out.
pub(crate) struct Step<'a> {
    /// The command's name for the journal, such as `keys create`.
    pub(crate) name: &'a str,
    pub(crate) command: &'a Command,
    pub(crate) now: u64,
    /// What the person agreed to change, if they were asked.
    pub(crate) seen: Option<&'a Seen>,
    /// The file for new records.
    pub(crate) place: Option<&'a str>,
}

/// The result of a command.
pub(crate) struct Outcome<'a> {
    /// The records after the command.
    pub(crate) file: &'a KeyFile,
    /// The key that the command is about.
    pub(crate) key: Option<&'a str>,
    pub(crate) notes: &'a [Note],
    /// The value of a new key.
    pub(crate) value: Option<&'a str>,
}

impl Records {
    /// Says when gateways learn of a change.
    pub(crate) fn next(&self) -> &'static str {
        match self {
            Self::File(_) => "it takes effect with the next `keyward push`",
            Self::Server(_) => "the server publishes it to its gateways by itself",
        }
    }

    /// Says when an immediate change takes effect.
    pub(crate) fn at_once(&self) -> &'static str {
        match self {
            Self::File(_) => "with the next push",
            Self::Server(_) => "now",
        }
    }

    pub(crate) fn profile(&self) -> Result<Profile> {
        Ok(match self {
            Self::File(store) => store.read()?.profile().clone(),
            Self::Server(server) => server.profile()?,
        })
    }

    /// Checks that a command would be carried out, before a person is asked.
    pub(crate) fn check(&self, command: &Command, now: u64) -> Result<Seen> {
        match self {
            Self::File(store) => {
                let file = store.read()?;
                rules::check(&file, command, now)?;
                Ok(Seen::File(Box::new(file)))
            }
            Self::Server(server) => Ok(Seen::Server(Box::new(server.check(command, now)?))),
        }
    }

    /// Carries out a command. `told` receives the result before anything else can change.
    pub(crate) fn change<T>(
        &self,
        step: &Step<'_>,
        told: impl FnOnce(&Outcome<'_>) -> Result<T>,
    ) -> Result<T> {
        let Step {
            name,
            command,
            now,
            place,
            ..
        } = *step;
        let server = match self {
            Self::Server(server) => server,
            Self::File(store) => {
                let edit = |file: &mut KeyFile| {
                    let decision = rules::carry_out(file, command, place, now)?;
                    told(&Outcome {
                        file,
                        key: decision.key(),
                        notes: decision.notes(),
                        value: None,
                    })
                };
                return match seen_file(step.seen) {
                    Some(seen) => store.edit_seen(name, seen, edit),
                    None => store.edit(name, edit),
                };
            }
        };
        no_place(place)?;
        if let Command::ImportKey(_) = command {
            let told = |made: &Made| told(&outcome(made));
            return server.make(seen_server(step.seen), command, now, told, |_| Ok(()));
        }
        let changed = server.change(seen_server(step.seen), command, now)?;
        told(&Outcome {
            file: &changed.file,
            key: changed.key.as_deref(),
            notes: &changed.notes,
            value: None,
        })
    }

    /// Carries out a command that makes a key, and shows its value with `show`. If showing fails,
    /// no key is made.
    pub(crate) fn make<T>(
        &self,
        step: &Step<'_>,
        told: impl FnOnce(&Outcome<'_>) -> Result<T>,
        show: impl FnOnce(&T) -> Result<()>,
    ) -> Result<T> {
        let Step {
            name,
            command,
            now,
            place,
            ..
        } = *step;
        match self {
            Self::File(store) => {
                let edit = |file: &mut KeyFile| made_in(file, command, place, now, told);
                store.edit_and_show(name, seen_file(step.seen), edit, show)
            }
            Self::Server(server) => {
                no_place(place)?;
                let told = |made: &Made| told(&outcome(made));
                server.make(seen_server(step.seen), command, now, told, show)
            }
        }
    }

    /// Adds an account and its first keys, and shows their values with `show`. If showing fails, no
    /// account is made.
    pub(crate) fn add_with_keys(
        &self,
        add: &AddAccount,
        place: Option<&str>,
        now: u64,
        show: impl FnOnce(&[(Key, Zeroizing<String>)]) -> Result<()>,
    ) -> Result<()> {
        let store = match self {
            Self::File(store) => store,
            Self::Server(server) => {
                no_place(place)?;
                server.check(&Command::AddAccount(add.clone()), now)?;
                return server.add_with_keys(add, show);
            }
        };
        let edit = |file: &mut KeyFile| {
            rules::carry_out(file, &Command::AddAccount(add.clone()), place, now)?;
            let first = management::first_keys(&add.account.id).into_iter();
            let made = first.map(|new| {
                let mut decision = rules::carry_out(file, &Command::CreateKey(new), None, now)?;
                let secret = decision.take_minted();
                let key = decision.key().and_then(|id| file.key(id)).cloned();
                let made = key
                    .zip(secret)
                    .context("no key was made; please report this")?;
                Ok((made.0, Zeroizing::new(made.1.expose().to_owned())))
            });
            made.collect::<Result<Vec<_>>>()
        };
        let shown = store.edit_and_show("accounts add", None, edit, |made| show(made));
        shown.map(drop)
    }

    /// Carries out commands on keys that a person has seen, if asked: all or none in a key file,
    /// one after the other on a server.
    pub(crate) fn change_all(
        &self,
        name: &str,
        seen: Option<&Seen>,
        commands: &[Command],
        place: Option<&str>,
        now: u64,
    ) -> Result<Vec<Done>> {
        let store = match self {
            Self::File(store) => store,
            Self::Server(server) => {
                no_place(place)?;
                return server.change_all(commands, now);
            }
        };
        let edit = |file: &mut KeyFile| {
            let done = commands.iter().enumerate().map(|(number, command)| {
                let decision = rules::carry_out(file, command, place, now);
                let decision = decision.with_context(|| which(command, number))?;
                Ok(Done {
                    key: decision
                        .key()
                        .held("each of many commands names a key")
                        .to_owned(),
                    notes: decision.notes().to_vec(),
                })
            });
            done.collect()
        };
        match seen_file(seen) {
            Some(seen) => store.edit_seen(name, seen, edit),
            None => store.edit(name, edit),
        }
    }

    /// Carries out commands that each make a key, and shows their values with `show`: all or none
    /// in a key file, one after the other on a server.
    pub(crate) fn make_all<T>(
        &self,
        name: &str,
        seen: &Seen,
        commands: &[Command],
        now: u64,
        told: impl Fn(&Outcome<'_>) -> Result<T>,
        show: impl Fn(&[T]) -> Result<()>,
    ) -> Result<Vec<T>> {
        let numbered = commands.iter().enumerate();
        match self {
            Self::File(store) => {
                let edit = |file: &mut KeyFile| {
                    let made = numbered.map(|(number, command)| {
                        let made = made_in(file, command, None, now, &told);
                        made.with_context(|| which(command, number))
                    });
                    made.collect::<Result<Vec<T>>>()
                };
                store.edit_and_show(name, seen_file(Some(seen)), edit, |all| show(all))
            }
            Self::Server(server) => {
                let made = numbered.map(|(number, command)| {
                    let told = |made: &Made| told(&outcome(made));
                    let show = |one: &T| show(std::slice::from_ref(one));
                    let made = server.make(None, command, now, told, show);
                    made.with_context(|| interrupted(command, number, commands.len()))
                });
                made.collect()
            }
        }
    }

    /// Returns the keys that may match a filter, and the existing accounts that it names.
    pub(crate) fn listed(&self, filter: &Filter) -> Result<Seen> {
        Ok(match self {
            Self::File(store) => Seen::File(Box::new(store.read()?)),
            Self::Server(server) => Seen::Server(Box::new(server.listed(filter)?)),
        })
    }

    /// Whether no keys exist at all, as far as a filtered list shows this.
    pub(crate) fn has_no_keys(&self, listed: &Seen, filter: &Filter) -> bool {
        let is_all = match self {
            Self::File(_) => true,
            Self::Server(_) => filter.is_everything(),
        };
        is_all && listed.file().keys().next().is_none()
    }

    /// Returns what is needed to show one key.
    pub(crate) fn shown_key(&self, id: &str) -> Result<Seen> {
        Ok(match self {
            Self::File(store) => Seen::File(Box::new(store.read()?)),
            Self::Server(server) => Seen::Server(Box::new(server.shown_key(id)?)),
        })
    }

    pub(crate) fn grant_sets(&self) -> Result<Seen> {
        Ok(match self {
            Self::File(store) => Seen::File(Box::new(store.read()?)),
            Self::Server(server) => Seen::Server(Box::new(server.all_sets()?)),
        })
    }

    /// Returns all accounts, with the number of their keys.
    pub(crate) fn tree(&self, now: u64) -> Result<(KeyFile, HashMap<String, Count>)> {
        match self {
            Self::File(store) => {
                let file = store.read()?;
                let mut counts: HashMap<String, Count> = HashMap::new();
                for key in file.keys() {
                    let count = counts.entry(key.owner.clone()).or_default();
                    count.add(key.is_live_at(now));
                }
                Ok((file, counts))
            }
            Self::Server(server) => server.tree(now),
        }
    }

    /// Returns the keys to search: all of a file, or those of a server with a digest or ending.
    pub(crate) fn holders(
        &self,
        asked: impl FnOnce() -> (Vec<KeyDigest>, Vec<String>),
    ) -> Result<KeyFile> {
        match self {
            Self::File(store) => store.read(),
            Self::Server(server) => {
                let (digests, ends) = asked();
                server.holders(&digests, &ends)
            }
        }
    }

    /// Returns the changes to a key, the oldest first. `None` if the caller may not see them.
    pub(crate) fn history(&self, id: &str) -> Result<Option<Vec<store::Step>>> {
        match self {
            Self::File(store) => store.history(id).map(Some),
            Self::Server(server) => server.history(id),
        }
    }
}

/// Carries out a command that makes a key in a key file.
fn made_in<T>(
    file: &mut KeyFile,
    command: &Command,
    place: Option<&str>,
    now: u64,
    told: impl FnOnce(&Outcome<'_>) -> Result<T>,
) -> Result<T> {
    let mut decision = rules::carry_out(file, command, place, now)?;
    let secret = decision.take_minted();
    let secret = secret.context("no key was made; please report this")?;
    told(&Outcome {
        file,
        key: decision.key(),
        notes: decision.notes(),
        value: Some(secret.expose()),
    })
}

fn outcome(made: &Made) -> Outcome<'_> {
    Outcome {
        file: &made.file,
        key: Some(&made.key),
        notes: &made.notes,
        value: made.value.as_ref().map(|value| value.as_str()),
    }
}

fn seen_file(seen: Option<&Seen>) -> Option<&KeyFile> {
    match seen {
        Some(Seen::File(file)) => Some(file),
        Some(Seen::Server(_)) | None => None,
    }
}

fn seen_server(seen: Option<&Seen>) -> Option<&server::Seen> {
    match seen {
        Some(Seen::Server(seen)) => Some(seen),
        Some(Seen::File(_)) | None => None,
    }
}

fn no_place(place: Option<&str>) -> Result<()> {
    if place.is_some() {
        bail!("--file names one of several key files, and a server has none; leave it out");
    }
    Ok(())
}
