//! `redis`: what a Redis server says of itself: `INFO`, per command statistics, and the slow log.
//!
//! Metric names and attributes are the Collector's; beside them `redis_up`, and `redis_memory_usage_bytes` for alerts that know
//! Redis by that name. Entries of the slow log become log records where logs are wanted.
//! Source: redisreceiver (metadata.yaml); Redis, "INFO", "SLOWLOG", "RESP protocol spec".

mod info;
mod resp;
mod slowlog;

use std::sync::Arc;
use std::time::Duration;

use foundation::UnixNanos;
use model::Signal;
use net::tls::{ClientSettings, ClientTls};
use serde::{Deserialize, Serialize};

use self::resp::{Connection, Reply};
use super::asking;
use super::measures::{Choice, Measures};
use super::scraper::{Asking, Schedule, Scraped, Scraper};
use crate::component::{Receiver, ReceiverFactory, Refused, Setup};
use crate::config::{Interval, Secret};

/// How it is known.
pub(super) const FACTORY: ReceiverFactory =
    ReceiverFactory { names: &["redis"], signals: &[Signal::Metrics, Signal::Logs], build };

/// A server that does not answer in this time is down.
const DEADLINE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    endpoint: String,
    collection_interval: Interval,
    initial_delay: Interval,
    username: String,
    password: Secret,
    transport: String,
    /// Plain text where nothing is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ClientSettings>,
    metrics: Choice,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            collection_interval: Interval::secs(10),
            initial_delay: Interval::secs(1),
            username: String::new(),
            password: Secret::default(),
            transport: "tcp".to_owned(),
            tls: None,
            metrics: Choice::new(),
        }
    }
}

struct Redis {
    settings: Settings,
    unix: bool,
    tls: Option<Arc<ClientTls>>,
    connection: Option<Connection>,
    /// The last entry of the slow log that was sent, by its id and the process that made it.
    slow: Option<(String, i64)>,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let mut settings: Settings = setup.read()?;
    if settings.endpoint.is_empty() {
        return Err(setup.error("endpoint", "is missing; write `endpoint: localhost:6379`"));
    }
    let unix = asking::is_unix(setup, &settings.transport)?;
    let tls = asking::tls(setup, &mut settings.tls)?;
    if tls.is_some() && unix {
        return Err(setup.error("tls", "has no use on a unix socket; leave it out"));
    }
    let schedule = Schedule::new(setup, settings.collection_interval, settings.initial_delay)?;
    Ok(Box::new(Asking { schedule, scraper: Redis { settings, unix, tls, connection: None, slow: None } }))
}

impl Redis {
    /// The answers to `INFO` and, where it is allowed, `SLOWLOG GET`.
    async fn ask(&mut self) -> Result<(String, Option<Reply>), String> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let open = Connection::open(&self.settings.endpoint, self.unix, self.tls.as_ref());
                let mut connection = open.await?;
                let (user, password) = (&self.settings.username, &self.settings.password.0);
                if !password.is_empty() {
                    let mut command = vec!["AUTH"];
                    if !user.is_empty() {
                        command.push(user);
                    }
                    command.push(password);
                    connection.call(&command).await?.ok()?;
                }
                connection
            }
        };
        // Older servers do not know `everything`.
        let info = match connection.call(&["INFO", "everything"]).await? {
            Reply::Bulk(text) if !text.is_empty() => text,
            _ => connection.call(&["INFO"]).await?.text()?,
        };
        let slow = connection.call(&["SLOWLOG", "GET", "128"]).await?;
        self.connection = Some(connection);
        Ok((info, matches!(slow, Reply::Array(_)).then_some(slow)))
    }
}

impl Scraper for Redis {
    async fn scrape(&mut self, now: UnixNanos) -> Scraped {
        let (host, port) = self.settings.endpoint.rsplit_once(':').unwrap_or((&self.settings.endpoint, ""));
        let (host, port) = (host.to_owned(), port.to_owned());
        let asked = tokio::time::timeout(DEADLINE, self.ask()).await;
        let asked = asked.unwrap_or_else(|_| Err(format!("no answer in {} s", DEADLINE.as_secs())));
        let mut scraped = Scraped::default();
        let choice = self.settings.metrics.clone();
        let mut m = Measures::new("bellrock/redis", &choice, now, now);
        match asked {
            Ok((text, slow)) => {
                let info = info::Info::new(&text);
                m.resource([
                    ("redis.version", info.text("redis_version").to_owned()),
                    ("server.address", host.clone()),
                    ("server.port", port),
                    ("service.name", "redis".to_owned()),
                ]);
                let up = info.number("uptime_in_seconds").unwrap_or(0.0);
                m.since(now.minus(Duration::from_secs_f64(up.max(0.0))));
                info::measure(&info, &mut m);
                m.gauge("redis_up", "", 1i64, &[]);
                if let Some(slow) = slow {
                    scraped.telemetry.extend(slowlog::records(&slow, info.text("run_id"), &host, now, &mut self.slow));
                }
            }
            Err(e) => {
                self.connection = None;
                scraped.problem = format!("redis {}: {e}", self.settings.endpoint);
                m.resource([("server.address", host), ("server.port", port), ("service.name", "redis".to_owned())]);
                m.gauge("redis_up", "", 0i64, &[]);
            }
        }
        scraped.telemetry.extend(m.into_telemetry());
        scraped
    }
}

#[cfg(test)]
mod tests;
