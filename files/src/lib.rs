//! What operators edit and read, as files: the key file, snapshots and Envoy's access log.

pub mod access_log;
pub mod key_file;
pub mod snapshot;
pub mod visible;
