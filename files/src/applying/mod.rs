//! A key file on its way to a keyward-server, which makes the records that come from the file equal
//! to it: the server plans, a person reads the plan, and the server carries it out. Used by
//! `keyward key-file apply` and `keyward-server apply`; how they reach the server is theirs.

mod adopt;
mod plan;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value as Json, json};

pub use plan::{Change, Ended, Plan};

/// The most bytes that a server accepts in the request that sends a key file.
pub const LARGEST: usize = 4 << 20;

const PLAN: &str = "/v2/keyward/key_file/plan";
const APPLY: &str = "/v2/keyward/key_file/apply";

/// What to do with a key file.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The name of the file on the server.
    pub name: &'a str,
    /// The key file, or a folder of them.
    pub file: &'a Path,
    /// Whether nothing is changed, neither on the server nor in the file.
    pub is_dry_run: bool,
    /// Whether the file takes over the ends of its records.
    pub adopts_ends: bool,
    /// The reason for overriding the policies of accounts.
    pub override_policy: Option<&'a str>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The plan that was carried out, or would be.
    pub plan: Plan,
    /// The ends that the file took over, or would.
    pub adopted: Vec<Ended>,
    /// Whether something is left to do, because this was a dry run.
    pub is_left: bool,
}

/// Plans, writes the plan to `out`, and carries it out. `ask` sends a body to a path of the API.
pub fn apply(
    order: &Order<'_>,
    ask: &dyn Fn(&str, Json) -> Result<Json>,
    out: &mut dyn Write,
) -> Result<Applied> {
    let mut plan = planned(order, ask)?;
    let mut adopted = Vec::new();
    if order.adopts_ends && !plan.ended.is_empty() {
        adopted.clone_from(&plan.ended);
        if !order.is_dry_run {
            adopt::adopt(order.file, &adopted, plan.beginning.as_deref())?;
            // The plan that is carried out is one of the file as it is now.
            plan = planned(order, ask)?;
        }
        let did = if order.is_dry_run {
            "would be written into the file"
        } else {
            "was written into the file"
        };
        for end in &adopted {
            writeln!(out, "{did}: {end}")?;
        }
        if order.is_dry_run {
            plan.ended.clear();
        }
    }
    plan.write(out)?;
    let is_left = order.is_dry_run && (plan.count > 0 || !adopted.is_empty());
    if plan.count > 0 && !order.is_dry_run {
        ask(APPLY, json!({"plan": plan.plan, "confirm": plan.count}))?;
        writeln!(out, "{} changes were made", plan.count)?;
    }
    Ok(Applied {
        plan,
        adopted,
        is_left,
    })
}

fn planned(order: &Order<'_>, ask: &dyn Fn(&str, Json) -> Result<Json>) -> Result<Plan> {
    let mut body = json!({"as": order.name, "files": texts(order.file)?});
    if let (Some(reason), Some(members)) = (order.override_policy, body.as_object_mut()) {
        members.insert("override_policy".to_owned(), Json::Bool(true));
        members.insert("reason".to_owned(), Json::String(reason.to_owned()));
    }
    let size = body.to_string().len();
    if size > LARGEST {
        bail!(
            "`{}` takes {size} bytes in a request, and a server accepts {LARGEST}; `keyward-server import` adds the records of a file of any size",
            order.file.display()
        );
    }
    serde_json::from_value(ask(PLAN, body)?).context("the server's plan cannot be read")
}

/// Returns the texts by their names.
fn texts(path: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let entries = fs::read_dir(path).with_context(|| format!("`{}`", path.display()))?;
        let entries: std::io::Result<Vec<PathBuf>> =
            entries.map(|entry| Ok(entry?.path())).collect();
        files = entries?;
        // As an edit reads the folder: what editors leave is hidden.
        let is_hidden = |file: &Path| {
            let name = file.file_name();
            name.is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
        };
        files.retain(|file| {
            file.extension().is_some_and(|ending| ending == "toml") && !is_hidden(file)
        });
        if files.is_empty() {
            bail!("`{}` has no `.toml` file", path.display());
        }
    }
    let named = files.into_iter().map(|file| {
        let text = fs::read_to_string(&file)
            .with_context(|| format!("`{}` cannot be read as text", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Ok((name.into_owned(), text))
    });
    named.collect()
}

#[cfg(test)]
mod tests;
