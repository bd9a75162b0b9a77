//! What refusals distinguish.

/// Which part an account plays in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountRole {
    /// The owner of a new key.
    Owner,
    /// The account that the command is about.
    Itself,
    /// The account that it goes below.
    Parent,
}

/// A text for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMember {
    /// A name.
    Name,
    /// A note.
    Note,
    /// A label, name or text.
    Label,
    /// Why an account is suspended.
    Reason,
    /// An id elsewhere.
    ExternalId,
}

/// What was to be done with a deleted key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Other grants.
    Grants,
    /// Other addresses.
    Ips,
    /// Another end.
    Expiry,
    /// A replacement.
    Replacement,
    /// The end of it.
    Deletion,
}
