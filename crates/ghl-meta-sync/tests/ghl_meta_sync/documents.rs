//! What the documents say is true: links lead somewhere, commands are run by a check or say what they need, and every
//! sentence, function, setting and price they name is one of the program's.

mod backups;
mod commands;
mod development;
mod guide;
mod names;

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A document of the project, by its path from the root.
struct Document {
    path: String,
    text: String,
}

impl Document {
    fn of(path: &str) -> Self {
        Self { path: path.to_owned(), text: read(path) }
    }

    /// The text without the blocks between fences.
    fn prose(&self) -> String {
        let mut in_block = false;
        let lines = self.text.lines().filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            in_block ^= is_fence;
            !in_block && !is_fence
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What stands between backticks in the prose.
    fn code(&self) -> Vec<String> {
        self.prose().lines().flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
    }
}

/// Those at the root, and all below `docs`.
fn documents() -> Vec<Document> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                None if path.is_dir() => below(&path, found),
                Some(extension) if extension == "md" => found.push(path),
                _ => {}
            }
        }
    }
    let mut paths = Vec::new();
    below(&root().join("docs"), &mut paths);
    let at_the_root = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    paths.extend(at_the_root.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    let documents = paths.iter().map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap());
    documents.map(Document::of).collect()
}

/// How a heading is linked to.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(document: &Document) -> Vec<String> {
    let prose = document.prose();
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_of_it() {
    let mut followed = 0;
    for document in documents() {
        let prose = document.prose();
        let links = prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        let pictures = prose.split("src=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        for link in links.chain(pictures).filter(|link| !link.starts_with("http")) {
            let (path, heading) = link.split_once('#').map_or((link, None), |(path, id)| (path, Some(id)));
            let folder = root().join(&document.path).parent().unwrap().to_owned();
            let target = if path.is_empty() { root().join(&document.path) } else { folder.join(path) };
            assert!(target.is_file(), "{} links to {link}, which is not there", document.path);
            if let Some(heading) = heading {
                let target = target.canonicalize().unwrap();
                let target = Document::of(target.strip_prefix(root()).unwrap().to_str().unwrap());
                assert!(anchors(&target).contains(&heading.to_owned()), "{}: {link}", document.path);
            }
            followed += 1;
        }
    }
    assert!(followed > 80, "{followed}");
}

#[test]
fn every_decision_is_in_the_list_of_decisions() {
    let list = read("docs/decisions/README.md");
    for document in documents() {
        if let Some(page) = document.path.strip_prefix("docs/decisions/").filter(|page| *page != "README.md")
        {
            assert!(list.contains(&format!("]({page})")), "{page} is not in docs/decisions/README.md");
        }
    }
}

#[test]
fn the_newcomers_way_is_complete() {
    let readme = read("README.md");
    for page in ["install", "keys", "first-sync", "troubleshooting", "upkeep"] {
        assert!(readme.contains(&format!("(docs/guide/{page}.md")), "README.md leads to {page}");
    }
    for file in ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(readme.contains(&format!("({file})")), "README.md leads to {file}");
    }
}
