//! `prometheusremotewrite` (`prometheus_remote_write`): metrics as samples to a Prometheus, or to what takes its remote write 1.0.
//!
//! Names are those of the `prometheus` exporter. Deltas are refused: a receiver has no use for them; put `deltatocumulative` in
//! front. Source: prometheus.io, "Remote Write 1.0" (which statuses may be tried again); prometheusremotewriteexporter (fields).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foundation::Clock;
use http::{HeaderMap, HeaderValue};
use model::Signal;
use net::tls::ClientSettings;
use net::{Client, Request, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::otlp::tree::{Data, Metrics, Temporality};
use wire::protobuf::Writer;

use super::otlphttp::{Auth, client, client_auth, headers, said, url};
use super::prometheus::Conversion;
use super::prometheus::series::{Labels, Latest, Naming, Point, Series};
use super::sending::{self, Failure, Queueing, Retry, Sender, Sent};
use crate::component::{ClientAuth, Exporter, ExporterFactory, Host, Refused, Run, Setup, Starting};
use crate::config::{Collector, Interval, Secret};
use crate::consumer::Consumer;

/// How it is known.
pub(super) const FACTORY: ExporterFactory = ExporterFactory {
    names: &["prometheusremotewrite", "prometheus_remote_write"],
    signals: &[Signal::Metrics],
    build,
};

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    endpoint: String,
    headers: BTreeMap<String, Secret>,
    external_labels: BTreeMap<String, String>,
    namespace: String,
    timeout: Interval,
    tls: ClientSettings,
    auth: Auth,
    add_metric_suffixes: bool,
    resource_to_telemetry_conversion: Conversion,
    target_info: TargetInfo,
    disable_scope_info: bool,
    sending_queue: Queueing,
    retry_on_failure: Retry,
    /// The queue of this exporter in the Collector; ours is `sending_queue`.
    #[serde(skip_serializing)]
    remote_write_queue: Option<Value>,
    #[serde(skip_serializing)]
    wal: Option<Value>,
    #[serde(skip_serializing)]
    send_metadata: Option<bool>,
    #[serde(skip_serializing)]
    max_batch_size_bytes: Option<u64>,
    #[serde(skip_serializing)]
    max_batch_request_parallelism: Option<u64>,
    #[serde(skip_serializing)]
    protobuf_message: Option<String>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct TargetInfo {
    enabled: bool,
}

impl Default for TargetInfo {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            headers: BTreeMap::new(),
            external_labels: BTreeMap::new(),
            namespace: String::new(),
            timeout: Interval::secs(5),
            tls: ClientSettings::default(),
            auth: Auth::default(),
            add_metric_suffixes: true,
            resource_to_telemetry_conversion: Conversion::default(),
            target_info: TargetInfo::default(),
            disable_scope_info: false,
            // Samples of a series have to arrive in order.
            sending_queue: Queueing::in_order(),
            retry_on_failure: Retry::default(),
            remote_write_queue: None,
            wal: None,
            send_metadata: None,
            max_batch_size_bytes: None,
            max_batch_request_parallelism: None,
            protobuf_message: None,
        }
    }
}

struct RemoteWriteExporter {
    component: String,
    settings: Settings,
    url: Url,
    client: Client,
    headers: HeaderMap,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    let mut settings: Settings = setup.read()?;
    settings.sending_queue.check(setup)?;
    settings.retry_on_failure.check(settings.sending_queue.enabled, setup)?;
    settings.tls.set_directory(&setup.surroundings().directory);
    if settings.endpoint.is_empty() {
        return Err(setup.error("endpoint", "is missing; write `endpoint: http://host:9090/api/v1/write`"));
    }
    for (name, written) in
        [("remote_write_queue", settings.remote_write_queue.is_some()), ("wal", settings.wal.is_some())]
    {
        if written {
            let message = "is not used: requests wait in `sending_queue`, which is on disk";
            setup.warning(name, message, "leave it out", Some(Collector::Accepts));
        }
    }
    if settings.protobuf_message.as_deref().is_some_and(|message| message.contains("v2")) {
        return Err(setup.error("protobuf_message", "version 1 is spoken; leave it out"));
    }
    let endpoint = settings.endpoint.clone();
    let url = url(setup, "endpoint", &endpoint)?;
    let headers = headers(setup, &settings.headers)?;
    let client = client(setup, &settings.tls, None)?;
    setup.show(&settings);
    Ok(Box::new(RemoteWriteExporter { component: setup.path(""), settings, url, client, headers }))
}

