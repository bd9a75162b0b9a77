//! One endpoint, as the table has it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use keyward::permission::AccessLevel::{self, Read, Write};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::Failure;
use crate::parameter::Parameter;
use crate::permission::Management;
pub use crate::verb::Verb;

/// What a handler returns.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;

/// What answers an endpoint.
pub(crate) type Handler = fn(Arc<App>, Call) -> Pending;

/// One endpoint.
#[derive(Clone, Copy)]
pub struct Route {
    /// Its method.
    pub method: Verb,
    /// Its path: literals, and `{id}` or `{name}` for one segment.
    pub template: &'static str,
    /// What a caller needs.
    pub asked: Asked,
    /// At which level.
    pub level: AccessLevel,
    /// How large a body may be, in bytes.
    pub largest_body: usize,
    /// How often it may be asked.
    pub pace: Pace,
    /// The parameters of its query.
    pub query: &'static [Parameter],
    pub(crate) body: Option<Describe>,
    pub(crate) gives: Gives,
    pub(crate) handler: Handler,
}

/// Describes the body of a request: its name, and the schemas that it is made of.
pub(crate) type Describe = fn(&mut Schemas) -> String;

/// What an endpoint answers with where it does what it was asked.
#[derive(Clone, Copy)]
pub(crate) enum Gives {
    /// An object.
    One(Describe),
    /// One of two objects, as the request says.
    Either(Describe, Describe),
    /// A page of objects.
    List(Describe),
    /// Rows of the trail, one JSON object a line.
    Lines,
    /// A key file.
    KeyFile,
    /// The OpenAPI description.
    Description,
}

/// Schemas by their names.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// Describes a type.
pub(crate) fn described<T: ToSchema>(all: &mut Schemas) -> String {
    let name = T::name().into_owned();
    all.push((name.clone(), T::schema()));
    T::schemas(all);
    name
}

/// How often a principal may ask an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As the limit on new keys says.
    Creation,
    /// Five times a second.
    Lookup,
    /// A hundred times a second.
    Usual,
    /// Without a limit: it ends keys.
    Free,
}

impl Route {
    pub(crate) const fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    pub(crate) const fn asks(self, query: &'static [Parameter]) -> Self {
        Self { query, ..self }
    }

    pub(crate) const fn takes(self, body: Describe) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    pub(crate) const fn up_to(self, largest_body: usize) -> Self {
        Self {
            largest_body,
            ..self
        }
    }

    pub(crate) const fn of_any(self) -> Self {
        Self {
            asked: Asked::Any,
            ..self
        }
    }
}

/// Which permission a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// This one.
    One(Management),
    /// Any of them. Such a row also makes the names of all known, those too that no row asks for.
    Any,
}

impl Asked {
    /// The permissions; one of them is enough. Replies name the first.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        match self {
            Self::One(one) => vec![one.name()],
            Self::Any => Management::ALL.iter().map(|one| one.name()).collect(),
        }
    }
}

/// The largest body of most requests.
const BODY: usize = 256 << 10;

/// That of an import.
pub(crate) const IMPORT: usize = keyward_files::applying::LARGEST;

pub(crate) const fn get(
    template: &'static str,
    asked: Management,
    handler: Handler,
    gives: Gives,
) -> Route {
    route(Verb::Get, template, asked, Read, 0, handler, gives)
}

pub(crate) const fn post(
    template: &'static str,
    asked: Management,
    level: AccessLevel,
    handler: Handler,
    gives: Gives,
) -> Route {
    route(Verb::Post, template, asked, level, BODY, handler, gives)
}

pub(crate) const fn put(
    template: &'static str,
    asked: Management,
    handler: Handler,
    gives: Gives,
) -> Route {
    route(Verb::Put, template, asked, Write, BODY, handler, gives)
}

pub(crate) const fn delete(
    template: &'static str,
    asked: Management,
    handler: Handler,
    gives: Gives,
) -> Route {
    route(Verb::Delete, template, asked, Write, 0, handler, gives)
}

const fn route(
    method: Verb,
    template: &'static str,
    asked: Management,
    level: AccessLevel,
    largest_body: usize,
    handler: Handler,
    gives: Gives,
) -> Route {
    Route {
        method,
        template,
        asked: Asked::One(asked),
        level,
        largest_body,
        pace: Pace::Usual,
        query: &[],
        body: None,
        gives,
        handler,
    }
}
