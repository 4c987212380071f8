//! One installation in a temporary folder, with its own simulators.

use domain::{Clock, Run, SystemClock};
use persistence::{DatabaseUrl, Store};
use sandbox::{Contacts, Sandbox, SandboxSettings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use tempfile::TempDir;
use testkit::postgres_server::{self, TestDatabase};

/// Meta's half hour of matching in half a second.
const CLOCK_RATE: f64 = 3600.0;

/// The program's folders, its environment, and the vendors it talks to.
pub struct Instance {
    pub sandbox: Sandbox,
    folder: TempDir,
    environment: BTreeMap<String, String>,
    database: Database,
}

/// Which database an installation uses.
pub enum Database {
    /// The embedded one in its data folder, which it uses by itself.
    Sqlite,
    /// One of its own on the PostgreSQL server of the tests.
    Postgres(TestDatabase),
}

impl Database {
    /// `None`, with a printed line, where there is no PostgreSQL; a panic when `REQUIRE_POSTGRES=1`.
    pub fn postgres() -> Option<Self> {
        postgres_server::fresh_database().map(Self::Postgres)
    }
}

/// Makes one test per database from each named function, which takes a [`Database`].
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name($crate::instance::Database::Sqlite); })+
        }
        mod postgres {
            $(#[test] fn $name() {
                if let Some(database) = $crate::instance::Database::postgres() { super::$name(database); }
            })+
        }
    };
}
pub(crate) use on_both_databases;

/// How a command ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Fails the test unless the command ended with this status; shows what it printed.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless standard error names all of these.
    pub fn names(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not named:\n{}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_ghl-meta-sync")
}

impl Instance {
    /// With the demo's contacts.
    pub fn start() -> Self {
        Self::with(Contacts::default(), |_| {})
    }

    /// With other contacts, and the sandbox changed before it starts.
    pub fn with(contacts: Contacts, change: impl FnOnce(&mut SandboxSettings)) -> Self {
        let mut settings = SandboxSettings { contacts, clock_rate: CLOCK_RATE, ..SandboxSettings::default() };
        change(&mut settings);
        let sandbox = Sandbox::start(settings).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut environment = sandbox.announcement().settings;
        let own = [
            ("META_AD_ACCOUNT_ID", format!("act_{}", sandbox.credentials().meta_ad_account_id)),
            ("META_POLL_TIMEOUT_SECONDS", "20".to_owned()),
            ("LOG_LEVEL", "DEBUG".to_owned()),
            ("DATA_DIR", path_text(&folder.path().join("data"))),
            ("LOG_DIR", path_text(&folder.path().join("logs"))),
        ];
        environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Self { sandbox, folder, environment, database: Database::Sqlite }
    }

