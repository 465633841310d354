//! `nginx`: what `stub_status` says.
//!
//! Metric names are the Collector's; beside them `nginx_up`. Source: nginxreceiver (metadata.yaml); ngx_http_stub_status_module.

use std::time::Duration;

use foundation::UnixNanos;
use model::Signal;
use net::{Client, ClientOptions, HttpConfig, Request, Url};
use serde::{Deserialize, Serialize};

use super::measures::{Choice, Measures};
use super::scraper::{Asking, Schedule, Scraped, Scraper};
use crate::component::{Receiver, ReceiverFactory, Refused, Setup};
use crate::config::Interval;

/// How it is known.
pub(super) const FACTORY: ReceiverFactory = ReceiverFactory { names: &["nginx"], signals: &[Signal::Metrics], build };

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    endpoint: String,
    collection_interval: Interval,
    initial_delay: Interval,
    timeout: Interval,
    metrics: Choice,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: "http://localhost:80/status".to_owned(),
            collection_interval: Interval::secs(10),
            initial_delay: Interval::secs(1),
            timeout: Interval::secs(10),
            metrics: Choice::new(),
        }
    }
}

struct Nginx {
    url: Url,
    client: Client,
    timeout: Duration,
    choice: Choice,
    begun: Option<UnixNanos>,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let settings: Settings = setup.read()?;
    let url = settings.endpoint.parse::<Url>();
    let url = url.map_err(|e| setup.error("endpoint", format!("`{}` is not a URL: {e}", settings.endpoint)))?;
    let client = Client::new(&HttpConfig::default(), ClientOptions::default());
    let client = client.map_err(|e| setup.error("endpoint", e.to_string()))?;
    let schedule = Schedule::new(setup, settings.collection_interval, settings.initial_delay)?;
    let timeout = settings.timeout.0.max(Duration::from_millis(100));
    let scraper = Nginx { url, client, timeout, choice: settings.metrics, begun: None };
    Ok(Box::new(Asking { schedule, scraper }))
}

/// The numbers of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Status {
    active: i64,
    accepted: i64,
    handled: i64,
    requests: i64,
    reading: i64,
    writing: i64,
    waiting: i64,
}

fn parse(page: &str) -> Option<Status> {
    let after = |name: &str| page.split_once(name)?.1.split_ascii_whitespace().next()?.parse().ok();
    // The three counters stand alone in the line behind their names.
    let mut counters =
        page.lines().skip_while(|l| !l.contains("accepts handled requests")).nth(1)?.split_ascii_whitespace();
    let mut counter = || counters.next()?.parse().ok();
    Some(Status {
        active: after("Active connections:")?,
        accepted: counter()?,
        handled: counter()?,
        requests: counter()?,
        reading: after("Reading:")?,
        writing: after("Writing:")?,
        waiting: after("Waiting:")?,
    })
}

impl Nginx {
    async fn ask(&self) -> Result<Status, String> {
        let answer = self.client.send(Request::get(self.url.clone()), self.timeout).await.map_err(|e| e.to_string())?;
        if !answer.status.is_success() {
            return Err(format!("the answer is {}; is `stub_status` switched on at this path?", answer.status));
        }
        parse(&String::from_utf8_lossy(&answer.body)).ok_or_else(|| "the answer is no page of `stub_status`".to_owned())
    }
}

impl Scraper for Nginx {
    async fn scrape(&mut self, now: UnixNanos) -> Scraped {
        let asked = self.ask().await;
        let mut scraped = Scraped::default();
        let begun = *self.begun.get_or_insert(now);
        let choice = self.choice.clone();
        let mut m = Measures::new("bellrock/nginx", &choice, now, begun);
        let (host, port) = (self.url.host_str().unwrap_or_default(), self.url.port_or_known_default().unwrap_or(0));
        m.resource([
            ("service.name", "nginx".to_owned()),
            ("server.address", host.to_owned()),
            ("server.port", port.to_string()),
        ]);
        m.gauge("nginx_up", "", asked.is_ok(), &[]);
        match asked {
            Ok(s) => {
                m.counter("nginx.connections_accepted", "connections", s.accepted, &[]);
                m.counter("nginx.connections_handled", "connections", s.handled, &[]);
                m.counter("nginx.requests", "requests", s.requests, &[]);
                let states =
                    [("active", s.active), ("reading", s.reading), ("writing", s.writing), ("waiting", s.waiting)];
                for (state, n) in states {
                    m.level("nginx.connections_current", "connections", n, &[("state", state)]);
                }
            }
            Err(e) => scraped.problem = format!("nginx {}: {e}", self.url),
        }
        scraped.telemetry.extend(m.into_telemetry());
        scraped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_understood() {
        let page =
            "Active connections: 3 \nserver accepts handled requests\n 16 15 31 \nReading: 0 Writing: 1 Waiting: 2 \n";
        let want = Status { active: 3, accepted: 16, handled: 15, requests: 31, reading: 0, writing: 1, waiting: 2 };
        assert_eq!(parse(page), Some(want));
        assert_eq!(parse("<html>404</html>"), None);
        let any = |bytes: &[u8]| {
            let _ = parse(&String::from_utf8_lossy(bytes));
        };
        wire::mutation::run(any, &[page.into()], 4000);
    }
}
