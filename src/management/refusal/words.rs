//! What refusals distinguish: roles, texts and intentions.

/// The role of an account in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountRole {
    /// The owner of a new key.
    Owner,
    /// The account that the command is about.
    Itself,
    /// The account above the new place.
    Parent,
}

/// A text for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMember {
    /// A name.
    Name,
    /// A note.
    Note,
    /// A label's name or text.
    Label,
    /// Why an account is suspended.
    Reason,
    /// An id in another system.
    ExternalId,
}

/// What a command wanted to do with a deleted key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Change its grants.
    Grants,
    /// Change its addresses.
    Ips,
    /// Change its end.
    Expiry,
    /// Replace it.
    Replacement,
    /// Delete it.
    Deletion,
}
