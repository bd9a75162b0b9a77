//! Every operation that Stripe's SDK can call, with ids as long as Stripe's.

use divan::black_box;
use keyward::endpoint::{Endpoint, EndpointCatalogue, Method, PlainPath};

pub(crate) struct Operation {
    method: Method,
    path: String,
}

impl Operation {
    /// Finds the endpoint from the bytes of the path, as for a request.
    pub(crate) fn find<'a>(&self, catalogue: &'a EndpointCatalogue) -> Option<Endpoint<'a>> {
        catalogue.find(black_box(self.method), self.path()?)
    }

    pub(crate) fn path(&self) -> Option<PlainPath<'_>> {
        PlainPath::parse(black_box(self.path.as_bytes()))
    }
}

pub(crate) fn operations() -> Vec<Operation> {
    let lines = include_str!("../../catalogue/operations.tsv").lines();
    let rows = lines.filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let (method, rest) = row.split_once('\t').unwrap();
        let template = rest.split('\t').next().unwrap();
        let segments = template.split('/').map(|segment| {
            if segment.starts_with('{') {
                "pi_3Rf0OBFAKE0000000000000"
            } else {
                segment
            }
        });
        Operation {
            method: Method::of_row(method).unwrap(),
            path: segments.collect::<Vec<_>>().join("/"),
        }
    })
    .collect()
}
