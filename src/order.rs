//! Sorting by number. keyward has one sort for everything: the library's is compiled again for
//! every type, and a filter has no room for that.

use std::cmp::Ordering;

/// Returns the numbers 0 to `count` - 1 in the order of the items that they number. Equal items
/// keep their order.
pub(crate) fn sorted_numbers(
    count: usize,
    compare: &dyn Fn(usize, usize) -> Ordering,
) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.sort_unstable_by(|a, b| compare(*a, *b).then(a.cmp(b)));
    numbers
}

/// Sorts `list` in ascending order.
pub(crate) fn sort<T: Copy + Ord>(list: &mut Vec<T>) {
    sort_by(list, &T::cmp);
}

/// Sorts `list` by `compare`.
pub(crate) fn sort_by<T: Copy>(list: &mut Vec<T>, compare: &dyn Fn(&T, &T) -> Ordering) {
    if list.is_sorted_by(|a, b| compare(a, b).is_le()) {
        return;
    }
    let numbers = sorted_numbers(list.len(), &|a, b| match (list.get(a), list.get(b)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => Ordering::Equal,
    });
    *list = numbers
        .iter()
        .filter_map(|number| list.get(*number).copied())
        .collect();
}

/// Returns the lowest number that has an equal one before it. `sorted` comes from
/// [`sorted_numbers`].
pub(crate) fn second_of_equals(
    sorted: &[usize],
    compare: &dyn Fn(usize, usize) -> Ordering,
) -> Option<usize> {
    seconds_of_equals(sorted, compare).first().copied()
}

/// Returns all numbers that have an equal one before them, in ascending order.
pub(crate) fn seconds_of_equals(
    sorted: &[usize],
    compare: &dyn Fn(usize, usize) -> Ordering,
) -> Vec<usize> {
    let mut seconds: Vec<usize> = sorted
        .windows(2)
        .filter_map(|pair| match pair {
            [a, b] if compare(*a, *b) == Ordering::Equal => Some(*b),
            _ => None,
        })
        .collect();
    sort(&mut seconds);
    seconds
}

/// Returns whether a text occurs twice.
pub(crate) fn has_equals(texts: &[&str]) -> bool {
    let compare = |a: usize, b: usize| texts.get(a).cmp(&texts.get(b));
    let sorted = sorted_numbers(texts.len(), &compare);
    second_of_equals(&sorted, &compare).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_put_in_order() {
        let mut words = vec!["b", "c", "a", "b"];
        sort(&mut words);
        assert_eq!(words, ["a", "b", "b", "c"]);
        sort_by(&mut words, &|a, b| b.cmp(a));
        assert_eq!(words, ["c", "b", "b", "a"]);
        let mut none: Vec<u8> = Vec::new();
        sort(&mut none);
        assert!(none.is_empty());
    }

    #[test]
    fn numbers_stand_in_the_order_of_what_they_stand_for() {
        let words = ["b", "c", "a", "b", "b"];
        let compare = |a: usize, b: usize| words[a].cmp(words[b]);
        let sorted = sorted_numbers(words.len(), &compare);
        assert_eq!(sorted, [2, 0, 3, 4, 1]);
        assert_eq!(second_of_equals(&sorted, &compare), Some(3));
        let sorted = sorted_numbers(3, &compare);
        assert_eq!(second_of_equals(&sorted, &compare), None);
        assert!(has_equals(&words) && !has_equals(&["b", "a"]) && !has_equals(&[]));
    }
}
