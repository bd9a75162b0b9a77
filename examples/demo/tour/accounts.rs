//! The chapter on the account that a request is for: organizations, platforms, connected accounts.

use anyhow::Result;
use keyward::reason::DenyReason as Reason;

use super::{Expected, Tour};
use crate::envoy::Envoy;
use crate::http::{Request, get, post};
use crate::snapshot::{CONNECTED, ORGANIZATION, PLATFORM, SHOP, VERSION};

impl Tour {
    pub(super) fn accounts(&mut self, envoy: &Envoy) -> Result<()> {
        self.screen.heading("Organizations and connected accounts");
        self.screen.prose(&format!(
            "{ORGANIZATION} has two accounts: the platform {PLATFORM}, to which {CONNECTED} is connected, and {SHOP}."
        ));
        self.by_the_organization(envoy)?;
        self.by_an_account(envoy)
    }

    fn by_the_organization(&mut self, envoy: &Envoy) -> Result<()> {
        let nested = format!("{PLATFORM}/{CONNECTED}");
        let balance = || get("/v1/balance");
        let versioned = |request: Request| request.header("Stripe-Version", VERSION);
        let on = |path: &str, request: Request| request.header("Stripe-Context", path);
        let signed = || balance().basic(&self.keys.organization);
        let [whole, unsigned, unversioned, nowhere, foreign, malformed] = [
            on(&nested, versioned(signed())),
            on(&nested, versioned(balance())),
            on(&nested, signed()),
            versioned(signed()),
            on(&format!("{SHOP}/{CONNECTED}"), versioned(signed())),
            on(&format!("{PLATFORM}//{CONNECTED}"), versioned(signed())),
        ];
        self.step(
            envoy,
            "An organization's key names a version and an account",
            &whole,
            &Expected::Caller(&[
                "kind=organization",
                &format!("path=\"{nested}\""),
                ORGANIZATION,
            ]),
        )?;
        self.step(
            envoy,
            "The same without -u",
            &unsigned,
            &Expected::Denied(Reason::MissingCredential, "You did not provide an API key."),
        )?;
        self.step(
            envoy,
            "The same without the version",
            &unversioned,
            &Expected::Denied(
                Reason::MissingVersion,
                "Please include the Stripe-Version header",
            ),
        )?;
        self.step(
            envoy,
            "The same without the account",
            &nowhere,
            &Expected::Denied(
                Reason::MissingContext,
                "Please include the Stripe-Context header",
            ),
        )?;
        self.step(
            envoy,
            "A path outside this organization",
            &foreign,
            &Expected::Denied(Reason::AccountNotAccessible, CONNECTED),
        )?;
        self.step(
            envoy,
            "A malformed path",
            &malformed,
            &Expected::Denied(Reason::MalformedContext, "Invalid Stripe-Context header"),
        )
    }

    fn by_an_account(&mut self, envoy: &Envoy) -> Result<()> {
        let on_connected = |request: Request| request.header("Stripe-Account", CONNECTED);
        let balance = || get("/v1/balance");
        self.step(
            envoy,
            "The platform's secret key works on the account connected to it",
            &on_connected(post("/v1/charges").bearer(&self.keys.secret)),
            &Expected::Caller(&["mk_secret", &format!("account=\"{CONNECTED}\"")]),
        )?;
        self.step(
            envoy,
            "Two headers, two accounts",
            &on_connected(balance().bearer(&self.keys.secret)).header("Stripe-Context", PLATFORM),
            &Expected::Denied(Reason::ConflictingContext, "name different accounts"),
        )?;
        self.step(
            envoy,
            "A restricted key has other permissions on connected accounts: here, to read the balance",
            &on_connected(balance().bearer(&self.keys.support)),
            &Expected::Caller(&["mk_support", CONNECTED, "permission=\"balance\", access=read"]),
        )?;
        self.step(
            envoy,
            "A restricted key that has none there",
            &on_connected(balance().bearer(&self.keys.reports)),
            &Expected::Denied(
                Reason::NoConnectPermission,
                "does not have any Connect permissions",
            ),
        )?;
        self.step(
            envoy,
            "A key of an account to which none is connected",
            &on_connected(balance().bearer(&self.keys.shop)),
            &Expected::Denied(Reason::NotAPlatform, "Only Stripe Connect platforms"),
        )
    }
}
