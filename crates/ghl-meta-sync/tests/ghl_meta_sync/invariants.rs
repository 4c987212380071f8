//! The architecture's invariants, read from `cargo metadata` and the sources.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Normal dependencies of each of our crates.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: Value = serde_json::from_slice(&out.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let normal = package["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null());
            let names = normal.map(|d| d["name"].as_str().unwrap().to_owned()).collect();
            (package["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}

/// Every Rust source of a crate, tests apart.
fn sources(name: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("crates").join(name).join("src"), &mut found);
    assert!(!found.is_empty(), "{name} has sources");
    found
}

fn users_of(dependency: &str) -> Vec<String> {
    dependencies().into_iter().filter(|(_, deps)| deps.contains(dependency)).map(|(name, _)| name).collect()
}

#[test]
fn the_core_does_no_io() {
    let deps = dependencies();
    for pure in ["domain", "match-keys"] {
        for io in ["ureq", "diesel", "lettre", "actix-web", "http-client", "persistence", "log", "tempfile"] {
            assert!(!deps[pure].contains(io), "{pure} depends on {io}");
        }
        for (path, text) in sources(pure) {
            for word in ["std::fs", "std::net", "std::process", "std::env", "File::open"] {
                assert!(!text.contains(word), "{} uses {word}", path.display());
            }
        }
    }
}

#[test]
fn the_vendors_clients_do_not_know_each_other_or_the_database() {
    let deps = dependencies();
    for client in ["ghl", "meta", "claude"] {
        for other in
            ["ghl", "meta", "claude", "persistence", "sync", "match-keys", "mailer", "web", "sandbox"]
        {
            assert!(!deps[client].contains(other), "{client} depends on {other}");
        }
    }
}

#[test]
fn each_library_at_the_edge_has_one_home() {
    assert_eq!(users_of("diesel"), ["persistence"]);
    assert_eq!(users_of("diesel_migrations"), ["persistence"]);
    assert_eq!(users_of("ureq"), ["http-client"]);
    assert_eq!(users_of("lettre"), ["mailer"]);
    assert_eq!(users_of("actix-web"), ["sandbox", "web"]);
    assert_eq!(users_of("testkit"), Vec::<String>::new(), "testkit is for tests only");
}

#[test]
fn the_sandbox_shares_no_type_with_the_clients() {
    let ours: Vec<String> = dependencies().into_keys().collect();
    let sandbox = &dependencies()["sandbox"];
    let shared: Vec<&String> = ours.iter().filter(|name| sandbox.contains(*name)).collect();
    assert!(shared.is_empty(), "the sandbox depends on {shared:?}");
    assert_eq!(users_of("sandbox"), ["ghl-meta-sync"]);
}

#[test]
fn the_environment_is_read_in_one_file_and_the_clock_in_one_type() {
    let allowed = |path: &Path, names: &[&str]| names.iter().any(|name| path.ends_with(name));
    for name in dependencies().into_keys().filter(|name| name != "testkit") {
        for (path, text) in sources(&name) {
            let code: String = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            if !allowed(&path, &["ghl-meta-sync/src/settings/environment.rs"]) {
                for word in ["env::var", "env::vars"] {
                    assert!(!code.contains(word), "{} reads the environment", path.display());
                }
            }
            if !allowed(&path, &["domain/src/clock.rs", "sandbox/src/clock.rs"]) {
                for word in ["Utc::now", "Local::now", "SystemTime::now"] {
                    assert!(!code.contains(word), "{} reads the wall clock", path.display());
                }
            }
        }
    }
}

#[test]
fn the_url_table_of_the_dashboard_is_one_file() {
    for (path, text) in sources("web") {
        if !path.ends_with("routes.rs") {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in [".route(\"", "web::resource(", "#[get(", "#[post("] {
                assert!(!code.contains(word), "{} adds a route with {word}", path.display());
            }
        }
    }
}

/// The text without the arguments of every call of these, named as they are written before the parenthesis.
fn without_arguments(text: &str, calls: &[&str]) -> String {
    let mut left = text.to_owned();
    for call in calls {
        let call = format!("{call}(");
        let mut from = 0;
        while let Some(at) = left[from..].find(&call).map(|at| from + at + call.len()) {
            let mut depth = 1;
            let end = left[at..].find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth == 0
            });
            left.replace_range(at..at + end.unwrap_or(0), "");
            from = at;
        }
    }
    left
}

