//! Makes many changes, one after the other, because a server accepts them key by key.

use anyhow::{Context, Result};

use super::Server;
use super::change::{API_KEYS, delete, path};
use super::make::Made;
use crate::rules::{Done, interrupted};
use keyward::management::Command;

impl Server {
    /// Makes changes, one after the other. If a key to delete is already deleted, that is a
    /// success.
    pub(crate) fn change_all(&self, commands: &[Command], now: u64) -> Result<Vec<Done>> {
        let all = commands.iter().enumerate().map(|(number, command)| {
            let done = if let Command::DeleteKey(target) = command {
                self.deleted(&target.id)
            } else if let Command::ImportKey(_) = command {
                let told = |made: &Made| {
                    Ok(Done {
                        key: made.key.clone(),
                        notes: made.notes.clone(),
                    })
                };
                self.make(None, command, now, told, |_| Ok(()))
            } else {
                self.change(None, command, now).map(|changed| Done {
                    key: changed.key.unwrap_or_default(),
                    notes: changed.notes,
                })
            };
            done.with_context(|| interrupted(command, number, commands.len()))
        });
        all.collect()
    }

    fn deleted(&self, id: &str) -> Result<Done> {
        match self.call(&delete(&path(API_KEYS, id)?))? {
            Err(refused) if refused.code != "key_is_deleted" => Err(refused.to_error()),
            Err(_) | Ok(_) => Ok(Done {
                key: id.to_owned(),
                notes: Vec::new(),
            }),
        }
    }
}
