//! A key file that was sent, on its way into the store.

use std::sync::Arc;

use keyward::management::Override;
use keyward_files::key_file::{KeyFile, compose_beginning};
use serde_json::{Map, Value as Json};

use crate::app::App;
use crate::caller::Caller;
use crate::http::call::Call;
use crate::http::failure::{Code, Failure};
use crate::plans::PlannedFile;
use crate::quota::Quota;
use crate::service::Sender;
use crate::service::bounds::{Bounds, reason};
use crate::service::failure::Stored;
use crate::service::filed::{Filed, file_into};
use crate::store::{DocumentName, Reader, Tx};
use crate::time;

/// The number of faults in an answer.
const SHOWN: usize = 100;

/// A file on its way to the thread that writes.
pub(super) struct Order {
    file: KeyFile,
    /// The server's settings and endpoints, if the file has none and was read with these.
    beginning: Option<String>,
    planned: Arc<PlannedFile>,
    source: String,
    caller: Caller,
    sender: Sender,
    quota: Arc<Quota>,
    now: u64,
}

impl Order {
    /// Reads the file. One without settings and endpoints has those of the server.
    pub(super) async fn read(
        app: &Arc<App>,
        call: &Call,
        planned: &Arc<PlannedFile>,
    ) -> Result<Self, Failure> {
        let document = |name| async move {
            let read: Result<_, Stored> = app
                .store
                .read(move |reader: &Reader<'_>| Ok(reader.document(name)?))
                .await;
            let read = read.map_err(Failure::from)?;
            let body = read.and_then(|stored| stored.body.as_object().cloned());
            Ok::<Map<String, Json>, Failure>(body.unwrap_or_default())
        };
        let settings = document(DocumentName::Configuration).await?;
        let endpoints = document(DocumentName::Endpoints).await?;
        let of = Arc::clone(planned);
        let read = tokio::task::spawn_blocking(move || read(&of, &settings, &endpoints)).await;
        let read = read.map_err(|_| Failure::new(Code::Internal, "The file was not read."))?;
        let (file, beginning) = read?;
        Ok(Self {
            file,
            beginning,
            planned: Arc::clone(planned),
            source: format!("file:{}", planned.name),
            caller: call.caller.clone(),
            sender: Sender::of(call),
            quota: Arc::clone(&app.quota),
            now: time::now(),
        })
    }

    pub(super) fn carry_out(&self, tx: &mut Tx<'_>) -> Result<Filed, Stored> {
        let reason = reason(&self.planned.passes_policy);
        let ceiling = self.caller.ceiling(self.planned.passes_policy.clone());
        let scope = self.caller.scope();
        let bounds = Bounds {
            scope: &scope,
            ceiling: &ceiling,
            sender: &self.sender,
            reason: reason.as_deref(),
            quota: Some(&self.quota),
            source: &self.source,
            file: Some(&self.planned.name),
            now: self.now,
        };
        let (name, caller) = (&self.planned.name, &self.caller);
        let has_settings = self.beginning.is_none();
        file_into(tx, &self.file, name, caller, &bounds, has_settings)
    }

    /// The server's settings and endpoints, if the file has none.
    pub(super) fn beginning(&self) -> Option<String> {
        self.beginning.clone()
    }

    /// The row that says that the file was applied; each record that changed has its own.
    pub(super) fn row(&self, count: u64) -> crate::store::activity::Entry {
        let name = Some(("key_file".to_owned(), self.planned.name.clone()));
        let mut row = self.sender.of_many("key_file_applied", count, self.now);
        row.object = name;
        if let (Override::Because(reason), Some(body)) =
            (&self.planned.passes_policy, row.body.as_object_mut())
        {
            body.insert("reason".to_owned(), Json::String(reason.clone()));
        }
        row
    }
}

/// The members of a file that say something of the gateway and the API.
const SETTINGS: [&str; 4] = ["api_versions", "catalogue", "configuration", "endpoints"];

/// Reads the file. If it contains no settings, it is read with those that are also returned. Its faults do not quote it.
fn read(
    planned: &PlannedFile,
    settings: &Map<String, Json>,
    endpoints: &Map<String, Json>,
) -> Result<(KeyFile, Option<String>), Failure> {
    let mut texts = planned.texts.clone();
    // Which members there are; what is no TOML is found below.
    let has_settings = texts.iter().any(|(_, text)| {
        let table: Option<toml::Table> = text.parse().ok();
        table.is_some_and(|table| SETTINGS.iter().any(|name| table.contains_key(*name)))
    });
    let mut added = None;
    if !has_settings {
        let profile = settings.iter().filter(|(name, _)| *name == "profile");
        let profile: Map<String, Json> = profile
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let beginning = compose_beginning(&profile, endpoints).map_err(|_| {
            Failure::new(
                Code::Internal,
                "The server's settings have no form in TOML.",
            )
        })?;
        texts.push(("the server".to_owned(), beginning.clone()));
        added = Some(beginning);
    }
    let file = KeyFile::read(texts).map_err(|faults| {
        let all: Vec<String> = faults.list().iter().map(ToString::to_string).collect();
        let first = all.first().cloned().unwrap_or_default();
        Failure::new(
            Code::ParameterInvalid,
            format!("The file is not a key file that a gateway would take. {first}."),
        )
        .at("files")
        .with("faults", all.into_iter().take(SHOWN).collect::<Vec<_>>())
    })?;
    Ok((file, added))
}
