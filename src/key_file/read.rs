//! From the text of one file to its records: every member known and of its type, and all faults found at once.

use serde_json::{Map, Value as Json};
use toml_edit::{ArrayOfTables, Document, Item, Table, TableLike, Value};

use super::fault::Collector;
use super::fields::{Fields, granted, offset_of, shown};
use super::raw_key::RawKeys;
use super::record::{Account, Granted, Key, KeyGrants};
use super::{At, FORMAT, source_name};
use crate::account::{AccountStatus, Children};
use crate::address::parse_range;
use crate::configuration::Configuration;
use crate::digest::KeyDigest;
use crate::key::{KeyKind, Livemode};
use crate::profile::Profile;
use crate::refusal::Place;
use crate::snapshot::{Enforcement, KeyStatus};

const TABLES: &str = "tables, each under a heading in double brackets";

/// What one file says.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) accounts: Vec<(Account, At)>,
    pub(super) grant_sets: Vec<(String, Granted, At)>,
    pub(super) keys: Vec<(Key, At)>,
    /// Endpoints as the snapshot writes them.
    pub(super) endpoints: Vec<(Json, At)>,
    /// The members that one file alone may have: `configuration`, `api_versions`, `catalogue`, `source`.
    pub(super) single: Vec<(&'static str, Json, At)>,
}

/// Reads one file. Faults are noted; what could not be read is left out.
pub(super) fn contents(
    document: &Document<String>,
    part: usize,
    profile: &Profile,
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
        contents.single.push((source_name::MEMBER, name, at));
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
        if let Some(json) = json_of(item, &place, fields.collector) {
            let at = at(0, offset, fields.collector);
            contents.single.push((name, json, at));
        }
    }
    let accounts = tables(&mut fields, "accounts");
    let grant_sets = fields.take("grant_sets");
    let endpoints = fields.take("endpoints");
    let keys = tables(&mut fields, "keys");
    fields.finish();
    for (index, table) in accounts.into_iter().flatten().enumerate() {
        let offset = offset(table);
        let place = Place::member("accounts").at(index);
        let fields = Fields::new(table, offset, place, collector);
        if let Some(read) = account(fields) {
            contents.accounts.push((read, at(index, offset, collector)));
        }
    }
    if let Some(item) = grant_sets {
        read_grant_sets(item, part, &mut contents, collector);
    }
    if let Some(item) = endpoints {
        let place = Place::member("endpoints");
        match json_of(item, &place, collector) {
            Some(Json::Array(rows)) => {
                let offsets = element_offsets(item);
                for (index, row) in rows.into_iter().enumerate() {
                    let at = at(index, offsets.get(index).copied().flatten(), collector);
                    contents.endpoints.push((row, at));
                }
            }
            Some(_) => collector.expected(offset_of(root, "endpoints"), &place, "an array"),
            None => {}
        }
    }
    for (index, table) in keys.into_iter().flatten().enumerate() {
        let offset = offset(table);
        let place = Place::member("keys").at(index);
        let fields = Fields::new(table, offset, place, collector);
        if let Some(read) = key(fields, profile) {
            contents.keys.push((read, at(index, offset, collector)));
        }
    }
    contents
}

/// Settings are checked as the gateway checks them; here only what would get lost on the way.
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

fn tables<'t>(fields: &mut Fields<'t, '_, '_>, name: &'static str) -> Option<&'t ArrayOfTables> {
    let item = fields.take(name)?;
    let tables = item.as_array_of_tables();
    if tables.is_none() {
        fields.expected(name, TABLES);
    }
    tables
}

