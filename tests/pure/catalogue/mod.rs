//! The built-in catalogue, as a reader of its two data files expects it: every row requires what
//! the file says, and nothing else passes.

mod allocations;
mod chance;
mod compiled;
mod files;
mod generated;
mod naive;
mod near;
mod observed;
mod page;
mod walk;

use crate::support::catalogue::ask;
use keyward_reference::catalogue::{Permission, Row, names, permissions, rows, table};
