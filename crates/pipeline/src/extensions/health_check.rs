//! `health_check`: answers 200 while the graph works, with the state of every component.
//!
//! Source: healthcheckextension and healthcheckv2extension of the Collector (names of states).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use foundation::UnixNanos;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::component::{
    Extension, ExtensionFactory, Health, Host, Refused, Run, Setup, StartError, Starting, Status, StatusBoard,
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
    (works, components(all))
}

fn components(all: BTreeMap<String, Status>) -> Value {
    let entry = |(component, status): (String, Status)| {
        let mut entry = json!({"status": status.health.name(), "since_ms": status.since.as_millis()});
        if let (false, Value::Object(entry)) = (status.message.is_empty(), &mut entry) {
            entry.insert("error".to_owned(), json!(status.message));
        }
        (component, entry)
    };
    Value::Object(all.into_iter().map(entry).collect::<Map<String, Value>>())
}

/// The state of a pipeline is the worst of its components.
fn worst(all: &BTreeMap<String, Status>) -> Health {
    let badness = |health: &Health| match health {
        Health::Ok => 0,
        Health::Starting => 1,
        Health::Stopped => 2,
        Health::Recoverable => 3,
        Health::Failed => 4,
    };
    all.values().map(|status| status.health).max_by_key(badness).unwrap_or(Health::Ok)
}

/// `?pipeline=traces`, as healthcheckv2 has it.
fn of_pipeline(board: &StatusBoard, pipeline: &str) -> Option<Page> {
    let all = board.pipelines().remove(pipeline)?;
    let health = worst(&all);
    let status = if health == Health::Failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let body = json!({"status": health.name(), "healthy": health != Health::Failed, "components": components(all)});
    Some(Page { status, content_type: "application/json", body: body.to_string().into() })
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
                if ask.path != settings.path && ask.path != "/status" {
                    return None;
                }
                match ask.query.split('&').find_map(|pair| pair.strip_prefix("pipeline=")) {
                    Some(pipeline) => of_pipeline(&board, &pipeline.replace("%2F", "/")),
                    None => Some(page(&board, &settings, started, clock.now())),
                }
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
        "pipelines": board.pipelines().iter().map(|(id, all)| (id.clone(), json!(worst(all).name()))).collect::<Map<_, _>>(),
        "components": components,
    });
    Page { status, content_type: "application/json", body: body.to_string().into() }
}
