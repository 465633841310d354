//! A port that answers GET requests from what is in memory: what health checks and debug pages need.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A client that does not finish its headers in this time is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections of such a port.
const CONNECTIONS_MAX: usize = 64;
/// After a failed accept: without a pause this would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What is asked for.
pub(crate) struct Ask {
    pub(crate) path: String,
    pub(crate) query: String,
    /// The header `accept`.
    pub(crate) accept: String,
}

/// Answers a request; `None` is 404.
pub(crate) type Pages = Arc<dyn Fn(Ask) -> Pin<Box<dyn Future<Output = Option<Page>> + Send>> + Send + Sync>;

/// An answer.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

/// Pages that are made at once.
pub(crate) fn at_once(pages: impl Fn(Ask) -> Option<Page> + Send + Sync + 'static) -> Pages {
    Arc::new(move |ask| {
        let page = pages(ask);
        Box::pin(async move { page })
    })
}

/// Serves `pages` until `stop` says so.
pub(crate) async fn serve(listener: Arc<TcpListener>, pages: Pages, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok((stream, _)) if connections.len() < CONNECTIONS_MAX => {
                let pages = pages.clone();
                let service = service_fn(move |request| {
                    let pages = pages.clone();
                    async move { Ok::<_, Infallible>(answer(&request, &pages).await) }
                });
                let mut builder = hyper::server::conn::http1::Builder::new();
                builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
                connections.spawn(async move { drop(builder.serve_connection(TokioIo::new(stream), service).await) });
            }
            Ok(_) => {}
            Err(e) => {
                tracing::warn!(error = %e, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.abort_all();
}

async fn answer(request: &Request<Incoming>, pages: &Pages) -> Response<Full<Bytes>> {
    let page = if matches!(*request.method(), Method::GET | Method::HEAD) {
        let accept = request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let ask = Ask {
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            accept: accept.to_owned(),
        };
        let missing = format!("there is nothing at {}\n", ask.path);
        pages(ask).await.unwrap_or_else(|| Page {
            status: StatusCode::NOT_FOUND,
            content_type: "text/plain",
            body: missing.into(),
        })
    } else {
        Page {
            status: StatusCode::METHOD_NOT_ALLOWED,
            content_type: "text/plain",
            body: Bytes::from_static(b"use GET\n"),
        }
    };
    let mut response = Response::new(Full::new(page.body));
    *response.status_mut() = page.status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
