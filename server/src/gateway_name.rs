//! The names of gateways, as keys have them in the label `gateway`.

/// Whether a gateway may have this name. A path can contain it.
pub(crate) fn is_gateway_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_plain)
}
