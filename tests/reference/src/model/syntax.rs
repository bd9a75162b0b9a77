//! The shapes of a credential, a version and a context path.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Returns the key in an `Authorization` value: `Bearer KEY`, or `Basic base64(KEY:)`.
pub(super) fn credential(value: &str) -> Option<String> {
    if value.contains(',') {
        return None;
    }
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim_start_matches(' ');
    let key = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => rest.to_owned(),
        "basic" => {
            // Standard alphabet, canonical padding, no stray bits.
            let decoded = STANDARD.decode(rest).ok()?;
            let decoded = String::from_utf8(decoded).ok()?;
            let (user, password) = decoded.split_once(':')?;
            if !password.is_empty() {
                return None;
            }
            user.to_owned()
        }
        _ => return None,
    };
    is_key(&key).then_some(key)
}

/// The prefixes of keys. The last two are those of some organizations' keys. A prefix with nothing
/// after it is not a key.
const PREFIXES: [&str; 9] = [
    "sk_test_",
    "sk_live_",
    "rk_test_",
    "rk_live_",
    "pk_test_",
    "pk_live_",
    "sk_org_",
    "sk_org_test_",
    "sk_org_live_",
];

/// Returns whether the text is a key. `is_ascii_graphic` means printable ASCII without the space.
pub(super) fn is_key(key: &str) -> bool {
    !key.is_empty()
        && !PREFIXES.contains(&key)
        && key.len() <= 512
        && key
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// Returns whether the value is `YYYY-MM-DD`, optionally `.name`, optionally betas: `; name=v1`.
pub(super) fn is_version(value: &str) -> bool {
    let mut parts = value.split(';');
    let dated = parts.next().unwrap_or_default();
    let (date, has_good_name) = match dated.split_once('.') {
        Some((date, name)) => (
            date,
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()),
        ),
        None => (dated, true),
    };
    is_date(date) && has_good_name && parts.all(is_beta)
}

fn is_date(date: &str) -> bool {
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let is_number = |text: &str, digits: usize| text.len() == digits && is_digits(text);
    let is_within = |text: &str, last: u32| {
        text.parse()
            .is_ok_and(|number: u32| 1 <= number && number <= last)
    };
    is_number(year, 4)
        && is_number(month, 2)
        && is_within(month, 12)
        && is_number(day, 2)
        && is_within(day, 31)
}

fn is_beta(part: &str) -> bool {
    let part = part.strip_prefix(' ').unwrap_or(part);
    let Some((name, version)) = part.split_once('=') else {
        return false;
    };
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    is_name && version.strip_prefix('v').is_some_and(is_digits)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the segments of a context path, root first. An organization key may also name only an
/// organization's id.
pub(super) fn context(value: &str, is_organization_key: bool) -> Option<Vec<String>> {
    if is_organization_key && is_id(value, "org_") {
        return Some(vec![value.to_owned()]);
    }
    let segments: Vec<String> = value.split('/').map(str::to_owned).collect();
    let is_path = segments.len() <= 8
        && segments
            .iter()
            .all(|segment| is_id(segment, ACCOUNT_PREFIX));
    is_path.then_some(segments)
}

const ACCOUNT_PREFIX: &str = "acct_";

/// Returns whether the text is `[A-Za-z0-9_-]{1,64}` with this prefix and something after it.
fn is_id(text: &str, prefix: &str) -> bool {
    text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && text
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty())
}
