//! Loads configurations. The same bytes are loaded only once, whichever listeners they are for.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use keyward::configuration::{
    Configuration, LARGEST, is_packed, named_revision, named_revision_packed,
};
use sha2::{Digest, Sha256};

/// Why a configuration was not loaded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) why: String,
    /// The revision in the configuration.
    pub(crate) revision: Option<u64>,
}

/// A digest of the bytes, and the configuration made from them, as long as anything uses it.
type Loaded = ([u8; 32], Weak<Configuration>);

static LOADED: Mutex<Vec<Loaded>> = Mutex::new(Vec::new());

/// Loads a configuration from these bytes. Call it on Envoy's main thread.
pub(crate) fn load(bytes: &[u8]) -> Result<Arc<Configuration>, Refused> {
    if bytes.len() > LARGEST {
        return Err(Refused {
            why: format!(
                "expected at most {LARGEST} bytes, and there are {}",
                bytes.len()
            ),
            revision: None,
        });
    }
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    if let Some(configuration) = loaded(&digest) {
        return Ok(configuration);
    }
    let configuration = Configuration::read(bytes).map_err(|refusal| Refused {
        why: refusal.to_string(),
        revision: revision(bytes),
    })?;
    let configuration = Arc::new(configuration);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    loaded.retain(|(_, configuration)| configuration.strong_count() > 0);
    loaded.push((digest, Arc::downgrade(&configuration)));
    Ok(configuration)
}

fn loaded(digest: &[u8; 32]) -> Option<Arc<Configuration>> {
    let loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    loaded
        .iter()
        .find(|(other, _)| other == digest)
        .and_then(|(_, configuration)| configuration.upgrade())
}

fn revision(mut bytes: &[u8]) -> Option<u64> {
    let size = bytes.len();
    if is_packed(bytes) {
        named_revision_packed(&mut bytes, size)
    } else {
        named_revision(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_loaded_once_while_they_are_used() {
        let bytes = br#"{"serve_mode": "live"}"#;
        let one = load(bytes).unwrap();
        assert!(Arc::ptr_eq(&one, &load(bytes).unwrap()));
        assert!(!Arc::ptr_eq(
            &one,
            &load(br#"{"serve_mode": "test"}"#).unwrap()
        ));
        let gone = Arc::downgrade(&one);
        drop(one);
        assert!(gone.upgrade().is_none(), "nothing but its users keeps it");
    }

    #[test]
    fn a_refusal_names_the_revision() {
        let refused = load(br#"{"snapshot": {"revision": 7, "x": 1}}"#).unwrap_err();
        assert_eq!(refused.revision, Some(7));
        assert!(!refused.why.is_empty());
    }
}
