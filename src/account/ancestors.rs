//! Checks that every account has a root above it.

/// Returns the place of the first account whose ancestors never end. Every account is walked once:
/// `settled` marks those that are known to end.
pub(super) fn first_in_a_cycle(parents: &[Option<usize>]) -> Option<usize> {
    let mut settled = vec![false; parents.len()];
    for start in 0..parents.len() {
        let mut walked = Vec::new();
        let mut place = start;
        while let Some(false) = settled.get(place).copied() {
            walked.push(place);
            if walked.len() > parents.len() {
                return Some(start);
            }
            match parents.get(place).copied().flatten() {
                Some(parent) => place = parent,
                None => break,
            }
        }
        for place in walked {
            if let Some(known) = settled.get_mut(place) {
                *known = true;
            }
        }
    }
    None
}
