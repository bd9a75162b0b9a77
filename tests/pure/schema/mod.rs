//! Compares the JSON Schemas in `docs/` with the code: both judge every configuration the same way,
//! except for the rules that no schema can express.

mod bench;

use std::collections::BTreeSet;

use keyward::configuration::Configuration;
use keyward::reason::DenyReason;
use serde_json::{Map, Value, json};

use self::bench::{Bench, code, compare, is_beyond, read};
use crate::support::cases::corpus;
use crate::support::sample;

/// Returns the sample with `text` at `pointer`: in place of the value there, as a new member, or
/// for `-` as a new element. An empty text removes the value.
fn edited(mut sample: Value, pointer: &str, text: &str) -> Value {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let parent = sample
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("no `{pointer}` in the sample"));
    match (parent, text) {
        (Value::Object(members), "") => drop(members.remove(last).unwrap()),
        (Value::Array(elements), "") => drop(elements.remove(last.parse().unwrap())),
        (Value::Object(members), text) => {
            members.insert(last.to_owned(), serde_json::from_str(text).unwrap());
        }
        (Value::Array(elements), text) => {
            let value = serde_json::from_str(text).unwrap();
            match last {
                "-" => elements.push(value),
                index => elements[index.parse::<usize>().unwrap()] = value,
            }
        }
        _ => panic!("`{pointer}` is in no object or array"),
    }
    sample
}

#[test]
fn the_sample_is_taken_and_holds_every_member() {
    assert!(Bench::new().agree(&sample::full(), "the sample"));
    let mut held = BTreeSet::new();
    each_place(&sample::full(), &mut String::new(), &mut |pointer| {
        held.insert(pointer.rsplit('/').next().unwrap().to_owned());
    });
    for schema in ["configuration.schema.json", "snapshot.schema.json"] {
        for (_, object) in objects(&read(schema)) {
            for name in object.keys() {
                assert!(
                    held.contains(name),
                    "`{name}` of {schema} is not in the sample"
                );
            }
        }
    }
}

#[test]
fn every_member_is_described() {
    for file in ["configuration.schema.json", "snapshot.schema.json"] {
        let schema = read(file);
        for (pointer, object) in objects(&schema) {
            for (name, member) in object {
                assert!(
                    member["description"].is_string(),
                    "{file}: `{pointer}/{name}` has no description"
                );
            }
        }
    }
}

/// The code names the members that it knows when it finds another one.
#[test]
fn the_schema_knows_the_members_that_the_code_knows() {
    for (file, of_schema, of_sample) in [
        ("configuration.schema.json", "", ""),
        (
            "configuration.schema.json",
            "/properties/profile",
            "/profile",
        ),
        (
            "configuration.schema.json",
            "/properties/profile/properties/prefixes",
            "/profile/prefixes",
        ),
        (
            "configuration.schema.json",
            "/properties/profile/properties/headers",
            "/profile/headers",
        ),
        (
            "configuration.schema.json",
            "/properties/profile/properties/ids",
            "/profile/ids",
        ),
        (
            "configuration.schema.json",
            "/properties/profile/properties/links",
            "/profile/links",
        ),
        ("snapshot.schema.json", "", "/snapshot"),
        (
            "snapshot.schema.json",
            "/$defs/account",
            "/snapshot/accounts/0",
        ),
        (
            "snapshot.schema.json",
            "/$defs/endpoint",
            "/snapshot/endpoints/0",
        ),
        ("snapshot.schema.json", "/$defs/key", "/snapshot/keys/0"),
    ] {
        let refusal = code(&edited(
            sample::full(),
            &format!("{of_sample}/stranger"),
            "1",
        ))
        .unwrap_err();
        let (_, names) = refusal.split_once("unknown member, expected").unwrap();
        let known: BTreeSet<&str> = names.split('`').skip(1).step_by(2).collect();
        let schema = read(file);
        let schema = schema.pointer(of_schema).unwrap();
        assert_eq!(
            schema["additionalProperties"],
            json!(false),
            "{file} {of_schema}"
        );
        let described = schema["properties"].as_object().unwrap();
        let described: BTreeSet<&str> = described.keys().map(String::as_str).collect();
        assert_eq!(described, known, "{file} {of_schema}");
    }
}

#[test]
fn defaults_are_the_codes_defaults() {
    let mut schema = read("configuration.schema.json");
    let members = schema["properties"].as_object_mut().unwrap();
    let defaults: Map<String, Value> = members
        .iter_mut()
        .filter_map(|(name, member)| Some((name.clone(), member.get_mut("default")?.take())))
        .collect();
    let spelled = Configuration::from_json(Value::Object(defaults).to_string().as_bytes()).unwrap();
    let silent = Configuration::from_json(b"{}").unwrap();
    assert_eq!(
        format!("{:?}", spelled.settings()),
        format!("{:?}", silent.settings())
    );
}

#[test]
fn single_edits_are_judged_as_the_table_says() {
    let bench = Bench::new();
    for (pointer, text, taken) in sample::EDITS {
        let what = format!("`{pointer}` = {text}");
        let configuration = edited(sample::usual(), pointer, text);
        assert_eq!(bench.agree(&configuration, &what), *taken, "{what}");
        let schema = bench.configuration.judge(&configuration);
        assert_eq!(schema.is_ok(), *taken, "{what}: the schema can say it");
        bench.agree_on_snapshot(&configuration, &what);
    }
}

