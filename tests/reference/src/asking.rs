//! Asks the filter the same question as the reference, and translates the answer into the
//! reference's words.

use std::net::IpAddr;

use keyward::configuration::Configuration;
use keyward::decision::{Decision, Environment, PermitKind, decide};
use keyward::request::RequestHead;
use keyward::upstream::{Handover, HeaderChange};
use serde_json::Value;

use crate::catalogue;
use crate::model::{self, Builtin, Edge, Graph, Request, Row, Verdict};
use crate::worlds::world::canonical;

/// Returns the verdict in the reference's words, and the kind of verdict.
pub fn ask(configuration: &Configuration, request: &Request) -> (Verdict, &'static str) {
    let head = head(configuration, request);
    match decide(configuration, &head, &Surroundings(request)) {
        Decision::Deny(denial) => {
            let verdict = Verdict {
                allow: false,
                reason: Some(denial.reason().name().to_owned()),
                state: denial.to_string(),
                principal: None,
            };
            (verdict, "deny")
        }
        Decision::Allow(permit) => {
            let (kind, reason) = match permit.kind() {
                PermitKind::Public => ("public", None),
                PermitKind::Preflight => ("preflight", None),
                PermitKind::Key => ("key", None),
                PermitKind::Shadow(reason) => ("shadow", Some(reason.name().to_owned())),
            };
            let name = configuration.settings().principal_header.as_deref();
            let changes = Handover::new(configuration, &head, &permit).changes();
            let verdict = Verdict {
                allow: true,
                reason,
                state: permit.to_string(),
                principal: changes.into_iter().find_map(|change| match change {
                    HeaderChange::Add(added, value) if Some(&*added) == name => {
                        Some(value.into_owned())
                    }
                    HeaderChange::Add(..) | HeaderChange::Remove(_) => None,
                }),
            };
            (verdict, kind)
        }
    }
}

pub fn head<'a>(configuration: &Configuration, request: &'a Request) -> RequestHead<'a> {
    let path = (!request.path.is_empty()).then_some((&b":path"[..], &*request.path));
    let pseudo = [(&b":method"[..], &*request.method)]
        .into_iter()
        .chain(path);
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| (&**name, &**value));
    RequestHead::read(
        configuration.profile(),
        configuration.identity_names(),
        pseudo.chain(headers),
        request.has_body,
    )
}

pub struct Surroundings<'a>(pub &'a Request);

impl Environment for Surroundings<'_> {
    fn now(&self) -> Option<u64> {
        Some(self.0.now)
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.0.address
    }
}

/// Returns the built-in catalogue in the reference's words, read from its files.
pub fn builtin() -> Builtin {
    let rows = catalogue::rows().into_iter().map(|row| Row {
        method: row.method,
        path: row.path,
        permissions: row.permissions,
        access: Some(row.access),
        publishable: row.is_publishable,
    });
    let permissions = catalogue::permissions();
    let direct = permissions.iter().filter(|permission| permission.is_direct);
    let direct = direct.map(|permission| permission.name.clone()).collect();
    let permissions = permissions.into_iter();
    let edges = catalogue::graph::edges().into_iter().map(|edge| Edge {
        object: edge.object,
        field: edge.field,
        expands: edge.expands,
        targets: edge.targets,
        instead: edge.instead,
    });
    Builtin {
        rows: rows.collect(),
        read: model::Read::default(),
        implied: permissions
            .map(|permission| (permission.name, permission.implied))
            .collect(),
        direct,
        graph: Graph {
            edges: edges.collect(),
            objects: catalogue::graph::objects(),
            returns: catalogue::graph::returns(),
        },
    }
}

/// Replaces aliases of permissions with their canonical names, because the reference knows no
/// aliases.
pub fn without_aliases(configuration: &Value) -> Value {
    match configuration {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let name = canonical(name).to_owned();
                (name, without_aliases(value))
            })
            .collect(),
        Value::Array(elements) => elements.iter().map(without_aliases).collect(),
        Value::String(text) => Value::String(canonical(text).to_owned()),
        Value::Null | Value::Bool(_) | Value::Number(_) => configuration.clone(),
    }
}

/// A request whose `Debug` output shows its bytes as text.
pub struct Shown<'a>(pub &'a Request);

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{} {}",
            self.0.method.escape_ascii(),
            self.0.path.escape_ascii()
        )?;
        for (name, value) in &self.0.headers {
            writeln!(f, "{}: {}", name.escape_ascii(), value.escape_ascii())?;
        }
        write!(
            f,
            "body {}, address {:?}, now {}",
            self.0.has_body, self.0.address, self.0.now
        )
    }
}
