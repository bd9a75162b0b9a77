//! Names of headers and parameters that some server reads as keyward's, and names that are close to
//! them.

use super::callers::header;
use super::dice::Dice;
use super::requests::Header;
use super::world::World;

/// Returns a parameter's name that some servers read as `_first_second`, or nearly.
pub(super) fn odd_name(dice: &mut Dice, first: &str, second: &str) -> String {
    let gap = dice.pick(&[
        "_", "_", ".", "[", "+", "%20", "-", "", "%255f", "%5F", "%c1%9f", "=",
    ]);
    let before = dice.pick(&[
        "_", "_", "_", "__", "+_", "%20_", ".", "[_", "%5f", "a=1;_", "a=1%26_", "", "x_",
    ]);
    let behind = dice.pick(&["", "", "", "%00x", "[]", "[a]", ".0", "s", "_id", "%5B"]);
    let name = format!("{before}{first}{gap}{second}{behind}");
    if dice.one_in(6) {
        name.to_uppercase()
    } else {
        name
    }
}

/// Adds a parameter that overrides the method or the path, or nearly.
pub(super) fn override_parameter(dice: &mut Dice, path: &mut Vec<u8>) {
    path.push(if path.contains(&b'?') { b'&' } else { b'?' });
    let name = match dice.below(4) {
        0 => odd_name(dice, "method", "override"),
        1 => odd_name(dice, "stripe", "account"),
        _ => dice
            .pick(&[
                "_method",
                "+_method",
                "_METHOD[]",
                ".method",
                "method",
                "payment_method",
                "metadata[_method]",
                "x-http-method-override",
                "X.HTTP_Method+override",
                "x-http-method",
                "x-tunneled-method",
                "_url",
                "rest_route",
                "rest.route",
                "x=1%26_method",
                "x=1%2526%5fmethod%253D",
            ])
            .to_owned(),
    };
    path.extend(format!("{name}=DELETE").into_bytes());
}

/// Adds headers other than the four.
pub(super) fn others(dice: &mut Dice, world: &World, headers: &mut Vec<Header>) {
    if dice.one_in(12) {
        let name = dice.of(&world.identity);
        headers.push((name.into_bytes(), b"key=\"mk_0\"".to_vec()));
    }
    if dice.one_in(16) {
        let name = dice.of(&world.identity);
        headers.push((
            name.replacen(
                '-',
                dice.pick(&["_", ".", "~", "\u{e4}"]),
                1 + dice.below(2),
            )
            .into_bytes(),
            b"x".to_vec(),
        ));
    }
    if dice.one_in(20) {
        let name = dice.pick(&[
            "x-http-method-override",
            "x-http-method",
            "x-method-override",
            "x-original-url",
            "x-original-uri",
            "x-rewrite-url",
            "x_http_method_override",
            "x-rewrite_url",
            "x-original-urls",
            "x.original.url",
            "script_name",
            "path-info",
            "x!script!name",
            "x-vhm-root",
            "x-forwarded-prefix",
            "x.custom.header",
        ]);
        headers.push(header(name, "DELETE"));
    }
    if dice.one_in(24) {
        headers.push(header("upgrade", "websocket"));
    }
    if dice.one_in(24) {
        headers.push((vec![dice.byte(), dice.byte()], vec![dice.byte()]));
    }
}
