//! What operators edit and read, as files: the key file and Envoy's access log.

pub mod access_log;
pub mod key_file;
pub mod visible;
