//! How the portal looks: the name, the logo and the colour of the company that offers it. Read once, when the server starts.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// What the pages of the portal show of the company.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brand {
    pub(crate) name: Option<String>,
    pub(crate) logo: Option<Logo>,
    pub(crate) accent: Option<Accent>,
    pub(crate) support_url: Option<String>,
    pub(crate) terms_url: Option<String>,
}

/// A picture that the server serves itself.
#[derive(Clone, Debug)]
pub(crate) struct Logo {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: &'static [u8],
}

const LARGEST: usize = 32 * 1024;

impl Logo {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)
            .with_context(|| format!("`portal.logo`: `{}` cannot be read", path.display()))?;
        Self::of(bytes)
    }

    fn of(bytes: Vec<u8>) -> Result<Self> {
        if bytes.len() > LARGEST {
            bail!("`portal.logo` has more than 32 KiB");
        }
        let content_type = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            "image/png"
        } else if is_still(&bytes) {
            "image/svg+xml"
        } else {
            bail!(
                "`portal.logo`: expected a PNG, or an SVG without scripts, links, styles from elsewhere and other documents in it"
            );
        };
        // One for the life of the server.
        Ok(Self {
            content_type,
            bytes: Vec::leak(bytes),
        })
    }
}

/// Whether this SVG only draws. Pages show it as a picture, so a browser runs and loads nothing from it, and its answer also forbids both.
fn is_still(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let text = text.to_ascii_lowercase();
    let acts = [
        "<script",
        "<foreignobject",
        "<iframe",
        "<!entity",
        "<image",
        "javascript:",
        "@import",
        "href=\"http",
        "href='http",
        "url(http",
    ];
    let handles = text.split(char::is_whitespace).any(|word| {
        word.strip_prefix("on")
            .and_then(|rest| rest.split_once('='))
            .is_some_and(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase())
            })
    });
    text.contains("<svg") && !handles && !acts.iter().any(|one| text.contains(one))
}

/// The colour of the main buttons, on which white text can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accent([u8; 3]);

impl Accent {
    pub(crate) fn read(text: &str) -> Result<Self> {
        let wrong = "`portal.accent`: expected a colour such as `#0b6b3a`";
        let digits = text.strip_prefix('#').context(wrong)?;
        let mut colour = [0; 3];
        hex::decode_to_slice(digits, &mut colour)
            .ok()
            .context(wrong)?;
        let contrast = 1.05 / (luminance(colour) + 0.05);
        if contrast < 4.5 {
            bail!(
                "`portal.accent`: the white text of buttons has a contrast of {contrast:.1} on `{text}`, and needs 4.5; choose a darker colour"
            );
        }
        Ok(Self(colour))
    }

    /// The rules that are added to the stylesheet. A button that is pointed at is darker, so its text is read no worse. Beside somebody's
    /// colour, links and what is chosen have the text's own.
    pub(crate) fn stylesheet(self) -> String {
        let [red, green, blue] = self.0;
        let darker = self.0.map(|part| part / 5 * 4);
        format!(
            "body{{--accent:#{red:02x}{green:02x}{blue:02x};--press:#{:02x}{:02x}{:02x};--link:var(--text);--wash:color-mix(in srgb,var(--text) 8%,var(--page))}}",
            darker[0], darker[1], darker[2]
        )
    }
}

/// Relative luminance.
///
/// Source: <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>
fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_text_can_be_read_on_the_accent() {
        for good in ["#000000", "#0b6b3a", "#767676"] {
            assert!(Accent::read(good).is_ok(), "{good}");
        }
        for bad in [
            "#777777", "#ffffff", "#00ff00", "0b6b3a", "#0b6b3", "red", "#0b6b3a;",
        ] {
            assert!(Accent::read(bad).is_err(), "{bad}");
        }
        let rules = Accent::read("#0b6b3a").unwrap().stylesheet();
        assert!(
            rules.starts_with("body{--accent:#0b6b3a;--press:#08542c;"),
            "{rules}"
        );
    }

    #[test]
    fn a_logo_only_draws() {
        let svg = |inside: &str| {
            Logo::of(
                format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{inside}</svg>").into_bytes(),
            )
        };
        assert!(svg("<path d=\"M1 1\" fill=\"#fff\"/>").is_ok());
        for inside in [
            "<script>alert(1)</script>",
            "<SCRIPT/>",
            "<path onload=\"alert(1)\"/>",
            "<a href=\"https://evil.example\"/>",
            "<a xlink:href='javascript:alert(1)'/>",
            "<foreignObject/>",
            "<style>@import url(x)</style>",
        ] {
            assert!(svg(inside).is_err(), "{inside}");
        }
        assert!(Logo::of(b"\x89PNG\r\n\x1a\n".to_vec()).is_ok());
        assert!(Logo::of(b"GIF89a".to_vec()).is_err());
        assert!(Logo::of(vec![b' '; LARGEST + 1]).is_err());
    }
}
