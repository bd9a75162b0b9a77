//! The content of a discovery response's `version_info`: the revision, and the name of the keys'
//! source. Envoy shows the text but does not interpret it.

use std::fmt;

use crate::key_file::SourceName;

/// `1795194529 file:8mXzT4Kq`, or only the revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VersionInfo {
    pub(super) revision: u64,
    pub(super) source: Option<SourceName>,
}

impl VersionInfo {
    /// Parses the text. If another program wrote it, it has revision 0 and no source.
    pub(super) fn read(text: &str) -> Self {
        let (revision, source) = text.split_once(' ').unwrap_or((text, ""));
        Self {
            revision: revision.parse().unwrap_or_default(),
            source: SourceName::parse(source),
        }
    }
}

impl fmt::Display for VersionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{} {source}", self.revision),
            None => write!(f, "{}", self.revision),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_it_was_written() {
        for text in ["8", "8 file:a_1", "8 server:b"] {
            assert_eq!(VersionInfo::read(text).to_string(), text);
        }
        for text in ["", "v2", "v2 x", "file:a"] {
            assert_eq!(VersionInfo::read(text).to_string(), "0", "{text}");
        }
        assert_eq!(VersionInfo::read("8 a:b").source, None);
    }
}
