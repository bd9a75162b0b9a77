use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;
use crate::key_file::SourceName;
use crate::snapshot::Built;
use keyward::digest::KeyDigest;

const NOW: u64 = 1_795_194_529;

/// A folder with a template, and without a target yet.
struct Site {
    _folder: tempfile::TempDir,
    template: PathBuf,
    file: PathBuf,
}

impl Site {
    /// Creates a site with a template of the native module.
    fn native(ending: &str) -> Self {
        let site = Self::new(ending);
        let template = site.file.with_file_name("template.json");
        let config = json!({"resources": [{
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": "keyward",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
                "dynamic_module_config": {
                    "module": {"local": {"filename": "/opt/keyward/libkeyward-0.1.0.so"}},
                    "do_not_close": true, "metrics_namespace": "keyward",
                },
                "filter_name": "keyward",
                "filter_config": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "{}"},
            },
        }]});
        fs::write(&template, config.to_string()).unwrap();
        Self { template, ..site }
    }

    fn new(ending: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let template = Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../envoy/ecds/keyward.yaml"
        ));
        Self {
            file: folder.path().join(format!("keyward.{ending}")),
            template: template.to_owned(),
            _folder: folder,
        }
    }

    fn target(&self, packed: bool) -> Target {
        Target::ecds(&self.file, Some(&self.template), packed)
    }

    fn push(&self, built: &Built, source: &str, allowed: Allowed) -> anyhow::Result<Published> {
        publish(&self.target(false), built, &name(source), allowed, NOW)
    }

    #[track_caller]
    fn assert_rejected(&self, built: &Built, source: &str) -> Rejection {
        let before = fs::read(&self.file).unwrap();
        let error = self.push(built, source, Allowed::default()).unwrap_err();
        assert_eq!(fs::read(&self.file).unwrap(), before);
        error.downcast().unwrap()
    }
}

fn name(text: &str) -> SourceName {
    SourceName::parse(text).unwrap()
}

fn built(revision: u64, keys: std::ops::Range<usize>) -> Built {
    let keys: Vec<_> = keys
        .map(|number| {
            let digest = KeyDigest::of(format!("sk_test_FAKE-{number}").as_bytes());
            json!({"id": format!("mk_{number}"), "sha256": digest.to_string(), "kind": "secret", "livemode": false, "owner": "acct_1"})
        })
        .collect();
    let configuration = json!({"snapshot": {"format": "keyward.snapshot/v1", "revision": revision, "issued_at": NOW,
        "accounts": [{"id": "acct_1"}], "keys": keys}});
    Built::of_json("the store", configuration.to_string(), None).unwrap()
}

#[test]
fn a_target_is_made_from_its_template_and_carries_the_source() {
    let forms = [("yaml", false), ("pb", false), ("pb", true)];
    let sites = forms.map(|(ending, packed)| (Site::new(ending), packed));
    let forms = [("json", false), ("pb", false), ("pb", true)];
    let native = forms.map(|(ending, packed)| (Site::native(ending), packed));
    for (site, packed) in sites.into_iter().chain(native) {
        let target = site.target(packed);
        let source = name("server:a");
        let published = publish(&target, &built(7, 0..3), &source, Allowed::default(), NOW);
        let published = published.unwrap();
        assert_eq!((published.revision, published.keys), (7, 3));
        assert_eq!(published.effect.counts(), "+3 -0");
        assert_eq!(published.note, None);
        let found = Found::at(&target).unwrap();
        assert_eq!((found.revision(), &found.source), (Some(7), &Some(source)));
        assert_eq!(found.next_revision(3), 8);
    }
}