impl Exporter for RemoteWriteExporter {
    fn counts_itself(&self) -> bool {
        true
    }

    fn start<'a>(self: Box<Self>, host: &'a Host, run: &'a mut Run) -> Starting<'a, Arc<dyn Consumer>> {
        Box::pin(async move {
            let Self { component, settings, url, client, headers } = *self;
            let auth = client_auth(&component, &settings.auth.authenticator, host)?;
            let writer = Posting {
                client,
                url,
                headers,
                auth,
                timeout: settings.timeout.0,
                clock: host.clock.clone(),
                namespace: settings.namespace,
                suffixes: settings.add_metric_suffixes,
                scope: !settings.disable_scope_info,
                resource: settings.resource_to_telemetry_conversion,
                target_info: settings.target_info.enabled,
                external_labels: settings.external_labels.into_iter().collect(),
            };
            let plan = sending::Plan { component, queueing: settings.sending_queue, retry: settings.retry_on_failure };
            sending::start(plan, Arc::new(writer), host, run)
        })
    }
}

struct Posting {
    client: Client,
    url: Url,
    headers: HeaderMap,
    auth: Option<Arc<dyn ClientAuth>>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    namespace: String,
    suffixes: bool,
    scope: bool,
    resource: Conversion,
    target_info: bool,
    external_labels: Labels,
}

impl Posting {
    /// An OTLP request as a `WriteRequest`, compressed; `None` when there is nothing to send.
    fn body(&self, request: &[u8]) -> Result<Option<Bytes>, String> {
        let mut metrics = Metrics::decode(request).map_err(|e| e.to_string())?;
        metrics.retain(|_, _, metric| {
            !matches!(
                metric.data,
                Data::Sum { temporality: Temporality::DELTA, .. }
                    | Data::Histogram { temporality: Temporality::DELTA, .. }
                    | Data::Exponential { temporality: Temporality::DELTA, .. }
            )
        });
        let naming = Naming {
            namespace: self.namespace.clone(),
            suffixes: self.suffixes,
            scope: self.scope,
            resource: self.resource.enabled,
            without_service: self.resource.exclude_service_attributes,
            const_labels: self.external_labels.clone(),
        };
        let mut series = Series::new(naming, Duration::MAX);
        series.take(&metrics, self.clock.now());
        let mut w = Writer::new();
        for (name, family) in series.families.iter().filter(|(name, _)| self.target_info || *name != "target_info") {
            family.points.iter().for_each(|(labels, point)| write_point(&mut w, name, labels, point));
        }
        let plain = w.into_bytes();
        if plain.is_empty() {
            return Ok(None);
        }
        snap::raw::Encoder::new().compress_vec(&plain).map(|body| Some(body.into())).map_err(|e| e.to_string())
    }
}

/// The samples of one point; a histogram is several series.
fn write_point(w: &mut Writer, name: &str, labels: &Labels, point: &Point) {
    let mut sample = |name: &str, more: Option<(&str, &str)>, value: f64| {
        let own =
            labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).filter(|(n, _)| more.is_none_or(|(m, _)| m != *n));
        let mut all: Vec<(&str, &str)> = own.chain(more).chain([("__name__", name)]).collect();
        // Receivers want them sorted.
        all.sort_unstable();
        w.message(1, |w| {
            for (name, value) in &all {
                w.message(1, |w| {
                    w.string(1, name);
                    w.string(2, value);
                });
            }
            w.message(2, |w| {
                w.double(1, value);
                w.uint(2, point.time_ms as u64);
            });
        });
    };
    match &point.latest {
        Latest::Number { value, .. } => sample(name, None, *value),
        Latest::Histogram { bounds, counts, count, sum, .. } => {
            let mut below = 0u64;
            for (at, counted) in counts.iter().enumerate() {
                below = below.saturating_add(*counted);
                let last = at + 1 == counts.len();
                let bound = bounds.get(at).filter(|_| !last).map_or_else(|| "+Inf".to_owned(), ToString::to_string);
                let value = if last { *count } else { below };
                sample(&format!("{name}_bucket"), Some(("le", &bound)), value as f64);
            }
            if let Some(sum) = sum {
                sample(&format!("{name}_sum"), None, *sum);
            }
            sample(&format!("{name}_count"), None, *count as f64);
        }
        Latest::Summary { quantiles, count, sum } => {
            for (quantile, value) in quantiles {
                sample(name, Some(("quantile", &quantile.to_string())), *value);
            }
            sample(&format!("{name}_sum"), None, *sum);
            sample(&format!("{name}_count"), None, *count as f64);
        }
    }
}

