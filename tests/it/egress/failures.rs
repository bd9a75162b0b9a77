//! A broken setup sends nothing to Stripe, or sends requests without a key. It never shows a key of
//! the services to Stripe or to an impostor.

use super::*;
use crate::support::bootstrap::remove_http_filter;

#[test]
fn a_server_that_cannot_prove_to_be_stripe_is_told_nothing() {
    for fault in [
        json!({"fault": "stranger"}),
        json!({"fault": "expired"}),
        json!({"names": ["stripe.example"]}),
        json!({"names": ["files.stripe.com"]}),
        json!({"names": ["*.stripe.com.example"]}),
    ] {
        let upstream = Upstream::start();
        let Some(egress) = Egress::build(upstream.address(), &fault, |builder| builder) else {
            return;
        };
        for mode in MODES {
            let answer = egress.call(&service(mode), "GET", "/v1/balance", &[]);
            assert_eq!(answer.status, 503, "{fault}");
            assert!(!answer.text().contains("FAKE"));
            let failed = egress.envoy.stats(&format!(
                "^cluster\\.stripe_{mode}\\.ssl\\.fail_verify_(error|san)$"
            ));
            assert!(failed.values().sum::<u64>() > 0, "{fault}: {failed:?}");
        }
        assert_eq!(upstream.count(), 0, "{fault}");
    }
}

#[test]
fn without_the_injector_stripe_is_asked_without_a_key() {
    // As shipped, and with keyward set to leave the services' keys in the requests.
    for settings in [
        json!({}),
        json!({"forward_credential": true, "principal_header": "x-keyward-principal"}),
    ] {
        let upstream = Upstream::start();
        let change = |builder: Builder| {
            builder.config(configuration(&settings)).edit(|bootstrap| {
                for (name, ..) in CLUSTERS {
                    http_filters(cluster(bootstrap, name)).remove(0);
                }
            })
        };
        let Some(egress) = Egress::build(upstream.address(), &json!({}), change) else {
            return;
        };
        for mode in MODES {
            assert_eq!(
                egress
                    .call(&service(mode), "GET", "/v1/balance", &[])
                    .status,
                200,
                "{settings}"
            );
            let seen = upstream.last();
            assert_eq!(
                seen.headers("authorization"),
                Vec::<&[u8]>::new(),
                "{settings}"
            );
            assert_clean(&seen);
        }
    }
}

#[test]
fn without_its_secret_a_mode_is_refused_and_the_other_works() {
    let upstream = Upstream::start();
    let change = |builder: Builder| {
        builder.edit(|bootstrap| {
            let source = at(
                injector(cluster(bootstrap, "stripe_live")),
                "/credential/typed_config/credential/sds_config/path_config_source",
            );
            let file = source["path"].as_str().unwrap().to_owned();
            fs::remove_file(file.replace(".yaml", ".key")).unwrap();
        })
    };
    let Some(egress) = Egress::build(upstream.address(), &json!({}), change) else {
        return;
    };
    let refused = egress.call(&service("live"), "GET", "/v1/balance", &[]);
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert_eq!(refused.header("x-keyward-denied"), None);
    assert_eq!(upstream.count(), 0);
    assert_eq!(
        egress
            .call(&service("test"), "GET", "/v1/balance", &[])
            .status,
        200
    );
    assert_real(&upstream.last(), "test");
    assert_eq!(
        egress
            .envoy
            .stat("cluster.stripe_live.credential_injector.failed"),
        1
    );

    // The gateway uses the file once it exists, without a restart, and later a new one.
    let folder = egress.secrets.path();
    for key in [stripes("live"), "rk_live_FAKE-the-next-0002".to_owned()] {
        fs::write(folder.join("stripe_live.key"), &key).unwrap();
        write_secret(folder, "live");
        eventually("the key is put in", BOUND, || {
            let answer = egress.call(&service("live"), "GET", "/v1/balance", &[]);
            let bearer = format!("Bearer {key}");
            (answer.status == 200 && upstream.last().header("authorization") == Some(&bearer))
                .then_some(())
        });
    }
    // A line end after the key, as editors leave it, is not part of the key.
    let key = "rk_live_FAKE-the-last-0003";
    fs::write(folder.join("stripe_live.key"), format!("{key}\n")).unwrap();
    write_secret(folder, "live");
    eventually("the key is put in", BOUND, || {
        let answer = egress.call(&service("live"), "GET", "/v1/balance", &[]);
        let arrived = upstream.last().header("authorization") == Some(&format!("Bearer {key}"));
        (answer.status == 200 && arrived).then_some(())
    });
}

#[test]
fn as_shipped_everything_is_denied() {
    let upstream = Upstream::start();
    let shipped = |builder: Builder| builder.config("{}");
    let Some(egress) = Egress::build(upstream.address(), &json!({}), shipped) else {
        return;
    };
    let denied = egress.call(&service("test"), "GET", "/v1/balance", &[]);
    assert_eq!(denied.header("x-keyward-denied"), Some("no_snapshot"));
    assert_eq!((denied.status, upstream.count()), (503, 0));
}

#[test]
fn without_keyward_nothing_passes_with_the_interlock_or_without() {
    for interlock in [true, false] {
        let upstream = Upstream::start();
        let change = |builder: Builder| {
            let builder = builder.edit(|bootstrap| remove_http_filter(bootstrap, "keyward"));
            if interlock {
                builder
            } else {
                builder.without_interlock()
            }
        };
        let Some(egress) = Egress::build(upstream.address(), &json!({}), change) else {
            return;
        };
        let expected = if interlock { 403 } else { 404 };
        assert_eq!(
            egress
                .call(&service("test"), "GET", "/v1/balance", &[])
                .status,
            expected
        );
        assert_eq!(upstream.count(), 0);
    }
}