    /// Before its first command.
    pub fn with_database(mut self, database: Database) -> Self {
        if let Database::Postgres(database) = &database {
            self.set("DATABASE_URL", database.url());
        }
        self.database = database;
        self
    }

    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.environment.remove(name);
        self
    }

    pub fn value(&self, name: &str) -> &str {
        &self.environment[name]
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `ghl-meta-sync sync` to its end.
    pub fn sync(&self, arguments: &[&str]) -> Outcome {
        run(self.command(arguments))
    }

    /// Starts `ghl-meta-sync sync` and leaves it running.
    pub fn spawn_sync(&self) -> Child {
        self.command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("sync");
        command.args(arguments);
        command
    }

    /// `ghl-meta-sync <command>` with the environment of this installation.
    pub fn program(&self, command: &str) -> Command {
        let mut program = Command::new(binary());
        program.arg(command).env_clear().envs(&self.environment).current_dir(self.folder.path());
        program
    }

    /// A shell script with the environment of this installation, in which `$0` is the program.
    pub fn through_shell(&self, script: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script, binary()]);
        shell.env_clear().envs(&self.environment).current_dir(self.folder.path());
        shell
    }

    /// The file of the embedded database.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data/ghl-meta-sync.sqlite3")
    }

    pub fn store(&self) -> Store {
        self.store_with(Arc::new(SystemClock))
    }

    pub fn store_with(&self, clock: Arc<dyn Clock>) -> Store {
        let url = match &self.database {
            Database::Sqlite => DatabaseUrl::Sqlite(self.database()),
            Database::Postgres(database) => database.url().parse().unwrap(),
        };
        Store::open(&url, clock).unwrap()
    }

    /// The newest run.
    pub fn last_run(&self) -> Run {
        self.store().run_latest().unwrap().unwrap()
    }

    /// Everything in the log files.
    pub fn log(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.folder.path().join("logs")).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_symlink() {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
        text
    }

    /// Asks the control API.
    pub fn control(&self, path: &str) -> Value {
        self.http("GET", path, &Value::Null)
    }

    /// Tells the control API something.
    pub fn tell(&self, path: &str, body: &Value) {
        self.http("POST", path, body);
    }

    /// Tells the control API something and returns its answer.
    pub fn ask(&self, path: &str, body: &Value) -> Value {
        self.http("POST", path, body)
    }

    /// What a person does in Ads Manager, beside this program.
    pub fn meta(&self, method: &str, path: &str, body: &Value) -> Value {
        let base = self.value("META_GRAPH_URL");
        self.call(method, base, &format!("/v25.0{path}"), body, Some(self.value("META_ACCESS_TOKEN")))
    }

    fn http(&self, method: &str, path: &str, body: &Value) -> Value {
        self.call(method, &self.sandbox.addresses().control, path, body, None)
    }

    /// Somebody deletes an audience.
    pub fn delete_at_meta(&self, id: &str) {
        self.meta("DELETE", &format!("/{id}"), &Value::Null);
    }

    /// Somebody creates a customer list; its id.
    pub fn create_at_meta(&self, name: &str, is_value_based: bool) -> String {
        let path = format!("/{}/customaudiences", self.value("META_AD_ACCOUNT_ID"));
        let list = json!({
            "name": name,
            "subtype": "CUSTOM",
            "customer_file_source": "USER_PROVIDED_ONLY",
            "is_value_based": is_value_based,
        });
        self.meta("POST", &path, &list)["id"].as_str().unwrap().to_owned()
    }

    /// Another program sends a batch of a replacement, with one row.
    pub fn replace_at_meta(&self, id: &str, session_id: u64, batch_seq: u32, last: bool) {
        let hash = "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79";
        let body = json!({
            "session": {"session_id": session_id, "batch_seq": batch_seq, "last_batch_flag": last},
            "payload": {"schema": ["EMAIL", "LOOKALIKE_VALUE"], "data": [[hash, 1]]},
        });
        self.meta("POST", &format!("/{id}/usersreplace"), &body);
    }

    /// Waits until something is true; fails the test when it never is.
    pub fn wait_until(&self, reached: impl Fn() -> bool) {
        let begun = std::time::Instant::now();
        while !reached() {
            assert!(
                begun.elapsed() < std::time::Duration::from_secs(60),
                "it never came that far:\n{}",
                self.log()
            );
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    fn call(&self, method: &str, base: &str, path: &str, body: &Value, token: Option<&str>) -> Value {
        use http_client::{BaseUrl, Body, HttpClient, HttpSettings, Method, Request};
        let client = HttpClient::new(HttpSettings {
            service: "Control",
            connect_timeout: std::time::Duration::from_secs(5),
            total_timeout: std::time::Duration::from_secs(60),
            max_body_bytes: 256 << 20,
        });
        let bytes = body.to_string().into_bytes();
        let (method, body) = match method {
            "GET" => (Method::Get, Body::None),
            "DELETE" => (Method::Delete, Body::None),
            _ => (Method::Post, Body::Json(&bytes)),
        };
        let reply = client
            .send(Request {
                method,
                url: BaseUrl::parse(base).unwrap().join(path),
                query: token.map(|token| ("access_token", token.to_owned())).into_iter().collect(),
                headers: Vec::new(),
                body,
            })
            .unwrap();
        assert!(reply.is_success(), "{path}: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
        if reply.body.is_empty() { json!(null) } else { serde_json::from_slice(&reply.body).unwrap() }
    }

    /// Custom audiences (or lookalikes) that exist at Meta now.
    pub fn audiences(&self, subtype: &str) -> Vec<Value> {
        let all = self.control("/control/meta/audiences");
        let all = all["audiences"].as_array().unwrap().clone();
        all.into_iter()
            .filter(|audience| audience["subtype"] == subtype && audience["deleted"] == false)
            .collect()
    }

    /// What the one audience of that id received, compared by the sandbox with the truth.
    pub fn verification(&self, audience_id: &str) -> Value {
        self.control(&format!("/control/meta/audiences/{audience_id}/verification"))
    }

    /// Fails the test if anything was created at Meta, now or deleted since.
    pub fn assert_meta_is_untouched(&self) {
        let all = self.control("/control/meta/audiences");
        assert_eq!(all["audiences"], json!([]), "something was created at Meta");
    }
}

pub fn run(mut command: Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Sends a process a signal, such as `-TERM`.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// How a process ended that was asked to; fails the test when it takes longer than Docker waits.
pub fn ended_in_time(child: &mut Child) -> ExitStatus {
    let begun = std::time::Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "Docker would have killed it");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn path_text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
