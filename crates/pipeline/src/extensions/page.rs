//! A port that answers GET requests from what is in memory: what health checks and debug pages need.

use std::convert::Infallible;
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

/// Answers a request by its path and query; `None` is 404.
pub(super) type Pages = Arc<dyn Fn(&str, &str) -> Option<Page> + Send + Sync>;

/// An answer.
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

/// Serves `pages` until `stop` says so.
pub(super) async fn serve(listener: Arc<TcpListener>, pages: Pages, mut stop: watch::Receiver<bool>) {
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
                    let response = answer(&request, &pages);
                    async move { Ok::<_, Infallible>(response) }
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

fn answer(request: &Request<Incoming>, pages: &Pages) -> Response<Full<Bytes>> {
    let page = if matches!(*request.method(), Method::GET | Method::HEAD) {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let missing = || Page {
            status: StatusCode::NOT_FOUND,
            content_type: "text/plain",
            body: format!("there is nothing at {path}\n"),
        };
        pages(path, query).unwrap_or_else(missing)
    } else {
        Page { status: StatusCode::METHOD_NOT_ALLOWED, content_type: "text/plain", body: "use GET\n".to_owned() }
    };
    let mut response = Response::new(Full::new(Bytes::from(page.body)));
    *response.status_mut() = page.status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
