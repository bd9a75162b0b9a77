//! The grant sets of a file.

use keyward::management::{Command, Grant, Granted};

use super::{Done, Filing};
use crate::permission::Management;

impl Filing<'_, '_> {
    pub(super) fn put_sets(&mut self) -> Done {
        let file = self.file;
        for (name, granted) in file.grant_sets() {
            let stored = self.tx.read().grant_set(name)?;
            let (change, version) = match &stored {
                None => ("add", 0),
                Some(stored) if stored.granted == *granted => {
                    self.done.is_same();
                    continue;
                }
                Some(stored) if self.is_own(&stored.source) => ("change", stored.version),
                Some(stored) => return Err(self.another("grant set", name, &stored.source)),
            };
            self.may(Management::GrantSet)?;
            self.step(&Command::PutGrantSet {
                name: name.to_owned(),
                grants: grants(granted),
            })?;
            self.change(change, "grant_set", name, vec!["permissions"], version);
        }
        Ok(())
    }

    /// Those that the file leaves out. A set that some key follows stays: without it the key would be granted nothing, or could not be shown.
    pub(super) fn remove_sets(&mut self) -> Done {
        let all = self.tx.read().grant_sets()?;
        for stored in all {
            if !self.is_own(&stored.source) || self.file.grant_set(&stored.name).is_some() {
                continue;
            }
            if self.tx.read().uses_of_set(&stored.name)? > 0 {
                self.done.kept.push(stored.name);
                continue;
            }
            self.may(Management::GrantSet)?;
            let name = stored.name.clone();
            self.step(&Command::RemoveGrantSet { name })?;
            self.change(
                "remove",
                "grant_set",
                &stored.name,
                Vec::new(),
                stored.version,
            );
        }
        Ok(())
    }
}

fn grants(granted: &Granted) -> Vec<Grant> {
    granted
        .iter()
        .map(|(name, level)| Grant::new(name, Some(*level)))
        .collect()
}
