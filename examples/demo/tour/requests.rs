//! The gateway's chapters: who passes, who does not, what a limited key may do, and what operators
//! see of all this.

use std::time::Duration;

use anyhow::Result;
use keyward::reason::DenyReason as Reason;

use super::{Expected, Tour};
use crate::envoy::Envoy;
use crate::folder::{self, Folder};
use crate::http::{get, post, request};
use crate::snapshot::{PLATFORM, configuration};

impl Tour {
    /// Starts the shipped gateway, and shows it.
    pub(super) fn gateway(&mut self) -> Result<()> {
        let first = configuration(&self.keys, 1)?;
        let folder = Folder::make(self.runs.join("gateway"), (self.host, &self.filter), &first)?;
        folder.edit_bootstrap(folder::free_ports)?;
        let envoy = Envoy::start(&self.binary, folder, 2)?;
        let before = self.requests;
        self.who_passes(&envoy)?;
        self.who_does_not(&envoy)?;
        self.restricted_keys(&envoy)?;
        self.accounts(&envoy)?;
        self.a_push(&envoy)?;
        self.a_bad_push(&envoy)?;
        self.what_operators_see(&envoy, self.requests - before)
    }

    fn who_passes(&mut self, envoy: &Envoy) -> Result<()> {
        self.screen.heading("Who passes");
        let secret = get("/v1/balance").bearer(&self.keys.secret);
        let caller = Expected::Caller(&["key=\"mk_secret\", kind=secret, livemode=?0", PLATFORM]);
        self.step(
            envoy,
            "A secret key has every permission on its account, and on those connected to it",
            &secret,
            &caller,
        )?;
        self.step(
            envoy,
            "The same key as curl sends it",
            &get("/v1/balance").basic(&self.keys.secret),
            &caller,
        )?;
        self.step(
            envoy,
            "An identity that the client made up is replaced by the real one",
            &secret.header("X-Keyward-Principal", "key=\"mk_admin\""),
            &caller,
        )?;
        self.step(
            envoy,
            "An endpoint that the snapshot opens to all",
            &get("/healthz"),
            &Expected::Nobody,
        )?;
        let preflight = request("OPTIONS", "/v1/charges")
            .header("Origin", "https://shop.example")
            .header("Access-Control-Request-Method", "POST");
        self.step(
            envoy,
            "A browser asking whether it may send the real request",
            &preflight,
            &Expected::Nobody,
        )
    }

    fn who_does_not(&mut self, envoy: &Envoy) -> Result<()> {
        self.screen.heading("Who does not, and why");
        let balance = || get("/v1/balance");
        self.step(
            envoy,
            "No key",
            &balance(),
            &Expected::Denied(Reason::MissingCredential, "You did not provide an API key."),
        )?;
        self.step(
            envoy,
            "A header that holds no key",
            &balance().header("Authorization", "Bearer YOUR SECRET KEY"),
            &Expected::Denied(
                Reason::MalformedCredential,
                "you did set your Authorization header to \"Bearer *",
            ),
        )?;
        let refusals = [
            (
                "A key that no one issued",
                &self.keys.stranger,
                Reason::UnknownKey,
                "Invalid API Key provided: sk_test_*",
            ),
            (
                "A deleted key",
                &self.keys.deleted,
                Reason::DeletedKey,
                "Expired API Key provided: sk_test_*",
            ),
            (
                "A key that expired an hour ago",
                &self.keys.expired,
                Reason::ExpiredKey,
                "Expired API Key provided: sk_test_*",
            ),
            (
                "A key that works from tomorrow on",
                &self.keys.early,
                Reason::InactiveKey,
                "not active yet: sk_test_*",
            ),
            (
                "A key of a suspended account",
                &self.keys.suspended,
                Reason::SuspendedAccount,
                "suspended",
            ),
            (
                "A live key at this gateway, which serves test mode",
                &self.keys.live,
                Reason::LivemodeMismatch,
                "live mode",
            ),
        ];
        let refusals = refusals.map(|(topic, key, reason, message)| {
            (
                topic,
                balance().bearer(key),
                Expected::Denied(reason, message),
            )
        });
        for (topic, request, expected) in refusals {
            self.step(envoy, topic, &request, &expected)?;
        }
        self.step(
            envoy,
            "A key for the office's addresses, and a client that claims to be there",
            &balance()
                .bearer(&self.keys.office)
                .header("X-Forwarded-For", "203.0.113.7"),
            &Expected::Denied(Reason::IpNotAllowed, "(127.0.0.1)"),
        )?;
        self.step(
            envoy,
            "A version of the API that is not served",
            &balance()
                .bearer(&self.keys.secret)
                .header("Stripe-Version", "2019-02-11"),
            &Expected::Denied(Reason::InvalidVersion, "2019-02-11"),
        )
    }

