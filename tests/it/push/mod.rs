//! `keyward push` to a running Envoy.

mod ecds;
pub mod held;
mod manifests;
mod removals;
mod sources;
mod watch;

use std::fs;

use serde_json::json;

use crate::fail_closed::status;
use crate::support::bootstrap::documents;
use crate::support::command::keyward;
use crate::support::pushing::{Desk, Watcher, carried, key_file, many, named, of, push};
use crate::support::world::{ALICE, BOB, CAROL, configuration, now};
use crate::support::{BOUND, Ecds, Envoy, eventually, find};
use crate::wait::serves;
