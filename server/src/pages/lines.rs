//! Fields of many lines: what is wrong with them, line by line.

use keyward::management::{AddressFault, address_fault};

/// How many lines are named. A list that was pasted into the wrong field has a fault in each.
const NAMED: usize = 10;

/// What is wrong with a list of addresses, each line by its number. None where each of them is one.
pub(crate) fn wrong_addresses(text: &str, ipv6: bool) -> Option<String> {
    let lines = text.lines().enumerate();
    let faults: Vec<String> = lines
        .flat_map(|(number, line)| addresses(line).map(move |one| (number, one)))
        .filter_map(|(number, one)| {
            let fault = address_fault(one, ipv6)?;
            Some(at(number, &of_address(one, &fault)))
        })
        .collect();
    listed(&faults)
}

/// The addresses of a line: one, or several with commas or blanks between them.
pub(crate) fn addresses(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty())
}

fn of_address(text: &str, fault: &AddressFault) -> String {
    match fault {
        AddressFault::Invalid => format!(
            "\u{201c}{text}\u{201d} is no address such as 203.0.113.7, and no range such as 203.0.113.0/24."
        ),
        AddressFault::HostBits { range, meant } => {
            format!("the range {range} has bits below its mask. Did you mean {meant}?")
        }
        AddressFault::Everything => {
            format!("{text} is every address, which is no limit. Leave the field empty for that.")
        }
        AddressFault::V6 => format!("{text} is IPv6. Tick \u{201c}Addresses may be IPv6\u{201d}."),
    }
}

/// A fault, with its line as people count them.
pub(crate) fn at(number: usize, what: &str) -> String {
    format!("Line {}: {what}", number.saturating_add(1))
}

/// Faults, each on its own line.
pub(crate) fn listed(faults: &[String]) -> Option<String> {
    let (named, rest) = faults.split_at(faults.len().min(NAMED));
    if named.is_empty() {
        return None;
    }
    let mut text = named.join("\n");
    match rest.len() {
        0 => {}
        1 => text.push_str("\nAnd one more."),
        more => text.push_str(&format!("\nAnd {more} more.")),
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_line_is_named_by_its_number() {
        let text = "203.0.113.7\n\nnowhere, 198.51.100.7\n10.0.0.1/8\n0.0.0.0/0\n2001:db8::1\n";
        let expected = "Line 3: \u{201c}nowhere\u{201d} is no address such as 203.0.113.7, and no range such as 203.0.113.0/24.\n\
            Line 4: the range 10.0.0.1/8 has bits below its mask. Did you mean 10.0.0.0/8?\n\
            Line 5: 0.0.0.0/0 is every address, which is no limit. Leave the field empty for that.\n\
            Line 6: 2001:db8::1 is IPv6. Tick \u{201c}Addresses may be IPv6\u{201d}.";
        assert_eq!(wrong_addresses(text, false).as_deref(), Some(expected));
        assert_eq!(wrong_addresses("203.0.113.7\n2001:db8::1", true), None);
        assert_eq!(wrong_addresses("", false), None);
    }

    #[test]
    fn of_many_faults_the_first_are_named_and_the_rest_are_counted() {
        let said = wrong_addresses(&"no\n".repeat(40), false).unwrap();
        assert_eq!(said.lines().count(), 11);
        assert!(said.ends_with("\nAnd 30 more."), "{said}");
        let said = wrong_addresses(&"no\n".repeat(11), false).unwrap();
        assert!(said.ends_with("\nAnd one more."), "{said}");
    }
}
