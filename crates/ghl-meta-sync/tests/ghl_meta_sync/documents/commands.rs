//! The commands between fences.

use super::{Document, documents, read, root};
use crate::instance::{binary, run};
use std::process::Command;

/// What a command may need that no test has.
const NEEDS: [&str; 3] = ["Docker", "your accounts", "the internet"];

/// Commands of the documents, and the words by which the file that runs them does so.
const RUN: [(&str, &str); 8] = [
    ("cargo run --release -- demo", "\"$PROGRAM\" demo --once"),
    ("cargo build --release --locked", "cargo build --release --locked"),
    ("./scripts/test", "exec ./scripts/test"),
    (
        "cargo clippy --workspace --all-targets --locked -- -D warnings",
        "cargo clippy --workspace --all-targets --locked -- -D warnings",
    ),
    ("cargo nextest run --workspace --locked", "cargo nextest run --workspace --locked"),
    ("scripts/dev", "mod development;"),
    ("cargo run --release -- sandbox --port 7000", "mod commands;"),
    (
        "cargo tree -p ghl-meta-sync -e normal --prefix none --features postgres-tls -f '{l} {p}'",
        "mod names;",
    ),
];

/// A fenced block of commands, and the remark above it.
struct Block {
    path: String,
    remark: String,
    commands: Vec<String>,
}

fn blocks(document: &Document) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = document.text.lines().map(str::trim);
    let mut before = "";
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            assert!(["sh", "text", "yaml"].contains(&language), "{}: a block of `{language}`", document.path);
            let block = lines.by_ref().take_while(|line| *line != "```");
            let commands =
                block.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect();
            if language == "sh" {
                let remark = before.trim_start_matches("<!-- ").trim_end_matches(" -->").to_owned();
                blocks.push(Block { path: document.path.clone(), remark, commands });
            }
        }
        before = line;
    }
    blocks
}

#[test]
fn every_command_is_run_by_a_check_or_says_what_it_needs() {
    let mut commands = 0;
    for block in documents().iter().flat_map(blocks) {
        commands += block.commands.len();
        if let Some(needs) = block.remark.strip_prefix("needs ") {
            assert!(NEEDS.contains(&needs), "{}: needs {needs}", block.path);
            continue;
        }
        let by = block.remark.strip_prefix("run by ");
        let by = by.unwrap_or_else(|| panic!("{}: who runs {:?}?", block.path, block.commands));
        for command in &block.commands {
            let known = RUN.iter().find(|(known, _)| known == command);
            let (_, words) = known.unwrap_or_else(|| panic!("{}: who runs `{command}`?", block.path));
            assert!(read(by).contains(words), "{by} does not run `{command}`");
        }
    }
    assert!(commands > 25, "{commands}");
}

#[test]
fn every_call_of_the_program_has_a_form_that_it_understands() {
    let called = ["ghl-meta-sync ghl-meta-sync ", "release/ghl-meta-sync ", "cargo run --release -- "];
    let mut calls = 0;
    for document in documents() {
        let fenced: Vec<String> = blocks(&document).into_iter().flat_map(|block| block.commands).collect();
        for line in fenced.iter().chain(&document.code()) {
            let Some(arguments) = called.iter().find_map(|way| line.split_once(way)) else { continue };
            let mut command = Command::new(binary());
            let of_the_program =
                arguments.1.split(' ').take_while(|word| ![">", "<", "|", "&&"].contains(word));
            command.args(of_the_program.filter(|word| *word != "--help")).arg("--help").env_clear();
            let outcome = run(command);
            assert_eq!(outcome.code, Some(0), "{}: {line}\n{}", document.path, outcome.stderr);
            calls += 1;
        }
    }
    assert!(calls >= 5, "{calls}");
}

#[test]
fn the_scripts_that_are_named_can_be_run() {
    for document in documents() {
        for word in document.code() {
            let Some(script) = word.split(' ').next().filter(|word| word.starts_with("scripts/")) else {
                continue;
            };
            let path = root().join(script);
            assert!(path.exists(), "{} names {script}", document.path);
        }
    }
}

/// A command, its arguments and options as `--help` prints them, each with the text behind it.
#[test]
fn the_help_of_every_command_and_option_says_what_it_does_and_where_settings_are() {
    let help = |arguments: &[&str]| {
        let mut command = Command::new(binary());
        command.args(arguments).env_clear();
        run(command).expect(0).stdout
    };
    let of_all = help(&["--help"]);
    for setting in ["GHL_API_KEY", "META_AD_ACCOUNT_ID", "WEB_PASSWORD", "# SYNC_SCHEDULE_CRON=0 2 * * *"] {
        assert!(of_all.contains(setting), "{setting} is not in --help:\n{of_all}");
    }
    assert!(help(&["-h"]).contains("--help lists every setting"));
    let list = of_all.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let commands: Vec<&str> = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.trim_start().split(' ').next().unwrap())
        .collect();
    assert_eq!(commands.len(), 12, "{commands:?}");
    for command in commands {
        let text = help(&["help", command]);
        assert!(text.lines().next().unwrap().len() > 20, "{command}: {text}");
        // What a script or a cron job asks about a command.
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("Exit status ") || command == "help", "{command}: {text}");
        let (_, options) = text.split_once("Options:\n").unwrap_or(("", ""));
        for (at, line) in options.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with('-')) {
            // Beside the option, or below it.
            let said = line.trim_start().split_once("  ").map_or("", |(_, said)| said).trim();
            let below = options.lines().nth(at + 1).unwrap_or_default().trim();
            assert!(said.len() > 5 || below.len() > 5, "{command}: {line} is not explained");
        }
    }
}
