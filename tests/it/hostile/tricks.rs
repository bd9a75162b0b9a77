//! Ways to write a path that some upstream reads as another one.

/// The beginnings of paths that lead from an allowed place (with or without a slash at its end) up
/// and over to a forbidden one.
const PLACES: [(&str, &str); 6] = [
    ("/healthz", ""),
    ("/v1/customers", ""),
    ("/v1/customers/cus_1", "/.."),
    ("/assets/a", "/.."),
    ("/open/a", "/.."),
    ("/v1/prices", ""),
];

/// `..` with its separators.
const CLIMBS: [&str; 36] = [
    "/../",
    "/..",
    "/%2e%2e/",
    "/%2E%2E/",
    "/.%2e/",
    "/%2e./",
    "/%252e%252e/",
    "/%25252e%25252e/",
    "/..%2f",
    "/..%2F",
    "%2f..%2f",
    "%2F%2e%2e%2F",
    "/..%252f",
    "%252f..%252f",
    "/..\\",
    "\\..\\",
    "/..%5c",
    "%5c..%5c",
    "/..%255c",
    "/..;/",
    "/..;a=b/",
    "/..%3b/",
    "/..%00/",
    "/.././",
    "/./../",
    "//../",
    "/..//",
    "/...//../",
    "/%c0%ae%c0%ae/",
    "/..%c0%af",
    "/%e0%80%ae%e0%80%ae/",
    "/..%ef%bc%8f",
    "/.;/../",
    "/%2e%2e;/",
    "/..%09/",
    "/..%20/",
];

/// Other ways to write `/v1/charges`, and paths that are close to something else.
const SPELLINGS: [&str; 112] = [
    "/v1/charges",
    "/v1/charges/",
    "/v1/charges//",
    "//v1/charges",
    "/v1//charges",
    "///v1///charges",
    "/./v1/charges",
    "/v1/./charges",
    "/v1/charges/.",
    "/v1/charges/./",
    "/v1/charges/x/..",
    "/V1/charges",
    "/v1/Charges",
    "/v1/CHARGES",
    "/v1/%63harges",
    "/v1/%43harges",
    "/v1/c%68arges",
    "/%76%31/charges",
    "/v1/%2563harges",
    "/v1/%252563harges",
    "/v1%2fcharges",
    "/v1%2Fcharges",
    "/v1%5ccharges",
    "/v1%5Ccharges",
    "/v1\\charges",
    "\\v1\\charges",
    "/\\v1/charges",
    "/v1/charges;jsessionid=1",
    "/v1;a=b/charges",
    "/;/v1/charges",
    "/v1/;/charges",
    "/v1/charges%3bx",
    "/v1/charges#x",
    "/v1/charges%23x",
    "/v1/charges%3fx",
    "/v1/charges?x",
    "/v1/charges??",
    "/v1/charges?",
    "/v1/charges%00",
    "/v1/charges%00.css",
    "/v1/charges%0a",
    "/v1/charges%0d%0aX-Keyward-Principal:x",
    "/v1/charges%09",
    "/v1/charges%20",
    "/v1/charges.",
    "/v1/charges..",
    "/v1/charges%2e",
    "/v1/charges/%2e",
    "/v1/charges/%20",
    "/v1/charges .",
    "/v1/ch\u{200b}arges",
    "/v1/charg\u{e9}s",
    "/v1/%c3%a9",
    "/v1/%c1%a3harges",
    "/v1/%e0%81%a3harges",
    "/v1/%ff",
    "/v1/%u0063harges",
    "/v1/%",
    "/v1/%6",
    "/v1/%zz",
    "/v1/charges%",
    "http://gate/v1/charges",
    "HTTP://gate/v1/charges",
    "http://gate//v1/charges",
    "http://gate/v1/customers/../charges",
    "https://gate/v1/charges",
    "http://evil@gate/v1/charges",
    "http://gate/healthz/../v1/charges",
    "http://gate",
    "http://gate?/healthz",
    "http://gate#/healthz",
    "gate:80",
    "v1/charges",
    "healthz",
    "*",
    "/",
    "//",
    "/.",
    "/..",
    "?/healthz",
    "?",
    "#",
    "/*",
    "/%2a",
    "//healthz",
    "//healthz/../v1/charges",
    "/v1/customers/export",
    "/v1/customers/Export",
    "/v1/customers/EXPORT",
    "/v1/customers/%65xport",
    "/v1/customers/e%78port",
    "/v1/customers/export/",
    "/v1/customers//export",
    "/v1/customers/./export",
    "/v1/customers/export;x",
    "/v1/customers/;x/export",
    "/v1/customers/x/Charges",
    "/v1/customers/x/charges",
    "/v1/customers/x/%63harges",
    "/v1/customers/x//charges",
    "/v1/customers/x/charges/",
    "/v1/customers/%2fexport",
    "/v1/customers/x%2fcharges",
    "/v1/customers/x%252fcharges",
    "/open/private",
    "/open/Private",
    "/open/%70rivate",
    "/open/x/../private",
    "/open//private",
    "/open/private;x",
    "/v1/customers/%2525252e%2525252e/x",
    "/assets/x;/../../admin",
];

/// The paths that the tricks try to reach.
const PRIZES: [&str; 2] = ["v1/charges", "admin"];

/// Returns all of them, as the bytes of a request's target.
pub(super) fn all() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = SPELLINGS
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
    for (number, (place, more)) in PLACES.iter().enumerate() {
        for (climb_number, climb) in CLIMBS.iter().enumerate() {
            let prize = PRIZES[(number + climb_number) % PRIZES.len()];
            // `/v1/customers` needs one step more than `/healthz`.
            let more = if place.starts_with("/v1") {
                format!("{more}/..")
            } else {
                (*more).to_owned()
            };
            all.push(format!("{place}{more}{climb}{prize}").into_bytes());
            if number == 0 {
                all.push(format!("{place}{more}{climb}{prize}?a=/healthz").into_bytes());
            }
        }
    }
    for byte in (0..=0xff_u8).filter(|byte| !byte.is_ascii_alphanumeric()) {
        for place in ["/v1/customers", "/healthz"] {
            all.push([place.as_bytes(), b"/", &[byte], b"/../charges"].concat());
            all.push([place.as_bytes(), &[byte], b"x"].concat());
        }
    }
    all.push([b"/v1/customers/", &[b'a'; 40_000][..], b"/../../charges"].concat());
    all.push(b"/v1/customers/../".repeat(500));
    all.push(b"/healthz?".iter().copied().chain([b'a'; 40_000]).collect());
    all.push(Vec::new());
    all
}

/// Unambiguous requests, as honest clients with any key send them.
pub(super) const HONEST: [&str; 14] = [
    "/v1/customers",
    "/v1/customers?limit=3",
    "/v1/customers/search?query=name:%27a%2Fb%27",
    "/v1/customers/cus_1",
    "/v1/customers/cus_1?expand[]=x&a=../../b//c;d%5C",
    "/v1/customers/a%20b",
    "/v1/customers/a:b@c",
    "/v1/customers/cus_1-2.3~4",
    "/v1/customers/a+b,c=d&e",
    "/v1/customers/(a)!$*",
    "/v1/customers/...",
    "/v1/customers/a%40b",
    "/healthz",
    "/assets/css/site.css?v=%2E%2E%2F",
];
