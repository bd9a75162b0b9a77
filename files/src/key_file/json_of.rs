//! Converts the parts of a key file that have the snapshot's form from TOML to JSON.

use serde_json::{Map, Value as Json};
use toml_edit::{Item, TableLike, Value};

use super::fault::Collector;
use super::fields::shown;
use keyward::refusal::Place;

/// Converts a TOML item to JSON. Times, and numbers that JSON cannot express, are faults.
pub(super) fn json_of(item: &Item, place: &Place, collector: &mut Collector<'_>) -> Option<Json> {
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

pub(super) fn json_of_table(
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

pub(super) fn json_of_value(
    value: &Value,
    place: &Place,
    collector: &mut Collector<'_>,
) -> Option<Json> {
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
