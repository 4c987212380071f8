//! The two processes, and what can be asked of them.

use crate::{Failure, Options};
use http_client::{BaseUrl, Body, HttpClient, HttpSettings, Method, Request};
use persistence::{DatabaseUrl, Store};
use sandbox::{Addresses, Announcement};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Meta's half hour of matching in a tenth of a second.
const CLOCK_RATE: &str = "18000";

/// A started service answers by then.
const LONGEST_START: Duration = Duration::from_secs(60);

/// The sandbox, the service, and the folder of both.
pub struct Installation {
    program: PathBuf,
    folder: TempDir,
    environment: BTreeMap<String, String>,
    sandbox: Child,
    service: Child,
    addresses: Addresses,
    /// The service's own address.
    base: String,
    http: HttpClient,
}

impl Installation {
    pub fn start(options: &Options) -> Result<Self, Failure> {
        let program = match &options.program {
            Some(program) => program.clone(),
            // target/<profile>/examples/soak and target/<profile>/ghl-meta-sync
            None => std::env::current_exe()?
                .ancestors()
                .nth(2)
                .ok_or("this example lies in no folder")?
                .join("ghl-meta-sync"),
        };
        let folder = tempfile::Builder::new().prefix("ghl-meta-sync-soak-").tempdir()?;
        let (sandbox, announced) = start_sandbox(&program, options.contacts)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let environment = environment(announced.settings, folder.path(), port, &options.database);
        let service = serve(&program, folder.path(), &environment)?;
        let installation = Self {
            program,
            folder,
            environment,
            sandbox,
            service,
            addresses: announced.addresses,
            base: format!("http://127.0.0.1:{port}"),
            http: HttpClient::new(HttpSettings {
                service: "the service",
                connect_timeout: Duration::from_secs(5),
                total_timeout: Duration::from_secs(60),
                max_body_bytes: 64 << 20,
            }),
        };
        installation.wait_until_ready()?;
        Ok(installation)
    }

    /// kill -9, and the next start at once.
    pub fn kill_and_start_again(&mut self) -> Result<(), Failure> {
        self.service.kill()?;
        self.service.wait()?;
        self.service = serve(&self.program, self.folder.path(), &self.environment)?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&self) -> Result<(), Failure> {
        let begun = Instant::now();
        while !matches!(self.call(Method::Get, &self.base, "/readyz", None), Some((200, _))) {
            if begun.elapsed() > LONGEST_START {
                return Err("the service does not become ready".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Null when the service does not answer.
    pub fn get(&self, path: &str) -> Value {
        self.call(Method::Get, &self.base, path, None).map_or(Value::Null, |(_, body)| body)
    }

    pub fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.call(Method::Post, &self.base, path, Some(body))
    }

    /// Asks the sandbox's control API.
    pub fn control(&self, path: &str) -> Result<Value, Failure> {
        self.at_control(Method::Get, path, None)
    }

    /// Tells the sandbox's control API something.
    pub fn tell(&self, path: &str, body: &Value) -> Result<(), Failure> {
        self.at_control(Method::Post, path, Some(body)).map(drop)
    }

    pub fn clear_faults(&self) -> Result<(), Failure> {
        self.at_control(Method::Delete, "/control/faults", None).map(drop)
    }

    fn at_control(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        match self.call(method, &self.addresses.control, path, body) {
            Some((200..=299, answer)) => Ok(answer),
            answer => Err(format!("the sandbox answers {path} with {answer:?}").into()),
        }
    }

    fn call(&self, method: Method, base: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let bytes = body.map(|body| body.to_string().into_bytes());
        let reply = self
            .http
            .send(Request {
                method,
                url: BaseUrl::parse(base).ok()?.join(path),
                query: Vec::new(),
                headers: Vec::new(),
                body: bytes.as_deref().map_or(Body::None, Body::Json),
            })
            .ok()?;
        Some((reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null)))
    }

    pub fn store(&self) -> Result<Store, Failure> {
        let database = match self.postgres() {
            Some(address) => address.parse()?,
            None => DatabaseUrl::Sqlite(self.sqlite_file()),
        };
        Ok(Store::open(&database, Arc::new(domain::SystemClock))?)
    }

    /// The address of the PostgreSQL database, when it is not the embedded one.
    pub fn postgres(&self) -> Option<&str> {
        self.environment.get("DATABASE_URL").map(String::as_str)
    }

    pub fn sqlite_file(&self) -> PathBuf {
        self.folder.path().join("data/ghl-meta-sync.sqlite3")
    }

    /// The process of the service.
    pub fn service_id(&self) -> u32 {
        self.service.id()
    }

    /// Entries of the folder of working files.
    pub fn spooled(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("data/spool")).map_or(0, Iterator::count)
    }

    /// Keeps the folder with database and log, for whoever looks for the cause.
    pub fn keep(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        for child in [&mut self.service, &mut self.sandbox] {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start_sandbox(program: &Path, contacts: u32) -> Result<(Child, Announcement), Failure> {
    let mut sandbox = Command::new(program)
        .args(["sandbox", "--until-stdin-closes", "--clock-rate", CLOCK_RATE])
        .args(["--contacts", &contacts.to_string()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} can not be run: {error}", program.display()))?;
    let mut line = String::new();
    BufReader::new(sandbox.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
    Ok((sandbox, serde_json::from_str(&line)?))
}

fn serve(program: &Path, folder: &Path, environment: &BTreeMap<String, String>) -> Result<Child, Failure> {
    Ok(Command::new(program)
        .args(["serve", "--with-simulators"])
        .env_clear()
        .envs(environment)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?)
}

/// What leads the service to the sandbox, and its own.
fn environment(
    mut environment: BTreeMap<String, String>,
    folder: &Path,
    port: u16,
    database: &str,
) -> BTreeMap<String, String> {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let own = [
        ("META_POLL_TIMEOUT_SECONDS", "20".to_owned()),
        ("AUDIENCE_KEEP", crate::verdict::AUDIENCE_KEEP.to_string()),
        ("WEB_PORT", port.to_string()),
        ("DATA_DIR", path("data")),
        ("LOG_DIR", path("logs")),
    ];
    environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
    if database != "sqlite" {
        environment.insert("DATABASE_URL".to_owned(), database.to_owned());
    }
    environment
}
