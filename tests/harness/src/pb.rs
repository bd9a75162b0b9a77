//! Just enough of protobuf's encoding to push a configuration of any size as a binary `.pb` file.
//! Everything around the configuration is built in memory. The configuration itself is written
//! once, directly to the file.

use std::io::{self, Write};
use std::path::Path;

use super::host::Host;

/// The message that contains the plugin configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapper {
    /// `google.protobuf.StringValue`: its bytes must be UTF-8, or Envoy rejects the file.
    String,
    /// `google.protobuf.BytesValue`.
    Bytes,
}

/// Writes a `DiscoveryResponse` that contains one `TypedExtensionConfig` for keyward with `content`
/// as its configuration.
pub fn write(
    out: &mut impl Write,
    version: &str,
    filter: (Host, &Path),
    wrapper: Wrapper,
    content: &[u8],
) -> io::Result<()> {
    out.write_all(&head(version, filter, wrapper, content.len()))?;
    out.write_all(content)?;
    out.flush()
}

/// Like [`write()`], but the file claims that `claimed` bytes of configuration follow, regardless
/// of how many do.
pub fn claiming(
    version: &str,
    filter: (Host, &Path),
    wrapper: Wrapper,
    claimed: usize,
    content: &[u8],
) -> Vec<u8> {
    let mut file = head(version, filter, wrapper, claimed);
    file.extend(content);
    file
}

/// Returns everything before a configuration of `length` bytes. The configuration is the last field
/// of the last field and so on, so nothing follows it.
fn head(version: &str, (host, file): (Host, &Path), wrapper: Wrapper, length: usize) -> Vec<u8> {
    match host {
        Host::Wasm => wasm_head(version, file, wrapper, length),
        Host::Native => native_head(version, file, wrapper, length),
    }
}

fn wasm_head(version: &str, wasm: &Path, wrapper: Wrapper, length: usize) -> Vec<u8> {
    let plugin = [
        text(1, "keyward"),
        text(2, "keyward"),
        vec![7 << 3, 1], // failure_policy: FAIL_RELOAD
        bytes(3, &vm(wasm)),
    ]
    .concat();
    let filter = configuration(wrapper, length)
        .within(&plugin, 4) // PluginConfig.configuration
        .within(&[], 1); // Wasm.config
    resource(
        version,
        "envoy.extensions.filters.http.wasm.v3.Wasm",
        filter,
    )
}

fn native_head(version: &str, module: &Path, wrapper: Wrapper, length: usize) -> Vec<u8> {
    let filename = text(1, module.to_str().unwrap());
    let module = [
        vec![3 << 3, 1],                // do_not_close
        text(5, "keyward"),             // metrics_namespace
        bytes(6, &bytes(1, &filename)), // module.local
    ]
    .concat();
    let before = [bytes(1, &module), text(2, "keyward")].concat();
    // DynamicModuleFilter.filter_config
    let filter = configuration(wrapper, length).within(&before, 3);
    let kind = "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter";
    resource(version, kind, filter)
}

fn configuration(wrapper: Wrapper, length: usize) -> Open {
    let name = match wrapper {
        Wrapper::String => "google.protobuf.StringValue",
        Wrapper::Bytes => "google.protobuf.BytesValue",
    };
    let value = Open {
        head: Vec::new(),
        tail: length,
    };
    value
        .within(&[], 1) // StringValue.value
        .within(&type_url(name), 2) // Any.value
}

fn resource(version: &str, kind: &str, filter: Open) -> Vec<u8> {
    let open = filter
        .within(&type_url(kind), 2)
        .within(&text(1, "keyward"), 2) // TypedExtensionConfig.typed_config
        .within(&type_url("envoy.config.core.v3.TypedExtensionConfig"), 2)
        .within(&text(1, version), 2); // DiscoveryResponse.resources
    open.head
}

fn vm(wasm: &Path) -> Vec<u8> {
    let filename = text(1, wasm.to_str().unwrap());
    let code = bytes(1, &filename); // AsyncDataSource.local
    [
        text(1, "keyward"),
        text(2, "envoy.wasm.runtime.v8"),
        bytes(3, &code),
    ]
    .concat()
}

fn type_url(name: &str) -> Vec<u8> {
    text(1, &format!("type.googleapis.com/{name}"))
}

/// A message whose last `tail` bytes are written elsewhere.
struct Open {
    head: Vec<u8>,
    tail: usize,
}

impl Open {
    /// Returns the message that contains the fields `before` and then this one as field `number`.
    fn within(self, before: &[u8], number: u8) -> Self {
        let mut head = before.to_vec();
        head.push(number << 3 | 2);
        varint(&mut head, self.head.len() + self.tail);
        head.extend(self.head);
        Self {
            head,
            tail: self.tail,
        }
    }
}

fn text(number: u8, value: &str) -> Vec<u8> {
    bytes(number, value.as_bytes())
}

fn bytes(number: u8, value: &[u8]) -> Vec<u8> {
    Open {
        head: value.to_vec(),
        tail: 0,
    }
    .within(&[], number)
    .head
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}
