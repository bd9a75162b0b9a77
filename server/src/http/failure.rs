//! The answer to a request that fails. Stripe's SDKs choose the class of their exception by its
//! type.

use axum::http::StatusCode;
use keyward::management::{RefusalClass, RuleCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Lists every code once, with its status and its type.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:ident, $kind:ident;)*) => {
        /// What is wrong, as a word for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// All codes.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the name in `error.code`.
            #[must_use]
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Returns the status of the answer.
            #[must_use]
            pub(crate) fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// Returns the type, which determines the SDK's class.
            #[must_use]
            pub(crate) fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }
        }
    };
}

/// `error.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `invalid_request_error`.
    InvalidRequest,
    /// `already_exists`.
    AlreadyExists,
    /// `controlled_by_alternate_resource`.
    ControlledByAlternateResource,
    /// `idempotency_error`.
    Idempotency,
    /// `quota_exceeded`.
    QuotaExceeded,
    /// `feature_not_enabled`.
    FeatureNotEnabled,
    /// `rate_limit`.
    RateLimit,
    /// `service_unavailable`.
    ServiceUnavailable,
    /// `api_error`.
    Api,
}

impl Kind {
    /// Returns the name in `error.type`.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request_error",
            Self::AlreadyExists => "already_exists",
            Self::ControlledByAlternateResource => "controlled_by_alternate_resource",
            Self::Idempotency => "idempotency_error",
            Self::QuotaExceeded => "quota_exceeded",
            Self::FeatureNotEnabled => "feature_not_enabled",
            Self::RateLimit => "rate_limit",
            Self::ServiceUnavailable => "service_unavailable",
            Self::Api => "api_error",
        }
    }
}

codes! {
    /// A required member is missing.
    ParameterMissing = "parameter_missing", BAD_REQUEST, InvalidRequest;
    /// A member that no request of this endpoint has.
    ParameterUnknown = "parameter_unknown", BAD_REQUEST, InvalidRequest;
    /// A member whose value has the wrong form.
    ParameterInvalid = "parameter_invalid", BAD_REQUEST, InvalidRequest;
    /// The body is not JSON.
    JsonInvalid = "json_invalid", BAD_REQUEST, InvalidRequest;
    /// A cursor that this list did not issue.
    PageInvalid = "page_invalid", BAD_REQUEST, InvalidRequest;
    /// A filter that would read every key.
    FilterTooWide = "filter_too_wide", BAD_REQUEST, InvalidRequest;
    /// The permission does not exist.
    PermissionUnknown = "permission_unknown", BAD_REQUEST, InvalidRequest;
    /// Something in the request looks like a key.
    RawKeyRefused = "raw_key_refused", BAD_REQUEST, InvalidRequest;
    /// The account cannot be removed.
    AccountInUse = "account_in_use", CONFLICT, InvalidRequest;
    /// The gateway still polls.
    GatewayInUse = "gateway_in_use", CONFLICT, InvalidRequest;
    /// Another object has this id.
    IdExists = "id_exists", CONFLICT, AlreadyExists;
    /// Replacing a whole document requires `If-Match`.
    PreconditionRequired = "precondition_required", PRECONDITION_REQUIRED, InvalidRequest;
    /// The server stores no more keys.
    MaxKeys = "max_keys", BAD_REQUEST, QuotaExceeded;
    /// The `Idempotency-Key` of another request.
    IdempotencyKeyReused = "idempotency_key_reused", BAD_REQUEST, Idempotency;
    /// Encrypted values are not implemented.
    PublicKey = "public_key", BAD_REQUEST, FeatureNotEnabled;
    /// The request did not come through the gateway.
    NotThroughGateway = "not_through_gateway", UNAUTHORIZED, InvalidRequest;
    /// The caller's key was deleted.
    DeletedKey = "deleted_key", UNAUTHORIZED, InvalidRequest;
    /// The caller's key has expired.
    ExpiredKey = "expired_key", UNAUTHORIZED, InvalidRequest;
    /// A key with every permission cannot manage keys.
    UnrestrictedKeyRefused = "unrestricted_key_refused", FORBIDDEN, InvalidRequest;
    /// The session was opened too long ago for this action.
    SessionTooOld = "session_too_old", FORBIDDEN, InvalidRequest;
    /// A form that does not come from the session's own pages, or a request to a page with a key.
    FormRefused = "form_refused", FORBIDDEN, InvalidRequest;
    /// The server is not configured for it.
    FeatureNotEnabled = "feature_not_enabled", BAD_REQUEST, FeatureNotEnabled;
    /// The caller lacks a second permission that the endpoint requires.
    MorePermissionsRequired = "more_permissions_required", FORBIDDEN, InvalidRequest;
    /// The object does not exist, or not for this caller.
    ResourceMissing = "resource_missing", NOT_FOUND, InvalidRequest;
    /// No endpoint has this method and path.
    UnknownEndpoint = "unknown_endpoint", NOT_FOUND, InvalidRequest;
    /// The value has already been shown.
    ValueAlreadyReturned = "value_already_returned", CONFLICT, Idempotency;
    /// The caller's key or session changed while the request was carried out.
    CallerChanged = "caller_changed", CONFLICT, InvalidRequest;
    /// The same request is in progress.
    IdempotencyKeyInUse = "idempotency_key_in_use", CONFLICT, Idempotency;
    /// The plan is out of date.
    PlanChanged = "plan_changed", CONFLICT, InvalidRequest;
    /// The plan has expired.
    PlanExpired = "plan_expired", CONFLICT, InvalidRequest;
    /// The object's version differs from the one in `If-Match`.
    ResourceChanged = "resource_changed", PRECONDITION_FAILED, InvalidRequest;
    /// The body is too large.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, InvalidRequest;
    /// The body did not come in time.
    BodyTooSlow = "body_too_slow", REQUEST_TIMEOUT, InvalidRequest;
    /// The content type of the body is not JSON.
    JsonExpected = "json_expected", UNSUPPORTED_MEDIA_TYPE, InvalidRequest;
    /// Too many requests.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, RateLimit;
    /// An error in the server.
    Internal = "internal_error", INTERNAL_SERVER_ERROR, Api;
    /// The store does not respond.
    StorageUnavailable = "storage_unavailable", SERVICE_UNAVAILABLE, ServiceUnavailable;
    /// The disk is full.
    StorageFull = "storage_full", SERVICE_UNAVAILABLE, ServiceUnavailable;
    /// The server accepts only ends.
    EndsOnly = "ends_only", SERVICE_UNAVAILABLE, ServiceUnavailable;
}

