//! Requests counted by method, route, status and upstream, and how long they took.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation::UnixNanos;
use model::Signal;
use wire::otlp::tree::{
    Attributes, Data, HistogramPoint, Metric, Metrics, Number, NumberPoint, OfResource, OfScope, Resource, Scope,
    Temporality, Text,
};

use super::line::Access;
use crate::telemetry::Telemetry;

/// Series; what would be more is counted under the route `other`.
const SERIES_MAX: usize = 2000;
/// Seconds; those of the semantic conventions, and one and two, which objectives ask for.
const BOUNDS: [f64; 15] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.0, 2.5, 5.0, 7.5, 10.0];

type Key = [String; 4];
const LABELS: [&str; 4] = ["method", "route", "status", "upstream"];

#[derive(Debug, Clone, Default)]
struct Timed {
    count: u64,
    sum: f64,
    buckets: [u64; BOUNDS.len() + 1],
}

impl Timed {
    fn add(&mut self, seconds: f64) {
        self.count += 1;
        self.sum += seconds;
        self.buckets[BOUNDS.iter().position(|b| seconds <= *b).unwrap_or(BOUNDS.len())] += 1;
    }
}

/// Counts since the receiver began.
pub(super) struct Counts {
    begun: UnixNanos,
    sent: UnixNanos,
    changed: bool,
    requests: BTreeMap<Key, Timed>,
    upstreams: BTreeMap<String, Timed>,
}

impl Counts {
    pub(super) fn new(now: UnixNanos) -> Self {
        Self { begun: now, sent: now, changed: false, requests: BTreeMap::new(), upstreams: BTreeMap::new() }
    }

    pub(super) fn count(&mut self, access: &Access) {
        self.changed = true;
        let upstream = access.attempts.last().map(|a| a.address.clone()).unwrap_or_default();
        let mut key = [access.method.clone(), access.route(), access.status.to_string(), upstream];
        if self.requests.len() >= SERIES_MAX && !self.requests.contains_key(&key) {
            key = ["other", "other", &access.status.to_string(), ""].map(str::to_owned);
        }
        self.requests.entry(key).or_default().add(access.duration as f64 / 1e9);
        for attempt in &access.attempts {
            if self.upstreams.len() < SERIES_MAX || self.upstreams.contains_key(&attempt.address) {
                self.upstreams.entry(attempt.address.clone()).or_default().add(attempt.duration as f64 / 1e9);
            }
        }
    }

    /// The metrics, when their time has come.
    pub(super) fn due(&mut self, now: UnixNanos, every: Duration, service: &str) -> Option<Telemetry> {
        if !self.changed || now < self.sent.plus(every) {
            return None;
        }
        (self.sent, self.changed) = (now, false);
        let at = |t: UnixNanos| u64::try_from(t.0).unwrap_or(0);
        let (start, now) = (at(self.begun), at(now));
        let attributes = |key: &Key| -> Attributes {
            LABELS.iter().zip(key).filter(|(_, v)| !v.is_empty()).map(|(k, v)| (*k, v.as_str())).collect()
        };
        let timed = |t: &Timed, attributes: Attributes| HistogramPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: now,
            count: t.count,
            sum: Some(t.sum),
            bucket_counts: t.buckets.to_vec(),
            explicit_bounds: BOUNDS.to_vec(),
            ..HistogramPoint::default()
        };
        let requests = self.requests.iter().map(|(key, t)| NumberPoint {
            attributes: attributes(key),
            start_time_unix_nano: start,
            time_unix_nano: now,
            value: Some(Number::Int(t.count as i64)),
            ..NumberPoint::default()
        });
        let durations = self.requests.iter().map(|(key, t)| timed(t, attributes(key))).collect();
        let upstreams =
            self.upstreams.iter().map(|(address, t)| timed(t, [("upstream", address.as_str())].into_iter().collect()));
        let temporality = Temporality::CUMULATIVE;
        let metric = |name: &str, unit: &str, data| Metric {
            name: Text::new(name),
            unit: Text::new(unit),
            data,
            ..Metric::default()
        };
        let records = vec![
            metric("http_requests_total", "", Data::Sum { points: requests.collect(), temporality, monotonic: true }),
            metric("http_request_duration_seconds", "s", Data::Histogram { points: durations, temporality }),
            metric(
                "http_upstream_response_time_seconds",
                "s",
                Data::Histogram { points: upstreams.collect(), temporality },
            ),
        ];
        let records = records.into_iter().filter(|m| !m.data.is_empty()).collect();
        let resource =
            Resource { attributes: [("service.name", service)].into_iter().collect(), ..Resource::default() };
        let scope = Scope { name: Text::new("bellrock/nginx_access"), ..Scope::default() };
        let scopes = vec![OfScope { scope, records, ..OfScope::default() }];
        let tree = Metrics { resources: vec![OfResource { resource, scopes, ..OfResource::default() }] };
        Some(Telemetry::new(Signal::Metrics, tree.encode()))
    }
}
