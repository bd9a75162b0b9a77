//! Writes the corpus as `conformance/`: what can be checked of any gateway over HTTP. keyward's own
//! members are all in `x_keyward`. After a change of the corpus:
//! `KEYWARD_BLESS=1 cargo test --test pure conformance`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use keyward::digest::KeyDigest;
use serde_json::{Map, Value, json};

use crate::support::cases::corpus::{self, Case, CaseFile, Expectation, Runner, Text};
use crate::support::cases::outcome::challenge;
use crate::support::find::root;

/// Returns the files by name.
fn generated() -> BTreeMap<String, String> {
    corpus::load()
        .iter()
        .map(|file| (file.name.clone(), format!("{:#}\n", generate(file))))
        .collect()
}

fn generate(file: &CaseFile) -> Value {
    let mut settings = file.configuration.clone();
    for key in corpus::keys_mut(&mut settings) {
        if let Some(raw) = key.remove("key") {
            let raw = corpus::key_text(raw);
            let digest = KeyDigest::of(raw.as_bytes()).to_string();
            key.insert("key".to_owned(), raw.to_latin1().into());
            key.insert("sha256".to_owned(), digest.into());
        }
    }
    let settings = settings.as_object_mut().unwrap();
    let snapshot = settings.remove("snapshot");
    let identity = identity_names(settings);
    let over_http = |case: &&Case| case.request.path.is_some();
    let cases: Vec<_> = file
        .cases_for(Runner::Envoy)
        .filter(over_http)
        .map(|case| json!({"description": case.description, "request": request(case), "expect": expectation(case, file, &identity)}))
        .collect();
    let mut generated = json!({
        "format": "keyward.conformance/v1",
        "description": file.description,
        "settings": settings,
        "cases": cases,
    });
    if let Some(snapshot) = snapshot {
        generated["snapshot"] = snapshot;
    }
    generated
}

/// Returns the names that keyward uses to report an identity.
fn identity_names(settings: &Map<String, Value>) -> Vec<String> {
    let principal = settings.get("principal_header").and_then(Value::as_str);
    let single = settings.get("identity_headers").and_then(Value::as_object);
    let single = single
        .into_iter()
        .flat_map(|members| members.keys().cloned());
    single.chain(principal.map(str::to_owned)).collect()
}

fn request(case: &Case) -> Value {
    let sent = &case.request;
    let headers: Vec<_> = sent
        .headers
        .iter()
        .map(|(name, value)| json!([name, value.to_latin1()]))
        .collect();
    let mut request = json!({
        "method": sent.method.to_latin1(),
        "path": sent.path.as_ref().map(Text::to_latin1),
        "headers": headers,
    });
    if let Some(address) = &sent.address {
        request["address"] = json!(address);
    }
    if let Some(body) = &sent.body {
        request["body"] = json!(body);
    }
    request
}

fn expectation(case: &Case, file: &CaseFile, identity: &[String]) -> Value {
    let mut ours = json!({"state": case.expect.state()});
    if let Some(reason) = case.expect.reason() {
        ours["reason"] = json!(reason);
    }
    match &case.expect {
        Expectation::Allow { upstream, .. } => {
            let is_ours = |name: &str| {
                let folded = name.to_ascii_lowercase().replace('_', "-");
                folded.starts_with("x-keyward-") || identity.contains(&folded)
            };
            let (of_identity, others): (Map<_, _>, Map<_, _>) = upstream
                .iter()
                .map(|(name, value)| (name.clone(), json!(value.as_ref().map(Text::to_latin1))))
                .partition(|(name, _)| is_ours(name));
            if !of_identity.is_empty() {
                ours["upstream"] = of_identity.into();
            }
            json!({"upstream": others, "x_keyward": ours})
        }
        Expectation::Deny {
            reason,
            status,
            headers,
            body,
            ..
        } => {
            let mut all = promised(case, file, reason, *status);
            for (name, value) in headers {
                all.retain(|of, _| !of.eq_ignore_ascii_case(name));
                if !name.eq_ignore_ascii_case("x-keyward-denied") {
                    all.insert(name.clone(), json!(value));
                }
            }
            let mut expect = json!({"status": status, "headers": all, "x_keyward": ours});
            if let Some(lines) = body {
                expect["body"] = json!(lines.join("\n") + "\n");
            }
            expect
        }
    }
}

/// Returns the headers that all denials with this status have.
fn promised(case: &Case, file: &CaseFile, reason: &str, status: u16) -> Map<String, Value> {
    let is_outage = status == 503;
    let challenge = format!(
        "{} realm=\"{}\"",
        challenge(&case.request, reason),
        file.api.realm
    );
    let headers = json!({
        "Content-Type": "application/json",
        "WWW-Authenticate": (status == 401).then_some(challenge),
        file.api.retry_header: if is_outage { "true" } else { "false" },
        "Retry-After": is_outage.then_some("1"),
    });
    let mut headers = headers.as_object().unwrap().clone();
    if !is_outage {
        let cache = json!("no-cache, no-store");
        headers.insert("Cache-Control".to_owned(), cache);
    }
    headers
}

#[test]
fn the_files_are_what_the_corpus_says() {
    let folder = root().join("conformance");
    let generated = generated();
    if std::env::var_os("KEYWARD_BLESS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for path in json_files(&folder) {
            fs::remove_file(path).unwrap();
        }
        for (name, text) in &generated {
            fs::write(folder.join(format!("{name}.json")), text).unwrap();
        }
    }
    let held: BTreeMap<_, _> = json_files(&folder)
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&held),
        names(&generated),
        "bless with KEYWARD_BLESS=1"
    );
    for (name, text) in &generated {
        assert!(
            held[name] == *text,
            "conformance/{name}.json is out of date: bless with KEYWARD_BLESS=1"
        );
    }
}

fn json_files(folder: &Path) -> impl Iterator<Item = std::path::PathBuf> {
    fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
}
