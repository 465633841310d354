//! `health_check`: answers 200 while the graph works, with the state of every component.
//!
//! Source: healthcheckextension and healthcheckv2extension of the Collector (names of states).

use std::net::SocketAddr;

use foundation::UnixNanos;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::component::{
    Extension, ExtensionFactory, Health, Host, Refused, Run, Setup, StartError, Starting, StatusBoard,
};
use crate::config::Collector;
use crate::page::{Page, at_once, serve};

/// How it is known.
pub(super) const FACTORY: ExtensionFactory = ExtensionFactory { names: &["health_check"], build };

const PORT: u16 = 13133;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    endpoint: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<Bodies>,
    /// Taken and not needed: components say how they fare.
    #[serde(skip_serializing)]
    check_collector_pipeline: Option<Value>,
    #[serde(skip_serializing)]
    tls: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Bodies {
    healthy: String,
    unhealthy: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            path: "/".to_owned(),
            response_body: None,
            check_collector_pipeline: None,
            tls: None,
        }
    }
}

struct HealthCheck {
    component: String,
    address: SocketAddr,
    settings: Settings,
    /// The server answers on this port already.
    served: bool,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Extension>, Refused> {
    let mut settings: Settings = setup.read()?;
    let endpoint = Some(settings.endpoint.clone()).filter(|e| !e.is_empty());
    let address = setup.address("endpoint", endpoint.as_deref(), PORT)?;
    settings.endpoint = address.to_string();
    if !settings.path.starts_with('/') {
        return Err(setup.error("path", format!("`{}` does not begin with a slash", settings.path)));
    }
    if settings.tls.is_some() {
        let fix = "leave `tls` out, or put a proxy in front";
        setup.warning("tls", "health checks are answered in plain text", fix, Some(Collector::Accepts));
    }
    setup.show(&settings);
    let served = setup.surroundings().health == Some(address);
    Ok(Box::new(HealthCheck { component: setup.path(""), address, settings, served }))
}

/// How the graph fares: whether it works, and every component by its path.
pub fn health(board: &StatusBoard) -> (bool, Value) {
    let all = board.all();
    let works = !all.values().any(|status| status.health == Health::Failed);
    let components: Map<String, Value> = all
        .into_iter()
        .map(|(component, status)| {
            let mut entry = json!({"status": status.health.name(), "since_ms": status.since.as_millis()});
            if let (false, Value::Object(entry)) = (status.message.is_empty(), &mut entry) {
                entry.insert("error".to_owned(), json!(status.message));
            }
            (component, entry)
        })
        .collect();
    (works, Value::Object(components))
}

impl Extension for HealthCheck {
    fn start<'a>(self: Box<Self>, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            if self.served {
                return Ok(());
            }
            let owner = format!("{}.endpoint", self.component);
            let listener = host.sockets.tcp(&owner, self.address).await;
            let listener = listener.map_err(|message| StartError { component: self.component.clone(), message })?;
            let (board, clock, started) = (host.board.clone(), host.clock.clone(), host.clock.now());
            let settings = self.settings;
            let pages = at_once(move |ask| {
                let known = ask.path == settings.path || ask.path == "/status";
                known.then(|| page(&board, &settings, started, clock.now()))
            });
            run.spawn("health", serve(listener, pages, run.stopped()));
            Ok(())
        })
    }
}

fn page(board: &StatusBoard, settings: &Settings, started: UnixNanos, now: UnixNanos) -> Page {
    let (works, components) = health(board);
    let status = if works { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if let Some(bodies) = &settings.response_body {
        let body = if works { bodies.healthy.clone() } else { bodies.unhealthy.clone() };
        return Page { status, content_type: "text/plain", body: body.into() };
    }
    let up_s = now.0.saturating_sub(started.0) / 1_000_000_000;
    let body = json!({
        "status": if works { "Server available" } else { "Server not available" },
        "upSinceUnixMs": started.as_millis(),
        "uptime": format!("{up_s}s"),
        "components": components,
    });
    Page { status, content_type: "application/json", body: body.to_string().into() }
}