/// A failure: a code, and further information for people and programs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    name: &'static str,
    status: StatusCode,
    kind: Kind,
    message: String,
    param: Option<String>,
    extras: Map<String, Value>,
    retry_after: Option<u64>,
}

impl Failure {
    /// Makes a failure with a message for people: a sentence that quotes nothing which may contain
    /// a key.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            name: code.name(),
            status: code.status(),
            kind: code.kind(),
            message: message.into(),
            param: None,
            extras: Map::new(),
            retry_after: None,
        }
    }

    /// Makes the failure for a rejection by a rule on keys.
    pub(crate) fn of_rule(code: &RuleCode) -> Self {
        let (status, kind) = match code.class() {
            RefusalClass::Invalid => (StatusCode::BAD_REQUEST, Kind::InvalidRequest),
            RefusalClass::QuotaExceeded => (StatusCode::BAD_REQUEST, Kind::QuotaExceeded),
            RefusalClass::Forbidden => (StatusCode::FORBIDDEN, Kind::InvalidRequest),
            RefusalClass::Missing => (StatusCode::NOT_FOUND, Kind::InvalidRequest),
            RefusalClass::AlreadyExists => (StatusCode::CONFLICT, Kind::AlreadyExists),
            RefusalClass::Conflict => (StatusCode::CONFLICT, Kind::InvalidRequest),
            RefusalClass::OwnedElsewhere => {
                (StatusCode::CONFLICT, Kind::ControlledByAlternateResource)
            }
            RefusalClass::Failure => (StatusCode::SERVICE_UNAVAILABLE, Kind::ServiceUnavailable),
        };
        Self {
            name: code.name(),
            status,
            kind,
            message: code.to_string(),
            param: code.param().map(|param| param.name().to_owned()),
            extras: Map::new(),
            retry_after: None,
        }
    }

    /// Names the member of the request that is at fault.
    #[must_use]
    pub(crate) fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Adds a fact for programs to `error.keyward`.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extras.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the seconds after which the same request may succeed.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Returns the code's name.
    #[must_use]
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the message for people.
    #[must_use]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns the member at fault.
    #[must_use]
    pub(crate) fn param(&self) -> Option<&str> {
        self.param.as_deref()
    }

    /// Returns a fact for programs, if it is a string.
    #[must_use]
    pub(crate) fn extra(&self, name: &str) -> Option<&str> {
        self.extras.get(name).and_then(Value::as_str)
    }

    /// Returns the status.
    #[must_use]
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns whether it has this code.
    #[must_use]
    pub(crate) fn is(&self, code: Code) -> bool {
        self.name == code.name()
    }

    /// Returns the value of `Retry-After`, if there is one.
    #[must_use]
    pub(crate) fn seconds_until_retry(&self) -> Option<u64> {
        self.retry_after
    }

    /// Returns the value of `Stripe-Should-Retry`: stripe-python retries a 409 automatically unless
    /// this header forbids it.
    #[must_use]
    pub(crate) fn should_retry(&self) -> bool {
        self.status.is_server_error()
            || self.status == StatusCode::TOO_MANY_REQUESTS
            || self.is(Code::IdempotencyKeyInUse)
            || self.is(Code::CallerChanged)
    }

    /// Returns the body, without absent members.
    #[must_use]
    pub(crate) fn body(&self) -> Value {
        json!(ErrorBody {
            error: ErrorMembers {
                code: Some(self.name.to_owned()),
                keyward: (!self.extras.is_empty()).then(|| self.extras.clone()),
                message: self.message.clone(),
                param: self.param.clone(),
                r#type: self.kind.name().to_owned(),
            },
        })
    }
}

/// The body of every refusal, of the server and of the gateway before it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorMembers,
}

#[derive(Debug, Serialize, ToSchema)]
struct ErrorMembers {
    /// What is wrong, in a word that programs compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Facts for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    keyward: Option<Map<String, Value>>,
    message: String,
    /// The member or parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
    /// The class that Stripe's SDKs raise.
    r#type: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_codes_have_one_name() {
        let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn a_client_repeats_only_what_can_succeed() {
        for (code, should_retry) in [
            (Code::ParameterMissing, false),
            (Code::ValueAlreadyReturned, false),
            (Code::IdempotencyKeyInUse, true),
            (Code::RateLimited, true),
            (Code::StorageFull, true),
        ] {
            assert_eq!(
                Failure::new(code, "").should_retry(),
                should_retry,
                "{code:?}"
            );
        }
    }

    #[test]
    fn a_body_has_sorted_members_and_none_that_is_empty() {
        let failure = Failure::new(Code::ParameterMissing, "`type` is missing.").at("type");
        let expected = r#"{"error":{"code":"parameter_missing","message":"`type` is missing.","param":"type","type":"invalid_request_error"}}"#;
        assert_eq!(failure.body().to_string(), expected);
    }
}
