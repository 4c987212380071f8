//! `docs/backup.md` as people use it: its commands are run, with a stand-in for Docker.

use super::{read, root};
use crate::instance::{Database, Instance, binary, run};
use domain::run::RunStatus;
use sandbox::Contacts;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use testkit::postgres_server;

/// The fenced blocks of a chapter, each as one script.
fn scripts(heading: &str) -> Vec<String> {
    let page = read("docs/backup.md");
    let (_, chapter) =
        page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("there is no {heading}"));
    let chapter = chapter.split("\n#").next().unwrap();
    chapter.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// The folder of the project on the machine of somebody who has installed it, and everything its containers keep.
struct Machine {
    folder: PathBuf,
    /// What the container of the PostgreSQL server has in its environment.
    server: Vec<(&'static str, String)>,
}

impl Machine {
    fn of(instance: &Instance) -> Self {
        let folder = instance.folder().join("machine");
        let tools = folder.join("tools");
        std::fs::create_dir_all(folder.join("target/release")).unwrap();
        std::fs::create_dir_all(&tools).unwrap();
        std::fs::create_dir_all(folder.join("places/mnt/user/appdata/ghl-meta-sync")).unwrap();
        for file in ["docker-compose.yml", "docker-compose.unraid.yml"] {
            symlink(root().join(file), folder.join(file)).unwrap();
        }
        symlink(binary(), folder.join("target/release/ghl-meta-sync")).unwrap();
        std::fs::write(tools.join("docker"), include_str!("docker")).unwrap();
        std::fs::set_permissions(tools.join("docker"), PermissionsExt::from_mode(0o755)).unwrap();
        Self { folder, server: Vec::new() }
    }

    /// Runs the lines one after the other in the folder of the project; what they print, and what Docker was asked for.
    fn run(&self, instance: &Instance, script: &str) -> (String, String) {
        let programs = PathBuf::from(postgres_server::program("psql"));
        let programs =
            programs.parent().filter(|folder| folder.is_absolute()).unwrap_or(Path::new("/usr/bin"));
        let path = format!("{}/tools:{}:/usr/bin:/bin", self.folder.display(), programs.display());
        let places = self.folder.join("places");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-ec", script]).env_clear().envs(instance.environment()).current_dir(&self.folder);
        shell.env("PATH", path).env("PROGRAM", binary()).env("PLACES", &places);
        shell.envs(self.server.iter().map(|(name, value)| (name, value)));
        let printed = run(shell).expect(0).stdout;
        let asked = std::fs::read_to_string(places.join("asked")).unwrap_or_default();
        std::fs::remove_file(places.join("asked")).unwrap_or_default();
        (printed, asked.replace('\n', " ").trim_end().to_owned())
    }
}

#[test]
fn an_embedded_database_is_restored_by_the_documented_lines_for_every_way_of_installing() {
    let mut instance = Instance::with(Contacts::Generated(150), |_| {});
    instance.set("NORMALIZER", "local").set("META_POLL_TIMEOUT_SECONDS", "1").sync(&[]).expect(0);
    let first = instance.last_run();
    let machine = Machine::of(&instance);
    let template = read("unraid/ghl-meta-sync.xml");
    let element = template.lines().find(|line| line.contains("Target=\"/app/data\"")).unwrap();
    let of_the_template = element.split("Default=\"").nth(1).unwrap().split('"').next().unwrap();
    let [backup] = &scripts("## The embedded database")[..] else { panic!("one block") };
    let (_, asked) = machine.run(&instance, backup);
    assert_eq!(asked, "backup");

    let of_unraid = "/mnt/user/appdata/ghl-meta-sync/data";
    for (way, place, order, kept) in [
        (
            "### Restore on Unraid with the template",
            of_the_template,
            "stop restore start",
            ".before-restore.",
        ),
        ("### Restore on Unraid with compose", of_unraid, "stop run start", ".before-restore-2."),
        ("### Restore with compose", "data", "stop run start", ".before-restore-3."),
    ] {
        instance.sync(&[]).expect(0);
        assert_ne!(instance.last_run().id, first.id);
        // This way of installing keeps the database here, and none keeps it elsewhere.
        let place = machine.folder.join("places").join(place.trim_start_matches('/'));
        symlink(instance.folder().join("data"), &place).unwrap();
        let [restore] = &scripts(way)[..] else { panic!("one block: {way}") };
        let (printed, asked) = machine.run(&instance, restore);
        assert_eq!(instance.last_run(), first, "{way}\n{printed}");
        assert_eq!(asked, order, "{way}");
        for words in ["The backup is in place as ", "/data/ghl-meta-sync.sqlite3; start", kept] {
            assert!(printed.contains(words), "{way}: {words} in {printed}");
        }
        std::fs::remove_file(&place).unwrap();
    }

    let [by_hand] = &scripts("### Without Docker")[..] else { panic!("one block") };
    let (backup, restore) = by_hand.trim().split_once('\n').unwrap();
    machine.run(&instance, backup);
    instance.sync(&[]).expect(0);
    machine.run(&instance, restore);
    assert_eq!(instance.last_run(), first);
    // What a person sees who restores into the wrong place.
    instance.set("DATA_DIR", machine.folder.join("elsewhere").to_str().unwrap());
    std::fs::create_dir(machine.folder.join("elsewhere")).unwrap();
    let (printed, _) = machine.run(&instance, restore);
    assert!(printed.contains("No database was there before."), "{printed}");
}

/// The tables as they were before the two newest migrations, with everything in them.
fn make_older(machine: &Machine, instance: &Instance) {
    let folder = root().join("migrations/postgres");
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    for name in names.iter().rev().take(2) {
        let version = name.split('_').next().unwrap().replace('-', "");
        let forget = format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'");
        let down = folder.join(name).join("down.sql");
        let down = down.display();
        machine.run(
            instance,
            &format!("psql -Xq -v ON_ERROR_STOP=1 -d \"$DATABASE_URL\" -f '{down}' -c \"{forget}\""),
        );
    }
}

#[test]
fn a_dump_of_an_older_version_is_restored_by_the_documented_lines_into_a_newer_database() {
    for (way, order) in [("### The server of compose", "stop exec start"), ("### A server of your own", "")] {
        let Some(Database::Postgres(server)) = Database::postgres() else { return };
        // The programs of PostgreSQL in its container find the server by themselves.
        let place = |name| if name == "POSTGRES_HOST" { "PGHOST" } else { name };
        let place = server.settings().into_iter().map(|(name, value)| (place(name), value)).collect();
        let mut instance =
            Instance::with(Contacts::Generated(150), |_| {}).with_database(Database::Postgres(server));
        instance.set("NORMALIZER", "local").set("META_POLL_TIMEOUT_SECONDS", "1").sync(&[]).expect(0);
        let first = instance.last_run();
        let newest = instance.store().schema_version().unwrap();
        let machine = Machine { server: place, ..Machine::of(&instance) };
        let [backup, restore] = &scripts(way)[..] else { panic!("two blocks: {way}") };
        make_older(&machine, &instance);
        machine.run(&instance, backup);

        // The update, and a run after it.
        instance.sync(&[]).expect(0);
        assert_ne!(instance.last_run().id, first.id);
        assert_eq!(instance.store().schema_version().unwrap(), newest);
        let (_, asked) = machine.run(&instance, restore);
        assert_eq!(asked, order, "{way}");
        assert_eq!(instance.last_run(), first, "{way}");
        assert_eq!(instance.store().schema_version().unwrap(), newest);
        instance.sync(&[]).expect(0);
        assert_eq!(instance.last_run().status, RunStatus::Success);
    }
}
