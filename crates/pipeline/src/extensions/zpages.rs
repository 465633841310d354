//! `zpages`: what this process does, for people with a terminal: components, what came in, what was refused.
//!
//! The paths are the Collector's where it has them (`/debug/pipelinez`, `/debug/servicez`, `/debug/extensionz`, `/debug/tracez`); as JSON with
//! `?format=json`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::health_check::health;
use crate::component::{Extension, ExtensionFactory, Host, Refused, Run, SIGNALS, Setup, StartError, Starting};
use crate::page::{Page, at_once, serve};

/// How it is known.
pub(super) const FACTORY: ExtensionFactory = ExtensionFactory { names: &["zpages"], build };

const PORT: u16 = 55679;

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    endpoint: String,
    /// Taken and not needed: pages show what is there.
    #[serde(skip_serializing)]
    expvar: Option<Value>,
}

struct ZPages {
    component: String,
    address: SocketAddr,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Extension>, Refused> {
    let mut settings: Settings = setup.read()?;
    let endpoint = Some(settings.endpoint.clone()).filter(|e| !e.is_empty());
    let address = setup.address("endpoint", endpoint.as_deref(), PORT)?;
    settings.endpoint = address.to_string();
    setup.show(&settings);
    Ok(Box::new(ZPages { component: setup.path(""), address }))
}

impl Extension for ZPages {
    fn start<'a>(self: Box<Self>, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let owner = format!("{}.endpoint", self.component);
            let listener = host.sockets.tcp(&owner, self.address).await;
            let listener = listener.map_err(|message| StartError { component: self.component.clone(), message })?;
            let host = host.clone();
            let pages = at_once(move |ask| page(&host, &ask.path, ask.query.contains("format=json")));
            run.spawn("pages", serve(listener, pages, run.stopped()));
            Ok(())
        })
    }
}

fn page(host: &Host, path: &str, as_json: bool) -> Option<Page> {
    let value = match path {
        "/" | "/debug" | "/debug/" => {
            let pages = [
                "/debug/servicez",
                "/debug/pipelinez",
                "/debug/extensionz",
                "/debug/tracez",
                "/debug/refusalz",
                "/debug/lossz",
                "/debug/metricz",
            ];
            json!({"pages": pages, "as": "append ?format=json for JSON"})
        }
        "/debug/servicez" => json!({
            "version": env!("CARGO_PKG_VERSION"),
            "time_ms": host.clock.now().as_millis(),
            "requests_in_flight_bytes": host.budget.used(),
            "received": received(host),
        }),
        "/debug/pipelinez" => json!({
            "pipelines": host.board.pipelines().into_iter().map(|(id, all)| (id, all.into_keys().collect())).collect::<BTreeMap<_, Vec<_>>>(),
            "components": components(host, |path| !path.starts_with("extensions.")),
        }),
        "/debug/extensionz" => components(host, |path| path.starts_with("extensions.")),
        "/debug/tracez" => host.journal.traces(),
        "/debug/refusalz" => refusals(host),
        "/debug/lossz" => losses(host),
        "/debug/metricz" => counted(host),
        _ => return None,
    };
    let (content_type, body) = match as_json {
        true => ("application/json", value.to_string()),
        false => ("text/plain; charset=utf-8", text(&value)),
    };
    Some(Page { status: StatusCode::OK, content_type, body: body.into() })
}

fn components(host: &Host, wanted: impl Fn(&str) -> bool) -> Value {
    match health(&host.board).1 {
        Value::Object(all) => Value::Object(all.into_iter().filter(|(path, _)| wanted(path)).collect()),
        other => other,
    }
}

fn received(host: &Host) -> Value {
    let of = |signal: &model::Signal| {
        let counts = host.journal.counts(*signal);
        let entry = json!({
            "requests": counts.requests,
            "bytes": counts.bytes,
            "accepted": counts.accepted,
            "refused": counts.refused,
            "last_received_ms": counts.last_received.map(foundation::UnixNanos::as_millis),
        });
        (signal.name().to_owned(), entry)
    };
    Value::Object(SIGNALS.iter().map(of).collect())
}

/// What components count.
fn counted(host: &Host) -> Value {
    let entry = |r: crate::meters::Reading| {
        let labels: serde_json::Map<String, Value> =
            r.labels.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        json!({"name": r.name, "labels": labels, "value": r.value})
    };
    Value::Array(host.journal.meters().readings().into_iter().map(entry).collect())
}

fn refusals(host: &Host) -> Value {
    let entry = |r: crate::journal::RefusalEntry| {
        json!({
            "time_ms": r.time.as_millis(),
            "signal": r.signal.map(model::Signal::name),
            "code": r.code,
            "message": r.message,
            "count": r.count,
            "peer": r.whence.peer.map(|peer| peer.to_string()),
            "port": r.whence.port,
            "page": r.whence.page,
        })
    };
    Value::Array(host.journal.refusals().into_iter().map(entry).collect())
}

/// What was acknowledged and then dropped.
fn losses(host: &Host) -> Value {
    let entry = |loss: crate::journal::Loss| {
        json!({
            "component": loss.component,
            "signal": loss.signal.name(),
            "requests": loss.requests,
            "bytes": loss.bytes,
            "time_ms": loss.time.as_millis(),
            "message": loss.message,
        })
    };
    Value::Array(host.journal.losses().into_iter().map(entry).collect())
}

/// One line for each entry.
fn text(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let _ = writeln!(out, "{key}: {value}");
            }
        }
        Value::Array(items) => {
            for item in items {
                let _ = writeln!(out, "{item}");
            }
        }
        other => {
            let _ = writeln!(out, "{other}");
        }
    }
    out
}
