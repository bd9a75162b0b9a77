//! The methods that an endpoint can have.

/// A method under which endpoints are listed. HEAD is looked up as GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// GET, and HEAD.
    Get,
    /// POST.
    Post,
    /// DELETE.
    Delete,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
}

impl Method {
    /// Reads `:method`. Returns `None` for lower-case and unknown methods, including OPTIONS, TRACE
    /// and CONNECT.
    #[must_use]
    pub fn of_request(method: &[u8]) -> Option<Self> {
        match method {
            b"GET" | b"HEAD" => Some(Self::Get),
            b"POST" => Some(Self::Post),
            b"DELETE" => Some(Self::Delete),
            b"PUT" => Some(Self::Put),
            b"PATCH" => Some(Self::Patch),
            _ => None,
        }
    }

    /// Returns the method's name, such as `GET`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }

    /// Reads the method of a catalogue row. No row has the method HEAD.
    #[must_use]
    pub fn of_row(method: &str) -> Option<Self> {
        Self::of_request(method.as_bytes()).filter(|_| method != "HEAD")
    }
}
