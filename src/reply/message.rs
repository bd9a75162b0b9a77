//! The text of a reply: the profile's text with the request's facts in it, each masked or echoed
//! safely.

use crate::configuration::Configuration;
use crate::decision::Denial;
use crate::mask::echo;
use crate::profile::Field;
use crate::reason::DenyReason;

/// Returns the message of the reply to `denial`.
pub(super) fn message(configuration: &Configuration, denial: &Denial<'_>) -> String {
    // Without an `Authorization` header, the message does not mention its content.
    let by_query = denial.reason() == DenyReason::MalformedCredential
        && denial.evidence().malformed_credential.is_none();
    let text = if by_query {
        DenyReason::MissingCredential
    } else {
        denial.reason()
    };
    configuration
        .profile()
        .message(text)
        .map(|template| template.render(|field| fill(configuration, denial, field)))
        .unwrap_or_default()
}

fn fill(configuration: &Configuration, denial: &Denial<'_>, field: Field) -> String {
    let profile = configuration.profile();
    let prefixes = profile.known_prefixes();
    let evidence = denial.evidence();
    let principal = denial.principal();
    let endpoint = evidence.endpoint;
    match field {
        Field::Masked => evidence
            .credential
            .as_ref()
            .map(|credential| credential.masked(prefixes).to_string())
            .unwrap_or_default(),
        Field::Key => principal
            .key
            .map(|key| key.id().to_owned())
            .unwrap_or_default(),
        Field::Value => value(configuration, denial),
        Field::Header => evidence
            .header
            .map(|header| header.shown().to_owned())
            .unwrap_or_default(),
        Field::Address => evidence
            .address
            .map_or_else(|| "unknown".to_owned(), |address| address.to_string()),
        Field::Account => evidence
            .account
            .map(|account| echo(account.as_bytes(), prefixes))
            .unwrap_or_default(),
        Field::Livemode => principal
            .key
            .map(|key| key.livemode().name().to_owned())
            .unwrap_or_default(),
        Field::Served => configuration.settings().serve_mode.name().to_owned(),
        Field::Label => evidence
            .label
            .or(endpoint.map(|endpoint| endpoint.label))
            .unwrap_or_default()
            .to_owned(),
        Field::AccessTitle => principal
            .permission
            .map(|(_, access)| access.title().to_owned())
            .unwrap_or_default(),
        Field::Access => principal
            .permission
            .map(|(_, access)| access.name().to_owned())
            .unwrap_or_default(),
        Field::Permission => principal
            .permission
            .map(|(name, _)| name.to_owned())
            .unwrap_or_default(),
        Field::Expansion => evidence
            .expansion
            .as_ref()
            .map(|expansion| echo(&expansion.shown, prefixes))
            .unwrap_or_default(),
        Field::Hint => evidence
            .expansion
            .as_ref()
            .and_then(|expansion| expansion.instead.as_ref())
            .map(|instead| {
                let instead = echo(instead.as_bytes(), prefixes);
                format!(" You may want to try expanding '{instead}' instead.")
            })
            .unwrap_or_default(),
        Field::Method => evidence
            .request
            .map(|request| echo(request.method, prefixes))
            .unwrap_or_default(),
        Field::Path => evidence
            .request
            .map(|request| echo(request.path_without_query(), prefixes))
            .unwrap_or_default(),
        Field::Authentication => profile.names().links.authentication.to_string(),
        Field::Support => profile.names().links.support.to_string(),
        Field::ApiKeys => profile.names().links.api_keys.to_string(),
        Field::Documentation => profile.names().links.documentation.to_string(),
        Field::VersionHeader => profile.names().version_header.shown().to_owned(),
        Field::ContextHeader => profile.names().context_header.shown().to_owned(),
        Field::AccountHeader => profile.names().account_header.shown().to_owned(),
    }
}

/// Returns the content of the wrong header, as far as it may be shown.
fn value(configuration: &Configuration, denial: &Denial<'_>) -> String {
    let profile = configuration.profile();
    let evidence = denial.evidence();
    if denial.reason() == DenyReason::MalformedCredential {
        return evidence.malformed_credential.clone().unwrap_or_default();
    }
    let Some(request) = evidence.request else {
        return String::new();
    };
    let sent = if denial.reason() == DenyReason::MalformedHeader {
        request.folded_identity.unwrap_or(&[]).to_vec()
    } else if denial.reason() == DenyReason::InvalidVersion {
        request.version.joined()
    } else if evidence.header == Some(&profile.names().account_header) {
        request.account.joined()
    } else {
        request.context.joined()
    };
    echo(&sent, profile.known_prefixes())
}
