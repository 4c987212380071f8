//! What goes around the program: the files for Docker and Unraid agree with the settings and with one another.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

const DOCKERFILE: &str = include_str!("../../../../Dockerfile");
const DOCKERIGNORE: &str = include_str!("../../../../.dockerignore");
const COMPOSE: &str = include_str!("../../../../docker-compose.yml");
const TEMPLATE: &str = include_str!("../../../../unraid/ghl-meta-sync.xml");
const EXAMPLE: &str = include_str!("../../../../.env.example");
const SETTINGS: &str = include_str!("../../src/settings.rs");

/// Read by the entry point of the image, not by the program.
const OF_THE_CONTAINER: [&str; 3] = ["PUID", "PGID", "UMASK"];
/// What the image decides, because its volumes and its network are where they are.
const OF_THE_IMAGE: [&str; 3] = ["DATA_DIR", "LOG_DIR", "WEB_BIND"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The part of the text between two marks.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("there is no {start}"));
    rest.split_once(end).unwrap_or_else(|| panic!("there is no {end} after {start}")).0
}

/// Every variable that the program reads.
fn variables() -> BTreeSet<&'static str> {
    let list = between(SETTINGS, "pub const VARIABLES: &[&str] = &[", "];");
    list.split('"').skip(1).step_by(2).collect()
}

/// And those that the entry point reads.
fn settable() -> BTreeSet<&'static str> {
    variables().into_iter().chain(OF_THE_CONTAINER).collect()
}

/// What docker-compose.yml gives to the program.
fn composed() -> BTreeMap<&'static str, &'static str> {
    let lines = between(COMPOSE, "    environment:\n", "    volumes:\n").lines();
    lines.filter_map(|line| line.trim_start().strip_prefix("- ")?.split_once('=')).collect()
}

/// The `ENV` of the Dockerfile.
fn of_the_image() -> BTreeMap<&'static str, &'static str> {
    let words = between(DOCKERFILE, "\nENV ", "\nWORKDIR").split_ascii_whitespace();
    words.filter_map(|word| word.split_once('=')).collect()
}

fn attribute<'a>(element: &'a str, name: &str) -> &'a str {
    between(element, &format!(" {name}=\""), "\"")
}

/// The elements of the template that set a variable, by its name.
fn template() -> BTreeMap<&'static str, &'static str> {
    let elements = TEMPLATE.lines().filter(|line| line.contains("Type=\"Variable\""));
    elements.map(|element| (attribute(element, "Target"), element)).collect()
}

#[test]
fn compose_and_the_template_know_every_setting_and_no_other() {
    assert!(variables().contains("GHL_API_KEY") && variables().contains("ALLOWED_HOSTS"));
    assert_eq!(composed().into_keys().collect::<BTreeSet<_>>(), settable());
    assert_eq!(template().into_keys().collect::<BTreeSet<_>>(), settable());
}

#[test]
fn the_template_suggests_the_values_in_force_and_hides_secrets() {
    for (name, element) in template() {
        let image = of_the_image();
        let expected = match image.get(name) {
            Some(value) => *value,
            None => {
                let value =
                    |line: &'static str| line.trim_start_matches("# ").strip_prefix(name)?.strip_prefix('=');
                EXAMPLE.lines().find_map(value).unwrap_or_else(|| panic!("no {name} in the example"))
            }
        };
        assert_eq!(attribute(element, "Default"), expected, "{name}");
        assert_eq!(between(element, "\">", "</Config>"), expected, "{name}");
        let secret = ["_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_URL"].iter().any(|end| name.ends_with(end))
            && !name.ends_with("_BASE_URL")
            && !["META_GRAPH_URL", "PUBLIC_URL"].contains(&name);
        assert_eq!(attribute(element, "Mask"), secret.to_string(), "{name}");
    }
}

/// Unraid's form accepts nothing as long as such a field is empty.
#[test]
fn the_template_demands_nothing_that_it_does_not_fill_in_itself() {
    let demanded: Vec<&str> = TEMPLATE.lines().filter(|line| line.contains(" Required=\"true\"")).collect();
    assert!(demanded.len() >= 3, "port and folders: {demanded:?}");
    for element in demanded {
        assert!(!attribute(element, "Default").is_empty(), "{element}");
    }
}

