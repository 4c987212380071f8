//! One HTTP simulator on its own thread and its own loopback port.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::{FormConfig, JsonConfig, PayloadConfig, ServiceConfig};
use actix_web::{App, HttpServer, rt};

use crate::tap::{BODY_LIMIT, Connection, Tap};

/// A running server; stops when dropped.
pub(crate) struct RunningServer {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl RunningServer {
    /// Serves what `configure` registers on the listener. Without a tap nothing is recorded and no fault strikes.
    pub(crate) fn start<C>(listener: TcpListener, tap: Option<Tap>, configure: C) -> std::io::Result<Self>
    where
        C: Fn(&mut ServiceConfig) + Clone + Send + 'static,
    {
        let address = listener.local_addr()?;
        let (started, handles) = mpsc::channel();
        let thread =
            std::thread::Builder::new().name(format!("sandbox-{}", address.port())).spawn(move || {
                let result = rt::System::new().block_on(async move {
                    let server = HttpServer::new(move || {
                        let (configure, tap) = (configure.clone(), tap.as_ref().map(Tap::of_worker));
                        App::new()
                            .app_data(PayloadConfig::new(BODY_LIMIT))
                            .app_data(FormConfig::default().limit(BODY_LIMIT))
                            .app_data(JsonConfig::default().limit(BODY_LIMIT))
                            .configure(move |config| configure(config))
                            .wrap(from_fn(move |request, next: actix_web::middleware::Next<_>| {
                                let tap = tap.clone();
                                async move {
                                    match tap {
                                        Some(tap) => tap.pass(request, next).await,
                                        None => next.call(request).await,
                                    }
                                }
                            }))
                    })
                    .on_connect(|io, extensions| {
                        if let Some(connection) = Connection::of(io) {
                            extensions.insert(connection);
                        }
                    })
                    // On a busy machine a client may be slow to say what it wants, and its words may lie here unread for
                    // a while: by default it would be answered 408, or cut off in between.
                    .client_request_timeout(Duration::from_secs(60))
                    .keep_alive(Duration::from_secs(75))
                    .workers(2)
                    .disable_signals()
                    .listen(listener)?
                    .run();
                    started.send(server.handle()).ok();
                    server.await
                });
                if let Err(error) = result {
                    log::error!("a simulator ended: {error}");
                }
            })?;
        let handle = handles.recv().map_err(std::io::Error::other)?;
        Ok(Self { address, handle, thread: Some(thread) })
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes the port and all connections; later ones are refused.
    pub(crate) fn stop(&mut self) {
        drop(self.handle.stop(false)); // the command is sent at once; the thread ends when it is done
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the simulator on {} panicked", self.address);
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.stop();
    }
}
