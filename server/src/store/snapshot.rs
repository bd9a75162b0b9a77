//! What gateways are to be given: the records as a snapshot, byte for byte what a key file with the
//! same records makes.

use serde_json::{Map, Value as Json, json};

use keyward::configuration::Configuration;
use keyward::refusal::Refusal;
use keyward::snapshot::{FORMAT, document};
use keyward_files::key_file::{Issue, account_row, key_row, permissions_row};

use super::error::Result;
use super::lists::KeyFilter;
use super::reader::Reader;
use super::records::documents::DocumentName;
use super::scope::Scope;

/// All that a snapshot is made of, of one state of the store.
pub struct Records {
    /// The last change that is in it.
    through: u64,
    accounts: Vec<document::Account>,
    grant_sets: Map<String, Json>,
    keys: Vec<document::Key>,
    /// `api_versions`, `catalogue`, `endpoints`.
    endpoints: Map<String, Json>,
}

impl Records {
    /// Reads them.
    pub fn read(reader: &Reader<'_>) -> Result<Self> {
        let everything = Scope::everything();
        let (mut accounts, mut keys) = (Vec::new(), Vec::new());
        reader.each_account(&everything, |stored| {
            accounts.push(account_row(&stored.account));
            Ok(())
        })?;
        reader.each_key(&everything, &KeyFilter::default(), |stored| {
            keys.push(key_row(&stored.key));
            Ok(())
        })?;
        let sets = reader.grant_sets()?.into_iter();
        let endpoints = reader.document(DocumentName::Endpoints)?;
        let endpoints = endpoints.and_then(|stored| stored.body.as_object().cloned());
        Ok(Self {
            through: reader.head()?.sequence,
            accounts,
            grant_sets: sets
                .map(|set| (set.name, json!(permissions_row(&set.granted))))
                .collect(),
            keys,
            endpoints: endpoints.unwrap_or_default(),
        })
    }

    /// The last change that is in it.
    #[must_use]
    pub fn through(&self) -> u64 {
        self.through
    }

    /// The snapshot of them.
    #[must_use]
    pub fn snapshot(&self, issue: &Issue) -> Map<String, Json> {
        let mut snapshot = self.endpoints.clone();
        snapshot.insert("format".to_owned(), json!(FORMAT));
        snapshot.insert("revision".to_owned(), json!(issue.revision));
        snapshot.insert("issued_at".to_owned(), json!(issue.issued_at));
        snapshot.insert("accounts".to_owned(), json!(self.accounts));
        if !self.grant_sets.is_empty() {
            snapshot.insert("grant_sets".to_owned(), json!(self.grant_sets));
        }
        if self.keys.is_empty() && issue.may_be_empty {
            snapshot.insert("empty".to_owned(), json!(true));
        }
        snapshot.insert("keys".to_owned(), json!(self.keys));
        snapshot
    }
}

impl Reader<'_> {
    /// The plugin configuration with the snapshot in it.
    pub fn configuration(&self, issue: &Issue) -> Result<Json> {
        let settings = self.document(DocumentName::Configuration)?;
        let settings = settings.and_then(|stored| stored.body.as_object().cloned());
        let mut configuration = settings.unwrap_or_default();
        let snapshot = Records::read(self)?.snapshot(issue);
        configuration.insert("snapshot".to_owned(), Json::Object(snapshot));
        Ok(Json::Object(configuration))
    }

    /// Whether a gateway would load what is in the store, by the gateway's own code.
    pub fn trial(&self) -> Result<std::result::Result<(), Refusal>> {
        let issue = Issue {
            revision: 0,
            issued_at: 0,
            may_be_empty: true,
        };
        let text = self.configuration(&issue)?.to_string();
        Ok(Configuration::from_json(text.as_bytes()).map(|_| ()))
    }
}
