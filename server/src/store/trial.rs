//! Tests with the gateway's own code whether a gateway would load the store's content. The store
//! never keeps what a gateway would not load.

use serde_json::{Map, Value as Json, json};

use keyward::configuration::Configuration;
use keyward::key::KeyKind;
use keyward::refusal::Refusal;
use keyward::snapshot::FORMAT;
use keyward_files::key_file::{Issue, permissions_row};

use super::columns::damaged;
use super::error::Result;
use super::reader::Reader;
use super::records::documents::DocumentName;

/// The reason why a gateway would not load it, if there is one.
pub(super) type Trial = std::result::Result<(), Refusal>;

/// Selects every list of permissions that keys have themselves, once each.
const LISTS: &str = "SELECT permissions FROM grants WHERE id IN (
    SELECT grants FROM keys UNION SELECT connect_grants FROM keys)";

impl Reader<'_> {
    /// Tests the whole content.
    pub fn trial(&self) -> Result<Trial> {
        let issue = Issue {
            revision: 0,
            issued_at: 0,
            may_be_empty: true,
        };
        Ok(tried(&self.configuration(&issue)?))
    }

    /// Tests what depends on the endpoints: the endpoints, the grant sets, and one key for each
    /// list of permissions in place of a million. It runs on the thread that writes, and ends wait
    /// for it.
    pub fn trial_of_endpoints(&self) -> Result<Trial> {
        let body = |name| -> Result<Map<String, Json>> {
            let stored = self.document(name)?;
            let body = stored.and_then(|stored| stored.body.as_object().cloned());
            Ok(body.unwrap_or_default())
        };
        let mut snapshot = body(DocumentName::Endpoints)?;
        let sets = self.grant_sets()?.into_iter();
        let sets: Map<String, Json> = sets
            .map(|set| (set.name, json!(permissions_row(&set.granted))))
            .collect();
        if !sets.is_empty() {
            snapshot.insert("grant_sets".to_owned(), Json::Object(sets));
        }
        let owner = self.some_root()?;
        let keys = match &owner {
            Some((owner, kind)) => self.key_of_each_list(owner, kind)?,
            None => Vec::new(),
        };
        for (name, value) in [
            ("format", json!(FORMAT)),
            ("revision", json!(0)),
            ("issued_at", json!(0)),
            ("empty", json!(true)),
        ] {
            snapshot.insert(name.to_owned(), value);
        }
        if let Some((owner, _)) = owner.filter(|_| !keys.is_empty()) {
            snapshot.remove("empty");
            snapshot.insert("accounts".to_owned(), json!([{"id": owner}]));
            snapshot.insert("keys".to_owned(), Json::Array(keys));
        }
        let mut configuration = body(DocumentName::Configuration)?;
        configuration.insert("snapshot".to_owned(), Json::Object(snapshot));
        Ok(tried(&Json::Object(configuration)))
    }

    /// Returns an account without others above it, and the kind of key with permissions that it can
    /// own.
    fn some_root(&self) -> Result<Option<(String, &'static str)>> {
        let mut statement = self.connection().prepare_cached(
            "SELECT id, is_organization FROM accounts WHERE parent IS NULL
             ORDER BY is_organization LIMIT 1",
        )?;
        let mut rows = statement.query([])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let is_organization: bool = row.get(1)?;
        let kind = if is_organization {
            KeyKind::Organization
        } else {
            KeyKind::Restricted
        };
        Ok(Some((row.get(0)?, kind.name())))
    }

    fn key_of_each_list(&self, owner: &str, kind: &str) -> Result<Vec<Json>> {
        let mut statement = self.connection().prepare_cached(LISTS)?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            let permissions: Json =
                serde_json::from_str(&text).map_err(|_| damaged("grants.permissions"))?;
            let number = keys.len();
            keys.push(json!({
                "id": format!("mk_{number}"),
                "sha256": format!("{number:064x}"),
                "kind": kind,
                "livemode": false,
                "owner": owner,
                "grants": permissions,
            }));
        }
        Ok(keys)
    }
}

fn tried(configuration: &Json) -> Trial {
    let text = configuration.to_string();
    Configuration::from_json(text.as_bytes()).map(|_| ())
}

#[cfg(test)]
mod tests {
    use keyward_files::key_file::KeyFile;

    use super::*;
    use crate::commands::{Taking, import};
    use crate::store::tests::{Fixture, NOW, wait};
    use crate::store::{StoreError, Tx};

    /// Runs both trials on the store with these endpoints, which it does not keep.
    fn tried_with(fixture: &Fixture, endpoints: Json) -> [Trial; 2] {
        struct TakenBack(Box<std::result::Result<[Trial; 2], StoreError>>);
        impl From<StoreError> for TakenBack {
            fn from(error: StoreError) -> Self {
                Self(Box::new(Err(error)))
            }
        }
        let change = move |tx: &mut Tx<'_>| -> std::result::Result<(), TakenBack> {
            tx.put_document(DocumentName::Endpoints, &endpoints)?;
            let reader = tx.read();
            let found = [reader.trial()?, reader.trial_of_endpoints()?];
            Err(TakenBack(Box::new(Ok(found))))
        };
        wait(fixture.store.write(change)).unwrap_err().0.unwrap()
    }

    #[track_caller]
    fn assert_both(fixture: &Fixture, endpoints: Json, is_loaded: bool) {
        let found = tried_with(fixture, endpoints);
        let loads = found.each_ref().map(|trial| trial.is_ok());
        assert_eq!(loads, [is_loaded, is_loaded], "{found:?}");
    }

    #[test]
    fn endpoints_that_some_list_of_permissions_needs_are_missed_by_either_trial() {
        for (owner, kind) in [("acct_1", "restricted"), ("org_1", "organization")] {
            let fixture = Fixture::new();
            let text = format!(
                "format = \"keyward.keys/v1\"\n[[endpoints]]\nmethod = \"GET\"\npath = \"/v1/reports\"\n\
                 permission = \"report\"\naccess = \"read\"\n[grant_sets.reader]\ncharge = \"read\"\n\
                 [[accounts]]\nid = \"{owner}\"\n[[keys]]\nid = \"mk_1\"\nkind = \"{kind}\"\n\
                 mode = \"live\"\nowner = \"{owner}\"\ngrants = {{ report = \"read\" }}\nsha256 = \"{}\"\n",
                "1".repeat(64)
            );
            let file = KeyFile::read(vec![("keyward.toml".to_owned(), text)]).unwrap();
            let taking = Taking {
                most_keys: 10,
                is_dry_run: false,
                now: NOW,
            };
            wait(import(&fixture.store, file, taking)).unwrap();
            let row = |permission: &str| json!([{"method": "GET", "path": "/v1/x", "permission": permission, "access": "read"}]);
            assert_both(&fixture, json!({"endpoints": row("report")}), true);
            assert_both(&fixture, json!({"endpoints": row("other")}), false);
            assert_both(&fixture, json!({"endpoints": [{"method": "GET"}]}), false);
        }
    }
}
