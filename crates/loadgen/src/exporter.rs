//! Shows [`Host`]s to a scraper: `GET /metrics` is the first host, `GET /hosts/<n>/metrics` the others.
//!
//! Text format 0.0.4. Every scrape of a host is one step of its time, however long it took to come.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::node::Host;

/// The hosts that are shown.
#[derive(Clone)]
pub struct Exporter(Arc<Vec<Mutex<Host>>>);

impl Exporter {
    /// `hosts` machines with `series` series each.
    pub fn new(seed: u64, hosts: usize, series: usize) -> Self {
        Self(Arc::new((0..hosts).map(|n| Mutex::new(Host::new(seed, n, series, None))).collect()))
    }

    /// Serves until the listener breaks.
    ///
    /// # Errors
    /// What the operating system says about accepting connections.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        loop {
            let (stream, _) = listener.accept().await?;
            let hosts = self.clone();
            tokio::spawn(async move {
                let answer = service_fn(move |request: Request<Incoming>| {
                    let response = hosts.answer(request.uri().path());
                    async move { Ok::<_, Infallible>(response) }
                });
                if let Err(e) = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await {
                    tracing::debug!("a scraper's connection ended: {e}");
                }
            });
        }
    }

    fn answer(&self, path: &str) -> Response<Full<Bytes>> {
        let n = match path {
            "/metrics" => Some(0),
            _ => path.strip_prefix("/hosts/").and_then(|p| p.strip_suffix("/metrics")).and_then(|n| n.parse().ok()),
        };
        let Some(host) = n.and_then(|n: usize| self.0.get(n)) else {
            let mut response = Response::new(Full::new(Bytes::from_static(b"GET /metrics or /hosts/<n>/metrics\n")));
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        };
        let text = match host.lock() {
            Ok(mut host) => {
                host.step();
                text(&host)
            }
            Err(_) => String::new(),
        };
        let mut response = Response::new(Full::new(text.into()));
        let kind = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// The host in the text format. What the scraper adds itself (`instance`, `job`, `cluster`) is left out.
fn text(host: &Host) -> String {
    let mut out = String::new();
    // Families whole, whatever the order of the series: the shards of a family stand together.
    let mut order: Vec<usize> = (0..host.series.len()).collect();
    order.sort_by_key(|n| n % crate::node::SERIES_OF_TEMPLATE);
    let mut family = "";
    for series in order.iter().filter_map(|n| host.series.get(*n)) {
        let (kind, name) = series.family();
        if name != family {
            family = name;
            let _ = writeln!(out, "# HELP {name} Of a generated host.\n# TYPE {name} {kind}");
        }
        let _ = write!(out, "{}", series.name());
        let own = |label: &&(String, String)| !matches!(label.0.as_str(), "__name__" | "instance" | "job" | "cluster");
        for (n, (label, value)) in series.labels.iter().filter(own).enumerate() {
            let _ = write!(out, "{}{label}=\"{value}\"", if n == 0 { "{" } else { "," });
        }
        let close = if series.labels.iter().any(|l| own(&l)) { "}" } else { "" };
        let _ = writeln!(out, "{close} {}", series.value());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_declared_once_and_every_series_shown() {
        let mut host = Host::new(1, 0, 250, None);
        host.step();
        let text = text(&host);
        assert_eq!(text.lines().filter(|l| !l.starts_with('#')).count(), 250);
        let mut types: Vec<&str> = text.lines().filter(|l| l.starts_with("# TYPE")).collect();
        let declared = types.len();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), declared);
        assert!(text.contains("node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} "));
        assert!(text.contains("\nnode_load1 "));
    }
}
