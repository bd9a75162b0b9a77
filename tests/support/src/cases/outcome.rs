//! The result of one request that a runner observed, compared with what the case expects. Every
//! denial is also checked against the promises that all denials share.

use super::corpus::{Api, Case, Expectation, Request, Text};

/// The result of a request.
#[derive(Debug)]
pub struct Outcome {
    /// The filter state, if the runner can see it.
    pub state: Option<String>,
    pub end: End,
}

#[derive(Debug)]
pub enum End {
    /// The request reached the upstream, with these headers.
    Upstream(Vec<(String, Vec<u8>)>),
    /// The gateway answered.
    Reply {
        status: u16,
        headers: Vec<(String, String)>,
        /// The body, or `None` if the answer cannot have one, as with HEAD.
        body: Option<String>,
    },
}

impl Outcome {
    /// Returns how the result differs from what the case expects. Empty if it does not differ.
    pub fn differences(&self, case: &Case, api: Api, raw_keys: &[Vec<u8>]) -> Vec<String> {
        let mut found = Differences::default();
        if let Some(state) = &self.state {
            found.compare("state", case.expect.state(), state);
            found.hides("state", state, raw_keys);
        }
        match (&case.expect, &self.end) {
            (Expectation::Allow { upstream, .. }, End::Upstream(headers)) => {
                for (name, expected) in upstream {
                    let seen = values(headers, name);
                    let expected: Vec<_> = expected.iter().map(Text::as_bytes).collect();
                    found.compare(
                        &format!("upstream's {name}"),
                        &shown(&expected),
                        &shown(&seen),
                    );
                }
            }
            (
                Expectation::Deny {
                    reason,
                    status,
                    headers: expected,
                    body: lines,
                    ..
                },
                End::Reply {
                    status: seen,
                    headers,
                    body,
                },
            ) => {
                found.compare("status", status, seen);
                for (name, expected) in expected {
                    found.header(headers, name, expected.as_deref());
                }
                found.promises_of_every_denial(&case.request, api, reason, *status, headers);
                if let (Some(lines), Some(body)) = (lines, body) {
                    found.compare("body", &(lines.join("\n") + "\n"), body);
                }
                if let Some(body) = body {
                    found.hides("body", body, raw_keys);
                    found.is_an_error_object(body);
                }
                for (name, value) in headers {
                    found.hides(name, value, raw_keys);
                }
            }
            (_, end) => found.0.push(format!("expected otherwise: {end:?}")),
        }
        found.0
    }
}

/// Panics and lists the failed cases, if there are any.
#[track_caller]
pub fn none_failed(failures: &[String], count: usize) {
    assert!(
        failures.is_empty(),
        "{} of {count} cases failed:\n\n{}\n",
        failures.len(),
        failures.join("\n\n")
    );
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare<T: PartialEq + std::fmt::Display + ?Sized>(
        &mut self,
        what: &str,
        expected: &T,
        seen: &T,
    ) {
        if expected != seen {
            self.0.push(format!(
                "{what}\n      expected: {expected}\n      seen:     {seen}"
            ));
        }
    }

    fn header(&mut self, headers: &[(String, String)], name: &str, expected: Option<&str>) {
        let seen = values(headers, name);
        let expected: Vec<_> = expected.into_iter().map(str::as_bytes).collect();
        self.compare(name, &shown(&expected), &shown(&seen));
    }

    fn promises_of_every_denial(
        &mut self,
        request: &Request,
        api: Api,
        reason: &str,
        status: u16,
        headers: &[(String, String)],
    ) {
        self.header(headers, "content-type", Some("application/json"));
        self.header(headers, "x-keyward-denied", Some(reason));
        let challenge = match challenge(request, reason) {
            scheme if status == 401 => Some(format!("{scheme} realm=\"{}\"", api.realm)),
            _ => None,
        };
        self.header(headers, "www-authenticate", challenge.as_deref());
        let is_outage = status == 503;
        let retry = if is_outage { "true" } else { "false" };
        self.header(headers, api.retry_header, Some(retry));
        self.header(headers, "retry-after", is_outage.then_some("1"));
        if !is_outage {
            self.header(headers, "cache-control", Some("no-cache, no-store"));
        }
        match values(headers, "request-id").as_slice() {
            [id] if is_request_id(id, api.request_id_prefix) => {}
            ids => self.0.push(format!("request-id: {}", shown(ids))),
        }
    }

    /// Checks that the body is pretty-printed JSON with sorted members and one newline at the end.
    fn is_an_error_object(&mut self, body: &str) {
        let pretty = serde_json::from_str::<serde_json::Value>(body)
            .ok()
            .filter(|json| json.get("error").is_some_and(|error| error.is_object()))
            .map(|json| format!("{json:#}\n"));
        if pretty.as_deref() != Some(body) {
            self.0.push(format!("body in another form: {body}"));
        }
    }

    fn hides(&mut self, what: &str, text: &str, raw_keys: &[Vec<u8>]) {
        let shows = |key: &Vec<u8>| text.as_bytes().windows(key.len()).any(|part| part == key);
        if raw_keys.iter().any(shows) {
            self.0.push(format!("{what} shows a raw key: {text}"));
        }
    }
}

/// Returns the scheme that a 401 asks for: Basic if the request used it or presents no key at all.
pub fn challenge(request: &Request, reason: &str) -> &'static str {
    let sent = request
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let scheme = sent.map(|(_, value)| value.as_bytes().split(|byte| *byte == b' ').next());
    match scheme.flatten() {
        Some(scheme) if !scheme.eq_ignore_ascii_case(b"basic") => "Bearer",
        // A credential that is neither missing nor in this header is in the query.
        None if reason != "missing_credential" => "Bearer",
        Some(_) | None => "Basic",
    }
}

fn is_request_id(id: &[u8], prefix: &str) -> bool {
    id.strip_prefix(prefix.as_bytes())
        .is_some_and(|digits| digits.len() == 14 && digits.iter().all(u8::is_ascii_alphanumeric))
}

fn values<'a, V: AsRef<[u8]>>(headers: &'a [(String, V)], name: &str) -> Vec<&'a [u8]> {
    headers
        .iter()
        .filter(|(of, _)| of.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_ref())
        .collect()
}

fn shown(values: &[&[u8]]) -> String {
    let values: Vec<_> = values
        .iter()
        .map(|value| value.escape_ascii().to_string())
        .collect();
    match values.as_slice() {
        [] => "absent".to_owned(),
        values => values.join(" | "),
    }
}
