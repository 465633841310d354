//! `prometheus`: shows the latest value of every series at `/metrics`, for a Prometheus to scrape.
//!
//! Names are those that the metrics engine gives. Deltas are added up. Source: prometheusexporter (fields);
//! OpenTelemetry, "Prometheus and OpenMetrics Compatibility"; prometheus.io, "Exposition formats"; OpenMetrics 1.0.

pub(super) mod series;
mod text;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use foundation::Clock;
use http::StatusCode;
use model::Signal;
use net::tls::ServerSettings;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::component::{Exporter, ExporterFactory, Host, Refused, Run, Setup, StartError, Starting};
use crate::config::{Collector, Interval};
use crate::consumer::{Answer, Consumer};
use crate::page::{Page, at_once, serve};
use crate::telemetry::{Telemetry, Tree};
use series::{Naming, Series};

/// How it is known.
pub(super) const FACTORY: ExporterFactory =
    ExporterFactory { names: &["prometheus"], signals: &[Signal::Metrics], build };

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    endpoint: String,
    const_labels: BTreeMap<String, String>,
    namespace: String,
    send_timestamps: bool,
    metric_expiration: Interval,
    resource_to_telemetry_conversion: Conversion,
    /// Ours is on: who asks for OpenMetrics gets it, with exemplars.
    enable_open_metrics: bool,
    without_scope_info: bool,
    add_metric_suffixes: bool,
    #[serde(skip_serializing)]
    translation_strategy: Option<String>,
    #[serde(skip_serializing)]
    tls: Option<ServerSettings>,
    #[serde(skip_serializing)]
    sending_queue: Option<Value>,
}

/// `resource_to_telemetry_conversion`: attributes of the resource become labels.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Conversion {
    pub(super) enabled: bool,
    pub(super) exclude_service_attributes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            const_labels: BTreeMap::new(),
            namespace: String::new(),
            send_timestamps: false,
            metric_expiration: Interval::secs(300),
            resource_to_telemetry_conversion: Conversion::default(),
            enable_open_metrics: true,
            without_scope_info: false,
            add_metric_suffixes: true,
            translation_strategy: None,
            tls: None,
            sending_queue: None,
        }
    }
}

struct Prometheus {
    component: String,
    address: SocketAddr,
    settings: Settings,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    let mut settings: Settings = setup.read()?;
    if settings.endpoint.is_empty() {
        return Err(setup.error("endpoint", "is missing; write `endpoint: 0.0.0.0:8889`"));
    }
    let endpoint = settings.endpoint.clone();
    let address = setup.address("endpoint", Some(&endpoint), 0)?;
    settings.endpoint = address.to_string();
    match settings.translation_strategy.as_deref() {
        None | Some("UnderscoreEscapingWithSuffixes") => {}
        Some("UnderscoreEscapingWithoutSuffixes") => settings.add_metric_suffixes = false,
        Some(other) => {
            let message = format!(
                "`{other}` is not known; write UnderscoreEscapingWithSuffixes or UnderscoreEscapingWithoutSuffixes"
            );
            return Err(setup.error("translation_strategy", message));
        }
    }
    if settings.tls.is_some() {
        let message = "this port speaks plain text; leave `tls` out and put a proxy in front";
        return Err(setup.error("tls", message));
    }
    for name in settings.const_labels.keys() {
        if *tsdb::label_name(name) != **name {
            let message = format!("`{name}` is not the name of a label; write letters, digits and underscores");
            return Err(setup.error(&format!("const_labels.{name}"), message));
        }
    }
    if settings.metric_expiration.0.is_zero() {
        return Err(setup.error("metric_expiration", "must be greater than zero"));
    }
    if settings.sending_queue.is_some() {
        let message = "is not needed: values are shown, not sent";
        setup.warning("sending_queue", message, "leave it out", Some(Collector::Accepts));
    }
    setup.show(&settings);
    Ok(Box::new(Prometheus { component: setup.path(""), address, settings }))
}

impl Exporter for Prometheus {
    fn start<'a>(self: Box<Self>, host: &'a Host, run: &'a mut Run) -> Starting<'a, Arc<dyn Consumer>> {
        Box::pin(async move {
            let Self { component, address, settings } = *self;
            let owner = format!("{component}.endpoint");
            let listener = host.sockets.tcp(&owner, address).await;
            let listener = listener.map_err(|message| StartError { component, message })?;
            let naming = Naming {
                namespace: settings.namespace,
                suffixes: settings.add_metric_suffixes,
                scope: !settings.without_scope_info,
                resource: settings.resource_to_telemetry_conversion.enabled,
                without_service: settings.resource_to_telemetry_conversion.exclude_service_attributes,
                const_labels: settings.const_labels.into_iter().collect(),
            };
            let shown = Arc::new(Shown {
                series: Mutex::new(Series::new(naming, settings.metric_expiration.0)),
                clock: host.clock.clone(),
            });
            let (pages, open, timestamps) = (shown.clone(), settings.enable_open_metrics, settings.send_timestamps);
            let pages = at_once(move |ask| {
                (ask.path == "/metrics").then(|| {
                    let open = open && ask.accept.contains("application/openmetrics-text");
                    tokio::task::block_in_place(|| pages.page(open, timestamps))
                })
            });
            run.spawn("metrics", serve(listener, pages, run.stopped()));
            Ok(shown as Arc<dyn Consumer>)
        })
    }
}

struct Shown {
    series: Mutex<Series>,
    clock: Arc<dyn Clock>,
}

impl Shown {
    fn page(&self, open: bool, timestamps: bool) -> Page {
        let mut series = self.series.lock();
        series.expire(self.clock.now());
        let body = text::write(&series, open, timestamps);
        let content_type = match open {
            true => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            false => "text/plain; version=0.0.4; charset=utf-8",
        };
        Page { status: StatusCode::OK, content_type, body: body.into() }
    }
}

impl Consumer for Shown {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let take = || match telemetry.into_tree()? {
                Tree::Metrics(metrics) => Ok(self.series.lock().take(&metrics, self.clock.now())),
                _ => Ok(wire::otlp::Decoded::default()),
            };
            tokio::task::block_in_place(take)
        })
    }
}
