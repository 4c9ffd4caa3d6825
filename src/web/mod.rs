//! The page `/backups`: the same operations and the same rules as the command line, for the browser of whoever started it.
//!
//! Nothing but this machine reaches it (`gate`), and whatever takes long is a job (`jobs`) that every window sees.

mod chart;
mod download;
mod format;
mod gate;
mod html;
mod jobs;
mod language;
mod listing;
mod one;
mod outcome;
mod plans;
mod routes;
mod runs;
mod structure;
mod words;
mod work;

use crate::error::{Context, Error, ErrorKind, Result};
use crate::operations::interrupt::Interrupt;
use crate::operations::target::Place;
use gate::Gate;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jobs::Jobs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

/// Where it listens when nobody says where: the first of these that is free.
const PORTS: std::ops::RangeInclusive<u16> = 5656..=5675;

/// Connections that are served at a time; the others wait.
const CONNECTIONS: usize = 64;

/// How long a browser may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all requests share.
struct Page {
    place: Place,
    jobs: Jobs,
    gate: Gate,
}

/// Serves the page until the interrupt. `opened` is told the address with its key, once it can be visited.
///
/// # Errors
/// `Other` where the port is taken or cannot be had.
pub async fn serve(
    place: Place,
    port: Option<u16>,
    opened: oneshot::Sender<String>,
    interrupt: Interrupt,
) -> Result<()> {
    let listener = listen(port).await?;
    let address = listener.local_addr().context(ErrorKind::Other, || "The page has no address".into())?;
    let page = Arc::new(Page { place, jobs: Jobs::default(), gate: Gate::new(address.port())? });
    // that nobody waits for it any more does no harm
    let _ = opened.send(page.gate.address());
    let router = routes::router(Arc::clone(&page));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return Ok(()) };
            // one that is gone already, or no descriptors for it: others may come
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let router = router.clone();
            tokio::spawn(async move {
                attend(stream, router).await;
                drop(place);
            });
        }
    };
    let ended: Result<()> = interrupt.or(accepting).await;
    page.jobs.end_all(&interrupt).await;
    match ended {
        Err(error) if error.kind == ErrorKind::Interrupted => Ok(()),
        ended => ended,
    }
}

async fn attend(stream: TcpStream, router: axum::Router) {
    let service = TowerToHyperService::new(router);
    let mut connection = http1::Builder::new();
    connection.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(16 << 10);
    // a browser that goes away in the middle is nobody's failure
    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
}

async fn listen(port: Option<u16>) -> Result<TcpListener> {
    if let Some(port) = port {
        return TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|why| {
            Error::new(ErrorKind::Other, format!("The page cannot be served at port {port}"))
                .because(why)
                .hint("Choose another one, or none: safemigrate ui")
        });
    }
    for port in PORTS {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            return Ok(listener);
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context(ErrorKind::Other, || "No port is free for the page".into())
}
