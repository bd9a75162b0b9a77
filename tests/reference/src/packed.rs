//! Configurations in their packed form.

use keyward::configuration::packed_settings;
use keyward::snapshot::packed::Packed;
use serde_json::Value;

/// Returns the packed form of a plugin configuration in JSON. Returns `None` for one without a
/// snapshot, which has no packed form.
pub fn packed(configuration: &str) -> Option<Vec<u8>> {
    let mut settings: Value = serde_json::from_str(configuration).unwrap();
    let snapshot = settings.as_object_mut()?.remove("snapshot")?;
    let (head, profile) = packed_settings(settings.to_string().as_bytes()).unwrap();
    let snapshot = Packed::from_json(snapshot.to_string().as_bytes(), &profile).unwrap();
    Some([head, snapshot.chunks().unwrap().concat()].concat())
}
