//! Metric and label names, from OpenTelemetry's to Prometheus'.
//!
//! OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility",
//! "Metric Metadata" and "Metric Attributes", with the tables and order of
//! steps of Prometheus' `otlptranslator` (strategy
//! `UnderscoreEscapingWithSuffixes`), so that both write the same names.

use std::borrow::Cow;

use wire::sink::MetricKind;

/// UCUM units and the words for them.
const UNITS: [(&str, &str); 32] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("KB", "kilobytes"),
    ("MB", "megabytes"),
    ("GB", "gigabytes"),
    ("TB", "terabytes"),
    ("B", "bytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
    ("{}", ""),
];

/// The words for what a rate is per.
const PER_UNITS: [(&str, &str); 7] =
    [("s", "second"), ("m", "minute"), ("h", "hour"), ("d", "day"), ("w", "week"), ("mo", "month"), ("y", "year")];

/// The name under which a metric is stored (for histograms and summaries without `_bucket`, `_sum`, `_count`).
pub fn metric_name(name: &str, unit: &str, kind: MetricKind) -> String {
    let mut tokens: Vec<&str> =
        name.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').filter(|t| !t.is_empty()).collect();
    let (main, per) = unit_words(unit);
    if !main.is_empty() && !tokens.contains(&main.as_str()) {
        tokens.push(&main);
    }
    if !per.is_empty() && !tokens.contains(&per.as_str()) {
        tokens.extend(["per", &per]);
    }
    if matches!(kind, MetricKind::Sum { monotonic: true, .. }) {
        tokens.retain(|t| *t != "total");
        tokens.push("total");
    }
    // Many receivers use the unit 1 for counts of things; only for gauges does it mean a ratio.
    if unit == "1" && kind == MetricKind::Gauge {
        tokens.retain(|t| *t != "ratio");
        tokens.push("ratio");
    }
    let joined = tokens.join("_");
    if joined.starts_with(|c: char| c.is_ascii_digit()) { format!("_{joined}") } else { joined }
}

/// The words for the unit before and after the `/`; empty for none, for `1` and for annotations (`{request}`).
fn unit_words(unit: &str) -> (String, String) {
    let word = |text: &str, table: &[(&str, &str)]| {
        let text = text.trim();
        if text.contains(['{', '}']) {
            return String::new();
        }
        let known = table.iter().find(|(u, _)| *u == text).map(|(_, w)| (*w).to_owned());
        known.unwrap_or_else(|| clean(text))
    };
    match unit.split_once('/') {
        Some((main, per)) => (word(main, &UNITS), word(per, &PER_UNITS)),
        None => (word(unit, &UNITS), String::new()),
    }
}

/// An unknown unit as part of a name.
fn clean(unit: &str) -> String {
    let parts: Vec<_> =
        unit.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').filter(|p| !p.is_empty()).collect();
    parts.join("_")
}

/// The name of the label for an attribute key.
pub fn label_name(key: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let replaced: Cow<'_, str> = if key.chars().all(plain) {
        Cow::Borrowed(key)
    } else {
        Cow::Owned(key.chars().map(|c| if plain(c) { c } else { '_' }).collect())
    };
    if replaced.starts_with(|c: char| c.is_ascii_digit()) {
        return Cow::Owned(format!("key_{replaced}"));
    }
    // Names with two underscores are Prometheus' own; with one they are kept apart from them.
    if replaced.starts_with('_') && !replaced.starts_with("__") {
        return Cow::Owned(format!("key{replaced}"));
    }
    replaced
}

#[cfg(test)]
mod tests {
    use wire::sink::Temporality::Cumulative;

    use super::*;

    const GAUGE: MetricKind = MetricKind::Gauge;
    const COUNTER: MetricKind = MetricKind::Sum { temporality: Cumulative, monotonic: true };
    const UP_DOWN: MetricKind = MetricKind::Sum { temporality: Cumulative, monotonic: false };
    const HISTOGRAM: MetricKind = MetricKind::Histogram { temporality: Cumulative };

    #[test]
    fn names_of_the_specification_and_the_translator() {
        for (name, unit, kind, want) in [
            ("http.server.request.duration", "s", HISTOGRAM, "http_server_request_duration_seconds"),
            ("http.server.duration", "ms", HISTOGRAM, "http_server_duration_milliseconds"),
            ("system.filesystem.usage", "By", UP_DOWN, "system_filesystem_usage_bytes"),
            ("system.network.dropped", "{packets}", COUNTER, "system_network_dropped_total"),
            ("system.network.dropped", "packets", COUNTER, "system_network_dropped_packets_total"),
            ("system.cpu.utilization", "1", GAUGE, "system_cpu_utilization_ratio"),
            ("broken.metric.speed", "km/h", GAUGE, "broken_metric_speed_km_per_hour"),
            ("astro.light.speed_limit", "m/s", GAUGE, "astro_light_speed_limit_meters_per_second"),
            ("fsync.rate", "{calls}/s", GAUGE, "fsync_rate_per_second"),
            ("redis.ops", "1", COUNTER, "redis_ops_total"),
            (
                "active_directory.ds.replication.network.io",
                "By",
                COUNTER,
                "active_directory_ds_replication_network_io_bytes_total",
            ),
            ("total.requests", "1", COUNTER, "requests_total"),
            ("process.cpu.time", "s", COUNTER, "process_cpu_time_seconds_total"),
            ("3d.prints", "", GAUGE, "_3d_prints"),
            ("ns:a..b  c", "", GAUGE, "ns:a_b_c"),
            ("hits.ratio", "1", GAUGE, "hits_ratio"),
            ("disk.used", "%", GAUGE, "disk_used_percent"),
        ] {
            assert_eq!(metric_name(name, unit, kind), want, "{name} [{unit}]");
        }
    }

    #[test]
    fn prometheus_names_stay_as_they_are() {
        for (name, unit, kind) in [
            ("http_requests_total", "", COUNTER),
            ("http_requests_total", "1", COUNTER),
            ("http_requests_total", "{request}", COUNTER),
            ("http_request_duration_seconds", "s", HISTOGRAM),
            ("db_connections_active", "", GAUGE),
            ("db_connections_active", "1", UP_DOWN),
            ("db_query_duration_seconds", "s", HISTOGRAM),
            ("redis_memory_usage_bytes", "By", GAUGE),
            ("redis_cache_hits_total", "", COUNTER),
            ("go_memstats_alloc_bytes", "By", GAUGE),
            ("telegram_message_processing_duration_seconds", "s", HISTOGRAM),
        ] {
            assert_eq!(metric_name(name, unit, kind), name, "[{unit}]");
        }
    }

    #[test]
    fn label_names_are_escaped() {
        for (key, want) in [
            ("status", "status"),
            ("http.route", "http_route"),
            ("0day", "key_0day"),
            ("_private", "key_private"),
            ("__reserved", "__reserved"),
            ("größe", "gr__e"),
        ] {
            assert_eq!(label_name(key), want);
        }
    }
}