/// What the workers of actix run stands in `async fn`s; whatever waits there is given to a thread that may.
#[test]
fn no_handler_waits_for_the_database_or_a_vendor_on_a_worker_of_actix() {
    let mut handlers = 0;
    // `app.rs` holds the ways to such a thread, and `look_up` takes one of them.
    for (path, text) in sources("web").into_iter().filter(|(path, _)| !path.ends_with("web/src/app.rs")) {
        for function in text.split("async fn ").skip(1) {
            let body = function.split("\n}\n").next().unwrap_or_default();
            let on_the_worker = without_arguments(body, &[".blocking", ".read", ".looking_up", " look_up"]);
            for word in ["store.", "sync(", "actions::begin", "thread::sleep", "std::fs"] {
                let name = body.split('(').next().unwrap_or_default();
                assert!(!on_the_worker.contains(word), "{}: {name} uses {word}", path.display());
            }
            handlers += 1;
        }
    }
    assert!(handlers > 50, "{handlers}");
    let (inside, outside) = ("a.blocking(|app| f(app.store.get(1))).await", "app.store.get(1)");
    assert!(!without_arguments(inside, &[".blocking"]).contains("store."));
    assert!(without_arguments(outside, &[".blocking"]).contains("store."));
}

/// So nothing can be asked of a vendor while one is held: those who ask never have one.
#[test]
fn no_database_connection_leaves_its_crate() {
    let persistence = &dependencies()["persistence"];
    for network in ["http-client", "ureq", "ghl", "meta", "claude", "mailer", "lettre", "sync"] {
        assert!(!persistence.contains(network), "persistence depends on {network}");
    }
    for (path, text) in sources("persistence") {
        let public = text.lines().filter(|line| line.trim_start().starts_with("pub fn "));
        for line in public {
            assert!(!line.contains("Connection"), "{}: {line}", path.display());
        }
        assert!(!text.contains("pub use connection"), "{}", path.display());
    }
}

#[test]
fn every_crate_opens_with_what_it_owns_and_what_it_refuses() {
    for name in dependencies().into_keys() {
        let file = if name == "ghl-meta-sync" { "main.rs" } else { "lib.rs" };
        let text = std::fs::read_to_string(root().join("crates").join(&name).join("src").join(file)).unwrap();
        let opening: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        assert!(opening.contains("Owns") && opening.to_lowercase().contains("refuses"), "{name}: {opening}");
    }
}

#[test]
fn secrets_have_no_display_and_every_crate_inherits_the_lints() {
    for (path, text) in sources("domain") {
        assert!(!text.contains("Display for Secret"), "{}", path.display());
    }
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let manifest = entry.unwrap().path().join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "{} does not inherit the lints",
            manifest.display()
        );
        for line in text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase())) {
            let has_version = line.contains("version = \"") || line.ends_with('"') && line.contains(" = \"");
            let of_its_own = ["name", "description", "path"].iter().any(|key| line.starts_with(key));
            assert!(
                !has_version || of_its_own,
                "{}: `{line}` belongs into the workspace",
                manifest.display()
            );
        }
    }
}

#[test]
fn no_file_names_a_path_of_a_developers_machine() {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    let files = String::from_utf8(listed.stdout).unwrap();
    // Put together here, so that this file does not name them either.
    let forbidden = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat(), ["/ho", "me/"].concat()];
    for file in files.split('\0').filter(|file| !file.is_empty() && !file.starts_with("static/")) {
        let Ok(text) = std::fs::read_to_string(root().join(file)) else { continue };
        for path in &forbidden {
            assert!(!text.contains(path.as_str()), "{file} contains {path}");
        }
    }
}

#[test]
fn every_source_is_short_and_named_for_what_it_holds() {
    let listed = Command::new("git").args(["ls-files", "-z", "crates"]).current_dir(root()).output().unwrap();
    let files = String::from_utf8(listed.stdout).unwrap();
    let sources: Vec<&str> = files.split('\0').filter(|file| file.ends_with(".rs")).collect();
    assert!(sources.len() > 300, "{}", sources.len());
    for file in sources {
        let lines = std::fs::read_to_string(root().join(file)).map_or(0, |text| text.lines().count());
        assert!(lines <= 400, "{file} has {lines} lines: split it by meaning");
        for nothing in ["util", "helper", "manager", "common", "misc"] {
            let says_nothing = file.split(['/', '_', '.']).any(|word| word.trim_end_matches('s') == nothing);
            assert!(!says_nothing, "{file} does not say what it holds");
        }
    }
}

#[test]
fn no_function_is_left_to_be_written() {
    let marks = [
        ["to", "do!("].concat(),
        ["unimpl", "emented!("].concat(),
        ["#[ign", "ore"].concat(),
        ["#[al", "low("].concat(),
    ];
    for name in dependencies().into_keys() {
        for (path, text) in sources(&name) {
            for mark in &marks {
                assert!(!text.contains(mark.as_str()), "{} contains {mark}", path.display());
            }
        }
    }
}