impl Sender for Posting {
    fn send(&self, _: Signal, request: Bytes) -> Sent<'_> {
        Box::pin(async move {
            let Some(body) = tokio::task::block_in_place(|| self.body(&request)).map_err(Failure::lasting)? else {
                return Ok(());
            };
            let mut request = Request::post(self.url.clone(), "application/x-protobuf", body);
            request.headers.extend(self.headers.clone());
            request.headers.insert(http::header::CONTENT_ENCODING, HeaderValue::from_static("snappy"));
            request.headers.insert("x-prometheus-remote-write-version", HeaderValue::from_static("0.1.0"));
            if let Some(auth) = &self.auth {
                auth.authorize(&mut request.headers).map_err(Failure::passing)?;
            }
            let answer = self.client.send(request, self.timeout).await.map_err(|e| Failure::unanswered(&e))?;
            if answer.status.is_success() {
                return Ok(());
            }
            let host = self.url.host_str().unwrap_or_default();
            Err(Failure {
                retry: answer.status.is_server_error() || answer.status.as_u16() == 429,
                away: false,
                after: answer.retry_after(self.clock.now()),
                message: format!("{host} answered {}{}", answer.status, said(&answer.body)),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use foundation::clock::SystemClock;
    use wire::otlp::tree::{Metric, Number, NumberPoint, OfResource, OfScope};

    use super::*;

    #[test]
    fn totals_are_sent_sorted_and_deltas_are_not() {
        let posting = Posting {
            client: Client::new(&net::HttpConfig::default(), net::ClientOptions::default()).unwrap(),
            url: "http://127.0.0.1:9/api/v1/write".parse().unwrap(),
            headers: HeaderMap::new(),
            auth: None,
            timeout: Duration::from_secs(1),
            clock: Arc::new(SystemClock),
            namespace: String::new(),
            suffixes: true,
            scope: true,
            resource: Conversion::default(),
            target_info: true,
            external_labels: vec![("zone".into(), "z".into())],
        };
        let sum = |name: &str, temporality| {
            let point =
                NumberPoint { value: Some(Number::Int(5)), time_unix_nano: 7_000_000, ..NumberPoint::default() };
            Metric {
                name: name.into(),
                data: Data::Sum { points: vec![point], temporality, monotonic: true },
                ..Metric::default()
            }
        };
        let records = vec![sum("kept", Temporality::CUMULATIVE), sum("left", Temporality::DELTA)];
        let scopes = vec![OfScope { records, ..OfScope::default() }];
        let metrics = Metrics { resources: vec![OfResource { scopes, ..OfResource::default() }] };
        let body = posting.body(&metrics.encode()).unwrap().unwrap();
        let plain = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
        let mut expected = Writer::new();
        expected.message(1, |w| {
            for (name, value) in [("__name__", "kept_total"), ("zone", "z")] {
                w.message(1, |w| {
                    w.string(1, name);
                    w.string(2, value);
                });
            }
            w.message(2, |w| {
                w.double(1, 5.0);
                w.uint(2, 7);
            });
        });
        assert_eq!(plain, expected.into_bytes());
        assert_eq!(posting.body(&Metrics::default().encode()).unwrap(), None);
    }
}
