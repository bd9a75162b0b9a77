//! What a person sees on a terminal of 80 columns, and what a script gets, line by line.

mod logs;
mod tables;

use std::fs;

use crate::support::key_file::Folder;
use crate::support::wait::{BOUND, eventually};
