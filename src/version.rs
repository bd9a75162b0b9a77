//! The grammar of the version header.

/// Returns whether `text` is a version as Stripe writes it: `2026-10-28.endive`, or a bare date as
/// before 2024, followed by any betas as SDKs send them (`2026-10-28.preview; some_beta=v1`).
///
/// Source: <https://docs.stripe.com/api/versioning>
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    let mut parts = text.split(';');
    parts.next().is_some_and(is_release) && parts.all(is_beta)
}

fn is_release(text: &str) -> bool {
    let (date, name) = match text.split_once('.') {
        Some((date, name)) => (date, Some(name)),
        None => (text, None),
    };
    is_date(date) && name.is_none_or(|name| is_word(name, |byte| byte.is_ascii_lowercase()))
}

fn is_date(text: &str) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else {
        return false;
    };
    let year = [y1, y2, y3, y4].iter().all(|digit| digit.is_ascii_digit());
    let month = matches!((m1, m2), (b'0', b'1'..=b'9') | (b'1', b'0'..=b'2'));
    let day = matches!(
        (d1, d2),
        (b'0', b'1'..=b'9') | (b'1' | b'2', b'0'..=b'9') | (b'3', b'0' | b'1')
    );
    year && month && day
}

fn is_beta(text: &str) -> bool {
    let text = text.strip_prefix(' ').unwrap_or(text);
    text.split_once("=v").is_some_and(|(name, number)| {
        is_word(name, |byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
        }) && is_word(number, |byte| byte.is_ascii_digit())
    })
}

fn is_word(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::is_well_formed;

    #[test]
    fn releases_dates_and_betas_are_versions() {
        for text in [
            "2026-10-28.endive",
            "2020-08-27",
            "2026-10-28.preview; some_beta=v1",
            "2020-08-27;orders_beta=v4; b2=v12",
        ] {
            assert!(is_well_formed(text), "`{text}`");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-00-10",
            "2026-01-32",
            "2026-1-1",
            "2026-10-28.",
            "2026-10-28.Endive",
            "2026-10-28 ",
            "2026-10-28.endive, 2026-10-28.endive",
            "2026-10-28;",
            "2026-10-28;  a=v1",
            "2026-10-28;a=1",
            "2026-10-28;=v1",
            "v1",
        ] {
            assert!(!is_well_formed(text), "`{text}`");
        }
    }
}
