//! From the text of one file to its records: every member is known and has its type, and all faults
//! are found at once.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use toml_edit::{Document, Item, Table, TableLike, Value};

use super::fault::Collector;
use super::fields::{Fields, granted, offset_of, shown};
use super::json_of::json_of;
use super::pieces::Role;
use super::raw_key::RawKeys;
use super::read_key::key;
use super::{At, FORMAT, PUSH, Single, source_name};
use keyward::account::{AccountStatus, Children};
use keyward::configuration::Configuration;
use keyward::management::{Account, Granted, Key};
use keyward::profile::Profile;
use keyward::refusal::Place;
use keyward::snapshot::document::{Endpoint, SNAPSHOT};
use keyward::wire::Object;

const TABLES: &str = "tables, each under a heading in double brackets";

/// The content of one file.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) grant_sets: Vec<(String, Granted, At)>,
    /// Endpoints, in the form of the snapshot.
    pub(super) endpoints: Vec<(Endpoint, At)>,
    /// The members that only one file may have.
    pub(super) single: Vec<(Single, At)>,
}

/// What `record` reads: an account or a key.
pub(super) enum Record {
    Account(Account),
    Key(Box<Key>),
}

/// Reads the piece of one record, number `index` of its heading. If it has faults, notes them and
/// returns `None`.
pub(super) fn record(
    text: &str,
    role: Role,
    index: usize,
    profile: &Profile,
    raw_keys: &[&RawKeys],
    collector: &mut Collector<'_>,
) -> Option<Record> {
    let heading = role.heading()?;
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let offset = error.span().map(|span| span.start);
            collector.expected(offset, &Place::default(), "TOML");
            return None;
        }
    };
    let before = collector.faults.len();
    refuse_escaped_keys(&document, text, raw_keys, collector);
    if collector.faults.len() > before {
        return None;
    }
    let tables = document.get(heading).and_then(Item::as_array_of_tables);
    let table = tables.and_then(|tables| tables.get(0))?;
    let place = Place::member(heading).at(index);
    let fields = Fields::new(table, offset(table), place, collector);
    match role {
        Role::Account => account(fields).map(Record::Account),
        Role::Key => key(fields, profile).map(Box::new).map(Record::Key),
        Role::Rest => None,
    }
}

/// Reads one file without its records. Notes faults, and leaves out what could not be read.
pub(super) fn contents(
    document: &Document<String>,
    part: usize,
    collector: &mut Collector<'_>,
) -> Contents {
    let mut contents = Contents::default();
    let at = |index, offset, collector: &Collector<'_>| At {
        part,
        index,
        line: offset_line(offset, collector),
    };
    let root = document.as_table();
    let mut fields = Fields::new(root, Some(0), Place::default(), collector);
    match fields.required("format", Fields::string) {
        Some(FORMAT) | None => {}
        Some(_) => fields.expected("format", "`keyward.keys/v1`"),
    }
    if let Some(name) = source_name::read(&mut fields) {
        let at = at(0, fields.offset(source_name::MEMBER), fields.collector);
        contents.single.push((Single::Source(name), at));
    }
    for name in ["configuration", "api_versions", "catalogue"] {
        let Some(item) = fields.take(name) else {
            continue;
        };
        let offset = fields.offset(name);
        let place = Place::member(name);
        if name == "configuration" {
            settings(item, &mut fields);
        }
        if let Some(json) = json_of(item, &place, fields.collector)
            && let Some(single) = single(name, json, offset, &place, fields.collector)
        {
            let at = at(0, offset, fields.collector);
            contents.single.push((single, at));
        }
    }
    if let Some(item) = fields.take(PUSH) {
        let offset = fields.offset(PUSH);
        match item.as_table_like() {
            Some(table) => {
                let mut push = Fields::new(table, offset, Place::member(PUSH), fields.collector);
                let ecds = push.required("ecds", Fields::string);
                push.finish();
                if let Some(ecds) = ecds {
                    let at = at(0, offset, fields.collector);
                    contents.single.push((Single::Push(ecds.to_owned()), at));
                }
            }
            None => fields.expected(PUSH, "a table with `ecds`, the file that is pushed to"),
        }
    }
    for name in ["accounts", "keys"] {
        if fields.take(name).is_some() {
            fields.expected(name, TABLES);
        }
    }
    let grant_sets = fields.take("grant_sets");
    let endpoints = fields.take("endpoints");
    fields.finish();
    if let Some(item) = grant_sets {
        read_grant_sets(item, part, &mut contents, collector);
    }
    if let Some(item) = endpoints {
        let place = Place::member("endpoints");
        match json_of(item, &place, collector) {
            Some(Json::Array(rows)) => {
                let offsets = element_offsets(item);
                for (index, row) in rows.into_iter().enumerate() {
                    let offset = offsets.get(index).copied().flatten();
                    let at = at(index, offset, collector);
                    let row = as_a_gateway_reads(&row, offset, &place.at(index), collector);
                    if let Some(Object(row)) = row {
                        contents.endpoints.push((row, at));
                    }
                }
            }
            Some(_) => collector.expected(offset_of(root, "endpoints"), &place, "an array"),
            None => {}
        }
    }
    contents
}

/// Reads content that has the same form in the snapshot, and rejects it as a gateway does.
fn as_a_gateway_reads<T: DeserializeOwned>(
    json: &Json,
    offset: Option<usize>,
    place: &Place,
    collector: &mut Collector<'_>,
) -> Option<T> {
    match keyward::json::read(json.to_string().as_bytes(), &SNAPSHOT) {
        Ok(value) => Some(value),
        Err(refusal) => {
            collector.push(offset, refusal.below(place));
            None
        }
    }
}

