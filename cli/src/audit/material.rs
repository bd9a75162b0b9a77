//! The input of a report.

use super::Thresholds;
use super::books::Books;
use super::commands::Commands;
use super::inventory::Inventory;
use keyward_files::log_files::Tally;

/// Everything from which a report is made.
pub(super) struct Material<'a> {
    pub(super) books: &'a Books,
    pub(super) inventory: &'a Inventory,
    pub(super) tally: &'a Tally,
    pub(super) thresholds: &'a Thresholds,
    pub(super) commands: &'a Commands<'a>,
}
