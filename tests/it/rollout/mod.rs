//! Rollouts to a running Envoy, and their rollback: the filter itself, and the keys. The steps are
//! those in `docs/operations.md`.

pub mod code;
mod funce;
mod keys;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::fail_closed::{ALICE, BOB, STRANGER, Watch, configuration, everywhere, status};
use crate::support::{BOUND, Envoy, Push, Upstream, find};
