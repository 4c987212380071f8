//! What wraps every HTTP simulator: the record of requests and the planted faults. Handlers know nothing of it.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, error, rt, web};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::faults::{Effect, Faults};
use crate::record::{self, Record, RecordedRequest, Service};

/// Bytes of a reply that still go out before a truncation.
const TRUNCATED_AT_MOST: usize = 16 * 1024;

/// Bytes of a body from which on it is read alone.
const LARGE_BODY: u64 = 256 * 1024;

/// Requests are refused beyond this many bytes of body.
pub(crate) const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// A second handle of a client's connection, to cut it below HTTP.
pub(crate) struct Connection(TcpStream);

impl Connection {
    /// From what actix hands to `on_connect`.
    pub(crate) fn of(io: &dyn std::any::Any) -> Option<Self> {
        let stream = io.downcast_ref::<rt::net::TcpStream>()?;
        #[cfg(unix)]
        let handle = std::os::fd::AsFd::as_fd(stream).try_clone_to_owned();
        #[cfg(windows)]
        let handle = std::os::windows::io::AsSocket::as_socket(stream).try_clone_to_owned();
        handle.ok().map(|handle| Self(TcpStream::from(handle)))
    }

    fn cut(&self) {
        if let Err(error) = self.0.shutdown(Shutdown::Both) {
            log::debug!("a connection was already closed: {error}");
        }
    }

    fn cut_after(&self, bytes: &[u8]) {
        if let Err(error) = (&self.0).write_all(bytes) {
            log::debug!("the client did not take the truncated reply: {error}");
        }
        self.cut();
    }
}

/// The record and the faults of one service.
#[derive(Clone)]
pub(crate) struct Tap {
    pub service: Service,
    pub record: Record,
    pub faults: Faults,
}

/// The tap of one worker thread, which reads one large body after another: it can only handle them so, and those of
/// many uploads at once would lie in memory meanwhile.
#[derive(Clone)]
pub(crate) struct WorkerTap {
    tap: Tap,
    large_body: Arc<Semaphore>,
}

impl Tap {
    pub(crate) fn of_worker(&self) -> WorkerTap {
        WorkerTap { tap: self.clone(), large_body: Arc::new(Semaphore::new(1)) }
    }
}

impl WorkerTap {
    /// For a large body the right to read it, when its turn has come.
    async fn turn(&self, request: &ServiceRequest) -> Option<OwnedSemaphorePermit> {
        let length = request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
        if (0..LARGE_BODY).contains(&length) {
            return None;
        }
        Arc::clone(&self.large_body).acquire_owned().await.ok()
    }

    /// Records the request and answers it, or lets a fault strike.
    pub(crate) async fn pass<B: MessageBody + 'static>(
        &self,
        mut request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let Tap { service, record, faults } = &self.tap;
        let mut turn = self.turn(&request).await;
        let bytes = request.extract::<web::Bytes>().await?;
        let path = request.uri().path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let text = String::from_utf8_lossy(&bytes);
        let effect = faults.strike(*service, request.method().as_str(), &path, &text);
        // Only the part that is recorded is held beyond the handler, which may need much memory for an upload.
        let recorded = text[..text.floor_char_boundary(record::BODY_LIMIT)].to_owned();
        drop(text);
        request.set_payload(Payload::from(bytes));
        let entry = |status: u16, request: &actix_web::HttpRequest| RecordedRequest {
            service: *service,
            method: request.method().to_string(),
            path: path.clone(),
            headers: headers_of(request),
            body: recorded.clone(),
            status,
        };
        if matches!(effect, Some(Effect::Delay { .. } | Effect::Hang { .. } | Effect::HangAfterApply { .. }))
        {
            turn = None; // nobody else waits for a planted wait
        }
        let reply = match effect {
            None => None,
            Some(Effect::Delay { millis }) => {
                rt::time::sleep(Duration::from_millis(millis)).await;
                None
            }
            Some(Effect::MetaError(error)) => {
                request.extensions_mut().insert(error); // for the simulator, which knows how Meta words it
                None
            }
            Some(Effect::Status { status, body, headers }) => Some(planted(status, body, &headers)),
            Some(Effect::Html { status }) => Some(planted(status, html(status), &html_headers())),
            Some(Effect::Reset) => {
                record.push(entry(0, request.request()));
                return Ok(cut(request));
            }
            Some(Effect::Hang { millis }) => {
                record.push(entry(0, request.request()));
                rt::time::sleep(Duration::from_millis(millis)).await;
                return Ok(cut(request));
            }
            Some(effect @ (Effect::ResetAfterApply | Effect::HangAfterApply { .. })) => {
                let response = next.call(request).await?;
                record.push(entry(0, response.request()));
                if let Effect::HangAfterApply { millis } = effect {
                    rt::time::sleep(Duration::from_millis(millis)).await;
                }
                if let Some(connection) = response.request().conn_data::<Connection>() {
                    connection.cut();
                }
                return Ok(response.map_into_boxed_body());
            }
            Some(Effect::Truncate) => {
                let response = next.call(request).await?;
                record.push(entry(response.status().as_u16(), response.request()));
                return truncated(response).await;
            }
        };
        let response = match reply {
            Some(reply) => request.into_response(reply),
            None => next.call(request).await?.map_into_boxed_body(),
        };
        drop(turn);
        record.push(entry(response.status().as_u16(), response.request()));
        Ok(response)
    }
}

fn headers_of(request: &actix_web::HttpRequest) -> Vec<(String, String)> {
    let text =
        |value: &actix_web::http::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// Closes the connection; the response is never seen.
fn cut(request: ServiceRequest) -> ServiceResponse<BoxBody> {
    if let Some(connection) = request.conn_data::<Connection>() {
        connection.cut();
    }
    request.into_response(HttpResponse::InternalServerError().force_close().finish())
}

fn planted(status: u16, body: String, headers: &[(String, String)]) -> HttpResponse {
    let mut reply =
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    reply.content_type("application/json");
    for (name, value) in headers {
        reply.insert_header((name.as_str(), value.as_str()));
    }
    reply.body(body)
}

fn html(status: u16) -> String {
    format!(
        "<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center><hr></body></html>"
    )
}

fn html_headers() -> [(String, String); 1] {
    [("content-type".to_owned(), "text/html; charset=UTF-8".to_owned())]
}

/// Sends the head and half of the body by hand, then closes.
async fn truncated(response: ServiceResponse<impl MessageBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let body =
        to_bytes(body).await.map_err(|error| error::ErrorInternalServerError(error.into().to_string()))?;
    let mut bytes = format!("HTTP/1.1 {}\r\ncontent-length: {}\r\n", head.status(), body.len()).into_bytes();
    for (name, value) in head.headers() {
        bytes.extend_from_slice(format!("{name}: ").as_bytes());
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body[..(body.len() / 2).min(TRUNCATED_AT_MOST)]);
    if let Some(connection) = request.conn_data::<Connection>() {
        connection.cut_after(&bytes);
    }
    let reply = HttpResponse::InternalServerError().force_close().finish();
    Ok(ServiceResponse::new(request, reply))
}
