//! Writes a key file from records that are stored elsewhere, section by section, so that a file of
//! a million keys is never in memory at once. The result reads back as the same records.

use serde_json::{Map, Value as Json, json};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

use super::{Account, FORMAT, Granted, Key, KeyFile, Single, write};

/// A setting that TOML cannot express: `null`, or a number outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoForm;

impl std::fmt::Display for NoForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value in the settings has no form in TOML")
    }
}

impl std::error::Error for NoForm {}

/// Composes the beginning: the format, the gateway's settings, and the API members of a snapshot.
pub fn compose_beginning(
    configuration: &Map<String, Json>,
    endpoints: &Map<String, Json>,
) -> Result<String, NoForm> {
    let mut document = DocumentMut::new();
    document.insert("format", Item::from(FORMAT));
    for (name, value) in endpoints {
        if name != "endpoints" {
            document.insert(name, Item::Value(of_json(value)?));
        }
    }
    if !configuration.is_empty() {
        document.insert("configuration", Item::Table(table(configuration)?));
    }
    let rows = endpoints.get("endpoints").and_then(Json::as_array);
    let mut tables = ArrayOfTables::new();
    for row in rows.into_iter().flatten() {
        tables.push(table(row.as_object().ok_or(NoForm)?)?);
    }
    if !tables.is_empty() {
        document.insert("endpoints", Item::ArrayOfTables(tables));
    }
    Ok(document.to_string())
}

impl KeyFile {
    /// Returns the gateway's settings without the snapshot.
    #[must_use]
    pub fn settings(&self) -> Map<String, Json> {
        let settings = self.singles().find_map(|single| match single {
            Single::Configuration(settings) => Some(settings.clone()),
            Single::ApiVersions(_) | Single::Catalogue(_) | Single::Source(_) | Single::Push(_) => {
                None
            }
        });
        settings.unwrap_or_default()
    }

    /// Returns the members of a snapshot that describe the API: `api_versions`, `catalogue` and
    /// `endpoints`.
    #[must_use]
    pub fn api_members(&self) -> Map<String, Json> {
        let mut members = Map::new();
        for single in self.singles() {
            let value = match single {
                Single::ApiVersions(versions) => json!(versions),
                Single::Catalogue(catalogue) => json!(catalogue),
                Single::Configuration(_) | Single::Source(_) | Single::Push(_) => continue,
            };
            members.insert(single.name().to_owned(), value);
        }
        if !self.endpoints.is_empty() {
            let rows: Vec<_> = self.endpoints.iter().map(|(row, _)| row).collect();
            members.insert("endpoints".to_owned(), json!(rows));
        }
        members
    }
}

/// Composes the section of an account.
#[must_use]
pub fn compose_account(account: &Account) -> String {
    let mut table = Table::new();
    write::account(&mut table, account, &write::ACCOUNT_MEMBERS);
    section("accounts", table)
}

/// Composes the section of a grant set.
#[must_use]
pub fn compose_grant_set(name: &str, granted: &Granted) -> String {
    let mut set = Table::new();
    write::granted(&mut set, granted);
    let mut sets = Table::new();
    sets.set_implicit(true);
    sets.insert(name, Item::Table(set));
    let mut document = DocumentMut::new();
    document.insert("grant_sets", Item::Table(sets));
    format!("\n{document}")
}

/// Composes the section of a key.
#[must_use]
pub fn compose_key(key: &Key) -> String {
    let mut table = Table::new();
    write::key(&mut table, key, &write::KEY_MEMBERS);
    section("keys", table)
}

fn section(name: &str, table: Table) -> String {
    let mut tables = ArrayOfTables::new();
    tables.push(table);
    let mut document = DocumentMut::new();
    document.insert(name, Item::ArrayOfTables(tables));
    format!("\n{document}")
}

fn table(members: &Map<String, Json>) -> Result<Table, NoForm> {
    let mut table = Table::new();
    for (name, value) in members {
        let item = match value {
            Json::Object(members) => Item::Table(self::table(members)?),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                Item::Value(of_json(value)?)
            }
        };
        table.insert(name, item);
    }
    Ok(table)
}

fn of_json(json: &Json) -> Result<Value, NoForm> {
    match json {
        Json::Null => Err(NoForm),
        Json::Bool(value) => Ok(Value::from(*value)),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => Ok(Value::from(number)),
            (None, None, Some(number)) => Ok(Value::from(number)),
            _ => Err(NoForm),
        },
        Json::String(text) => Ok(Value::from(text.as_str())),
        Json::Array(elements) => {
            let elements: Result<Array, NoForm> = elements.iter().map(of_json).collect();
            Ok(Value::Array(elements?))
        }
        Json::Object(members) => {
            let mut table = InlineTable::new();
            for (name, value) in members {
                table.insert(name, of_json(value)?);
            }
            Ok(Value::InlineTable(table))
        }
    }
}
