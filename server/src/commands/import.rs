//! `keyward-server import`: a key file's records into the store, all of them or none. What is there
//! already, the same, stays; what differs is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

use keyward::management::{AccountSettings, RecordChange};
use keyward_files::key_file::KeyFile;

use super::ends::take_ends;
use super::{Data, FOUND, local, say};
use crate::configuration::{Configuration, FILE, Limits};
use crate::profile::MEMBER;
use crate::quota::Quota;
use crate::service::own_rows;
use crate::store::{DocumentName, Options, Origin, Scope, Store, StoreError, Tx};

/// Its arguments.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    data: Data,
    /// Take over only the ends of keys and accounts in the key file
    #[arg(long)]
    ends_only: bool,
    /// Show what would be imported, and change nothing: exit code 0 for nothing, 1 for something, 4 if it is refused
    #[arg(long, conflicts_with = "ends_only")]
    dry_run: bool,
    /// The key file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, now: u64) -> Result<ExitCode> {
    let name = arguments.file.display().to_string();
    let text = fs::read_to_string(&arguments.file)
        .with_context(|| format!("`{name}` cannot be read as text"))?;
    let file = KeyFile::read(vec![(name, text)])?;
    let store = Store::open(&arguments.data.path, &Options::at(now))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    if arguments.ends_only {
        let ends = runtime.block_on(take_ends(&store, file, now))?;
        for (id, rule) in &ends.refused {
            say(&format!("`{id}` does not end: {rule}"))?;
        }
        let (deleted, expired) = (ends.deleted.len(), ends.expired.len());
        say(&format!(
            "{deleted} keys were deleted, and {expired} end earlier"
        ))?;
        return Ok(if ends.refused.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(FOUND)
        });
    }
    let taking = Taking {
        most_keys: most_keys(&arguments.data.path)?,
        is_dry_run: arguments.dry_run,
        now,
    };
    let imported = match runtime.block_on(import(&store, file, taking)) {
        Err(why) if arguments.dry_run => {
            say(&format!("{why:#}"))?;
            return Ok(ExitCode::from(REFUSED));
        }
        imported => imported?,
    };
    say(&format!(
        "{} accounts, {} grant sets, {} documents and {} keys {}; {} were there already",
        imported.accounts,
        imported.grant_sets,
        imported.documents,
        imported.keys,
        if arguments.dry_run {
            "would be taken in"
        } else {
            "were taken in"
        },
        imported.same
    ))?;
    if arguments.dry_run && !imported.is_nothing() {
        return Ok(ExitCode::from(FOUND));
    }
    Ok(ExitCode::SUCCESS)
}

/// What a plan that is refused exits with.
const REFUSED: u8 = 4;

/// How many keys the store may hold: as its server's configuration says, where `init` made one.
fn most_keys(data: &Path) -> Result<u64> {
    let path = data.join(FILE);
    let limits = if path.exists() {
        Configuration::read(&path)?.limits
    } else {
        Limits::default()
    };
    Ok(limits.keys)
}

/// How a key file is taken in.
#[derive(Clone, Copy, Debug)]
pub struct Taking {
    /// How many keys the store may hold.
    pub most_keys: u64,
    /// Whether nothing of it is kept.
    pub is_dry_run: bool,
    /// Unix seconds.
    pub now: u64,
}

/// How many records were taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Accounts.
    pub accounts: usize,
    /// Grant sets.
    pub grant_sets: usize,
    /// Keys.
    pub keys: usize,
    /// Settings and endpoints.
    pub documents: usize,
    /// Records that were there already, the same.
    pub same: usize,
}

impl Imported {
    pub(super) fn is_nothing(&self) -> bool {
        let taken = [self.accounts, self.grant_sets, self.keys, self.documents];
        taken.iter().all(|count| *count == 0)
    }
}

/// Why nothing of a key file is kept.
#[derive(Debug)]
enum Refused {
    DryRun(Imported),
    Differs(String),
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Takes in the records of `file`.
pub async fn import(store: &Store, file: KeyFile, taking: Taking) -> Result<Imported> {
    let (file, quota) = (Arc::new(file), Quota::of(taking.most_keys));
    let imported = store.write(move |tx| {
        let mut importing = Importing {
            tx,
            file: &file,
            quota: &quota,
            now: taking.now,
            imported: Imported::default(),
        };
        importing.all()?;
        if taking.is_dry_run {
            Err(Refused::DryRun(importing.imported))
        } else {
            Ok(importing.imported)
        }
    });
    match imported.await {
        Ok(imported) | Err(Refused::DryRun(imported)) => Ok(imported),
        Err(Refused::Differs(what)) => bail!("nothing was taken in: {what}"),
        Err(Refused::Store(error)) => Err(error.into()),
    }
}

struct Importing<'a, 'b> {
    tx: &'a mut Tx<'b>,
    file: &'a KeyFile,
    quota: &'a Quota,
    now: u64,
    imported: Imported,
}

type Done = std::result::Result<(), Refused>;

impl Importing<'_, '_> {
    fn all(&mut self) -> Done {
        let settings = Json::Object(self.file.settings());
        self.document(DocumentName::Configuration, settings)?;
        let stored = self.tx.read().document(DocumentName::Endpoints)?;
        let stored = stored.map(|stored| stored.body);
        let members = own_rows::kept(stored.as_ref(), self.file.api_members());
        self.document(DocumentName::Endpoints, Json::Object(members))?;
        self.grant_sets()?;
        self.accounts()?;
        self.keys()?;
        match self.tx.read().trial()? {
            Ok(()) => Ok(()),
            Err(refusal) => differs(format!(
                "together with what is there a gateway would refuse it: {refusal}"
            )),
        }
    }

