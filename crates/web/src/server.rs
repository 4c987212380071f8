//! The thread that serves the dashboard.

use crate::app::App;
use crate::connections::Connections;
use crate::error::WebError;
use crate::host::AllowedHosts;
use crate::installation::Installation;
use crate::previews::Previews;
use crate::settings::WebSettings;
use crate::{headers, meta_check, routes};
use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::{HttpServer, rt, web};
use persistence::Store;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

/// Requests that are being answered get this long when the server is stopped.
const SHUTDOWN_SECONDS: u64 = 5;
/// A preview that is being made gets this long to delete its working files.
const PREVIEW_PATIENCE: Duration = Duration::from_secs(5);
/// A dashboard has few readers; more workers would only hold memory.
const WORKERS: usize = 2;
const CONNECTIONS_PER_WORKER: usize = 256;

/// The dashboard while it is served. Dropping it stops it.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    previews: Arc<Previews>,
    handle: ServerHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Starts to serve the dashboard, on a thread of its own. When this returns, connections are accepted.
///
/// # Errors
/// [`WebError`] when a setting can not be used, the port can not be opened or the database does not answer.
pub fn start(
    settings: WebSettings,
    store: Store,
    installation: Arc<dyn Installation>,
) -> Result<RunningServer, WebError> {
    let hosts = AllowedHosts::new(settings.public_url.as_deref(), &settings.allowed_hosts)?;
    let limits = settings.limits;
    let wanted = SocketAddr::new(settings.bind, settings.port);
    let bind_error = |source| WebError::Bind { address: wanted, source };
    let listener = TcpListener::bind(wanted).map_err(bind_error)?;
    let address = listener.local_addr().map_err(bind_error)?;
    let app = web::Data::new(App::new(settings, store, installation, hosts)?);
    meta_check::look(&app, &app.installation.missing_settings(), app.store.run_latest()?.as_ref());

    let (told, hear) = mpsc::channel();
    let previews = Arc::clone(&app.previews);
    let connections = Arc::new(Connections::new(limits.connections));
    let thread = std::thread::Builder::new()
        .name("web".to_owned())
        .spawn(move || {
            rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    actix_web::App::new()
                        .app_data(app.clone())
                        .wrap(from_fn(headers::guard))
                        .configure(routes::table)
                })
                .workers(WORKERS)
                .max_connections(CONNECTIONS_PER_WORKER)
                // The default is the fewer the more cores there are, and a silent vendor holds a thread for minutes.
                .worker_max_blocking_threads(CONNECTIONS_PER_WORKER)
                .client_request_timeout(limits.head)
                // The time limit is for the first request of a connection only, so there is no second one.
                .keep_alive(KeepAlive::Disabled)
                .on_connect(move |stream, data| connections.take_place(stream, data))
                .shutdown_timeout(SHUTDOWN_SECONDS)
                // Signals belong to the program, which stops its parts in order.
                .disable_signals()
                .listen(listener)?
                .run();
                // Whoever started us has given up if nobody listens; the server then ends with its handle.
                let _ = told.send(server.handle());
                server.await
            })
        })
        .map_err(WebError::Thread)?;
    match hear.recv() {
        Ok(handle) => {
            log::info!("the dashboard is served on http://{address}");
            Ok(RunningServer { address, previews, handle, thread: Some(thread) })
        }
        // The thread ended before it had a handle to tell of; its result says why.
        Err(mpsc::RecvError) => Err(bind_error(match thread.join() {
            Ok(Err(error)) => error,
            _ => io::Error::other("the server ended at once"),
        })),
    }
}

impl RunningServer {
    /// The address that is listened on, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins no preview from now on and asks the one that is being made to end, without waiting for it; everything else is
    /// served on. [`Self::stop`] does so too, and waits.
    pub fn close_previews(&self) {
        self.previews.close();
    }

    /// Stops accepting, waits for the requests under way for at most five seconds, and ends the thread.
    pub fn stop(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.previews.stop(PREVIEW_PATIENCE);
        // The command is sent by the call itself; the future only waits for the end, as the join does.
        drop(self.handle.stop(true));
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => log::error!("the dashboard ended with an error: {error}"),
            Err(_) => log::error!("the thread of the dashboard panicked"),
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.finish();
    }
}
