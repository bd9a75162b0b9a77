//! Paths close to the catalogue's own, drawn at random from a seed.

use super::Row;
use super::naive::split;

/// SplitMix64: numbers that are the same in every run.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap() % count
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    pub fn request(&mut self, rows: &[Row]) -> (String, String) {
        let row = &rows[self.below(rows.len())];
        let method = match self.below(6) {
            0 => self.pick(&[
                "GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "get", "Post",
            ]),
            _ => &row.method,
        };
        let mut segments: Vec<String> = Vec::new();
        for segment in split(&row.path) {
            segments.push(
                match segment.starts_with('{') {
                    true => self.pick(&[
                        "x_1",
                        "cus_1",
                        "CUS_1",
                        "search",
                        "Search",
                        "a%20b",
                        "a%40b",
                        "a|b",
                        "a@b",
                        "1",
                        "v1",
                        "...",
                        "customers",
                        "search.json",
                    ]),
                    false => segment,
                }
                .to_owned(),
            );
        }
        for _ in 0..self.below(4) {
            self.mutate(&mut segments, rows);
        }
        (method.to_owned(), format!("/{}", segments.join("/")))
    }

    pub fn mutate(&mut self, segments: &mut Vec<String>, rows: &[Row]) {
        if segments.is_empty() {
            segments.push("v1".to_owned());
        }
        let at = self.below(segments.len());
        let place = self.below(segments[at].len() + 1);
        // The text inserted before may have more than one byte.
        let place = segments[at].floor_char_boundary(place);
        match self.below(14) {
            0 => segments[at] = segments[at].to_uppercase(),
            1 => {
                let letter = segments[at].chars().next().map(|c| c.to_ascii_uppercase());
                segments[at] = letter
                    .into_iter()
                    .chain(segments[at].chars().skip(1))
                    .collect();
            }
            2 => {
                let byte = segments[at].as_bytes().get(place).copied();
                if let Some(byte) = byte.filter(u8::is_ascii) {
                    segments[at].replace_range(place..=place, &format!("%{byte:02X}"));
                }
            }
            3 => segments.insert(
                at,
                self.pick(&["x", "v1", "search", "customers"]).to_owned(),
            ),
            4 => drop(segments.remove(at)),
            5 => segments[at]
                .push_str(self.pick(&[".json", ".", "%20", "%40", ".xml", "%7C", "~", "s"])),
            6 => segments.insert(
                at,
                self.pick(&["", ".", "..", "%2e", "%2E%2E", "..;"])
                    .to_owned(),
            ),
            7 => segments.push(String::new()),
            8 => {
                let row = &rows[self.below(rows.len())];
                let literals = split(&row.path);
                let literal = literals[self.below(literals.len())];
                if !literal.starts_with('{') {
                    literal.clone_into(&mut segments[at]);
                }
            }
            9 => segments[at].insert_str(
                place,
                self.pick(&[
                    "/", "%2F", "\\", "%5C", ";", "%3B", "#", "%00", "%", " ", "\u{e9}", "\t",
                ]),
            ),
            10 => {
                let other = self.below(segments.len());
                segments.swap(at, other);
            }
            11 => {
                segments[at].pop();
            }
            12 => segments.truncate(at),
            _ => segments[at].insert_str(place, self.pick(&["x", "_", "-", "1", "s"])),
        }
    }
}
