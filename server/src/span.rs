//! Time spans, as policies have them.

use crate::http::failure::{Code, Failure};

/// `90d`, `24h`, `30m`, `0`.
pub(crate) fn seconds(text: &str, param: &str) -> Result<u64, Failure> {
    read(text).ok_or_else(|| {
        Failure::new(
            Code::ParameterInvalid,
            "Expected a time span such as `90d`, `24h` or `30m`.",
        )
        .at(param)
    })
}

/// The same, outside a request.
pub(crate) fn read(text: &str) -> Option<u64> {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("", 1)];
    let read = units.into_iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(seconds)
    });
    read.filter(|seconds| *seconds < 100_000_000_000)
}

/// The span, in its largest whole unit.
pub(crate) fn written(seconds: u64) -> String {
    match seconds {
        0 => "0".to_owned(),
        days if days % 86_400 == 0 => format!("{}d", days / 86_400),
        hours if hours % 3_600 == 0 => format!("{}h", hours / 3_600),
        minutes if minutes % 60 == 0 => format!("{}m", minutes / 60),
        seconds => seconds.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_whole_numbers_of_a_unit() {
        for (text, expected) in [
            ("0", 0),
            ("90d", 7_776_000),
            ("24h", 86_400),
            ("30m", 1_800),
        ] {
            assert_eq!(seconds(text, "").unwrap(), expected);
        }
        for none in ["", "d", "1.5d", "-1d", "9999999999999999d", "1w"] {
            assert!(seconds(none, "").is_err(), "{none}");
        }
    }
}
