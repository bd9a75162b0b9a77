//! Rule 7: a version is a date with an optional name and betas, and nothing else.

use std::sync::LazyLock;

use keyward::version::is_well_formed;
use regex::bytes::Regex;

use super::pattern;

static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\A[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])",
        r"(?:\.[a-z]+)?(?:; ?[a-z0-9_]+=v[0-9]+)*\z"
    ))
});

/// The input is the text.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let is_version = VERSION.is_match(input);
    assert_eq!(is_well_formed(text), is_version, "{text:?}");
    // Nothing is trimmed, and a version does not end early.
    for end in ["\0", " ", ";", ",", "\n"] {
        assert!(!is_well_formed(&format!("{text}{end}")), "{text:?}");
        assert!(!is_well_formed(&format!("{end}{text}")), "{text:?}");
    }
    if is_version {
        let with_beta = format!("{text}; more=v1");
        assert!(is_well_formed(&with_beta), "{text:?}");
        assert!(!is_well_formed(&text.replacen('-', "_", 1)), "{text:?}");
    }
}
