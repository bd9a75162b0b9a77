//! When keys were last used, and those that were not, by the gateways' access logs.

use std::time::{Duration, Instant};

use super::*;

fn line(key: &str, at: &str) -> String {
    let state = format!("allow key=\"{key}\", kind=restricted, livemode=?0, revision=7");
    let line = json!({"start_time": at, "method": "GET", "path": "/v1/customers", "response_code": 200, "keyward": state});
    format!("{line}\n")
}

#[test]
fn keys_say_when_they_were_used_and_are_found_where_they_were_not() {
    wait(async {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("access.log");
        let used = "2026-11-20T10:00:30.000Z";
        let text: String = (0..150)
            .map(|number| {
                line(
                    &format!("mk_{number}"),
                    if number < 120 {
                        used
                    } else {
                        "2026-11-10T10:00:00.000Z"
                    },
                )
            })
            .collect();
        std::fs::write(&log, text).unwrap();
        let more = format!("[requests]\nfiles = [{log:?}]\n");
        let desk = Desk::with(1_000, &more).await;
        for number in 0..160 {
            let mut key = new_key();
            key["keyward"]["id"] = json!(format!("mk_{number}"));
            desk.make(&key, None).await;
        }
        let of = async |id: &str| {
            let path = format!("/v2/iam/api_keys/{id}");
            desk.good("GET", &path, &json!({}), None).await["last_used"].clone()
        };
        let until = Instant::now() + Duration::from_secs(30);
        while of("mk_149").await.is_null() {
            assert!(Instant::now() < until, "the log is read");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(of("mk_0").await, "2026-11-20T10:00:00.000Z");
        assert_eq!(of("mk_155").await, Value::Null);
        let list = "/v2/iam/api_keys?owner=acct_1&limit=15&unused_since=";
        let (mut path, mut found, mut pages) =
            (format!("{list}2026-11-15T00:00:00Z"), Vec::new(), 0);
        loop {
            let page = desk.good("GET", &path, &json!({}), None).await;
            let ids = page["data"].as_array().unwrap().iter();
            found.extend(ids.map(|key| key["id"].as_str().unwrap().to_owned()));
            pages += 1;
            match page["next_page_url"].as_str() {
                Some(next) => path = next.to_owned(),
                None => break,
            }
        }
        let expected: Vec<String> = (120..160)
            .rev()
            .map(|number| format!("mk_{number}"))
            .collect();
        assert_eq!((found, pages), (expected, 3));
        for (path, code) in [
            (
                "/v2/iam/api_keys?unused_since=2026-11-15T00:00:00Z",
                "filter_too_wide",
            ),
            // The log does not go back that far.
            (
                "/v2/iam/api_keys?owner=acct_1&unused_since=2026-11-01T00:00:00Z",
                "parameter_invalid",
            ),
            (
                "/v2/iam/api_keys?owner=acct_1&unused_since=yesterday",
                "parameter_invalid",
            ),
        ] {
            assert_eq!(
                desk.refused("GET", path, &json!({})).await.1,
                code,
                "{path}"
            );
        }
        let without = Desk::of(100).await;
        let path = "/v2/iam/api_keys?owner=acct_1&unused_since=2026-11-15T00:00:00Z";
        assert_eq!(
            without.refused("GET", path, &json!({})).await.1,
            "feature_not_enabled"
        );
    });
}
