//! The place of a bucket: `s3://BUCKET/PREFIX?region=…&endpoint=…`.

use std::fmt;
use std::str::FromStr;

use anyhow::{Error, Result, bail, ensure};

/// A bucket, and the prefix of the names of a feed's blobs in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPlace {
    pub(super) bucket: String,
    /// Segments separated by slashes.
    pub(super) prefix: String,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
}

impl BucketPlace {
    /// The place with one more segment in its prefix.
    pub(in crate::feed::store) fn below(&self, segment: &str) -> Self {
        Self {
            prefix: format!("{}/{segment}", self.prefix),
            ..self.clone()
        }
    }
}

/// How such a place begins.
const SCHEME: &str = "s3://";

impl FromStr for BucketPlace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        const EXPECTED: &str = "expected `s3://BUCKET/PREFIX`, and after it `?region=…&endpoint=…` where the environment does not say them";
        let Some(rest) = text.strip_prefix(SCHEME) else {
            bail!(EXPECTED);
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let Some((bucket, prefix)) = path.split_once('/') else {
            bail!(EXPECTED);
        };
        let is_bucket =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        ensure!(
            (3..=63).contains(&bucket.len()) && bucket.chars().all(is_bucket),
            "expected a bucket's name: 3 to 63 lower-case letters, digits, `-` or `.`"
        );
        let prefix = prefix.trim_end_matches('/');
        // The rules for segments are those of a gateway's `feed.path`.
        let is_segment = |segment: &str| {
            let is_plain =
                |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
            !segment.is_empty() && !segment.starts_with('.') && segment.chars().all(is_plain)
        };
        ensure!(
            prefix.split('/').all(is_segment),
            "expected a prefix in the bucket: letters, digits, `.`, `-`, `_` or `~`, no segment of which is empty or begins with a dot"
        );
        let mut place = Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            region: None,
            endpoint: None,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("region", region)) if !region.is_empty() => {
                    place.region = Some(region.to_owned());
                }
                Some(("endpoint", endpoint)) if endpoint.starts_with("http") => {
                    place.endpoint = Some(endpoint.to_owned());
                }
                _ => bail!(EXPECTED),
            }
        }
        Ok(place)
    }
}

impl fmt::Display for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_a_bucket_and_a_prefix() {
        let place: BucketPlace =
            "s3://keys.example/feeds/prod/?region=eu-west-1&endpoint=http://127.0.0.1:9000"
                .parse()
                .unwrap();
        assert_eq!(place.to_string(), "s3://keys.example/feeds/prod");
        assert_eq!(place.region.as_deref(), Some("eu-west-1"));
        assert_eq!(place.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        let below = place.below("edge");
        assert_eq!(below.to_string(), "s3://keys.example/feeds/prod/edge");
        assert_eq!(below.region, place.region);
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "/srv/feed",
            "s3://",
            "s3://keys",
            "s3://keys/",
            "s3://ke/prod",
            "s3://Keys/prod",
            "s3://keys/../prod",
            "s3://keys//prod",
            "s3://keys/a b",
            "s3://keys/prod?secret=a",
            "s3://keys/prod?region=",
            "s3://keys/prod?endpoint=ftp",
        ] {
            assert!(text.parse::<BucketPlace>().is_err(), "{text}");
        }
    }
}