#[test]
fn what_a_schema_cannot_say_the_code_refuses() {
    let bench = Bench::new();
    for (pointer, text, refusal) in sample::BEYOND {
        let configuration = edited(sample::usual(), pointer, text);
        assert_eq!(
            code(&configuration),
            Err((*refusal).to_owned()),
            "`{pointer}` = {text}"
        );
        assert!(is_beyond(refusal, false), "{refusal}");
        let schema = bench.configuration.judge(&configuration);
        assert_eq!(
            schema,
            Ok(()),
            "`{pointer}` = {text}: the schema can say it after all"
        );
    }
    let twice = br#"{"preflight": "pass", "preflight": "pass"}"#;
    let refusal = Configuration::from_json(twice).unwrap_err().to_string();
    assert!(is_beyond(&refusal, false), "{refusal}");
}

/// Every place of the sample is tried without its value, with an unknown member next to it, and
/// with every probe in its place.
#[test]
fn any_edit_is_judged_alike() {
    let bench = Bench::new();
    let (mut taken, mut refused) = (0, 0);
    let mut judge = |sample: &Value, pointer: &str, text: &str| {
        let configuration = edited(sample.clone(), pointer, text);
        match bench.agree(&configuration, &format!("`{pointer}` = {text}")) {
            true => taken += 1,
            false => refused += 1,
        }
    };
    // With its own ids, a profile leaves less to the schema. The rest of the configuration is
    // therefore edited in a sample with the usual ids.
    for (sample, below) in [(sample::full(), "/profile/ids"), (sample::usual(), "")] {
        let mut pointers = Vec::new();
        each_place(&sample, &mut String::new(), &mut |pointer| {
            pointers.push(pointer.to_owned())
        });
        for pointer in pointers.iter().filter(|pointer| pointer.starts_with(below)) {
            judge(&sample, pointer, "");
            for probe in sample::PROBES {
                judge(&sample, pointer, probe);
            }
            match sample.pointer(pointer) {
                Some(Value::Object(_)) => {
                    judge(&sample, &format!("{pointer}/stranger"), "\"read\"")
                }
                Some(Value::Array(_)) => judge(&sample, &format!("{pointer}/-"), "\"stranger\""),
                _ => {}
            }
        }
    }
    // Otherwise the probes would be too far off to prove anything.
    assert!(
        taken > 100 && refused > 1_000,
        "{taken} taken, {refused} refused"
    );
}

/// Every reason and field that the schema names exists in the code, and the schema names all
/// reasons.
#[test]
fn messages_know_the_codes_reasons_and_fields() {
    let schema = read("configuration.schema.json");
    let messages = &schema["properties"]["profile"]["properties"]["messages"];
    let reasons: Vec<&str> = DenyReason::all().map(DenyReason::name).collect();
    assert_eq!(messages["propertyNames"]["enum"], json!(reasons));
    let pattern = messages["additionalProperties"]["pattern"]
        .as_str()
        .unwrap();
    let (_, fields) = pattern.split_once("\\{(").unwrap();
    for field in fields.split_once(')').unwrap().0.split('|') {
        let taken = reasons.iter().any(|reason| {
            let text = format!("{{{field}}}");
            code(&json!({"profile": {"messages": {*reason: text}}})).is_ok()
        });
        assert!(taken, "`{field}` is not a field");
    }
}

#[test]
fn the_corpus_is_judged_alike() {
    let bench = Bench::new();
    for file in corpus::load() {
        let configuration = serde_json::from_str(&file.configuration(1_795_194_529)).unwrap();
        assert!(bench.agree(&configuration, &file.name), "{}", file.name);
        bench.agree_on_snapshot(&configuration, &file.name);
    }
}

#[test]
fn a_difference_fails() {
    let (taken, refused) = (Ok(()), Err("keys[0].id: expected an id".to_owned()));
    let fails = |schema: &Result<(), String>, code: &Result<(), String>| {
        std::panic::catch_unwind(|| compare(schema, code, false, "a difference")).is_err()
    };
    assert!(fails(&taken, &refused));
    assert!(fails(&refused, &taken));
    assert!(!fails(&taken, &Err("keys[0].id: duplicate id".to_owned())));
}

/// Calls `visit` with the pointer of every value inside `value`.
fn each_place(value: &Value, pointer: &mut String, visit: &mut impl FnMut(&str)) {
    let length = pointer.len();
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, of)| (name.clone(), of))
            .collect(),
        Value::Array(elements) => (0..)
            .map(|index: usize| index.to_string())
            .zip(elements)
            .collect(),
        _ => return,
    };
    for (name, member) in members {
        pointer.push('/');
        pointer.push_str(&name);
        visit(pointer);
        each_place(member, pointer, visit);
        pointer.truncate(length);
    }
}

/// Returns the members of every object with a fixed set of members that a schema describes, with
/// the object's pointer.
fn objects(schema: &Value) -> Vec<(String, Map<String, Value>)> {
    let mut found = Vec::new();
    each_place(schema, &mut String::new(), &mut |pointer| {
        if let Some(object) = pointer
            .strip_suffix("/properties")
            .and_then(|at| schema.pointer(at))
            && object["additionalProperties"] == json!(false)
            && let Some(members) = object["properties"].as_object()
        {
            found.push((pointer.to_owned(), members.clone()));
        }
    });
    found
}