#[test]
fn image_compose_and_template_agree_on_folders_port_and_capabilities() {
    let (image, composed) = (of_the_image(), composed());
    for name in OF_THE_IMAGE {
        assert_eq!(image[name], composed[name], "{name}");
    }
    for name in OF_THE_CONTAINER {
        assert_eq!(composed[name], format!("${{{name}:-{}}}", image[name]));
    }
    let unraid = std::fs::read_to_string(root().join("docker-compose.unraid.yml")).unwrap();
    for folder in [image["DATA_DIR"], image["LOG_DIR"]] {
        assert!(DOCKERFILE.contains(&format!("\"{folder}\"")), "{folder} is a volume");
        assert!(COMPOSE.contains(&format!(":{folder}\n")) && unraid.contains(&format!(":{folder}\n")));
        assert!(TEMPLATE.contains(&format!("Target=\"{folder}\"")), "{folder}");
    }
    let capabilities = between(COMPOSE, "cap_add:\n", "    security_opt:").lines();
    let compose: Vec<&str> = capabilities.map(|line| line.trim().trim_start_matches("- ")).collect();
    let parameters = between(TEMPLATE, "<ExtraParams>", "</ExtraParams>");
    let template: Vec<&str> =
        parameters.split("--cap-add ").skip(1).map(|rest| rest.split(' ').next().unwrap()).collect();
    assert_eq!((template.len(), template), (5, compose));
    let service = between(COMPOSE, "  ghl-meta-sync:\n", "\n  postgres:\n");
    let restart = format!("--restart {}", between(service, "    restart: ", "\n"));
    for word in ["--read-only", "--cap-drop ALL", "no-new-privileges", restart.as_str()] {
        assert!(parameters.contains(word), "{word}");
    }
}

#[test]
fn all_that_the_dockerfile_copies_exists_and_reaches_the_build() {
    let copied: Vec<&str> = DOCKERFILE
        .lines()
        .filter(|line| line.starts_with("COPY ") && !line.contains("--from="))
        .flat_map(|line| line.split(' ').skip(1).collect::<Vec<_>>().split_last().unwrap().1.to_vec())
        .collect();
    assert!(copied.contains(&"Cargo.lock") && copied.contains(&"crates"), "{copied:?}");
    for source in &copied {
        assert!(root().join(source).exists(), "{source}");
    }
    let let_through: Vec<&str> = DOCKERIGNORE.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(DOCKERIGNORE.lines().any(|line| line == "*"), "everything else stays out");
    assert_eq!(let_through, copied);
}

/// A folder that was copied over a network share from Windows has lost the executable bits and kept everything else.
#[test]
fn the_image_is_built_without_any_executable_bit_or_other_line_ends() {
    let ours = ["scripts/", "docker/", "./"];
    for line in DOCKERFILE.lines().filter(|line| line.starts_with("RUN ")) {
        let program = line.split(' ').nth(1).unwrap();
        assert!(!ours.iter().any(|folder| program.starts_with(folder)), "{line}");
    }
    assert!(DOCKERFILE.contains("\nRUN bash scripts/image-root assemble "));
    let script = std::fs::read_to_string(root().join("scripts/image-root")).unwrap();
    assert!(script.contains("\n  install -m 755 docker/entrypoint "));
    let attributes = std::fs::read_to_string(root().join(".gitattributes")).unwrap();
    assert!(attributes.lines().any(|line| line == "* -text"), "git changes line ends on Windows");
    for text in [DOCKERFILE, script.as_str(), include_str!("../../../../docker/entrypoint")] {
        assert!(!text.contains('\r'));
    }
}

