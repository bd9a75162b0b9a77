//! Answers that are held until a change is everywhere.

use std::time::Duration;

use crate::app::App;
use crate::caller::Caller;
use crate::http::call::Call;

/// Holds the answer to a change, as `Prefer: wait` asks. Returns what was asked, or nothing if the
/// answer is not held: the request does not ask for it, or too many answers are held already.
pub(crate) async fn as_preferred(app: &App, call: &Call, change: u64) -> Option<Duration> {
    until_everywhere(app, &call.caller, change, call.wait).await
}

/// The same for a caller that asks about an earlier change.
pub(crate) async fn until_everywhere(
    app: &App,
    caller: &Caller,
    change: u64,
    longest: Option<Duration>,
) -> Option<Duration> {
    let longest = longest?;
    let _place = app.waits.enter(&caller.id())?;
    app.fleet.wait(change, longest).await;
    Some(longest)
}
