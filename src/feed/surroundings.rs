//! What a follower needs from its host.

/// The surroundings of a follower.
pub trait Surroundings {
    /// Returns the Unix time in milliseconds.
    fn now(&mut self) -> u64;

    /// Returns a random number, evenly distributed.
    fn random(&mut self) -> u32;

    /// Returns whether a packed snapshot of this many bytes can be fetched and built while the
    /// current one is served. If it does not fit, it is not begun, because a failed allocation
    /// would end the VM.
    fn has_room(&mut self, bytes: usize) -> bool;
}
