//! `keyward push` to files: every target, revisions that only rise, and a watcher that lets no
//! snapshot grow old. The tests with Envoy (`push`) show what Envoy makes of it.

mod ecds;
mod files;
mod limits;
mod manifests;
mod removals;
mod revisions;
mod sources;
mod watch;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::bootstrap::documents;
use crate::support::command::{Said, keyward};
use crate::support::find;
use crate::support::pushing::{Desk, Watcher, carried, key_file, many, of, push};
use crate::support::world::{ALICE, BOB, CAROL, configuration, now};
use crate::support::{BOUND, eventually};