fn single(
    name: &str,
    json: Json,
    offset: Option<usize>,
    place: &Place,
    collector: &mut Collector<'_>,
) -> Option<Single> {
    match (name, json) {
        ("api_versions", json) => {
            as_a_gateway_reads(&json, offset, place, collector).map(Single::ApiVersions)
        }
        ("catalogue", json) => {
            as_a_gateway_reads(&json, offset, place, collector).map(Single::Catalogue)
        }
        (_, Json::Object(settings)) => Some(Single::Configuration(settings)),
        // The fault is already noted.
        (_, _) => None,
    }
}

/// Checks settings only for values that the conversion would lose. The gateway's own checks follow
/// later.
fn settings(item: &Item, fields: &mut Fields<'_, '_, '_>) {
    match item.as_table_like() {
        None => fields.expected("configuration", "a table of settings"),
        Some(table) if table.contains_key("snapshot") => {
            let why = "the snapshot is made from this file and has no place in the settings";
            fields.refused("configuration", why);
        }
        Some(_) => {}
    }
}

fn offset_line(offset: Option<usize>, collector: &Collector<'_>) -> Option<usize> {
    offset.map(|offset| collector.line(offset))
}

fn offset(table: &Table) -> Option<usize> {
    table.span().map(|span| span.start)
}

fn element_offsets(item: &Item) -> Vec<Option<usize>> {
    match item {
        Item::ArrayOfTables(tables) => tables.iter().map(offset).collect(),
        Item::Value(Value::Array(array)) => array
            .iter()
            .map(|value| value.span().map(|span| span.start))
            .collect(),
        Item::None | Item::Value(_) | Item::Table(_) => Vec::new(),
    }
}

fn account(mut fields: Fields<'_, '_, '_>) -> Option<Account> {
    let id = fields.required("id", Fields::id);
    let name = fields.name("name");
    let parent = fields.id("parent");
    let children = fields.word::<Children>("children");
    let status = fields.word::<AccountStatus>("status");
    fields.finish();
    Some(Account {
        id: id?,
        name,
        parent,
        children: children.unwrap_or_default(),
        status: status.unwrap_or_default(),
    })
}

fn read_grant_sets(
    item: &Item,
    part: usize,
    contents: &mut Contents,
    collector: &mut Collector<'_>,
) {
    let place = Place::member("grant_sets");
    let Some(sets) = item.as_table_like() else {
        let offset = item.span().map(|span| span.start);
        collector.expected(offset, &place, "a table of grant sets");
        return;
    };
    for (index, (name, item)) in sets.iter().enumerate() {
        let offset = offset_of(sets, name);
        let place = place.then(shown(name));
        if !super::is_id(name) {
            collector.expected(
                offset,
                &place,
                "a name of 1 to 64 letters, digits, `_`, `.` or `-`",
            );
        }
        let Some(table) = item.as_table_like() else {
            collector.expected(offset, &place, "a table of permissions");
            continue;
        };
        let at = At {
            part,
            index,
            line: offset_line(offset, collector),
        };
        let granted = granted(table, &place, collector);
        contents.grant_sets.push((name.to_owned(), granted, at));
    }
}

/// Returns the profile of the settings in this file. `None` if it has none or a broken one, which
/// other code reports.
pub(super) fn profile_of(document: &Document<String>) -> Option<Profile> {
    let settings = document.get("configuration")?.get("profile")?;
    let mut aside = Collector::new("", "");
    let profile = json_of(settings, &Place::default(), &mut aside)?;
    let configuration = serde_json::json!({"profile": profile}).to_string();
    Configuration::from_json(configuration.as_bytes())
        .ok()
        .map(|configuration| configuration.profile().clone())
}

const RAW_KEY: &str = "a key is here, and a key file keeps only digests: take it out, treat the key as leaked, and read it in again with `keyward keys import`";

/// Notes each line that contains a raw key.
pub(super) fn refuse_raw_keys(keys: &RawKeys, collector: &mut Collector<'_>) {
    let mut start = 0;
    for line in collector.text.split_inclusive('\n') {
        if keys.occur_in(line) {
            collector.push(Some(start), Place::default().refused(RAW_KEY));
        }
        start += line.len();
    }
}

/// Notes raw keys that are spelled with TOML's escapes, which all begin with a backslash.
pub(super) fn refuse_escaped_keys<S>(
    document: &Document<S>,
    text: &str,
    keys: &[&RawKeys],
    collector: &mut Collector<'_>,
) {
    if !text.contains('\\') {
        return;
    }
    let mut found = Vec::new();
    for keys in keys {
        escaped(document.as_item(), keys, &mut found);
    }
    for offset in found {
        collector.push(offset, Place::default().refused(RAW_KEY));
    }
}

/// Finds strings and names that contain a raw key after their escapes are read.
fn escaped(item: &Item, keys: &RawKeys, found: &mut Vec<Option<usize>>) {
    if let Some(table) = item.as_table_like() {
        escaped_in(table, keys, found);
    } else if let Some(tables) = item.as_array_of_tables() {
        for table in tables {
            escaped_in(table, keys, found);
        }
    } else if let Some(array) = item.as_array() {
        for value in array {
            escaped(&Item::Value(value.clone()), keys, found);
        }
    } else if item.as_str().is_some_and(|text| keys.occur_in(text)) {
        found.push(item.span().map(|span| span.start));
    }
}

fn escaped_in(table: &dyn TableLike, keys: &RawKeys, found: &mut Vec<Option<usize>>) {
    for (name, item) in table.iter() {
        if keys.occur_in(name) {
            found.push(offset_of(table, name));
        }
        escaped(item, keys, found);
    }
}
