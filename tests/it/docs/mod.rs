//! Runs every command of the README and of `docs/` next to a real Envoy, as a person would.
//! Commands in `left_out` are not run: the entry names the test that runs them, or the reason why
//! none does.

mod left_out;
mod script;
mod two;
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::sdk::script::skipped;
use crate::support::find::root;
use left_out::{LEFT_OUT, LeftOut, Why};
use script::{Block, blocks};
use world::World;

fn pages() -> Vec<PathBuf> {
    let all = fs::read_dir(root().join("docs")).unwrap();
    let mut all: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    all.push(root().join("README.md"));
    all.sort();
    all
}

fn name(page: &std::path::Path) -> String {
    page.file_name().unwrap().to_str().unwrap().to_owned()
}

fn of_page(page: &str) -> Vec<&'static LeftOut> {
    LEFT_OUT.iter().filter(|entry| entry.page == page).collect()
}

/// Returns a program that the commands call and this machine lacks.
fn missing_tool(blocks: &[Block]) -> Option<&'static str> {
    let calls = |tool: &&str| {
        let of = format!("{tool} ");
        blocks
            .iter()
            .flat_map(Block::commands)
            .any(|command| command.contains(&of))
    };
    let is_missing = |tool: &&str| {
        let found = Command::new("which").arg(tool).output().unwrap();
        !found.status.success()
    };
    ["kubectl", "jq", "git", "curl"]
        .into_iter()
        .find(|tool| calls(tool) && is_missing(tool))
}

/// Runs the blocks of a page, each in a new shell in the page's folder. Returns the failures, and
/// the entries that left out a command.
fn run(world: &World, page: &str, blocks: &[Block]) -> (Vec<String>, BTreeSet<&'static str>) {
    let (mut failed, mut used) = (Vec::new(), BTreeSet::new());
    let folder = world.folder_of(page);
    for block in blocks {
        let mut script = String::new();
        for command in block.commands() {
            let out = of_page(page)
                .into_iter()
                .find(|entry| command.starts_with(entry.command));
            match out {
                Some(entry) => {
                    used.insert(entry.command);
                }
                None => script += &format!("{command}\n"),
            }
        }
        if let Err(said) = world.run(folder.path(), &script) {
            failed.push(format!("{page}:{}: {said}", block.line));
        }
    }
    (failed, used)
}

#[test]
fn every_command_of_the_pages_runs_or_is_left_out_for_a_reason() {
    let world = World::start();
    let (mut failed, mut count) = (Vec::new(), 0);
    for path in pages() {
        let page = name(&path);
        let found = blocks(&fs::read_to_string(&path).unwrap());
        if found.is_empty() || page == two::PAGE {
            continue;
        }
        count += found
            .iter()
            .map(|block| block.commands().len())
            .sum::<usize>();
        if let Some(tool) = missing_tool(&found) {
            skipped(&format!("docs: {page} needs {tool}"));
            continue;
        }
        let (of_page_failed, used) = run(&world, &page, &found);
        failed.extend(of_page_failed);
        for entry in of_page(&page) {
            if !used.contains(entry.command) {
                failed.push(format!(
                    "{page}: no command begins with `{}`",
                    entry.command
                ));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    // The pages were found, and only a minor part is left out.
    assert!(count > 2 * LEFT_OUT.len() && count > 100, "{count}");
}

#[test]
fn what_is_left_out_names_a_test_that_there_is_or_a_reason() {
    for entry in LEFT_OUT {
        match entry.why {
            Why::Test(path) => {
                assert!(root().join(path).is_file(), "{}: {path}", entry.command);
            }
            Why::Because(reason) => assert!(reason.len() > 20, "{}", entry.command),
        }
        assert!(!entry.command.trim().is_empty());
    }
}
