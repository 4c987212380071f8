//! A real PostgreSQL server for tests, and one fresh database on it per test.
//!
//! `TEST_POSTGRES_URL` names a server that is already running (its user must be allowed to create databases); otherwise
//! one is started from the PostgreSQL programs found on this machine and lives as long as somebody in this process uses
//! it. Where there is neither, [`fresh_database`] prints a line and returns `None`, or panics when `REQUIRE_POSTGRES=1`:
//! a run that must prove something never skips.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "only tests call this: a panic is their failure, and the environment says which server they use"
)]

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use url::Url;

/// Starts the server, for this process or for the whole script that runs the tests.
const RUN_SERVER: &str = include_str!("run_postgres_server.sh");

/// A database that is dropped when the test ends.
pub struct TestDatabase {
    url: String,
    name: String,
    server: Arc<Server>,
}

/// A server of its own that accepts encrypted connections only, but for those through its Unix socket.
pub struct TlsServer {
    port: u16,
    folder: PathBuf,
    server: Server,
}

/// A server of its own that can be stopped and started again.
pub struct UnsteadyServer(Server);

struct Server {
    /// The address of the maintenance database.
    url: String,
    /// `None` for a server started by others.
    keeper: Option<Keeper>,
}

/// The process that holds the server, and the pipes to it. Closing the first one stops the server.
struct Keeper {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl TestDatabase {
    /// `postgres://…`, with whatever is needed to connect.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same address as the program's settings `POSTGRES_HOST`, `_PORT`, `_DB`, `_USER` and, where there is one,
    /// `_PASSWORD`. The host of a server that listens on a Unix socket is the socket's folder.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        settings(&self.url)
    }

    /// The definition of everything in the database but the table `without`, as `pg_dump` writes it, without comments.
    /// `None`, with a printed line, where there is no `pg_dump`; a panic when `REQUIRE_POSTGRES=1`.
    pub fn schema_dump(&self, without: &str) -> Option<String> {
        let mut command = Command::new(program("pg_dump"));
        command.args(["--schema-only", "--no-owner", "--exclude-table", without, "--dbname", &self.url]);
        let output = match command.output() {
            Ok(output) => output,
            Err(error) => {
                skip(&format!("pg_dump can not be run: {error}"));
                return None;
            }
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Newer versions frame the dump in `\restrict` lines with a random word.
        let dump = String::from_utf8(output.stdout).expect("the database holds UTF-8");
        let lines = dump.lines().filter(|line| !line.is_empty() && !line.starts_with(['\\', '-']));
        Some(lines.collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // Its connections may still be open in a pool; what is left after a failure goes with the server.
        let _ = self.server.psql(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

impl TlsServer {
    /// Starts the server. `None` and panics as in [`fresh_database`], also where the program `openssl` is missing, which
    /// makes the certificate.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            skip("no PostgreSQL found (initdb and pg_ctl)");
            return None;
        };
        if let Err(error) = Command::new("openssl").arg("version").output() {
            skip(&format!("openssl can not be run: {error}"));
            return None;
        }
        // Somebody else may take the free port before the server does.
        let started = (0..3).find_map(|_| {
            let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
            let (folder, server) = Server::start(&programs, Some(port))?;
            Some(Self { port, folder, server })
        });
        Some(started.expect("the PostgreSQL server with TLS did not start; its words are above"))
    }

    /// The address of its database over TCP, with `parameters` such as `sslmode=require`.
    pub fn url(&self, parameters: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?{parameters}", self.port)
    }

    /// The address through the Unix socket, which is never encrypted.
    pub fn local_url(&self) -> &str {
        &self.server.url
    }

    /// The certificate of the authority that the server's certificate comes from, which is the same one.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("server.crt")
    }
}

impl UnsteadyServer {
    /// Starts the server. `None` and panics as in [`fresh_database`].
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            skip("no PostgreSQL found (initdb and pg_ctl)");
            return None;
        };
        let (_, server) = Server::start(&programs, None)
            .expect("the PostgreSQL server of its own did not start; its words are above");
        Some(Self(server))
    }

    /// The address of its database, which is empty.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Stops it without asking anybody, as a power cut would.
    pub fn stop(&mut self) {
        self.order("stop");
    }

    /// Starts it again.
    pub fn start_again(&mut self) {
        self.order("start");
    }

