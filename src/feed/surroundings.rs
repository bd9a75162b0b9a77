//! What a follower asks its host.

/// The world, as arguments.
pub trait Surroundings {
    /// Unix time, in milliseconds.
    fn now(&mut self) -> u64;

    /// Any number, evenly.
    fn random(&mut self) -> u32;

    /// Whether so many bytes of a packed snapshot can be fetched and put together next to what is served. What does not fit is not begun: an allocation that fails
    /// would end the VM.
    fn has_room(&mut self, bytes: usize) -> bool;
}
