//! Who has sent what: the services of each signal, with an example and what is odd about their data.

use std::collections::BTreeMap;

use eventstore::EventStore;
use eventstore::query::{
    Aggregation, AttributeScope, Cell, Field, Filter, GroupBy, Measure, Order, Page, RowId, Select,
};
use foundation::UnixNanos;
use model::TraceId;
use promql::matcher::{MatchOp, Matcher};
use tsdb::Tsdb;

use crate::EventSignal;
use crate::metrics::{Ask, MetricsError, extent, label_values, stretches};
use crate::read::{ReadError, Request};

/// Services that are listed.
pub const SERVICES_MAX: usize = 20;
/// Clocks differ by some seconds everywhere.
const AHEAD_NANOS: i64 = 60_000_000_000;
/// Series that this server makes from spans.
const DERIVED: &str = "traces_(span_metrics|service_graph)_.*";

/// What one service has sent of one signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// `service.name`.
    pub service: String,
    /// `telemetry.sdk.language`.
    pub language: Option<String>,
    /// `opentelemetry 1.30`.
    pub sdk: Option<String>,
    /// The oldest in the range.
    pub first: UnixNanos,
    /// The newest.
    pub last: UnixNanos,
    /// Records; series for metrics.
    pub count: u64,
    /// One of them.
    pub example: Example,
    /// What is odd.
    pub oddities: Vec<Oddity>,
}

/// Something to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Example {
    /// A span, by its trace.
    Trace(TraceId),
    /// A log record.
    Log(RowId),
    /// A metric.
    Metric(String),
}

/// What is odd about the data of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// It does not say who it is.
    NoServiceName,
    /// Its newest record is from the future.
    ClockAhead {
        /// By how much.
        nanos: i64,
    },
    /// None of its logs belongs to a trace.
    NoTraceIds,
    /// Increases instead of totals: they are added up here.
    Deltas,
    /// Histograms of seconds with the default buckets of SDKs, which are for milliseconds.
    DefaultBounds,
}

/// The services of logs or spans in the request's range, most records first.
///
/// # Errors
/// When the engine refuses.
pub fn events(
    store: &EventStore,
    signal: EventSignal,
    request: &Request,
    now: UnixNanos,
) -> Result<Vec<Arrival>, ReadError> {
    let sdk = |key: &str| {
        GroupBy::Field(Field::Attribute { scope: AttributeScope::Resource, key: format!("telemetry.sdk.{key}") })
    };
    let by = vec![GroupBy::Field(Field::Service), sdk("language"), sdk("name"), sdk("version")];
    let asked = Aggregation {
        measures: vec![Measure::Rows, Measure::Present(Field::TraceId)],
        ..Aggregation::top(by, Measure::Rows, 10 * SERVICES_MAX)
    };
    let select = request.with(Filter::All);
    let table = match signal {
        EventSignal::Logs => store.logs().aggregate(&select, &asked)?.value,
        EventSignal::Traces => store.spans().aggregate(&select, &asked)?.value,
    };
    let mut services: Vec<Arrival> = Vec::new();
    let mut traced: BTreeMap<String, u64> = BTreeMap::new();
    for row in table.rows {
        let mut key = row.key.into_iter();
        let mut next = || key.next().flatten();
        let Some(service) = next() else { continue };
        let (language, name, version) = (next(), next(), next());
        let count = |at: usize| match row.cells.get(at) {
            Some(Cell::Count(n)) => *n,
            _ => 0,
        };
        *traced.entry(service.clone()).or_default() += count(1);
        if let Some(known) = services.iter_mut().find(|a| a.service == service) {
            known.count += count(0);
            continue;
        }
        let sdk = name.map(|name| [Some(name), version].into_iter().flatten().collect::<Vec<_>>().join(" "));
        let example = Example::Metric(String::new());
        let (first, last, oddities) = (now, now, Vec::new());
        services.push(Arrival { service, language, sdk, first, last, count: count(0), example, oddities });
    }
    services.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.service.cmp(&b.service)));
    services.truncate(SERVICES_MAX);
    let mut out = Vec::with_capacity(services.len());
    for arrival in services {
        let select = request.with(Filter::eq(Field::Service, arrival.service.as_str()));
        let ends = (end(store, signal, &select, Order::Ascending)?, end(store, signal, &select, Order::Descending)?);
        // Retention may have taken them away meanwhile.
        let (Some((first, _)), Some((last, example))) = ends else { continue };
        let mut oddities = Vec::new();
        if arrival.service == "unknown_service" || arrival.service.starts_with("unknown_service:") {
            oddities.push(Oddity::NoServiceName);
        }
        let nanos = last.0.saturating_sub(now.0);
        if nanos > AHEAD_NANOS {
            oddities.push(Oddity::ClockAhead { nanos });
        }
        if signal == EventSignal::Logs && traced.get(&arrival.service) == Some(&0) {
            oddities.push(Oddity::NoTraceIds);
        }
        out.push(Arrival { first, last, example, oddities, ..arrival });
    }
    Ok(out)
}

