//! A look-up never allocates, whatever it finds.

use keyward::endpoint::{EndpointCatalogue, Method, OwnEndpoint, OwnRule, PlainPath};

#[test]
fn a_look_up_allocates_nothing() {
    let mut catalogue = EndpointCatalogue::stripe();
    for path in ["/v1/widgets/{id}", "/v1/Widgets2/{*rest}", "/v1/{any}/own"] {
        let public = OwnEndpoint {
            rule: OwnRule::Public,
            label: "Widgets".into(),
            expansions: Box::default(),
        };
        catalogue.add(Method::Get, path, public).unwrap();
    }
    let mut paths: Vec<String> = super::rows().iter().map(super::Row::sample).collect();
    paths.extend(
        [
            "/v1/widgets/w_1",
            "/v1/Widgets2/a/b/c",
            "/v1/CUSTOMERS/cus_1",
            "/v1/customers/a%3Ab",
            "/v1/customers/search.json",
            "/v1/nowhere",
            "/v1/a/../b",
            "/",
        ]
        .map(str::to_owned),
    );
    let mut found = 0;
    let allocations = allocation_counter::measure(|| {
        for path in &paths {
            let plain = PlainPath::parse(path.as_bytes());
            let endpoint = plain.and_then(|path| catalogue.find(Method::Get, path));
            found += usize::from(endpoint.is_some());
        }
    });
    assert_eq!(allocations.count_total, 0);
    assert!(found > 300, "{found}");
    // The counter works.
    let one = allocation_counter::measure(|| drop(std::hint::black_box(Box::new(1))));
    assert_eq!(one.count_total, 1);
}
