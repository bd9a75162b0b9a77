//! Who is next. Ends go before additions, but never take all places of a group: a caller may end as
//! much as it likes, and other callers' additions still go on.

use std::collections::VecDeque;

/// The maximum number of changes in one commit.
const GROUP: usize = 64;
/// How many of them are additions at least, if so many wait.
const ADDITIONS: usize = 8;

/// How urgent a change is, and what happens to it if the disk is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// It is rejected.
    Addition,
    /// It uses the room that is reserved for it. It ends something, and never waits for room.
    End,
}

/// Changes that wait, in the order of their arrival.
pub(super) struct Line<T> {
    ends: VecDeque<T>,
    additions: VecDeque<T>,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            ends: VecDeque::new(),
            additions: VecDeque::new(),
        }
    }
}

impl<T> Line<T> {
    pub(super) fn add(&mut self, urgency: Urgency, one: T) {
        match urgency {
            Urgency::End => self.ends.push_back(one),
            Urgency::Addition => self.additions.push_back(one),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.additions.is_empty()
    }

    /// Takes the next group: the ends first, which also run first.
    pub(super) fn take(&mut self) -> Vec<T> {
        let additions = self.additions.len().min(ADDITIONS);
        let ends = self.ends.len().min(GROUP.saturating_sub(additions));
        let mut group: Vec<T> = self.ends.drain(..ends).collect();
        let room = GROUP.saturating_sub(group.len()).min(self.additions.len());
        group.extend(self.additions.drain(..room));
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_go_first_and_leave_some_room() {
        let mut line = Line::default();
        (0..1_000).for_each(|number| line.add(Urgency::Addition, ("addition", number)));
        line.add(Urgency::End, ("end", 0));
        let group = line.take();
        assert_eq!((group.len(), group[0]), (64, ("end", 0)));
        assert_eq!((group[1], group[63]), (("addition", 0), ("addition", 62)));
        (1..=100).for_each(|number| line.add(Urgency::End, ("end", number)));
        let group = line.take();
        let ends = group.iter().filter(|(what, _)| *what == "end").count();
        assert_eq!(
            (ends, group[0], group[56]),
            (56, ("end", 1), ("addition", 63))
        );
        assert_eq!(line.take().len(), 64);
        let mut left = 0;
        while !line.is_empty() {
            left += line.take().len();
        }
        assert_eq!(left, 1_101 - 3 * 64);
    }
}
