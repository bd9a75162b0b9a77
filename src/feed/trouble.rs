//! What goes wrong with a feed: reported to the operator by one word each.

use crate::word::words;

words! {
    /// A kind of trouble.
    #[derive(Hash)]
    pub enum Trouble {
        /// No answer: no cluster, no connection, a time-out, an answer that broke off.
        Unreachable = "unreachable",
        /// Another status than asked for, or a body that is not what was asked for.
        Answer = "answer",
        /// A head that no trusted key signed.
        Signature = "signature",
        /// A head that is signed and not what the format says.
        Head = "head",
        /// The head of another feed.
        OtherFeed = "other_feed",
        /// A format or a layout that this version does not read.
        Unsupported = "unsupported",
        /// A head that leads back.
        Rollback = "rollback",
        /// A head from the future.
        Ahead = "ahead",
        /// An object that the head names and the source does not have.
        Missing = "missing",
        /// An object whose bytes do not match its hash.
        Hash = "hash",
        /// An object that is refused.
        Object = "object",
        /// Other counts of keys or accounts than the head says.
        Counts = "counts",
        /// Not enough memory.
        Memory = "memory",
    }
}
