//! Compresses pages. The server never compresses an answer that holds a value: its size would say something of the value, and the compressor's
//! memory would keep it.
//! The other secret in a page, the token of its forms, differs in each answer.

use std::io::Write;
use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::assets::{Asset, CSS, JS};

/// Below this it is not worth the header.
const SMALLEST: usize = 1024;

/// Whether a browser takes gzip (RFC 9110, section 12.5.3). Where it is in doubt, the answer is not compressed.
pub(super) fn is_taken(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let is_gzip = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
            let weight = parts.next().map(str::to_ascii_lowercase);
            let weight = weight.as_deref().map(|text| text.strip_prefix("q="));
            let is_wanted = match weight {
                None => true,
                Some(number) => number
                    .and_then(|number| number.trim().parse::<f32>().ok())
                    .is_some_and(|number| number > 0.0),
            };
            is_gzip && is_wanted
        })
}

/// A page, compressed.
pub(super) fn page(text: &str) -> Option<Vec<u8>> {
    compressed(text.as_bytes(), Compression::fast())
}

/// A file that pages load, compressed once.
pub(super) fn asset(asset: &Asset) -> Option<&'static [u8]> {
    static FILES: LazyLock<[Option<Vec<u8>>; 2]> =
        LazyLock::new(|| [&CSS, &JS].map(|file| compressed(file.bytes, Compression::best())));
    let [css, js] = &*FILES;
    let file = if asset.path == CSS.path { css } else { js };
    file.as_deref()
}

fn compressed(bytes: &[u8], level: Compression) -> Option<Vec<u8>> {
    if bytes.len() < SMALLEST {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), level);
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn gzip_is_used_where_it_is_taken() {
        for (text, expected) in [
            ("gzip", true),
            ("br, GZIP", true),
            ("gzip, deflate, br, zstd", true),
            ("gzip;q=0.5", true),
            ("br;q=1.0, gzip; q=0.8", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("gzip;q=nonsense", false),
            ("gzip;level=9", false),
            ("x-gzip", false),
            ("identity", false),
            ("*", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, text.parse().unwrap());
            assert_eq!(is_taken(&headers), expected, "{text}");
        }
        assert!(!is_taken(&HeaderMap::new()));
    }

    #[test]
    fn what_is_compressed_is_what_was_there() {
        for file in [&CSS, &JS] {
            let mut back = Vec::new();
            let packed = asset(file).unwrap();
            assert!(packed.len() < file.bytes.len() / 2);
            flate2::read::GzDecoder::new(packed)
                .read_to_end(&mut back)
                .unwrap();
            assert_eq!(back, file.bytes);
        }
        assert!(page("short").is_none());
    }
}
