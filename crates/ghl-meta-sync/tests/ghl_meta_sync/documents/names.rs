//! Functions, files, settings, sentences and prices that the documents name.

use super::{Document, documents, read, root};
use domain::run::Failure;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Names of variables that are not settings of the program.
const OF_DEVELOPMENT: [&str; 5] =
    ["CARGO_TARGET_DIR", "REQUIRE_POSTGRES", "COMPOSE_PROFILES", "LOG_LEVEL", "SMTP_HOST"];

/// The source file of a module: `sync::pipeline`.
fn source(modules: &str) -> Option<String> {
    let (name, path) = modules.split_once("::")?;
    let folder = Path::new("crates").join(name.replace('_', "-")).join("src");
    let path = path.replace("::", "/");
    let candidates = [folder.join(format!("{path}.rs")), folder.join(path).join("mod.rs")];
    candidates.iter().find(|path| root().join(path).is_file()).map(|path| read(path.to_str().unwrap()))
}

fn is_path_of_code(word: &str) -> bool {
    word.split("::").count() >= 2
        && word
            .split("::")
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

#[test]
fn every_function_and_type_named_by_its_path_exists() {
    let mut found = 0;
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md"].map(Document::of) {
        let words = document.code();
        for word in words.iter().filter(|word| is_path_of_code(word) && !word.starts_with(char::is_uppercase))
        {
            let (modules, item) = word.rsplit_once("::").unwrap();
            let source = source(modules).unwrap_or_else(|| panic!("{}: {word}", document.path));
            let kinds = ["fn", "struct", "enum", "trait"].map(|kind| format!("{kind} {item}"));
            let is_here = |start: &String| {
                source.match_indices(start.as_str()).any(|(at, _)| {
                    !source[at + start.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
            };
            assert!(kinds.iter().any(is_here), "{} names {word}, which is not there", document.path);
            found += 1;
        }
    }
    assert!(found > 40, "{found}");
}

#[test]
fn every_file_named_exists() {
    let folders = ["crates/", "migrations/", "templates/", "static/", "docs/", "docker/", "unraid/", ".ci/"];
    let mut found = 0;
    for document in documents().iter().filter(|document| !document.path.starts_with("docs/decisions/")) {
        for word in document.code() {
            if folders.iter().any(|folder| word.starts_with(folder)) && !word.contains(['<', ' ']) {
                assert!(root().join(&word).exists(), "{} names {word}", document.path);
                found += 1;
            }
        }
    }
    assert!(found > 40, "{found}");
}

#[test]
fn every_setting_named_is_one() {
    let settings = read("crates/ghl-meta-sync/src/settings.rs");
    let list = settings.split_once("VARIABLES: &[&str] = &[").unwrap().1.split_once("];").unwrap().0;
    let known: BTreeSet<&str> = list.split('"').skip(1).step_by(2).chain(OF_DEVELOPMENT).collect();
    let mut found = BTreeSet::new();
    for document in documents() {
        for code in document.code() {
            let name = code.split('=').next().unwrap_or_default().to_owned();
            let looks_like_one = name.contains('_')
                && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
                && [
                    "GHL_",
                    "META_",
                    "CLAUDE_",
                    "SMTP_",
                    "WEB_",
                    "LTV_",
                    "AUDIENCE_",
                    "LOOKALIKE_",
                    "NOTIFY_",
                ]
                .iter()
                .any(|start| name.starts_with(start) && name != *start);
            if looks_like_one {
                assert!(known.contains(name.as_str()), "{} names {name}", document.path);
                found.insert(name);
            }
        }
    }
    assert!(found.len() > 20, "{found:?}");
}

/// Everything the program can say: its sources and templates, with texts that go over several lines put together.
fn words_of_the_program() -> String {
    fn add(folder: &Path, all: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, all);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                all.push_str(&text);
            }
        }
    }
    let mut all = String::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        add(&entry.unwrap().path().join("src"), &mut all);
    }
    add(&root().join("templates"), &mut all);
    let continued = all.split("\\\n").map(str::trim_start).collect::<Vec<_>>().concat();
    let interrupted = format!("{} at step", Failure::INTERRUPTED);
    continued.replace("\\\"", "\"").replace("{WRITING}", "ads_management").replace("{} at step", &interrupted)
}

#[test]
fn every_sentence_that_troubleshooting_quotes_is_said_by_the_program() {
    let words = words_of_the_program();
    let guide = Document::of("docs/guide/troubleshooting.md");
    let quotes: Vec<&str> = guide.text.lines().filter_map(|line| line.strip_prefix("> ")).collect();
    assert!(quotes.len() > 25, "{}", quotes.len());
    for quote in quotes {
        let parts = quote.split('…').map(str::trim).filter(|part| part.len() > 3);
        for part in parts {
            assert!(words.contains(part.trim_matches('"')), "nothing says `{part}`");
        }
    }
}

#[test]
fn the_cost_that_is_promised_follows_from_the_list_of_prices() {
    let prices = read("crates/claude/src/prices.rs");
    let readme = read("README.md");
    for (model, read, written) in
        [("claude-sonnet-5-5", "2000", "10_000"), ("claude-haiku-5-5", "100", "500")]
    {
        assert!(prices.contains(&format!("\"{model}\", read: {read}, written: {written} ")), "{model}");
        assert!(readme.contains(&format!("Claude, `{model}`")), "{model}");
    }
    assert!(prices.contains("from_ymd_opt(2026, 11, 21)") && readme.contains("21 November 2026"));
    assert!(readme.contains("2 dollars per million tokens read and 10 per million written"));
    // 2,000 tokens read and 1,100 written, then with 4,000 of thinking; in thousandths of a cent.
    let sonnet = |written: u64| (2000 * 2 + written * 10) / 10;
    assert_eq!([sonnet(1100), sonnet(5100)], [1500, 5500]);
    assert!(readme.contains("about 1.5 cents; up to 5.5"));
    assert_eq!([sonnet(1100) * 31 / 1000, sonnet(5100) * 31 / 1000], [46, 170]);
    assert!(readme.contains("about 50 cents; $1.70 if it thinks long every day"));
    // The longest answer, and the one that is asked for after it was cut off.
    assert!(read("crates/claude/src/question.rs").contains("MAX_TOKENS: u32 = 8192;"));
    assert!(read("crates/claude/src/client.rs").contains("question.max_tokens *= 2;"));
    assert_eq!([sonnet(8192), sonnet(2 * 8192)], [8592, 16_784]);
    assert!(readme.contains("(8.6 cents for 8,192 tokens with Sonnet, then up to 16.8)"));
    let haiku = |written: u64| (2000 + written * 5) / 100;
    assert_eq!([haiku(1100), haiku(5100)], [75, 275]);
    assert!(readme.contains("0.1 to 0.3 cents"));
}

#[test]
fn the_licences_listed_are_those_of_the_libraries_in_the_program() {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--locked", "-p", "ghl-meta-sync", "-e", "normal", "--prefix", "none"]);
    let output = tree.args(["--features", "postgres-tls", "-f", "{l}"]).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let licences: BTreeSet<&str> =
        printed.lines().map(|line| line.trim_end_matches(" (*)")).filter(|line| !line.is_empty()).collect();
    let notices = read("THIRD-PARTY-NOTICES.md");
    let listed = notices.lines().filter_map(|line| line.strip_prefix("- `")?.strip_suffix('`'));
    assert_eq!(listed.collect::<BTreeSet<_>>(), licences);
}
