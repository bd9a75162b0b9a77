//! States what a report cannot know.

use super::material::Material;

/// Why a log may have another path than the one on which keyward decided.
const REWRITTEN: &str = "Where a route rewrites paths and the router has `suppress_envoy_headers`, the log has the rewritten path.";

pub(super) fn limits(material: &Material<'_>) -> Vec<String> {
    let (books, inventory) = (material.books, material.inventory);
    let mut limits = vec![
        "Queries are not logged, so what an `expand` needed is not known: a grant that looks unused may have served one. Try a change in shadow first.".to_owned(),
        "The log names no permission for a key that has all of them. The report derives what it needs from the endpoints it called, by the present catalogue.".to_owned(),
    ];
    if !inventory.is_given {
        limits.push(
            "No key file and no configuration was given: what is granted, and which keys never appear, is not known.".to_owned(),
        );
    }
    let unexplained: u64 = books.keys.values().map(|book| book.unexplained).sum();
    if unexplained > 0 {
        limits.push(format!(
            "No proposal covers {unexplained} requests of keys with every permission: their paths are not in the catalogue. {REWRITTEN}"
        ));
    }
    let elsewhere: u64 = books.keys.values().map(|book| book.elsewhere).sum();
    if elsewhere > 0 {
        limits.push(format!(
            "{elsewhere} requests passed by a permission that their path does not ask for, so the log has other paths than those that were decided about, or the endpoints have changed since. Then the same may be true of keys with every permission, whose needs are read off their paths. {REWRITTEN}"
        ));
    }
    let other_keys = books.other_keys.calls;
    if other_keys > 0 {
        limits.push(format!(
            "There are more keys than the report counts separately: {other_keys} requests are only in the sums, and in no key's row."
        ));
    }
    let other_orgs = books.other_orgs.calls;
    if other_orgs > 0 {
        limits.push(format!(
            "There are more organizations than the report counts separately: {other_orgs} requests are in no organization's row."
        ));
    }
    if books.are_full() {
        limits.push(
            "There are more distinct keys, accounts, clients and endpoints than the report holds: those that came later in the log are counted together, and the number shown is too low.".to_owned(),
        );
    }
    let left_out: u64 = books
        .keys
        .values()
        .map(|book| book.accounts.others().calls + book.clients.others().calls)
        .sum();
    if left_out > 0 {
        limits.push(
            "Accounts and clients beyond the first thousand, and the first 256, of a key are counted together.".to_owned(),
        );
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::super::Thresholds;
    use super::super::books::Books;
    use super::super::build::report;
    use super::super::commands::Commands;
    use super::super::inventory::Inventory;
    use super::*;
    use keyward_files::access_log::Line;
    use keyward_files::log_files::Tally;

    /// Returns the number of organizations in a report on this many, and its limits.
    fn limits_with(organizations: usize) -> (usize, String) {
        let inventory = Inventory::empty();
        let mut books = Books::new(&inventory);
        for number in 0..organizations {
            let line = format!(
                r#"{{"start_time": "2026-11-20T10:00:00Z", "keyward": "allow key=\"mk_1\", kind=secret, livemode=?0, org=\"org_{number}\""}}"#
            );
            let line = Line::parse(line.as_bytes()).unwrap();
            books.add(&line.record().unwrap(), &inventory);
        }
        let report = report(&Material {
            books: &books,
            inventory: &inventory,
            tally: &Tally::new(str::to_owned),
            thresholds: &Thresholds {
                unused_for: 1,
                expiring_within: 1,
                clients: 2,
            },
            commands: &Commands { keys: None },
        });
        assert_eq!(
            report.keys.first().map(|key| key.calls),
            u64::try_from(organizations).ok()
        );
        (report.organizations.len(), report.limits.join("\n"))
    }

    #[test]
    fn what_found_no_room_is_in_the_sums_and_is_said() {
        let (rows, limits) = limits_with(10_000);
        assert_eq!(rows, 10_000);
        assert!(!limits.contains("more organizations"), "{limits}");
        let (rows, limits) = limits_with(10_003);
        assert_eq!(rows, 10_000);
        assert!(
            limits.contains("counts separately: 3 requests are in no organization's row"),
            "{limits}"
        );
    }
}
