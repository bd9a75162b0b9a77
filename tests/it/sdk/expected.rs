//! What an SDK must make of each denial, for all languages. Written from the contract and Stripe's
//! texts, not from the code.

use keyward::reason::DenyReason;
use serde_json::{Value, json};

use super::script::Language;
use super::world::{CONNECTED, PLATFORM, key, masked};

/// A call that is denied.
pub struct Denied {
    pub reason: &'static str,
    /// The call for the scripts: `key`, `call`, and other members.
    pub call: Value,
    pub code: Option<&'static str>,
    pub param: Option<&'static str>,
    pub message: String,
}

impl Denied {
    fn new(reason: &'static str, key_name: &str, call: &str, message: impl Into<String>) -> Self {
        Self {
            reason,
            call: json!({"key": key(key_name), "call": call}),
            code: None,
            param: None,
            message: message.into(),
        }
    }

    /// Adds a member to the call.
    fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.call[member] = value.into();
        self
    }

    fn code(self, code: &'static str) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    fn param(self, param: &'static str) -> Self {
        Self {
            param: Some(param),
            ..self
        }
    }

    /// Returns the members of the SDK's error that are the same in each reply. The request id is
    /// checked separately.
    pub fn error(&self, language: Language) -> Value {
        let status = DenyReason::from_name(self.reason).unwrap().status();
        let doc_url = match self.code {
            Some(code @ ("api_key_expired" | "account_invalid")) => Some(format!(
                "https://stripe.com/docs/error-codes/{}",
                code.replace('_', "-")
            )),
            _ => None,
        };
        let mut error = json!({
            "class": class(language, status),
            "status": status,
            "code": self.code,
            "type": if status == 503 { "api_error" } else { "invalid_request_error" },
            "message": self.message,
            "param": self.param,
            "doc_url": doc_url,
            "denied": self.reason,
        });
        if language == Language::Node {
            // A missing member is `undefined` in JavaScript, which JSON leaves out.
            error
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
        }
        error
    }
}

/// Returns the class that users of an SDK distinguish errors by.
pub fn class(language: Language, status: u16) -> &'static str {
    let (python, node) = match status {
        401 => ("AuthenticationError", "StripeAuthenticationError"),
        403 => ("PermissionError", "StripePermissionError"),
        503 => ("APIError", "StripeAPIError"),
        _ => ("InvalidRequestError", "StripeInvalidRequestError"),
    };
    match language {
        Language::Python => python,
        Language::Node => node,
    }
}

/// The message of a gateway that has no snapshot, or an old one.
pub const UNAVAILABLE: &str = "Sorry, API keys cannot be checked right now. Please retry your request in a moment, or we can help at https://support.stripe.com/.";

