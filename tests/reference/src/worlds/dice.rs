//! Choices from a tape of numbers, so that proptest can shrink what is built from them: a smaller
//! number is a simpler choice, and 0 is the simplest.

pub struct Dice<'a> {
    tape: &'a [u32],
}

impl<'a> Dice<'a> {
    pub fn new(tape: &'a [u32]) -> Self {
        Self { tape }
    }

    /// Returns a number from 0 to `count - 1`. An exhausted tape is all zeros.
    pub fn below(&mut self, count: usize) -> usize {
        let Some((first, rest)) = self.tape.split_first() else {
            return 0;
        };
        self.tape = rest;
        usize::try_from(*first).unwrap() % count
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    pub fn pick<'b, T: ?Sized>(&mut self, from: &[&'b T]) -> &'b T {
        from[self.below(from.len())]
    }

    pub fn of<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    pub fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}
