//! One request, one reply.

use crate::address::{path_of, with_query};
use crate::body::{Body, PartsReader};
use crate::traffic::traffic;
use domain::foreign_text::{one_line, presentable};
use domain::{Secret, log_context};
use std::fmt;
use std::io::Read;
use std::time::{Duration, Instant};
use ureq::{SendBody, http};

/// Limits of one vendor's client.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The vendor's name in log lines and errors.
    pub service: &'static str,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time for one request with its whole reply.
    pub total_timeout: Duration,
    /// Largest reply body that is read, decompressed.
    pub max_body_bytes: u64,
}

/// The methods the vendors' routes need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// DELETE
    Delete,
}

impl Method {
    fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// A request. Only the method and `path` reach the log, so ids may stand in the path, personal data and secrets may not.
pub struct Request<'a> {
    /// GET, POST or DELETE.
    pub method: Method,
    /// The address; a query in it is sent as it stands and not logged.
    pub url: String,
    /// Query parameters, percent-encoded when sent, never logged.
    pub query: Vec<(&'static str, String)>,
    /// Headers, never logged.
    pub headers: Vec<(&'static str, HeaderText)>,
    /// What is sent.
    pub body: Body<'a>,
}

/// The text of a header: plain or secret.
pub enum HeaderText {
    /// May be shown.
    Plain(String),
    /// A prefix such as `Bearer ` and a secret.
    Secret(&'static str, Secret),
}

/// A complete reply of any status.
pub struct Response {
    /// HTTP status code.
    pub status: u16,
    headers: http::HeaderMap,
    /// The whole body, decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// A header's text, if present and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The number the vendor gave the request, for its support; made presentable, as its text is the vendor's.
    fn vendors_id(&self) -> Option<String> {
        let id = VENDORS_IDS.iter().find_map(|name| self.header(name))?;
        Some(one_line(&presentable(id, &[]), LONGEST_ID))
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The headers in which vendors number requests: Anthropic, Meta, and gateways in general.
const VENDORS_IDS: [&str; 4] = ["request-id", "x-fb-trace-id", "x-fb-request-id", "x-request-id"];
const LONGEST_ID: usize = 80;

/// No usable reply came.
#[derive(Debug, thiserror::Error)]
#[error("{service} {fault}")]
pub struct TransportError {
    /// The vendor.
    pub service: &'static str,
    /// What went wrong.
    pub fault: TransportFault,
    /// The library's own error.
    #[source]
    pub source: Box<ureq::Error>,
}

/// The kinds of missing replies that callers treat differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportFault {
    /// Nobody listens at the address, or its name is unknown. Nothing was sent.
    #[error("can not be reached")]
    Unreachable,
    /// No complete reply within the time limit; the request may have been carried out.
    #[error("did not answer in time")]
    Timeout,
    /// The connection broke; the request may have been carried out.
    #[error("broke the connection")]
    Broken,
    /// The reply is larger than the cap.
    #[error("sent a larger reply than this program accepts")]
    TooLarge,
    /// Encryption failed, before the request or in the middle of its reply; the request may have been carried out.
    #[error("could not be reached securely")]
    Tls,
    /// The request could not be built or the reply is not HTTP.
    #[error("sent something that is not HTTP")]
    Protocol,
}

impl TransportError {
    /// Whether the same request may succeed when sent again.
    pub fn is_transient(&self) -> bool {
        matches!(self.fault, TransportFault::Unreachable | TransportFault::Timeout | TransportFault::Broken)
    }
}

/// Sends requests to one vendor.
pub struct HttpClient {
    agent: ureq::Agent,
    settings: HttpSettings,
    secret_paths: bool,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl HttpClient {
    /// A client with its own connection pool. Follows no redirects and uses no proxy.
    pub fn new(settings: HttpSettings) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_global(Some(settings.total_timeout))
            .user_agent(concat!("ghl-meta-sync/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { agent, settings, secret_paths: false }
    }

    /// The same for a server whose paths are secrets, as those of webhooks are: they do not reach the log either.
    #[must_use]
    pub fn with_secret_paths(self) -> Self {
        Self { secret_paths: true, ..self }
    }

    /// Sends one request and reads the whole reply, whatever its status. Its log lines carry a request number of their
    /// own, which is not sent: no vendor documents a header for it, and each names its own trace id in errors.
    ///
    /// # Errors
    /// [`TransportError`] when no complete reply came.
    #[expect(clippy::needless_pass_by_value, reason = "a request is built for one call and gone after it")]
    pub fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let _request = log_context::enter_request();
        let (service, method) = (self.settings.service, request.method.as_str());
        let path = if self.secret_paths { "***" } else { path_of(&request.url) }.to_owned();
        let sent = request.body.len();
        log::debug!("{service} {method} {path}, {sent} bytes");
        let begun = Instant::now();
        let result = self.exchange(&request).map_err(|source| self.transport_error(source));
        traffic().called(service, sent, &result);
        let millis = begun.elapsed().as_millis();
        match &result {
            Ok(reply) => log::debug!(
                "{service} {method} {path} -> {} in {millis} ms, {} bytes{}",
                reply.status,
                reply.body.len(),
                reply.vendors_id().map(|id| format!(", their request {id}")).unwrap_or_default()
            ),
            Err(error) => {
                log::debug!("{service} {method} {path} -> {} in {millis} ms", error.fault);
            }
        }
        result
    }

    fn exchange(&self, request: &Request<'_>) -> Result<Response, ureq::Error> {
        let mut builder = http::Request::builder().method(request.method.as_str()).uri(with_query(request));
        for (name, text) in &request.headers {
            builder = match text {
                HeaderText::Plain(text) => builder.header(*name, text),
                HeaderText::Secret(prefix, secret) => {
                    let mut value = http::HeaderValue::from_str(&format!("{prefix}{}", secret.expose()))
                        .map_err(|error| ureq::Error::Http(error.into()))?;
                    value.set_sensitive(true);
                    builder.header(*name, value)
                }
            };
        }
        if !matches!(request.body, Body::None) {
            builder = builder.header("content-type", "application/json");
        }
        let reply = match request.body {
            Body::None => self.agent.run(builder.body(())?)?,
            Body::Json(bytes) => self.agent.run(builder.body(bytes)?)?,
            Body::JsonParts(parts) => {
                let mut reader = PartsReader::new(parts);
                let builder = builder.header("content-length", request.body.len());
                self.agent.run(builder.body(SendBody::from_reader(&mut reader))?)?
            }
        };
        let (parts, body) = reply.into_parts();
        // The library's own cap counts what arrives: a compressed reply of that size may hold a thousand times as much, and one
        // that does not compress holds less.
        let cap = self.settings.max_body_bytes;
        let mut whole = Vec::new();
        body.into_reader().take(cap.saturating_add(1)).read_to_end(&mut whole)?;
        if whole.len() as u64 > cap {
            return Err(ureq::Error::BodyExceedsLimit(cap));
        }
        Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body: whole })
    }

    fn transport_error(&self, source: ureq::Error) -> TransportError {
        use std::io::ErrorKind;
        let fault = match &source {
            ureq::Error::Timeout(_) => TransportFault::Timeout,
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => TransportFault::Unreachable,
            ureq::Error::BodyExceedsLimit(_) => TransportFault::TooLarge,
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => TransportFault::Tls,
            ureq::Error::Io(error) => match error.kind() {
                ErrorKind::ConnectionRefused
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::AddrNotAvailable => TransportFault::Unreachable,
                ErrorKind::TimedOut | ErrorKind::WouldBlock => TransportFault::Timeout,
                ErrorKind::InvalidData => TransportFault::Tls,
                _ => TransportFault::Broken,
            },
            _ => TransportFault::Protocol,
        };
        TransportError { service: self.settings.service, fault, source: Box::new(source) }
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpClient, HttpSettings, Method, Request, TransportFault};
    use crate::body::Body;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Duration;

    fn client(max_body_bytes: u64) -> HttpClient {
        HttpClient::new(HttpSettings {
            service: "Test",
            connect_timeout: Duration::from_millis(500),
            total_timeout: Duration::from_millis(500),
            max_body_bytes,
        })
    }

    fn get(url: String) -> Request<'static> {
        Request {
            method: Method::Get,
            url,
            query: vec![("q", "a b&c".to_owned())],
            headers: Vec::new(),
            body: Body::None,
        }
    }

    /// Answers one connection with `reply`; an empty reply keeps the connection open without a word.
    fn server(reply: &'static [u8]) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/path", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let mut length = stream.read(&mut request).unwrap();
            // A body may come in a packet of its own.
            if request.starts_with(b"POST") {
                while !request[..length].ends_with(b"}") {
                    length += stream.read(&mut request[length..]).unwrap();
                }
            }
            if reply.is_empty() {
                std::thread::sleep(Duration::from_secs(1));
            }
            stream.write_all(reply).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (url, thread)
    }

    fn fault(url: String) -> TransportFault {
        match client(1000).send(get(url)) {
            Ok(reply) => panic!("a reply came: {}", reply.status),
            Err(error) => error.fault,
        }
    }

    #[test]
    fn replies_of_any_status_are_returned_whole() {
        let (url, thread) = server(b"HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno");
        let reply = client(1000).send(get(url)).unwrap();
        assert_eq!(
            (reply.status, reply.header("retry-after"), reply.body.as_slice()),
            (429, Some("3"), &b"no"[..])
        );
        assert!(!reply.is_success());
        assert!(thread.join().unwrap().starts_with("GET /path?q=a%20b%26c HTTP/1.1"));
    }

    #[test]
    fn a_body_in_parts_arrives_as_one_of_known_length() {
        let (url, thread) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let body = Body::JsonParts(&[b"{\"a\":", b"[1]", b"}"]);
        client(1000).send(Request { method: Method::Post, body, ..get(url) }).unwrap();
        let request = thread.join().unwrap();
        assert!(request.contains("\r\ncontent-length: 9\r\n"), "{request}");
        assert!(request.contains("\r\ncontent-type: application/json\r\n"), "{request}");
        assert!(!request.to_ascii_lowercase().contains("transfer-encoding"), "{request}");
        assert!(request.ends_with("\r\n\r\n{\"a\":[1]}"), "{request}");
    }

    #[test]
    fn missing_replies_are_told_apart() {
        let refused = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://{}/", listener.local_addr().unwrap())
        };
        assert_eq!(fault(refused), TransportFault::Unreachable);
        assert_eq!(fault(server(b"").0), TransportFault::Timeout);
        assert_eq!(
            fault(server(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf").0),
            TransportFault::Broken
        );
        assert_eq!(fault(server(b"nonsense\r\n\r\n").0), TransportFault::Protocol);
    }

    #[test]
    fn replies_beyond_the_cap_are_refused() {
        let ten_bytes = || server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789").0;
        assert_eq!(client(10).send(get(ten_bytes())).unwrap().body, b"0123456789");
        let error = client(9).send(get(ten_bytes())).err().unwrap();
        assert_eq!(error.fault, TransportFault::TooLarge);
        assert!(!error.is_transient());
    }

    #[test]
    fn the_cap_counts_what_a_compressed_reply_holds() {
        let packed_reply = |bytes: &[u8], compression| {
            let mut packer = GzEncoder::new(Vec::new(), compression);
            packer.write_all(bytes).unwrap();
            let packed = packer.finish().unwrap();
            let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length";
            let mut reply = format!("{head}: {}\r\n\r\n", packed.len()).into_bytes();
            reply.extend(packed);
            server(reply.leak()).0
        };
        // One that does not compress is larger on its way than what it holds.
        let url = packed_reply(&[b'a'; 1000], Compression::none());
        assert_eq!(client(1000).send(get(url)).unwrap().body, [b'a'; 1000]);
        assert_eq!(fault(packed_reply(&[b'a'; 1001], Compression::none())), TransportFault::TooLarge);
        let reply = |bytes: &[u8]| packed_reply(bytes, Compression::best());
        assert_eq!(client(1000).send(get(reply(&[b'a'; 1000]))).unwrap().body, [b'a'; 1000]);
        assert_eq!(fault(reply(&[b'a'; 1001])), TransportFault::TooLarge);
        assert_eq!(fault(reply(&[b'a'; 1_000_000])), TransportFault::TooLarge);
        let noise: Vec<u8> = (0..5000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(fault(reply(&noise)), TransportFault::TooLarge);
    }
}
