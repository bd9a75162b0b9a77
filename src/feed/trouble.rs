//! What can go wrong with a feed. Each kind is reported to the operator by one word.

use crate::word::words;

words! {
    /// A kind of trouble.
    #[derive(Hash)]
    pub enum Trouble {
        /// There is no answer: no cluster, no connection, a timeout, or an incomplete answer.
        Unreachable = "unreachable",
        /// The status or the body is not what was requested.
        Answer = "answer",
        /// No trusted key signed the head.
        Signature = "signature",
        /// The head is signed, but does not follow the format.
        Head = "head",
        /// The head belongs to another feed.
        OtherFeed = "other_feed",
        /// This version does not read the format or the layout.
        Unsupported = "unsupported",
        /// The head leads back.
        Rollback = "rollback",
        /// The head was issued in the future.
        Ahead = "ahead",
        /// The source does not have an object that the head names.
        Missing = "missing",
        /// The bytes of an object do not match its hash.
        Hash = "hash",
        /// An object was rejected.
        Object = "object",
        /// The number of keys or accounts is not the head's.
        Counts = "counts",
        /// There is not enough memory.
        Memory = "memory",
    }
}
