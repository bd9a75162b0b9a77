//! What a report is made of.

use super::Thresholds;
use super::books::Books;
use super::commands::Commands;
use super::inventory::Inventory;
use keyward_files::log_files::Tally;

/// Everything a report is made of.
pub(super) struct Material<'a> {
    pub(super) books: &'a Books,
    pub(super) inventory: &'a Inventory,
    pub(super) tally: &'a Tally,
    pub(super) thresholds: &'a Thresholds,
    pub(super) commands: &'a Commands<'a>,
}
