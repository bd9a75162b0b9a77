//! Publishes a configuration where Envoy or a mesh reads it: to a file that Envoy watches, or as a
//! manifest. [`publish`] does everything in one call. Its steps are public for a caller that shows
//! them to a person.

mod carried;
mod delivery;
mod ecds;
mod ecds_filter;
mod effect;
mod ending;
mod ends;
mod found;
mod manifest;
mod protobuf;
mod publication;
mod rejection;
mod target;
mod template;
mod text_file;
mod version_info;
mod yaml;

#[cfg(test)]
mod tests;

pub use effect::{Effect, Present, works};
pub use ending::ends_among;
pub use ends::Ends;
pub use found::{Found, next_revision};
pub use publication::{Allowed, Publication, Published, publish};
pub use rejection::Rejection;
pub use target::{Destination, Target};
pub use template::{Kind, Names};