    fn restricted_keys(&mut self, envoy: &Envoy) -> Result<()> {
        self.screen.heading("Limited keys");
        self.screen.prose(
            "The key mk_support may read customers and write charges. The reply names the permission that is missing.",
        );
        self.step(
            envoy,
            "What it may read",
            &get("/v1/customers/cus_123").bearer(&self.keys.support),
            &Expected::Caller(&["kind=restricted", "permission=\"customer\", access=read"]),
        )?;
        self.step(
            envoy,
            "What it may write",
            &post("/v1/charges").bearer(&self.keys.support),
            &Expected::Caller(&["permission=\"charge\", access=write"]),
        )?;
        self.step(
            envoy,
            "What it may read, and not write",
            &post("/v1/customers").bearer(&self.keys.support),
            &Expected::Denied(
                Reason::InsufficientPermission,
                "Enabling Customers Write ('customer_write') permissions on this key",
            ),
        )?;
        self.step(
            envoy,
            "What it may not even read",
            &get("/v1/payouts").bearer(&self.keys.support),
            &Expected::Denied(
                Reason::InsufficientPermission,
                "Enabling Payouts Read ('payout_read')",
            ),
        )?;
        self.step(
            envoy,
            "A custom endpoint next to Stripe's: a POST that reads",
            &post("/v1/widgets/search").bearer(&self.keys.support),
            &Expected::Caller(&["permission=\"widget\", access=read"]),
        )?;
        self.step(
            envoy,
            "A path that an upstream may read otherwise",
            &get("/v1/customers/%2e%2e/payouts").bearer(&self.keys.support),
            &Expected::Denied(Reason::UnknownEndpoint, "Unrecognized request URL (GET: "),
        )?;
        self.step(
            envoy,
            "A method that an upstream may take for another",
            &get("/v1/customers/cus_123")
                .bearer(&self.keys.support)
                .header("X-HTTP-Method-Override", "DELETE"),
            &Expected::Denied(Reason::UnknownEndpoint, "Unrecognized request URL"),
        )?;
        self.step(
            envoy,
            "A publishable key makes a token",
            &post("/v1/tokens").bearer(&self.keys.publishable),
            &Expected::Caller(&["kind=publishable", "permission=\"token\""]),
        )?;
        self.step(
            envoy,
            "A publishable key makes no charge",
            &post("/v1/charges").bearer(&self.keys.publishable),
            &Expected::Denied(Reason::SecretKeyRequired, "Please use a secret API key."),
        )?;
        self.step(
            envoy,
            "A key in shadow passes, and the log shows what enforcing it would do",
            &post("/v1/refunds").bearer(&self.keys.shadow),
            &Expected::Caller(&["mk_shadow", "permission=\"charge\", access=write"]),
        )?;
        let state = envoy.access("/v1/refunds")?["keyward"].to_string();
        let wanted = "allow would_deny=insufficient_permission";
        let seen = if state.contains(wanted) {
            Ok(format!("logged: {wanted} …"))
        } else {
            Err(state)
        };
        self.check(wanted, seen);
        Ok(())
    }

    /// Shows what operators see. `requests` is the number of requests to this gateway.
    fn what_operators_see(&mut self, envoy: &Envoy, requests: u64) -> Result<()> {
        self.screen.heading("What operators see");
        self.screen.topic("A line of the access log");
        let line = envoy.access("/v1/payouts")?;
        let text = |name| line[name].as_str().unwrap_or_default();
        let state = text("keyward");
        self.screen.sent(&format!(
            "{} {} {} {}",
            text("method"),
            text("path"),
            line["response_code"],
            text("response_code_details")
        ));
        let wanted = "deny insufficient_permission key=\"mk_support\"";
        let seen = if state.starts_with(wanted) {
            Ok(state.to_owned())
        } else {
            Err(line.to_string())
        };
        self.check(wanted, seen);
        self.screen
            .topic("Metrics: every request is counted, by decision and reason");
        let mut counters = counted(envoy)?;
        // A native module reports its counts a moment later.
        for _ in 0..20 {
            if sum(&counters) == requests {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
            counters = counted(envoy)?;
        }
        for (name, count) in counters.iter().take(3) {
            self.screen.sent(&format!("{name} {count}"));
        }
        let total = sum(&counters);
        let seen = format!("{} counters, {total} requests in all", counters.len());
        let seen = if total == requests {
            Ok(seen)
        } else {
            Err(seen)
        };
        self.check(&format!("{requests} requests"), seen);
        Ok(())
    }
}

/// Returns the counters of requests that are not 0.
fn counted(envoy: &Envoy) -> Result<Vec<(String, u64)>> {
    let page = envoy.admin("/stats/prometheus")?.body;
    let names = ["keyward_requests_total{", "envoy_keyward_requests_total{"];
    let lines = page
        .lines()
        .filter(|line| names.iter().any(|name| line.starts_with(name)))
        .filter_map(|line| line.rsplit_once(' '));
    let counters = lines.filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?)));
    Ok(counters.filter(|(_, count)| *count > 0).collect())
}

fn sum(counters: &[(String, u64)]) -> u64 {
    counters.iter().map(|(_, count)| count).sum()
}
