//! The key file as commands write it, by the real binary.

mod accounts;
mod concurrent;
mod crash;
mod snapshot;

use crate::support::key_file::{Folder, journal, read};
