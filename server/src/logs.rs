//! `[requests]` of the configuration: where the gateways' access logs are.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::http::failure::{Code, Failure};

/// The files of the logs, or the address of where they are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Requests {
    /// Files, plain, gzip or zstd. In the last segment `*` stands for any text.
    files: Vec<PathBuf>,
    /// An address with `{key}` in it, for logs that are kept elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

impl Requests {
    /// Takes paths relative to a folder.
    pub(crate) fn below(&mut self, folder: &Path) -> anyhow::Result<()> {
        for file in &mut self.files {
            *file = folder.join(&file);
        }
        if let Some(link) = &self.link
            && !(link.starts_with("https://") && link.contains("{key}"))
        {
            anyhow::bail!("`requests.link`: expected an https:// address with `{{key}}` in it");
        }
        Ok(())
    }

    /// Whether files are named.
    pub(crate) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// The address, with `{key}` in it.
    pub(crate) fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// Whether files are named.
    pub(crate) fn are_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// The files that are there now, by name.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        if self.files.is_empty() {
            return Err(Failure::new(
                Code::FeatureNotEnabled,
                "The configuration names no access logs (`requests.files`).",
            ));
        }
        let mut found = Vec::new();
        for pattern in &self.files {
            let name = pattern.file_name().and_then(|name| name.to_str());
            match name {
                Some(name) if name.contains('*') => found.extend(matching(pattern, name)),
                Some(_) | None => found.push(pattern.clone()),
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}

fn matching(pattern: &Path, name: &str) -> Vec<PathBuf> {
    let folder = pattern.parent().unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            fits(name, entry.file_name().to_str()?).then(|| entry.path())
        })
        .collect()
}

/// Whether a name is of a pattern: its parts between `*` in their order, the first at the beginning and the last at the end.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => {
                rest = rest
                    .get(at.saturating_add(part.len())..)
                    .unwrap_or_default()
            }
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("access*.log*", "access.log", true),
            ("access*.log*", "access-1.log.gz", true),
            ("access*.log*", "error.log", false),
            ("*.log", "a.log", true),
            ("*.log", "a.log.1", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("access.log", "access.log", true),
            ("access.log", "access.log.1", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
