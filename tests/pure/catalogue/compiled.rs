//! The compiled catalogue is the one in the files.

use keyward::endpoint::{EndpointCatalogue, Method, PlainPath, ROWS};
use keyward::permission::{AccessLevel, PERMISSIONS, PermissionRegistry};

#[test]
fn every_row_of_the_file_is_compiled_in() {
    let rows = super::rows();
    let catalogue = EndpointCatalogue::stripe();
    let registry = PermissionRegistry::stripe();
    assert!(rows.len() > 600, "{}", rows.len());
    assert_eq!(rows.len(), ROWS.len());
    for (row, compiled) in rows.iter().zip(ROWS) {
        let place = format!("{} {}", row.method, row.path);
        assert_eq!(
            Method::of_row(&row.method),
            Some(compiled.method),
            "{place}"
        );
        assert_eq!(row.path, compiled.path);
        assert_eq!(row.permissions, compiled.permissions, "{place}");
        assert_eq!(row.access, compiled.access.name(), "{place}");
        assert_eq!(row.is_publishable, compiled.publishable, "{place}");
        let path = row.sample();
        let path = PlainPath::parse(path.as_bytes()).unwrap();
        let endpoint = catalogue.find(compiled.method, path).unwrap();
        assert_eq!(endpoint.label, row.label, "{place}");
        let first = registry.find(&row.permissions[0]).unwrap();
        assert_eq!(registry.category(first), Some(&*row.category), "{place}");
    }
}

#[test]
fn every_permission_of_the_file_is_compiled_in() {
    let permissions = super::permissions();
    let registry = PermissionRegistry::stripe();
    assert_eq!(permissions.len(), PERMISSIONS.len());
    for (permission, compiled) in permissions.iter().zip(PERMISSIONS) {
        assert_eq!(permission.name, compiled.name);
        assert_eq!(permission.label, compiled.label, "{}", permission.name);
        assert_eq!(
            permission.category, compiled.category,
            "{}",
            permission.name
        );
        for level in [AccessLevel::Read, AccessLevel::Write] {
            let is_there = permission.levels.iter().any(|known| known == level.name());
            assert_eq!(is_there, compiled.has(level), "{}", permission.name);
        }
        let implied: Vec<&str> = compiled
            .implied
            .iter()
            .map(|implied| registry.name(*implied))
            .collect();
        assert_eq!(permission.implied, implied, "{}", permission.name);
        assert_eq!(permission.aliases, compiled.aliases, "{}", permission.name);
        assert_eq!(
            permission.is_direct, compiled.is_direct,
            "{}",
            permission.name
        );
    }
}