    fn document(&mut self, name: DocumentName, body: Json) -> Done {
        if body.as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok(());
        }
        match self.tx.read().document(name)? {
            Some(stored) if stored.body == body => {
                self.imported.same = self.imported.same.saturating_add(1);
                Ok(())
            }
            Some(stored) if !is_a_part(&stored.body, name, &body) => {
                differs(format!("the store has another `{}`", name.name()))
            }
            Some(_) | None => {
                self.imported.documents = self.imported.documents.saturating_add(1);
                self.tx.put_document(name, &body)?;
                self.record("configuration_updated", ("document", name.name()), None)
            }
        }
    }

    fn grant_sets(&mut self) -> Done {
        let mut changes = Vec::new();
        for (name, granted) in self.file.grant_sets() {
            match self.tx.read().grant_set(name)? {
                Some(stored) if stored.granted == *granted => {
                    self.imported.same = self.imported.same.saturating_add(1);
                }
                Some(_) => return differs(format!("the store has another grant set `{name}`")),
                None => changes.push(RecordChange::PutGrantSet {
                    name: name.to_owned(),
                    before: None,
                    after: granted.clone(),
                }),
            }
        }
        self.imported.grant_sets = changes.len();
        self.apply(&changes)
    }

    fn accounts(&mut self) -> Done {
        let mut changes = Vec::new();
        for account in self.file.accounts() {
            match self.tx.read().account(&Scope::everything(), &account.id)? {
                Some(stored) if stored.account == *account => {
                    self.imported.same = self.imported.same.saturating_add(1);
                }
                Some(_) => {
                    return differs(format!("the store has another account `{}`", account.id));
                }
                None => changes.push(RecordChange::AddAccount {
                    account: account.clone(),
                    settings: AccountSettings::default(),
                }),
            }
        }
        self.imported.accounts = changes.len();
        self.apply(&changes)
    }

    fn keys(&mut self) -> Done {
        let mut changes = Vec::new();
        for key in self.file.keys() {
            let everything = Scope::everything();
            let reader = self.tx.read();
            let by_id = reader.key(&everything, &key.id)?;
            let by_digest = reader.key_of_digest(&everything, &key.digest)?;
            if by_id.as_ref().is_some_and(|stored| stored.key == *key) {
                self.imported.same = self.imported.same.saturating_add(1);
                continue;
            }
            if by_id.is_some() || by_digest.is_some() {
                return differs(format!(
                    "the store has another key of the id or the digest of `{}`",
                    key.id
                ));
            }
            if reader.has_ended(&key.digest)? {
                return differs(format!(
                    "a key with the digest of `{}` was purged, and does not come back",
                    key.id
                ));
            }
            let links = [&key.replaces, &key.replaced_by];
            for other in links.into_iter().flatten() {
                if self.file.key(other).is_none() && reader.key(&everything, other)?.is_none() {
                    return differs(format!(
                        "`{}` names `{other}` as the other half of a rotation, and there is none; \
                         `keyward snapshot check` names such links",
                        key.id
                    ));
                }
            }
            changes.push(RecordChange::AddKey {
                key: Box::new(key.clone()),
                beside: None,
            });
        }
        if !self.quota.has_room(self.tx, &changes)? {
            return differs(format!(
                "the server keeps {} keys at most (`limits.keys`), and these are more",
                self.quota.most()
            ));
        }
        self.imported.keys = changes.len();
        self.apply(&changes)
    }

    /// Applies new records, and writes a row of activity for each.
    fn apply(&mut self, changes: &[RecordChange]) -> Done {
        if changes.is_empty() {
            return Ok(());
        }
        let origin = Origin {
            source: "import",
            by: None,
            at: self.now,
        };
        self.tx.apply(changes, &origin)?;
        for change in changes {
            match change {
                RecordChange::AddKey { key, .. } => self.record(
                    "api_key_imported",
                    ("api_key", &key.id),
                    Some((&key.owner, Some(key.mode.is_live()))),
                )?,
                RecordChange::AddAccount { account, .. } => self.record(
                    "account_created",
                    ("account", &account.id),
                    Some((&account.id, None)),
                )?,
                RecordChange::PutGrantSet { name, .. } => {
                    self.record("grant_set_updated", ("grant_set", name), None)?;
                }
                RecordChange::PutKey { .. }
                | RecordChange::RemoveKey { .. }
                | RecordChange::PutAccount { .. }
                | RecordChange::RemoveAccount { .. }
                | RecordChange::RemoveGrantSet { .. }
                | RecordChange::PutPolicy { .. }
                | RecordChange::RemovePolicy { .. } => {}
            }
        }
        Ok(())
    }

    fn record(
        &mut self,
        kind: &str,
        object: (&str, &str),
        context: Option<(&str, Option<bool>)>,
    ) -> Done {
        let (owner, livemode) = context.map_or((None, None), |(owner, mode)| (Some(owner), mode));
        let account = match owner {
            Some(owner) => self.tx.read().account(&Scope::everything(), owner)?,
            None => None,
        };
        let context = account
            .as_ref()
            .map(|stored| (stored.account.id.as_str(), stored.root.as_str()));
        self.tx
            .record(local::entry(self.now, kind, object, context, livemode))?;
        Ok(())
    }
}

/// Whether a document has only what the server itself brought, and the file agrees with it.
fn is_a_part(stored: &Json, name: DocumentName, body: &Json) -> bool {
    match name {
        DocumentName::Endpoints => own_rows::are_all(stored),
        DocumentName::Configuration => {
            let mut members = stored.as_object().into_iter().flatten();
            members.all(|(name, value)| name == MEMBER && body.get(name) == Some(value))
        }
    }
}

fn differs(what: String) -> Done {
    Err(Refused::Differs(what))
}
