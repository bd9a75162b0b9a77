//! What gateways are to be given: the records as a snapshot, byte for byte what a key file with the
//! same records makes.

use serde_json::{Map, Value as Json, json};

use keyward::configuration::Configuration;
use keyward::refusal::Refusal;
use keyward::snapshot::FORMAT;
use keyward_files::key_file::{Issue, account_row, key_row, permissions_row};

use super::error::Result;
use super::lists::KeyFilter;
use super::reader::Reader;
use super::records::documents::DocumentName;
use super::scope::Scope;

impl Reader<'_> {
    /// The plugin configuration with the snapshot in it.
    pub fn configuration(&self, issue: &Issue) -> Result<Json> {
        let settings = self.document(DocumentName::Configuration)?;
        let settings = settings.and_then(|stored| stored.body.as_object().cloned());
        let mut configuration = settings.unwrap_or_default();
        configuration.insert("snapshot".to_owned(), self.snapshot(issue)?);
        Ok(Json::Object(configuration))
    }

    /// The snapshot alone.
    pub fn snapshot(&self, issue: &Issue) -> Result<Json> {
        let everything = Scope::everything();
        let endpoints = self.document(DocumentName::Endpoints)?;
        let endpoints = endpoints.and_then(|stored| stored.body.as_object().cloned());
        let mut snapshot = endpoints.unwrap_or_default();
        snapshot.insert("format".to_owned(), json!(FORMAT));
        snapshot.insert("revision".to_owned(), json!(issue.revision));
        snapshot.insert("issued_at".to_owned(), json!(issue.issued_at));
        let mut accounts = Vec::new();
        self.each_account(&everything, |stored| {
            accounts.push(account_row(&stored.account));
            Ok(())
        })?;
        snapshot.insert("accounts".to_owned(), json!(accounts));
        let sets = self.grant_sets()?.into_iter();
        let sets: Map<String, Json> = sets
            .map(|stored| (stored.name, json!(permissions_row(&stored.granted))))
            .collect();
        if !sets.is_empty() {
            snapshot.insert("grant_sets".to_owned(), Json::Object(sets));
        }
        let mut keys = Vec::new();
        self.each_key(&everything, &KeyFilter::default(), |stored| {
            keys.push(key_row(&stored.key));
            Ok(())
        })?;
        if keys.is_empty() && issue.may_be_empty {
            snapshot.insert("empty".to_owned(), json!(true));
        }
        snapshot.insert("keys".to_owned(), json!(keys));
        Ok(Json::Object(snapshot))
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
