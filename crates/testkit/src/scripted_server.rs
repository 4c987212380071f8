//! A server on loopback that answers each request with the next reply of a script: for single calls and byte-level
//! oddities. Flows are tested against the sandbox instead.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Status, headers and body; `Content-Length` is added.
    Http(u16, Vec<(&'static str, String)>, String),
    /// Bytes as they are, then the connection is closed.
    Raw(Vec<u8>),
    /// Reads the request, then closes the connection without a word.
    Close,
    /// Reads the request, then keeps silent for the time before it closes.
    Silence(Duration),
}

impl Reply {
    /// A JSON reply.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Http(status, vec![("content-type", "application/json".to_owned())], body.into())
    }

    /// Adds a header to an HTTP reply.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Http(_, headers, _) = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path with query.
    pub target: String,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Received {
    /// The first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The running server. When the script is used up, every further request gets status 599.
pub struct ScriptedServer {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl ScriptedServer {
    /// Starts on a free loopback port; the thread ends with the test process.
    pub fn start(script: Vec<Reply>) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let received = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(script.into_iter()));
        let log = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                std::thread::spawn(move || serve(&stream, &script, &log));
            }
        });
        Ok(Self { url, received })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything received so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    stream: &TcpStream,
    script: &Mutex<std::vec::IntoIter<Reply>>,
    log: &Mutex<Vec<Received>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut out = stream;
    loop {
        let request = read_request(&mut reader)?;
        log.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let reply = script.lock().unwrap_or_else(PoisonError::into_inner).next();
        match reply.unwrap_or_else(|| Reply::Http(599, Vec::new(), "the script is used up".to_owned())) {
            Reply::Http(status, headers, body) => {
                let mut head = format!("HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                out.write_all(format!("{head}\r\n{body}").as_bytes()).ok()?;
            }
            Reply::Raw(bytes) => return out.write_all(&bytes).ok(),
            Reply::Close => return None,
            Reply::Silence(time) => {
                std::thread::sleep(time);
                return None;
            }
        }
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<Received> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, v)| v.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Received { method, target, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
