//! What is compiled in is what the files say.

use keyward::endpoint::{Method, PERMISSIONS, ROWS, access_of};

#[test]
fn every_row_of_the_file_is_compiled_in() {
    let rows = super::rows();
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
        let access = compiled.access.unwrap_or(access_of(compiled.method));
        assert_eq!(row.access, access.name(), "{place}");
        assert_eq!(row.is_publishable, compiled.publishable, "{place}");
        assert_eq!(row.label, compiled.label, "{place}");
        assert!(!row.category.is_empty(), "{place}");
    }
}

#[test]
fn every_permission_of_the_file_is_compiled_in() {
    let permissions = super::permissions();
    assert_eq!(permissions.len(), PERMISSIONS.len());
    for (permission, compiled) in permissions.iter().zip(PERMISSIONS) {
        assert_eq!(permission.name, compiled.name);
        assert_eq!(permission.label, compiled.label, "{}", permission.name);
        assert_eq!(permission.aliases, compiled.aliases, "{}", permission.name);
    }
}
