//! `GET /v2/keyward/key_file`: the records as a key file, all of them or those of some accounts.

use std::sync::Arc;

use axum::http::HeaderValue;
use serde::Deserialize;

use super::key_file::live_operators_only;
use crate::app::App;
use crate::commands::{Part, Unwritten, key_file_of};
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::http::query;
use crate::route::Pending;
use crate::service::Sender;
use crate::service::failure::Stored;
use crate::service::refusal::missing;
use crate::store::Tx;
use crate::time;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    owner: Option<String>,
    scope: Option<String>,
    without_own: Option<String>,
}

impl Parameters {
    fn part(self, operator: &str) -> Result<Part, Failure> {
        let without_own = match self.without_own.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                return Err(invalid(
                    "without_own",
                    "`without_own` is `true` or `false`.",
                ));
            }
        };
        let is_tree = match self.scope.as_deref() {
            None | Some("self") => false,
            Some("tree") => true,
            Some(_) => return Err(invalid("scope", "`scope` is `self` or `tree`.")),
        };
        if without_own && self.owner.as_deref() == Some(operator) {
            return Err(invalid(
                "without_own",
                "`without_own` leaves out the account that `owner` names.",
            ));
        }
        Ok(Part::of(
            self.owner,
            is_tree,
            without_own.then_some(operator),
        ))
    }
}

fn invalid(param: &str, message: &str) -> Failure {
    Failure::new(Code::ParameterInvalid, message).at(param)
}

pub(crate) fn export(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        live_operators_only(&call)?;
        let parameters: Parameters = query::read(call.pairs()?)?;
        let owner = parameters.owner.clone().unwrap_or_default();
        let part = parameters.part(&app.operator_account)?;
        let written: Result<_, Stored> = app
            .store
            .read_all(move |reader| Ok(key_file_of(reader, &part)))
            .await;
        let text = written.map_err(Failure::from)?.map_err(|why| match why {
            Unwritten::NoAccount => missing("account", &owner).at("owner"),
            Unwritten::NoRoot => invalid(
                "scope",
                "`scope=tree` is for the account at the root of a tree.",
            ),
            Unwritten::Other(why) => Failure::new(Code::FilterTooWide, format!("{why:#}.")),
        })?;
        let (sender, now) = (Sender::of(&call), time::now());
        let noted: Result<(), Stored> = app
            .store
            .write(move |tx: &mut Tx<'_>| {
                tx.record(sender.of_document("key_file_exported", "key_file", now))?;
                Ok(())
            })
            .await;
        noted.map_err(Failure::from)?;
        Ok(Answer {
            content_type: HeaderValue::from_static("application/toml"),
            ..Answer::written(text.into())
        })
    })
}
