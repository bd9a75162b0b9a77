//! `keyward replay`, without a gateway.

mod told;

use serde_json::{Value, json};

use crate::support::process::Folder;
use crate::support::replay::{replay, sides, written};
