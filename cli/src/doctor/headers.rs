//! The headers that keyward uses to decide, or that name the caller to the upstream. Their names
//! are compared as an upstream may read them.

use super::instance::Plugin;
use keyward::configuration::Configuration;
use keyward::profile::OVERRIDES;
use keyward::spelling;

/// What a header means to keyward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It contains the key.
    Credential,
    /// It names the caller to the upstream.
    Identity,
    /// It names the account that the request is about.
    Target,
    /// It names the API's version.
    Version,
    /// Some frameworks read the method or the path from it.
    Dispatch,
}

/// The names that matter to the keyward filters of one chain.
#[derive(Debug)]
pub(super) struct Names(Vec<(String, Meaning)>);

impl Names {
    pub(super) fn of(plugins: &[Plugin<'_>]) -> Self {
        let mut names = vec![(fold("authorization"), Meaning::Credential)];
        for dispatch in OVERRIDES.iter().chain(&[":path", ":method"]) {
            names.push((fold(dispatch), Meaning::Dispatch));
        }
        // A plugin's configuration may not be visible. Then assume the default names.
        let usual = Configuration::closed();
        let read = plugins.iter().filter_map(Plugin::configuration);
        for configuration in read.chain([&usual]) {
            let settings = configuration.settings();
            let single = settings.identity_headers.iter().map(|(name, _)| &**name);
            let former = settings.former_identity_headers.iter().map(|name| &**name);
            let own = settings.principal_header.as_deref().into_iter();
            for name in own.chain(single).chain(former) {
                names.push((fold(name), Meaning::Identity));
            }
            for name in &configuration.profile().names().override_headers {
                names.push((fold(name), Meaning::Dispatch));
            }
            for name in &configuration.profile().names().credential_headers {
                names.push((fold(name), Meaning::Credential));
            }
            let of_api = configuration.profile().names();
            names.push((fold(of_api.version_header.lower()), Meaning::Version));
            for target in [&of_api.context_header, &of_api.account_header] {
                names.push((fold(target.lower()), Meaning::Target));
            }
        }
        Self(names)
    }

    /// Returns what this header means to keyward, or to an upstream that folds names.
    pub(super) fn meaning(&self, header: &str) -> Option<Meaning> {
        let folded = fold(header);
        let mut of = self.0.iter().filter(|(name, _)| *name == folded);
        of.next().map(|(_, meaning)| *meaning)
    }
}

/// Returns the name as the most lenient server reads it.
pub(super) fn fold(name: &str) -> String {
    name.bytes()
        .map(|byte| char::from(spelling::fold(byte)))
        .collect()
}
