//! `postgresql`: what a PostgreSQL server says of itself: databases, connections, locks, writing, replication, tables, indexes,
//! and the statements that cost most.
//!
//! Metric names and attributes are the Collector's; beside them `postgresql_up`, connections by state, the age of the oldest transaction, and
//! `db_connections_active`/`db_connections_idle` for alerts that know them by that name. Statements and samples of what is running become
//! log records where logs are wanted. Values go to the server as parameters. PostgreSQL 13 to 18.
//! Source: postgresqlreceiver (metadata.yaml); PostgreSQL, "The Cumulative Statistics System", "pg_stat_statements".

mod queries;
mod server;
mod statements;
mod tables;

use std::collections::BTreeMap;
use std::time::Duration;

use foundation::UnixNanos;
use model::Signal;
use net::tls::ClientSettings;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Connection, NoTls};

use super::asking::{self, ForPostgres};
use super::measures::{Choice, Chosen, Measures};
use super::scraper::{Asking, Schedule, Scraped, Scraper};
use crate::component::{Receiver, ReceiverFactory, Refused, Setup};
use crate::config::{Interval, Secret};

/// How it is known.
pub(super) const FACTORY: ReceiverFactory =
    ReceiverFactory { names: &["postgresql"], signals: &[Signal::Metrics, Signal::Logs], build };

/// Databases whose tables are looked at.
const DATABASES_MAX: usize = 100;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    endpoint: String,
    transport: String,
    username: String,
    password: Secret,
    connect_database: String,
    databases: Vec<String>,
    exclude_databases: Vec<String>,
    collection_interval: Interval,
    initial_delay: Interval,
    timeout: Interval,
    /// Encrypted where the server can, and any certificate is taken, where nothing is written (`sslmode=prefer`).
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ClientSettings>,
    query_sample_collection: Samples,
    top_query_collection: TopQueries,
    metrics: Choice,
    events: BTreeMap<String, Chosen>,
    /// Taken and not needed: one connection per database is enough.
    #[serde(skip_serializing)]
    connection_pool: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Samples {
    max_rows_per_query: i64,
}

impl Default for Samples {
    fn default() -> Self {
        Self { max_rows_per_query: 1000 }
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct TopQueries {
    max_rows_per_query: i64,
    top_n_query: usize,
    collection_interval: Interval,
}

impl Default for TopQueries {
    fn default() -> Self {
        Self { max_rows_per_query: 1000, top_n_query: 200, collection_interval: Interval::secs(60) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: "localhost:5432".to_owned(),
            transport: "tcp".to_owned(),
            username: String::new(),
            password: Secret::default(),
            connect_database: "postgres".to_owned(),
            databases: Vec::new(),
            exclude_databases: Vec::new(),
            collection_interval: Interval::secs(10),
            initial_delay: Interval::secs(1),
            timeout: Interval::secs(10),
            tls: None,
            query_sample_collection: Samples::default(),
            top_query_collection: TopQueries::default(),
            metrics: Choice::new(),
            events: BTreeMap::new(),
            connection_pool: None,
        }
    }
}

impl Settings {
    fn wants_event(&self, name: &str) -> bool {
        self.events.get(name).and_then(|c| c.enabled).unwrap_or(true)
    }

    fn takes(&self, database: &str) -> bool {
        (self.databases.is_empty() || self.databases.iter().any(|d| d == database))
            && !self.exclude_databases.iter().any(|d| d == database)
    }
}

struct PostgreSql {
    settings: Settings,
    unix: bool,
    tls: Option<(ForPostgres, SslMode)>,
    host: String,
    port: u16,
    /// By database.
    connections: BTreeMap<String, Client>,
    statements: statements::Seen,
    begun: Option<UnixNanos>,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let mut settings: Settings = setup.read()?;
    if settings.username.is_empty() {
        return Err(setup.error("username", "is missing; name a role that has `GRANT pg_monitor`"));
    }
    let unix = asking::is_unix(setup, &settings.transport)?;
    let written = settings.tls.is_some();
    let mut anybody = Some(ClientSettings { insecure_skip_verify: true, ..ClientSettings::default() });
    let tls = asking::tls(setup, if written { &mut settings.tls } else { &mut anybody })?;
    let mode = match (&tls, written) {
        _ if unix => SslMode::Disable,
        (None, _) => SslMode::Disable,
        (Some(_), true) => SslMode::Require,
        (Some(_), false) => SslMode::Prefer,
    };
    let tls = tls.map(|tls| (ForPostgres(tls), mode));
    let endpoint = &settings.endpoint;
    let split = endpoint.rsplit_once(':').and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
    let Some((host, port)) = split else {
        return Err(setup.error("endpoint", format!("`{endpoint}` is not an address; write `localhost:5432`")));
    };
    let schedule = Schedule::new(setup, settings.collection_interval, settings.initial_delay)?;
    let (connections, statements) = (BTreeMap::new(), statements::Seen::default());
    let scraper = PostgreSql { settings, unix, tls, host, port, connections, statements, begun: None };
    Ok(Box::new(Asking { schedule, scraper }))
}

/// The client of a connection, which works for it until the client is dropped.
fn driven<S, T>(
    connected: Result<(Client, Connection<S, T>), tokio_postgres::Error>,
) -> Result<Client, tokio_postgres::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = connected?;
    tokio::spawn(async move {
        if let Err(e) = connection.await {
            tracing::debug!(error = %e, "a connection to PostgreSQL ended");
        }
    });
    Ok(client)
}

/// What an error of the server says, with its code.
fn told(e: &tokio_postgres::Error) -> String {
    match e.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => match std::error::Error::source(e) {
            Some(source) => format!("{e}: {source}"),
            None => e.to_string(),
        },
    }
}