/// Returns a call for every reason except `host_failure`, which needs a host that fails, and the
/// reasons of rule 1, which the SDKs retry.
pub fn denied() -> Vec<Denied> {
    let balance = "balance.retrieve";
    let api_keys = "https://dashboard.stripe.com/account/apikeys";
    let help = "See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.";
    let unknown = |call: &str| {
        let message = format!("Invalid API Key provided: {}", masked("nobody"));
        Denied::new("unknown_key", "nobody", call, message)
    };
    let expired = |reason, name| {
        let message = format!("Expired API Key provided: {}", masked(name));
        Denied::new(reason, name, balance, message).code("api_key_expired")
    };
    let no_access = |reason, key_name: &str, account: &str| {
        let message = format!(
            "The provided key '{}' does not have access to account '{account}' (or that account does not exist). Application access may have been revoked.",
            masked(key_name)
        );
        Denied::new(reason, key_name, balance, message)
            .with("account", account)
            .code("account_invalid")
    };
    let insufficient = |call: &str, label: &str, permission: &str| {
        let message = format!(
            "Permission denied. The provided key '{}' does not have the required permissions for this endpoint on account '{PLATFORM}'. Enabling {label} ('{permission}') permissions on this key would allow this request to continue. You can edit permissions at {api_keys}",
            masked("support")
        );
        Denied::new("insufficient_permission", "support", call, message)
            .code("more_permissions_required")
    };
    let malformed = "sk_test_FAKE,comma-0001";
    vec![
        Denied::new("missing_credential", "secret", balance, format!("You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). {help}"))
            .with("drop", json!(["authorization"])),
        Denied::new("malformed_credential", "secret", balance, format!("You did not provide an API key, though you did set your Authorization header to \"Bearer {}\". Using Bearer auth, your Authorization header should look something like 'Authorization: Bearer YOUR_SECRET_KEY'. {help}", "*".repeat(malformed.len())))
            .with("key", malformed),
        unknown(balance),
        unknown("v2.core.events.list"),
        expired("deleted_key", "deleted"),
        expired("expired_key", "expired"),
        Denied::new("inactive_key", "early", balance, format!("The API Key provided is not active yet: {}", masked("early"))),
        Denied::new("suspended_account", "suspended", balance, format!("The API Key provided ({}) belongs to an account that has been suspended.", masked("suspended"))),
        Denied::new("ip_not_allowed", "office", balance, "The API key provided does not allow requests from your IP address. (127.0.0.1)"),
        Denied::new("livemode_mismatch", "live", balance, format!("The API Key provided ({}) is a live mode key, but only test mode requests are accepted here.", masked("live")))
            .code("livemode_mismatch"),
        Denied::new("malformed_header", "secret", balance, "Invalid request header: x_keyward_principal. Header names must be spelled with hyphens, and this one is reserved.")
            .with("add", json!({"X_Keyward_Principal": "key=\"mk_root\""})),
        Denied::new("missing_version", "organization", balance, "Please include the Stripe-Version header with your API version when using an Organization API key.")
            .with("drop", json!(["stripe-version"]))
            .with("context", PLATFORM),
        Denied::new("invalid_version", "secret", balance, "Invalid Stripe API version: 2026-13-01")
            .with("version", "2026-13-01"),
        Denied::new("missing_context", "organization", balance, "Please include the Stripe-Context header with your target account when using an Organization API key."),
        Denied::new("unsupported_header", "secret", "v2.core.events.list", "The Stripe-Account header is not supported for this request. Please use the Stripe-Context header instead.")
            .with("account", CONNECTED)
            .param("Stripe-Account"),
        Denied::new("malformed_context", "secret", balance, format!("Invalid Stripe-Context header: {CONNECTED}/. It must be an account ID, or account IDs from the outermost to the innermost joined by slashes."))
            .with("context", format!("{CONNECTED}/"))
            .param("Stripe-Context"),
        Denied::new("conflicting_context", "secret", balance, "The Stripe-Context and Stripe-Account headers name different accounts. Please send only one of them.")
            .with("context", PLATFORM)
            // An SDK sends both only through its users' own headers, and Node's refuses to send
            // both.
            .with("add", json!({"Stripe-Account": CONNECTED}))
            .param("Stripe-Context"),
        no_access("account_not_accessible", "secret", "acct_FAKE-other"),
        Denied::new("not_a_platform", "small", balance, format!("Only Stripe Connect platforms can work with other accounts. You can find the account of this API key at {api_keys}."))
            .with("account", CONNECTED)
            .code("platform_account_required"),
        Denied::new("unknown_endpoint", "support", "nonsense", "Unrecognized request URL (GET: /v1/nonsense). Please see https://stripe.com/docs or we can help at https://support.stripe.com/."),
        Denied::new("secret_key_required", "publishable", "customers.list", format!("This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at {api_keys}."))
            .code("secret_key_required"),
        Denied::new("no_connect_permission", "reports", balance, "You passed a restricted API key with the Stripe-Account header, but the restricted API key does not have any Connect permissions.")
            .with("account", CONNECTED),
        insufficient("customers.create", "Customers Write", "customer_write"),
        insufficient(balance, "Balance Read", "balance_read"),
        insufficient("v2.core.events.list", "Events Read", "event_read"),
        Denied::new("unknown_expansion", "support", "customers.list, expanded", "This property cannot be expanded (name). You may want to try expanding 'data.name' instead."),
    ]
}
