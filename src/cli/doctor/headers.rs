//! The names of headers by which keyward decides, or by which the upstream learns who calls, compared as an upstream may read them.

use super::instance::Plugin;
use crate::configuration::Configuration;
use crate::profile::OVERRIDES;

/// What a header is to keyward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It holds the key.
    Credential,
    /// The upstream reads off it who calls.
    Identity,
    /// It names the account that the request is about.
    Target,
    /// It names the API's version.
    Version,
    /// Some framework takes the method or the path from it.
    Dispatch,
}

/// The names that matter to the keywards of one chain.
#[derive(Debug)]
pub(super) struct Names(Vec<(String, Meaning)>);

impl Names {
    pub(super) fn of(plugins: &[Plugin<'_>]) -> Self {
        let mut names = vec![(fold("authorization"), Meaning::Credential)];
        for dispatch in OVERRIDES.iter().chain(&[":path", ":method"]) {
            names.push((fold(dispatch), Meaning::Dispatch));
        }
        // What a plugin is given may be out of sight. Then the names are the usual ones.
        let usual = Configuration::closed();
        let read = plugins.iter().filter_map(Plugin::configuration);
        for configuration in read.chain([&usual]) {
            let settings = configuration.settings();
            let single = settings.identity_headers.iter().map(|(name, _)| &**name);
            for name in settings
                .principal_header
                .as_deref()
                .into_iter()
                .chain(single)
            {
                names.push((fold(name), Meaning::Identity));
            }
            let of_api = configuration.profile().names();
            names.push((fold(of_api.version_header.lower()), Meaning::Version));
            for target in [&of_api.context_header, &of_api.account_header] {
                names.push((fold(target.lower()), Meaning::Target));
            }
        }
        Self(names)
    }

    /// What this header is to keyward, or to an upstream that folds names.
    pub(super) fn meaning(&self, header: &str) -> Option<Meaning> {
        let folded = fold(header);
        let mut of = self.0.iter().filter(|(name, _)| *name == folded);
        of.next().map(|(_, meaning)| *meaning)
    }
}

/// CGI, WSGI, Rack and PHP keep letters and digits of a name, and take every other byte for the same one.
pub(super) fn fold(name: &str) -> String {
    let fold = |byte: u8| match byte {
        b'a'..=b'z' | b'0'..=b'9' => char::from(byte),
        b'A'..=b'Z' => char::from(byte.to_ascii_lowercase()),
        _ => '-',
    };
    name.bytes().map(fold).collect()
}
