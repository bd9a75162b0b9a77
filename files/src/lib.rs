//! The files that operators edit and read: the key file, snapshots and Envoy's access log.

pub mod access_log;
pub mod applying;
pub mod clock;
pub mod configuration;
pub mod feed;
pub mod key_file;
pub mod log_files;
pub mod publish;
pub mod randomness;
pub mod replace;
pub mod replay;
pub mod snapshot;
pub mod socket;
pub mod store;
#[cfg(feature = "tls")]
pub mod tls;
pub mod visible;