#[test]
fn a_second_push_to_a_native_filter_changes_its_configuration_only() {
    let site = Site::native("pb");
    let push = |revision: u64| {
        site.push(&built(revision, 0..3), "server:a", Allowed::default())
            .unwrap();
        fs::read(&site.file).unwrap()
    };
    let (first, second) = (push(7), push(8));
    let digit = |byte: &u8| byte.is_ascii_digit();
    assert_eq!(first.len(), second.len());
    let changed = first.iter().zip(&second).filter(|(a, b)| a != b);
    assert!(changed.clone().all(|(a, b)| digit(a) && digit(b)));
    assert!(changed.count() > 0);
}

#[test]
fn a_native_template_that_binary_cannot_say_is_refused() {
    let site = Site::native("pb");
    for (member, value) in [
        ("do_not_close", json!(false)),
        ("load_globally", json!(true)),
        ("module", json!({"remote": {}})),
    ] {
        let text = fs::read_to_string(&site.template).unwrap();
        let mut template: serde_json::Value = serde_json::from_str(&text).unwrap();
        template["resources"][0]["typed_config"]["dynamic_module_config"][member] = value;
        let other = site.template.with_file_name("other.json");
        fs::write(&other, template.to_string()).unwrap();
        let target = Target::ecds(&site.file, Some(&other), false);
        let published = publish(
            &target,
            &built(7, 0..1),
            &name("server:a"),
            Allowed::default(),
            NOW,
        );
        let error = published.unwrap_err().to_string();
        assert!(
            error.starts_with("a template for a binary file has `filter_name`"),
            "{error}"
        );
        assert!(!site.file.exists());
    }
}

#[test]
fn a_revision_never_goes_back() {
    let site = Site::new("yaml");
    site.push(&built(7, 0..3), "server:a", Allowed::default())
        .unwrap();
    for revision in [6, 7] {
        let rejection = site.assert_rejected(&built(revision, 0..4), "server:a");
        assert!(
            matches!(rejection, Rejection::Older { held: 7, .. }),
            "{rejection}"
        );
    }
}

#[test]
fn another_source_is_rejected_until_it_takes_over() {
    let site = Site::new("pb");
    site.push(&built(7, 0..3), "file:a", Allowed::default())
        .unwrap();
    let rejection = site.assert_rejected(&built(8, 0..3), "server:a");
    let expected = format!(
        "{} holds the keys of `file:a`, and this push is from `server:a`: nothing was written",
        site.file.display()
    );
    assert_eq!(rejection.to_string(), expected);
    let allowed = Allowed {
        take_over: true,
        removals: false,
    };
    let published = site.push(&built(8, 0..3), "server:a", allowed).unwrap();
    assert!(published.note.unwrap().starts_with("`server:a` took "));
}

#[test]
fn keys_are_not_lost_by_mistake() {
    let site = Site::new("yaml");
    site.push(&built(7, 0..3), "server:a", Allowed::default())
        .unwrap();
    let fewer = built(8, 0..1);
    let rejection = site.assert_rejected(&fewer, "server:a");
    assert!(
        matches!(&rejection, Rejection::Missing { mistake, .. } if mistake == "2 of 3 working keys are missing"),
        "{rejection}"
    );
    let allowed = Allowed {
        take_over: false,
        removals: true,
    };
    let published = site.push(&fewer, "server:a", allowed).unwrap();
    assert_eq!(published.effect.counts(), "+0 -2");
}

#[test]
fn what_is_too_old_or_empty_for_a_gateway_is_not_published() {
    let site = Site::new("yaml");
    let of = |json: &str| Built::of_json("the store", json.to_owned(), None).unwrap();
    let reject = |json: &str| -> Rejection {
        let error = site.push(&of(json), "server:a", Allowed::default());
        error.unwrap_err().downcast().unwrap()
    };
    assert_eq!(reject("{}"), Rejection::NoSnapshot);
    let old = built(7, 0..1)
        .json
        .replacen('{', "{\"max_snapshot_age\":60,", 1);
    let old = old.replace(&NOW.to_string(), &(NOW - 61).to_string());
    assert_eq!(reject(&old), Rejection::Stale { age: 60 });
    assert!(!site.file.exists());
}