/// The record at one end of time.
fn end(
    store: &EventStore,
    signal: EventSignal,
    select: &Select,
    order: Order,
) -> Result<Option<(UnixNanos, Example)>, ReadError> {
    let page = Page { order, limit: 1, after: None };
    Ok(match signal {
        EventSignal::Logs => {
            let found = store.logs().latest(select, &page)?.value.rows;
            found.first().map(|row| (row.id.time, Example::Log(row.id)))
        }
        EventSignal::Traces => {
            let found = store.spans().latest(select, &page)?.value.rows;
            found.first().map(|row| (row.id.time, Example::Trace(row.record.trace_id)))
        }
    })
}

/// The services of metrics with samples in `range_ms` (both ends inclusive), by name; what this server derives from spans is
/// left out. `first` is when the metric of the example began.
///
/// # Errors
/// A limit, the deadline.
pub fn metrics(db: &Tsdb, ask: &Ask, range_ms: (i64, i64), now: UnixNanos) -> Result<Vec<Arrival>, MetricsError> {
    let sent = format!("{{service!=\"\",__name__!~\"{DERIVED}\"}}");
    let services = label_values(db, ask, "service", &[&sent], range_ms)?;
    let mut out = Vec::new();
    for service in services.into_iter().take(SERVICES_MAX) {
        let mut selector = vec![Matcher::equal("service", &service)];
        selector.extend(Matcher::new(MatchOp::NotRegex, model::labels::NAME, DERIVED));
        let found = stretches(db, ask, &selector, range_ms)?;
        let own = found.iter().filter(|(labels, _)| labels.metric_name() != "target_info");
        let Some(last) = own.clone().map(|(_, (_, last))| *last).max() else { continue };
        let example = own.clone().map(|(l, _)| l.metric_name()).next().unwrap_or_default().to_owned();
        let of_example = [Matcher::equal("service", &service), Matcher::equal(model::labels::NAME, &example)];
        let first = extent(db, ask, &of_example)?.map_or(last, |(first, _)| first);
        let info = found.iter().find(|(labels, _)| labels.metric_name() == "target_info").map(|(labels, _)| labels);
        let of_info = |name: &str| info.map(|l| l.get(name).to_owned()).filter(|v| !v.is_empty());
        let sdk = of_info("telemetry_sdk_name").map(|name| {
            [Some(name), of_info("telemetry_sdk_version")].into_iter().flatten().collect::<Vec<_>>().join(" ")
        });
        let mut oddities = Vec::new();
        let (first, last) = (UnixNanos::from_millis(first), UnixNanos::from_millis(last));
        let nanos = last.0.saturating_sub(now.0);
        if nanos > AHEAD_NANOS {
            oddities.push(Oddity::ClockAhead { nanos });
        }
        if own
            .clone()
            .any(|(l, _)| l.metric_name().ends_with("_seconds_bucket") && ["7500", "7500.0"].contains(&l.get("le")))
        {
            oddities.push(Oddity::DefaultBounds);
        }
        if own.clone().any(|(l, _)| db.adds_up(l)) {
            oddities.push(Oddity::Deltas);
        }
        out.push(Arrival {
            language: of_info("telemetry_sdk_language"),
            sdk,
            first,
            last,
            count: own.count() as u64,
            example: Example::Metric(example),
            oddities,
            service,
        });
    }
    Ok(out)
}