fn account(mut fields: Fields<'_, '_, '_>) -> Option<Account> {
    let id = fields.required("id", Fields::id);
    let name = fields.name("name");
    let parent = fields.id("parent");
    let children = fields.word(
        "children",
        &[("listed", Children::Listed), ("any", Children::Any)],
        "`listed` or `any`",
    );
    let status = fields.word(
        "status",
        &[
            ("active", AccountStatus::Active),
            ("suspended", AccountStatus::Suspended),
        ],
        "`active` or `suspended`",
    );
    fields.finish();
    Some(Account {
        id: id?,
        name,
        parent,
        children: children.unwrap_or(Children::Listed),
        status: status.unwrap_or(AccountStatus::Active),
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

fn key(mut fields: Fields<'_, '_, '_>, profile: &Profile) -> Option<Key> {
    let id = fields.required("id", Fields::id);
    let name = fields.name("name");
    let note = fields.text("note");
    let labels = fields.labels("labels");
    let created = fields.instant("created");
    let created_by = fields.name("created_by");
    let kind = fields.required("kind", |fields, name| {
        let words = KeyKind::ALL.map(|kind| (kind.name(), kind));
        let expected = "`secret`, `restricted`, `publishable` or `organization`";
        fields.word(name, &words, expected)
    });
    let mode = fields.required("mode", |fields, name| {
        let words = [("test", Livemode::Test), ("live", Livemode::Live)];
        fields.word(name, &words, "`test` or `live`")
    });
    let owner = fields.required("owner", Fields::id);
    let grants = key_grants(&mut fields, "grants");
    let connect_grants = key_grants(&mut fields, "connect_grants");
    let allowed_ips = ranges(&mut fields);
    let expires = fields.instant("expires");
    let not_before = fields.instant("not_before");
    let status = fields.word(
        "status",
        &[
            ("active", KeyStatus::Active),
            ("deleted", KeyStatus::Deleted),
        ],
        "`active` or `deleted`",
    );
    let enforcement = fields.word(
        "enforcement",
        &[
            ("enforce", Enforcement::Enforce),
            ("shadow", Enforcement::Shadow),
        ],
        "`enforce` or `shadow`",
    );
    let replaces = fields.id("replaces");
    let replaced_by = fields.id("replaced_by");
    let last4 = last4(&mut fields);
    let value = fields.string("value").map(str::to_owned);
    let digest = match (kind, &value) {
        (Some(KeyKind::Publishable), Some(value)) => public(&mut fields, value, profile),
        _ => secret(&mut fields, value.is_some()),
    };
    limits(&mut fields, kind, grants.as_ref(), connect_grants.as_ref());
    if kind == Some(KeyKind::Publishable) && !allowed_ips.is_empty() {
        let why = "a publishable key has no IP limit: it is used in browsers everywhere";
        fields.refused("allowed_ips", why);
    }
    fields.finish();
    Some(Key {
        id: id?,
        name,
        note,
        labels,
        created,
        created_by,
        kind: kind?,
        mode: mode?,
        owner: owner?,
        grants,
        connect_grants,
        allowed_ips,
        expires,
        not_before,
        status: status.unwrap_or(KeyStatus::Active),
        enforcement: enforcement.unwrap_or_default(),
        replaces,
        replaced_by,
        digest: digest?,
        last4,
        value,
    })
}

fn key_grants(fields: &mut Fields<'_, '_, '_>, name: &'static str) -> Option<KeyGrants> {
    let item = fields.take(name)?;
    if let Some(set) = item.as_str() {
        return Some(KeyGrants::Set(set.to_owned()));
    }
    match item.as_table_like() {
        Some(table) => {
            let place = fields.place.then(name);
            let granted = granted(table, &place, fields.collector);
            Some(KeyGrants::Inline(granted))
        }
        None => {
            fields.expected(name, "a table of permissions, or the name of a grant set");
            None
        }
    }
}

fn ranges(fields: &mut Fields<'_, '_, '_>) -> Vec<String> {
    let place = fields.place.then("allowed_ips");
    let mut ranges = Vec::new();
    for (index, (text, offset)) in fields.strings("allowed_ips").into_iter().enumerate() {
        if parse_range(&text).is_some() {
            ranges.push(text);
        } else {
            let place = place.at(index);
            let expected = "an address or CIDR range";
            fields.collector.expected(offset, &place, expected);
        }
    }
    ranges
}

fn last4(fields: &mut Fields<'_, '_, '_>) -> Option<String> {
    let text = fields.string("last4")?;
    let is_end = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_end {
        fields.expected("last4", "the last 1 to 4 characters of the key");
    }
    is_end.then(|| text.to_owned())
}

/// The digest of a publishable key: of its value, where that is kept.
fn public(fields: &mut Fields<'_, '_, '_>, value: &str, profile: &Profile) -> Option<KeyDigest> {
    let is_key = (1..=512).contains(&value.len())
        && value
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b',');
    let mut prefixes = profile.key_prefixes(KeyKind::Publishable);
    let is_prefix = prefixes.any(|prefix| prefix == value);
    if !is_key || is_prefix || !profile.is_key_of_kind(value, KeyKind::Publishable) {
        fields.expected("value", "a publishable key with its prefix");
    }
    let computed = KeyDigest::of(value.as_bytes());
    if let Some(written) = fields.string("sha256")
        && KeyDigest::from_hex(written) != Some(computed)
    {
        fields.expected(
            "sha256",
            "the digest of `value`; beside a value it may be left out",
        );
    }
    Some(computed)
}

fn secret(fields: &mut Fields<'_, '_, '_>, has_value: bool) -> Option<KeyDigest> {
    if has_value {
        let why = "only a publishable key's value is kept; write its `sha256`";
        fields.refused("value", why);
    }
    let text = fields.required("sha256", Fields::string)?;
    let digest = KeyDigest::from_hex(text);
    if digest.is_none() {
        fields.expected("sha256", "64 hexadecimal digits");
    }
    digest
}

/// What a kind must have, and what it cannot have.
fn limits(
    fields: &mut Fields<'_, '_, '_>,
    kind: Option<KeyKind>,
    grants: Option<&KeyGrants>,
    connect_grants: Option<&KeyGrants>,
) {
    match kind {
        Some(KeyKind::Restricted) if grants.is_none() => {
            let why = "a restricted key needs grants; `{}` is none at all";
            fields.refused("grants", why);
        }
        Some(KeyKind::Publishable) => {
            for (name, given) in [("grants", grants), ("connect_grants", connect_grants)] {
                if given.is_some() {
                    fields.refused(name, "a publishable key has no grants");
                }
            }
        }
        Some(KeyKind::Secret | KeyKind::Restricted | KeyKind::Organization) | None => {}
    }
}

/// A TOML item as JSON. Times and numbers that JSON has no word for are faults.
fn json_of(item: &Item, place: &Place, collector: &mut Collector<'_>) -> Option<Json> {
    match item {
        Item::None => None,
        Item::Value(value) => json_of_value(value, place, collector),
        Item::Table(table) => json_of_table(table, place, collector),
        Item::ArrayOfTables(tables) => tables
            .iter()
            .enumerate()
            .map(|(index, table)| json_of_table(table, &place.at(index), collector))
            .collect::<Option<_>>()
            .map(Json::Array),
    }
}

fn json_of_table(
    table: &dyn TableLike,
    place: &Place,
    collector: &mut Collector<'_>,
) -> Option<Json> {
    let mut members = Map::new();
    let mut is_whole = true;
    for (name, item) in table.iter() {
        match json_of(item, &place.then(shown(name)), collector) {
            Some(json) => {
                members.insert(name.to_owned(), json);
            }
            None => is_whole = false,
        }
    }
    is_whole.then_some(Json::Object(members))
}

fn json_of_value(value: &Value, place: &Place, collector: &mut Collector<'_>) -> Option<Json> {
    let json = match value {
        Value::String(text) => Some(Json::from(text.value().as_str())),
        Value::Integer(number) => Some(Json::from(*number.value())),
        Value::Boolean(truth) => Some(Json::from(*truth.value())),
        Value::Array(array) => array
            .iter()
            .enumerate()
            .map(|(index, value)| json_of_value(value, &place.at(index), collector))
            .collect::<Option<_>>()
            .map(Json::Array),
        Value::InlineTable(table) => return json_of_table(table, place, collector),
        Value::Float(_) | Value::Datetime(_) => None,
    };
    if json.is_none() && !matches!(value, Value::Array(_)) {
        let offset = value.span().map(|span| span.start);
        let expected = "a string, an integer, a truth value, an array or a table";
        collector.expected(offset, place, expected);
    }
    json
}

/// The profile of the settings in this file; `None` where it has none or a broken one, which is said elsewhere.
pub(super) fn profile_of(document: &Document<String>) -> Option<Profile> {
    let settings = document.get("configuration")?.get("profile")?;
    let mut aside = Collector::new("", "");
    let profile = json_of(settings, &Place::default(), &mut aside)?;
    let configuration = serde_json::json!({"profile": profile}).to_string();
    Configuration::from_json(configuration.as_bytes())
        .ok()
        .map(|configuration| configuration.profile().clone())
}

/// Notes each line where a raw key stands, also one spelled with TOML's escapes.
pub(super) fn refuse_raw_keys(
    document: Option<&Document<String>>,
    keys: &RawKeys,
    collector: &mut Collector<'_>,
) {
    const FOUND: &str = "a key stands here, and a key file keeps digests alone: take it out, treat the key as leaked, and read it in again with `keyward keys import`";
    let mut start = 0;
    for line in collector.text.split_inclusive('\n') {
        if keys.occur_in(line) {
            collector.push(Some(start), Place::default().refused(FOUND));
        }
        start += line.len();
    }
    if let (Some(document), true) = (document, collector.faults.is_empty()) {
        let mut found = Vec::new();
        escaped(document.as_item(), keys, &mut found);
        for offset in found {
            collector.push(offset, Place::default().refused(FOUND));
        }
    }
}

/// Where strings and names hold a raw key once their escapes are read.
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
