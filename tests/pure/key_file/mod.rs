//! The key file as the real binary writes it.

mod accounts;
mod concurrent;
mod crash;
mod snapshot;

use crate::support::key_file::{Folder, journal, read};
