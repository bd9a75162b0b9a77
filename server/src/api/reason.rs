//! Why a change is made: a line that the caller gives for the history.

use keyward_files::visible::is_line;

use crate::http::failure::{Code, Failure};

/// The maximum number of characters.
const LONGEST: usize = 500;

/// Returns the reason, or `None` if it is empty.
pub(super) fn said(reason: Option<&String>) -> Result<Option<String>, Failure> {
    let reason = reason.map(|text| text.trim());
    let Some(reason) = reason.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if is_line(reason) && reason.chars().count() <= LONGEST {
        return Ok(Some(reason.to_owned()));
    }
    Err(Failure::new(
        Code::ParameterInvalid,
        "A reason is one line of at most 500 visible characters.",
    )
    .at("keyward.reason"))
}

/// Returns the reason for an end. No reason prevents an end, so an invisible character becomes a
/// space, and a text that is too long is cut.
pub(super) fn of_an_end(text: &str) -> Option<String> {
    let visible = |letter: char| match is_line(letter.encode_utf8(&mut [0; 4])) {
        true => letter,
        false => ' ',
    };
    let line: String = text.chars().map(visible).take(LONGEST).collect();
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}
