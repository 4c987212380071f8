//! The ways that the guide leads people, step by step.

use super::{Document, documents, read};

/// Where in the text each of the words stands, one after the other.
fn in_this_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let (_, after) = rest.split_once(word).unwrap_or_else(|| panic!("{word} is missing in {rest}"));
        rest = after;
    }
}

fn chapter(path: &str, heading: &str) -> String {
    let text = read(path);
    let (_, rest) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    rest.split("\n## ").next().unwrap().to_owned()
}

#[test]
fn the_way_to_a_list_of_conditions_names_what_the_pages_show() {
    let steps = [
        ("Build a list from conditions", "partials/configuration_links.html"),
        ("New Smart List", "pages/filters.html"),
        ("Add condition", "pages/filter.html"),
        ("Save the list", "pages/filter.html"),
        ("Choose the list to sync", "pages/filters.html"),
        ("Smart List", "partials/configuration.html"),
        ("Save configuration", "partials/configuration.html"),
    ];
    for (name, template) in steps {
        assert!(read(&format!("templates/{template}")).contains(&format!(">{name}<")), "{name}");
    }
    let names = steps.map(|(name, _)| format!("*{name}*"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    in_this_order(&chapter("docs/guide/first-sync.md", "## Choose"), &names);
}

#[test]
fn the_dashboard_has_a_password_before_it_is_opened_to_the_network() {
    for way in ["## Any machine with Docker", "## Unraid, with compose"] {
        let chapter = chapter("docs/guide/install.md", way);
        in_this_order(&chapter, &["\ncp .env.example .env\n", "`WEB_PASSWORD=`", "\ndocker compose "]);
    }
    let unraid = chapter("docs/guide/install.md", "## Unraid, with the template");
    in_this_order(&unraid, &["`WEB_PASSWORD`", "*Apply*", "*Autostart*", "Open the dashboard"]);
}

/// Files that are no longer part of the program would stay otherwise, and the locked build refuses a crate too many.
#[test]
fn a_new_version_is_never_copied_over_an_old_one() {
    let update = chapter("docs/guide/upkeep.md", "## Update");
    let steps = ["](#backup)", "rename `source` to `source-old`", "source-old/.env ", "docker build -t "];
    in_this_order(&update, &steps);
}

/// Unraid keeps the filled form in the file that the template is copied to.
#[test]
fn a_form_that_was_filled_in_outlives_an_update_and_no_uninstallation() {
    let form = "/boot/config/plugins/dockerMan/templates-user/my-ghl-meta-sync.xml\n";
    let mut copied = 0;
    for document in documents() {
        for line in document.text.lines().filter(|line| line.trim_start().starts_with("cp ")) {
            if format!("{line}\n").ends_with(form) {
                assert!(line.trim_start().starts_with("cp -n "), "{}: {line}", document.path);
                copied += 1;
            }
        }
    }
    assert_eq!(copied, 1);
    assert!(chapter("docs/guide/upkeep.md", "## Uninstall").contains(&format!("\n   rm {form}")));
}

#[test]
fn whoever_says_how_long_contacts_are_kept_says_which_are_kept_longer() {
    let longer = "of the newest successful sync of each list and field and of each ad account";
    for path in [".env.example", "unraid/ghl-meta-sync.xml", "docs/backup.md"] {
        let text = read(path);
        let lines: Vec<&str> = text.lines().collect();
        let said = lines.windows(2).any(|pair| pair.concat().contains(longer));
        assert!(said, "{path}");
    }
    for path in ["docs/guide/upkeep.md", "docs/guide/first-sync.md"] {
        let page = Document::of(path);
        for line in page.text.lines().filter(|line| line.contains("30 days")) {
            assert!(line.contains(longer) && line.contains("however old"), "{path}: {line}");
        }
    }
}
