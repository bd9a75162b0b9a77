//! The built-in catalogue: Stripe's endpoints, compiled in from `catalogue/`.

use std::borrow::Cow;

use super::{Endpoint, EndpointCatalogue, Method, Origin, RowFault, Rule, access_of};
use crate::permission::{AccessLevel, BuiltinPermission, PermissionRegistry};

/// One built-in endpoint.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinRow {
    /// The method; HEAD is looked up as GET.
    pub method: Method,
    /// The template.
    pub path: &'static str,
    /// Any one of these permissions will do.
    pub permissions: &'static [&'static str],
    /// The level, where the method does not say it.
    pub access: Option<AccessLevel>,
    /// Whether publishable keys may call it.
    pub publishable: bool,
    /// The resource's name for people.
    pub label: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// Adds every built-in row. The fault carries the row's number; a test holds that there is none.
pub fn add_builtin_rows(
    catalogue: &mut EndpointCatalogue,
    registry: &mut PermissionRegistry,
) -> Result<(), (usize, RowFault)> {
    for (number, row) in ROWS.iter().enumerate() {
        let permissions = row
            .permissions
            .iter()
            .map(|name| registry.find_or_add(name))
            .collect::<Option<_>>()
            .ok_or((number, RowFault::TooMany))?;
        let endpoint = Endpoint {
            rule: Rule::Key {
                permissions,
                access: row.access.unwrap_or_else(|| access_of(row.method)),
                publishable: row.publishable,
            },
            label: Cow::Borrowed(row.label),
        };
        catalogue
            .add(
                row.method,
                Cow::Borrowed(row.path),
                endpoint,
                Origin::Builtin,
            )
            .map_err(|fault| (number, fault))?;
    }
    Ok(())
}