#[test]
fn the_image_is_built_on_pinned_versions_with_the_compiler_that_the_project_names() {
    let bases: Vec<&str> = DOCKERFILE.lines().filter_map(|line| line.strip_prefix("FROM ")).collect();
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let compiler = between(&manifest, "rust-version = \"", "\"");
    let [build, "scratch"] = bases.as_slice() else { panic!("{bases:?}") };
    assert!(build.starts_with(&format!("rust:{compiler}.")), "{build}");
    let server = between(COMPOSE, "image: postgres:", "\n");
    assert!(server.split(['.', '-']).take(2).all(|number| number.parse::<u32>().is_ok()), "{server}");
}

/// What `docker-compose` makes of the files with every variable set to a value of its own; `None`, with a printed line,
/// where there is no docker-compose; a panic when `REQUIRE_COMPOSE=1`.
#[expect(clippy::disallowed_methods, reason = "the environment says whether docker-compose may be missing")]
fn docker_compose(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("docker-compose");
    command.current_dir(root()).args(["--env-file", ".env.example"]).args(arguments);
    for name in settable() {
        command.env(name, if name == "WEB_PORT" { "9877".to_owned() } else { format!("value of {name}") });
    }
    command.envs([("CONTAINER_NAME", "client-b"), ("APPDATA", "/mnt/user/appdata/client-b")]);
    let output = match command.output() {
        Ok(output) => output,
        Err(error)
            if error.kind() == ErrorKind::NotFound && std::env::var_os("REQUIRE_COMPOSE").is_none() =>
        {
            println!("left out: docker-compose can not be run ({error}); scripts/test installs it");
            return None;
        }
        Err(error) => panic!("docker-compose can not be run: {error}"),
    };
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn docker_compose_accepts_every_profile_and_passes_each_setting_on_under_its_name() {
    let unraid = ["-f", "docker-compose.yml", "-f", "docker-compose.unraid.yml"];
    let postgres = between(COMPOSE, "\n  postgres:\n", "image:");
    assert!(postgres.contains("profiles:\n      - postgres\n"), "only who asks for it gets a server");
    for files in [&[][..], &unraid] {
        for profile in [&[][..], &["--profile", "postgres"]] {
            let Some(config) = docker_compose(&[files, profile, &["config"]].concat()) else { return };
            for name in settable() {
                let expected = match of_the_image().get(name) {
                    Some(value) if OF_THE_IMAGE.contains(&name) => format!("{name}: {value}\n"),
                    _ if name == "WEB_PORT" => "WEB_PORT: '9877'\n".to_owned(),
                    _ => format!("{name}: value of {name}\n"),
                };
                assert!(config.contains(&expected), "{name} in {files:?} {profile:?}:\n{config}");
            }
            assert!(profile.is_empty() || config.contains("POSTGRES_USER --dbname"), "{config}");
            // Where projects meet, the name of the server would be everybody's.
            let servers = config.split("\n  postgres:\n").skip(1);
            for server in servers {
                let server = server.split("\nnetworks:").next().unwrap_or_default();
                let server = server.split("\n  ghl-meta-sync:\n").next().unwrap_or_default();
                assert!(server.contains("POSTGRES_DB") && !server.contains("unraid-network"), "{config}");
            }
            // A second client is a matter of its .env alone.
            assert!(config.contains("container_name: client-b\n"), "{config}");
            let is_elsewhere = config.contains("/mnt/user/appdata/client-b/data");
            assert!(
                is_elsewhere != files.is_empty() && !config.contains("appdata/ghl-meta-sync"),
                "{config}"
            );
        }
    }
}

#[test]
fn the_entry_point_refuses_root_and_what_is_no_number() {
    for (name, value, words) in [
        ("PUID", "0", "PUID must not be 0"),
        ("PGID", "00", "PGID must not be 0"),
        ("PUID", "nobody", "PUID must be a number"),
        ("PGID", "100;id", "PGID must be a number"),
        ("UMASK", "rw", "UMASK must be an octal number"),
        ("UMASK", "999", "UMASK must be an octal number"),
    ] {
        let mut command = Command::new("sh");
        let output =
            command.arg(root().join("docker/entrypoint")).arg("serve").env(name, value).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && told.contains(words), "{name}={value}: {told}");
    }
}
