//! `scripts/dev`, with a cargo that has nothing to build.

use super::{read, root};
use crate::instance::{binary, signal};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn the_development_script_serves_on_the_simulators_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (tools, target) = (folder.path().join("tools"), folder.path().join("target"));
    std::fs::create_dir_all(&tools).unwrap();
    std::fs::create_dir_all(target.join("debug")).unwrap();
    std::fs::write(tools.join("cargo"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(tools.join("cargo"), PermissionsExt::from_mode(0o755)).unwrap();
    symlink(binary(), target.join("debug/ghl-meta-sync")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut script = Command::new(root().join("scripts/dev"));
    script.env_clear().env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", tools.display()));
    script.env("CARGO_TARGET_DIR", &target).env("TMPDIR", folder.path());
    // Somebody has the settings of a real installation in the environment.
    script.env("DATABASE_URL", "postgres://app@127.0.0.1:1/production").env("WEB_PORT", "1");
    script.arg(format!("WEB_PORT={port}"));
    let mut child = script.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let told = lines.find(|line| line.starts_with("Open ")).unwrap();
    assert!(told.contains(&format!("http://localhost:{port}")), "{told}");
    let control = told.split("http://127.0.0.1:").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let control: u16 = control.parse().unwrap();
    assert!(lines.any(|line| line.starts_with("Dashboard: ")), "it serves");
    let answers = |port: u16| TcpStream::connect(("127.0.0.1", port)).is_ok();
    assert!(answers(port) && answers(control));

    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(!answers(port), "the service has ended");
    // The simulators end by themselves when the script is gone.
    let begun = Instant::now();
    while answers(control) {
        assert!(begun.elapsed() < Duration::from_secs(60), "the simulators go on");
        std::thread::sleep(Duration::from_millis(10));
    }
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_the_scripts_start_gets_nothing_of_the_environment_they_are_called_in() {
    let mut started = 0;
    for script in ["scripts/dev", "scripts/api-conformance"] {
        let text = read(script);
        assert!(!text.contains("export "), "{script}");
        for line in text.lines().filter(|line| line.contains("\"$PROGRAM\" s")) {
            assert!(line.trim_start().starts_with("\"${ON_SANDBOX[@]}\" "), "{script}: {line}");
            started += 1;
        }
    }
    assert_eq!(started, 3);
    let clean = read("scripts/start-sandbox.sh");
    assert!(clean.contains("ON_SANDBOX=(\n    env -i ") && !clean.contains("export "), "{clean}");
}