impl PostgreSql {
    async fn connection(&mut self, database: &str) -> Result<&Client, String> {
        if self.connections.get(database).is_none_or(Client::is_closed) {
            let mut config = Config::new();
            // A folder with a socket in it is a host that begins with a slash.
            let slash = if self.unix && !self.host.starts_with('/') { "/" } else { "" };
            let host = format!("{slash}{}", self.host);
            config.host(&host).port(self.port).dbname(database).user(&self.settings.username);
            config.application_name("bellrock").connect_timeout(Duration::from_secs(5));
            if !self.settings.password.0.is_empty() {
                config.password(&self.settings.password.0);
            }
            let client = match self.tls.clone() {
                None => driven(config.ssl_mode(SslMode::Disable).connect(NoTls).await),
                Some((tls, mode)) => driven(config.ssl_mode(mode).connect(tls).await),
            };
            let client = client.map_err(|e| told(&e))?;
            let limit = self.settings.timeout.0.as_millis();
            let prepare = format!("SET statement_timeout = {limit}; SET lock_timeout = 1000");
            client.batch_execute(&prepare).await.map_err(|e| told(&e))?;
            self.connections.insert(database.to_owned(), client);
        }
        self.connections.get(database).ok_or_else(|| "the connection is gone".to_owned())
    }

    async fn ask(&mut self, now: UnixNanos, m: &mut Measures<'_>, scraped: &mut Scraped) -> Result<(), String> {
        let settings = self.settings.clone();
        let database = settings.connect_database.clone();
        let (host, port) = (self.host.clone(), self.port);
        let own = move |more: Option<&str>| {
            let mut attributes = wire::otlp::tree::Attributes::new();
            attributes.push("service.name", "postgresql");
            attributes.push("server.address", host.as_str());
            attributes.push("server.port", i64::from(port));
            if let Some(database) = more {
                attributes.push("postgresql.database.name", database);
            }
            attributes
        };
        let client = self.connection(&database).await?;
        let version = queries::version(client).await.map_err(|e| told(&e))?;
        m.resource_of(own(None));
        server::measure(client, version, m).await.map_err(|e| told(&e))?;
        let databases = server::databases(client, &|d| settings.takes(d), &own, m).await.map_err(|e| told(&e))?;
        if settings.wants_event("db.server.query_sample") {
            let limit = settings.query_sample_collection.max_rows_per_query;
            scraped
                .telemetry
                .extend(statements::samples(client, version, limit, now, &own).await.map_err(|e| told(&e))?);
        }
        if settings.wants_event("db.server.top_query")
            && self.statements.due(now, settings.top_query_collection.collection_interval.0)
        {
            let top = &settings.top_query_collection;
            let client = self.connection(&database).await?;
            let rows = statements::read(client, top.max_rows_per_query).await.map_err(|e| told(&e))?;
            scraped.telemetry.extend(self.statements.top(rows, top.top_n_query, now, &own));
        }
        for database in databases.iter().take(DATABASES_MAX) {
            match self.connection(database).await {
                Ok(client) => {
                    if let Err(e) = tables::measure(client, database, &own, m).await {
                        scraped.problem = format!("database {database}: {}", told(&e));
                    }
                }
                Err(e) => scraped.problem = format!("database {database}: {e}"),
            }
        }
        self.connections.retain(|name, _| *name == database || databases.contains(name));
        Ok(())
    }
}

impl Scraper for PostgreSql {
    async fn scrape(&mut self, now: UnixNanos) -> Scraped {
        let begun = *self.begun.get_or_insert(now);
        let choice = self.settings.metrics.clone();
        let mut m = Measures::new("bellrock/postgresql", &choice, now, begun);
        let mut scraped = Scraped::default();
        let limit = self.settings.timeout.0.max(Duration::from_secs(1)) * 3;
        let asked = tokio::time::timeout(limit, self.ask(now, &mut m, &mut scraped)).await;
        let asked = asked.unwrap_or_else(|_| Err(format!("no answer in {} s", limit.as_secs())));
        let up = asked.is_ok();
        if let Err(e) = asked {
            self.connections.clear();
            scraped.problem = format!("postgresql {}: {e}", self.settings.endpoint);
        }
        m.resource([
            ("service.name", "postgresql".to_owned()),
            ("server.address", self.host.clone()),
            ("server.port", self.port.to_string()),
        ]);
        m.gauge("postgresql_up", "", up, &[]);
        scraped.telemetry.extend(m.into_telemetry());
        scraped
    }
}

#[cfg(test)]
mod tests;