    fn order(&mut self, order: &str) {
        let keeper = self.0.keeper.as_mut().expect("it was started here");
        let orders = keeper.orders.as_mut().expect("it is open while the server lives");
        writeln!(orders, "{order}").expect("the keeper lives");
        let mut answer = String::new();
        keeper.answers.read_line(&mut answer).expect("readable");
        assert_eq!(answer.trim(), order, "the server did not obey");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            drop(keeper.orders.take());
            let _ = keeper.process.wait();
        }
    }
}

impl Server {
    /// The server's folder and the server; `None` when it did not start, which it says on standard error.
    fn start(programs: &Path, tls_port: Option<u16>) -> Option<(PathBuf, Self)> {
        let mut process = Command::new("sh")
            .args(["-c", RUN_SERVER, "sh"])
            .arg(programs)
            .args(tls_port.map(|port| port.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("sh can be run");
        let orders = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut folder = String::new();
        answers.read_line(&mut folder).expect("readable");
        let folder = folder.trim();
        let port = tls_port.map(|port| format!("&port={port}")).unwrap_or_default();
        let url = format!("postgres:///postgres?user=postgres&host={folder}{port}");
        let server = Self { url, keeper: Some(Keeper { process, orders, answers }) };
        (!folder.is_empty()).then(|| (PathBuf::from(folder), server))
    }

    fn psql(&self, sql: &str) -> Result<(), String> {
        let output = Command::new(program("psql"))
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
        (None, Some(programs)) => {
            Server::start(&programs, None)
                .expect("the PostgreSQL server for the tests did not start; its words are above")
                .1
        }
        (None, None) => {
            skip("no PostgreSQL found (TEST_POSTGRES_URL, or initdb and pg_ctl)");
            return None;
        }
    };
    let server = Arc::new(server);
    *shared = Arc::downgrade(&server);
    Some(server)
}

/// A PostgreSQL URL as the program's settings. What is missing before the `?` may stand behind it.
fn settings(url: &str) -> Vec<(&'static str, String)> {
    let url = Url::parse(url).expect("TEST_POSTGRES_URL is a URL");
    let decoded =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().expect("UTF-8").into_owned();
    let places = [
        ("POSTGRES_HOST", "host", url.host_str().map(decoded)),
        ("POSTGRES_PORT", "port", url.port().map(|port| port.to_string())),
        ("POSTGRES_DB", "dbname", Some(decoded(url.path().trim_start_matches('/')))),
        ("POSTGRES_USER", "user", Some(decoded(url.username()))),
        ("POSTGRES_PASSWORD", "password", url.password().map(decoded)),
    ];
    let settings = places.into_iter().filter_map(|(setting, parameter, before)| {
        let before = before.filter(|value| !value.is_empty());
        let behind = || url.query_pairs().find(|(name, _)| name == parameter);
        Some((setting, before.or_else(|| behind().map(|(_, value)| value.into_owned()))?))
    });
    settings.collect()
}

/// Tells that a test is skipped, which is a failure where PostgreSQL is required.
fn skip(why: &str) {
    let required = std::env::var("REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
    assert!(!required, "REQUIRE_POSTGRES=1, but {why}");
    println!("skipped: {why}");
}

/// A client program such as `pg_dump`: beside the server's, or whatever the path offers.
pub fn program(name: &str) -> OsString {
    let beside_the_others = programs().map(|folder| folder.join(name)).filter(|program| program.is_file());
    beside_the_others.map_or_else(|| name.into(), PathBuf::into_os_string)
}

/// The folder with `initdb` and `pg_ctl`, without links (beside which the client programs may be missing): on the path,
/// or where the distributions hide it.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let hidden = ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt"];
    let versions = hidden.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(versions.map(|version| version.path().join("bin")));
    let found =
        folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file());
    let initdb = std::fs::canonicalize(found?.join("initdb")).ok()?;
    initdb.parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::settings;

    #[test]
    fn an_address_is_taken_apart_wherever_its_parts_stand() {
        assert_eq!(
            settings("postgres://app:it%27s@db.example.com:5433/test_1?connect_timeout=3"),
            [
                ("POSTGRES_HOST", "db.example.com".to_owned()),
                ("POSTGRES_PORT", "5433".to_owned()),
                ("POSTGRES_DB", "test_1".to_owned()),
                ("POSTGRES_USER", "app".to_owned()),
                ("POSTGRES_PASSWORD", "it's".to_owned()),
            ]
        );
        assert_eq!(
            settings("postgres:///test_1?user=postgres&host=/run/a%20b"),
            [
                ("POSTGRES_HOST", "/run/a b".to_owned()),
                ("POSTGRES_DB", "test_1".to_owned()),
                ("POSTGRES_USER", "postgres".to_owned()),
            ]
        );
    }
}
