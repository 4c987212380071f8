//! A real PostgreSQL server for tests, and one fresh database on it per test.
//!
//! `TEST_POSTGRES_URL` names a server that is already running (its user must be allowed to create databases); otherwise
//! one is started from the PostgreSQL programs found on this machine and lives as long as somebody uses it. Where there
//! is neither, [`fresh_database`] prints a line and returns `None`, or panics when `REQUIRE_POSTGRES=1`.

#![expect(clippy::disallowed_methods, reason = "the environment says which server the tests use")]

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Starts a server in a folder of its own, says where, and stops it when standard input ends: that is, also when the
/// test process is killed. PostgreSQL refuses to run as root, so root steps down to `nobody`. It listens on a Unix
/// socket in its folder only, so that no two servers can fight over a port.
const RUN_SERVER: &str = r#"
folder=$(mktemp -d) || exit 1
as=
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid=nobody --regid=$(id -g nobody) --clear-groups --"
    chown nobody "$folder" || exit 1
fi
trap '$as "$1/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$folder"' EXIT
trap 'exit 1' TERM INT HUP
cd "$folder" || exit 1
$as "$1/initdb" -D "$folder/data" -U postgres --auth=trust -E UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1 \
    || { cat "$folder/initdb.log" >&2; exit 1; }
options="-c listen_addresses='' -c unix_socket_directories=$folder -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c max_connections=200"
$as "$1/pg_ctl" -D "$folder/data" -l "$folder/data/server.log" -o "$options" -w start >/dev/null 2>&1 \
    || { cat "$folder/data/server.log" >&2; exit 1; }
echo "$folder"
read -r _
"#;

/// A database that is dropped when the test ends.
pub struct TestDatabase {
    url: String,
    name: String,
    server: Arc<Server>,
}

struct Server {
    /// The address of the maintenance database.
    url: String,
    /// The server's keeper and the pipe that holds it back from stopping; `None` for a server started by others.
    keeper: Option<(Child, Option<ChildStdin>)>,
}

impl TestDatabase {
    /// `postgres://…`, with whatever is needed to connect.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // Its connections may still be open in a pool; what is left after a failure goes with the server.
        let _ = self.server.psql(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((keeper, stdin)) = &mut self.keeper {
            drop(stdin.take());
            let _ = keeper.wait();
        }
    }
}

impl Server {
    fn start(programs: &PathBuf) -> Self {
        let mut keeper = Command::new("sh")
            .args(["-c", RUN_SERVER, "sh"])
            .arg(programs)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("sh can be run");
        let mut folder = String::new();
        BufReader::new(keeper.stdout.take().expect("stdout is piped"))
            .read_line(&mut folder)
            .expect("readable");
        assert!(!folder.is_empty(), "the PostgreSQL server for the tests did not start; its words are above");
        let stdin = keeper.stdin.take();
        Self {
            url: format!("postgres:///postgres?user=postgres&host={}", folder.trim()),
            keeper: Some((keeper, stdin)),
        }
    }

    fn psql(&self, sql: &str) -> Result<(), String> {
        let beside_the_others = programs().map(|folder| folder.join("psql")).filter(|psql| psql.is_file());
        let output = Command::new(beside_the_others.unwrap_or_else(|| PathBuf::from("psql")))
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url, "-c", sql])
            .output()
            .map_err(|error| format!("psql can not be run: {error}"))?;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(words) }
    }

    /// The address of another database of the same server.
    fn url_of(&self, database: &str) -> String {
        let (scheme, rest) = self.url.split_once("://").expect("TEST_POSTGRES_URL is a URL");
        let (place, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        let authority = place.split('/').next().unwrap_or_default();
        format!("{scheme}://{authority}/{database}{query}")
    }
}

/// A database of its own in encoding UTF8, or `None` (with a printed line) where there is no PostgreSQL.
pub fn fresh_database() -> Option<TestDatabase> {
    fresh_database_in("UTF8")
}

/// [`fresh_database`] in another encoding.
pub fn fresh_database_in(encoding: &str) -> Option<TestDatabase> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let server = server()?;
    let name = format!("test_{}_{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
    // A process of an earlier, crashed session may have had the same number.
    server.psql(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).expect("the server answers");
    server
        .psql(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"))
        .expect("the user may create databases");
    Some(TestDatabase { url: server.url_of(&name), name, server })
}

/// The server of this process, shared by the tests that run at the same time.
fn server() -> Option<Arc<Server>> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return Some(server);
    }
    let running = std::env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty());
    let server = match (running, programs()) {
        (Some(url), _) => Server { url, keeper: None },
        (None, Some(programs)) => Server::start(&programs),
        (None, None) => {
            let required = std::env::var("REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
            assert!(
                !required,
                "REQUIRE_POSTGRES=1, but neither TEST_POSTGRES_URL nor initdb and pg_ctl were found"
            );
            println!("skipped: no PostgreSQL found (TEST_POSTGRES_URL, or initdb and pg_ctl)");
            return None;
        }
    };
    let server = Arc::new(server);
    *shared = Arc::downgrade(&server);
    Some(server)
}

/// The folder with `initdb` and `pg_ctl`: on the path, or where the distributions hide it.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let hidden = ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt"];
    let versions = hidden.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}
