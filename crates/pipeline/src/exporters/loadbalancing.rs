//! `loadbalancing`: what belongs together goes to one of several back ends, over OTLP/gRPC.
//!
//! Each back end has its own connection, queue and retry: one that is down holds nothing up, and gets what is its own when it comes
//! back. One that the resolver no longer names is sent what it still takes; the rest of its queue is shared out again.
//! Source: loadbalancingexporter (fields, ring, keys). Of `resource` and `streamID` the Collector's keys are hashes of its own; places
//! of what goes by them differ from its, those of traces, services, metrics and attributes do not.

mod backends;
mod ring;
mod routing;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::otlp::{self, Dialer, Target};
use super::otlphttp::client_auth;
use crate::component::{Exporter, ExporterFactory, Host, Refused, Run, SIGNALS, Setup, Starting};
use crate::config::{Collector, Interval};
use crate::consumer::Consumer;
use backends::Backends;
use ring::BACKENDS_MAX;
use routing::{Routing, RoutingKey};

/// How it is known.
pub(super) const FACTORY: ExporterFactory =
    ExporterFactory { names: &["loadbalancing", "load_balancing"], signals: SIGNALS, build };

/// Where back ends listen that name no port.
const PORT: u16 = 4317;

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    routing_key: RoutingKey,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routing_attributes: Vec<String>,
    protocol: Protocol,
    resolver: Resolver,
    /// Of each back end, and written there.
    #[serde(skip_serializing)]
    timeout: Option<Interval>,
    #[serde(skip_serializing)]
    sending_queue: Option<Value>,
    #[serde(skip_serializing)]
    retry_on_failure: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Protocol {
    otlp: otlp::Settings,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Resolver {
    #[serde(rename = "static", skip_serializing_if = "Option::is_none")]
    fixed: Option<Fixed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<Dns>,
    /// Not built in.
    #[serde(skip_serializing)]
    k8s: Option<Value>,
    #[serde(skip_serializing)]
    aws_cloud_map: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Fixed {
    hostnames: Vec<String>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Dns {
    hostname: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    interval: Interval,
    timeout: Interval,
}

impl Default for Dns {
    fn default() -> Self {
        Self { hostname: String::new(), port: None, interval: Interval::secs(5), timeout: Interval::secs(1) }
    }
}

/// What back ends there are, by their names on the ring; or why that is not known now.
type Found<'a> = Pin<Box<dyn Future<Output = Result<Vec<String>, String>> + Send + 'a>>;

/// How back ends are found: the list of the configuration, or names that change.
struct Lookup {
    ask: Box<dyn Fn() -> Found<'static> + Send + Sync>,
    /// Asked again so often; `None`: they do not change.
    interval: Option<Duration>,
}

impl Lookup {
    fn fixed(names: Vec<String>) -> Self {
        Self {
            ask: Box::new(move || {
                let names = names.clone();
                Box::pin(async move { Ok(names) })
            }),
            interval: None,
        }
    }

    fn dns(dns: Dns) -> Self {
        let interval = dns.interval.0;
        Self { ask: Box::new(move || Box::pin(resolve(dns.clone()))), interval: Some(interval) }
    }
}

/// The addresses of a name, as the Collector puts them on the ring: with the port only where one is written.
async fn resolve(dns: Dns) -> Result<Vec<String>, String> {
    let Dns { hostname, port, timeout, .. } = dns;
    let looked =
        tokio::time::timeout(timeout.0, tokio::net::lookup_host((hostname.as_str(), port.unwrap_or(PORT)))).await;
    let found = looked.map_err(|_| format!("`{hostname}` was not resolved within {:?}", timeout.0))?;
    let found = found.map_err(|e| format!("`{hostname}` cannot be resolved: {e}"))?;
    let name = |address: SocketAddr| match (port, address) {
        (Some(_), address) => address.to_string(),
        (None, SocketAddr::V4(v4)) => v4.ip().to_string(),
        (None, SocketAddr::V6(v6)) => format!("[{}]", v6.ip()),
    };
    let names: BTreeSet<String> = found.map(name).collect();
    match names.is_empty() {
        true => Err(format!("`{hostname}` has no addresses")),
        false => Ok(names.into_iter().collect()),
    }
}

/// Where the back end of this name listens.
fn target(name: &str) -> Result<Target, String> {
    Target::parse(name).or_else(|e| Target::parse(&format!("{name}:{PORT}")).map_err(|_| e))
}

struct LoadBalancing {
    component: String,
    routing: Routing,
    dialer: Dialer,
    lookup: Lookup,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    let mut settings: Settings = setup.read()?;
    if !settings.protocol.otlp.endpoint.is_empty() {
        let message = "is not used: the resolver says where back ends are";
        setup.warning("protocol.otlp.endpoint", message, "leave it out", Some(Collector::Accepts));
    }
    for (name, written) in [
        ("timeout", settings.timeout.is_some()),
        ("sending_queue", settings.sending_queue.is_some()),
        ("retry_on_failure", settings.retry_on_failure.is_some()),
    ] {
        if written {
            let fix = format!("write it as `protocol.otlp.{name}`");
            setup.warning(name, "is not used here: each back end has its own", fix, Some(Collector::Accepts));
        }
    }
    if settings.routing_key == RoutingKey::Attributes && settings.routing_attributes.is_empty() {
        let message = "is missing; name the attributes that `routing_key: attributes` goes by";
        return Err(setup.error("routing_attributes", message));
    }
    let lookup = lookup(setup, &settings.resolver)?;
    let insecure = settings.protocol.otlp.tls.insecure;
    let dialer = match setup.inside("protocol.otlp") {
        Some(mut inner) => otlp::dialer(&mut inner, &mut settings.protocol.otlp, insecure)?,
        None => otlp::dialer(setup, &mut settings.protocol.otlp, insecure)?,
    };
    setup.show(&settings);
    let routing = Routing::new(settings.routing_key, settings.routing_attributes);
    Ok(Box::new(LoadBalancing { component: setup.path(""), routing, dialer, lookup }))
}

fn lookup(setup: &mut Setup<'_>, resolver: &Resolver) -> Result<Lookup, Refused> {
    for (name, written) in [("k8s", resolver.k8s.is_some()), ("aws_cloud_map", resolver.aws_cloud_map.is_some())] {
        if written {
            let message = format!(
                "the resolver `{name}` is not in this build; use `dns` with the name of a headless service, or `static`"
            );
            return Err(setup.error(&format!("resolver.{name}"), message));
        }
    }
    match (&resolver.fixed, &resolver.dns) {
        (Some(_), Some(_)) => Err(setup.error("resolver", "names `static` and `dns`; keep one")),
        (None, None) => {
            Err(setup.error("resolver", "is missing; write `resolver: {static: {hostnames: [a:4317, b:4317]}}`"))
        }
        (Some(fixed), None) => {
            if fixed.hostnames.is_empty() {
                return Err(setup.error("resolver.static.hostnames", "is empty; name at least one `host:port`"));
            }
            if fixed.hostnames.len() > BACKENDS_MAX {
                let message = format!("names {} back ends; there is room for {BACKENDS_MAX}", fixed.hostnames.len());
                return Err(setup.error("resolver.static.hostnames", message));
            }
            for (n, name) in fixed.hostnames.iter().enumerate() {
                target(name).map_err(|e| setup.error(&format!("resolver.static.hostnames[{n}]"), e))?;
            }
            // Sorted, so that their order in the file does not matter.
            let names: BTreeSet<String> = fixed.hostnames.iter().cloned().collect();
            Ok(Lookup::fixed(names.into_iter().collect()))
        }
        (None, Some(dns)) => {
            if dns.hostname.is_empty() {
                return Err(
                    setup.error("resolver.dns.hostname", "is missing; write the name whose addresses are back ends")
                );
            }
            for (name, value) in [("interval", dns.interval), ("timeout", dns.timeout)] {
                if value.0.is_zero() {
                    return Err(setup.error(&format!("resolver.dns.{name}"), "must be greater than zero"));
                }
            }
            Ok(Lookup::dns(dns.clone()))
        }
    }
}

impl Exporter for LoadBalancing {
    fn counts_itself(&self) -> bool {
        true
    }

    fn start<'a>(self: Box<Self>, host: &'a Host, run: &'a mut Run) -> Starting<'a, Arc<dyn Consumer>> {
        Box::pin(async move {
            let Self { component, routing, dialer, lookup } = *self;
            let auth = client_auth(&component, dialer.authenticator(), host)?;
            let backends = Backends::new(component, routing, dialer, auth, host.clone());
            backends.start(lookup, run).await
        })
    }
}

#[cfg(test)]
mod tests;
