//! Series as text: Prometheus 0.0.4, or OpenMetrics 1.0 with exemplars.

use std::fmt::Write as _;

use wire::otlp::tree::Exemplar;
use wire::prometheus::exposition::escape;

use super::series::{Family, Kind, Labels, Latest, Point, Series};

/// OpenMetrics lets an exemplar's labels have so many characters.
const EXEMPLAR_CHARS_MAX: usize = 128;

/// Everything that is shown.
pub(super) fn write(series: &Series, open: bool, timestamps: bool) -> String {
    let mut w = Writer { out: String::new(), open, timestamps };
    for (name, family) in &series.families {
        w.family(name, family);
    }
    if open {
        w.out.push_str("# EOF\n");
    }
    w.out
}

struct Writer {
    out: String,
    open: bool,
    timestamps: bool,
}

impl Writer {
    fn family(&mut self, name: &str, family: &Family) {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
        };
        // The name of a counter's family has no suffix there, and its samples must have it.
        let counter = self.open && family.kind == Kind::Counter;
        let base = if counter { name.strip_suffix("_total").unwrap_or(name) } else { name };
        if !family.help.is_empty() {
            let _ = writeln!(self.out, "# HELP {base} {}", escape(&family.help, false));
        }
        let _ = writeln!(self.out, "# TYPE {base} {kind}");
        let unit = family.unit.as_str();
        if self.open && !unit.is_empty() && base.ends_with(&format!("_{unit}")) {
            let _ = writeln!(self.out, "# UNIT {base} {unit}");
        }
        let sample = if counter { format!("{base}_total") } else { name.to_owned() };
        for (labels, point) in &family.points {
            self.point(&sample, labels, point, family.kind);
        }
    }

    fn point(&mut self, name: &str, labels: &Labels, point: &Point, kind: Kind) {
        match &point.latest {
            Latest::Number { value, exemplar } => {
                let exemplar = exemplar.as_ref().filter(|_| kind == Kind::Counter);
                self.line(name, labels, None, &number(*value), point, exemplar);
            }
            Latest::Histogram { bounds, counts, count, sum, exemplars } => {
                let bucket = format!("{name}_bucket");
                let mut below = 0u64;
                let mut from = f64::NEG_INFINITY;
                for (at, counted) in counts.iter().enumerate() {
                    below = below.saturating_add(*counted);
                    let last = at + 1 == counts.len();
                    let to = if last { f64::INFINITY } else { bounds.get(at).copied().unwrap_or(f64::INFINITY) };
                    let inside = |e: &&Exemplar| e.value.is_some_and(|v| v.as_f64() > from && v.as_f64() <= to);
                    let exemplar = exemplars.iter().rev().find(inside);
                    let value = if last { *count } else { below };
                    let bound =
                        if self.open && to.is_finite() && to.fract() == 0.0 { format!("{to:.1}") } else { number(to) };
                    self.line(&bucket, labels, Some(("le", &bound)), &value.to_string(), point, exemplar);
                    from = to;
                }
                if let Some(sum) = sum {
                    self.line(&format!("{name}_sum"), labels, None, &number(*sum), point, None);
                }
                self.line(&format!("{name}_count"), labels, None, &count.to_string(), point, None);
            }
            Latest::Summary { quantiles, count, sum } => {
                for (quantile, value) in quantiles {
                    let quantile = number(*quantile);
                    self.line(name, labels, Some(("quantile", &quantile)), &number(*value), point, None);
                }
                self.line(&format!("{name}_sum"), labels, None, &number(*sum), point, None);
                self.line(&format!("{name}_count"), labels, None, &count.to_string(), point, None);
            }
        }
    }

    fn line(
        &mut self,
        name: &str,
        labels: &Labels,
        more: Option<(&str, &str)>,
        value: &str,
        point: &Point,
        exemplar: Option<&Exemplar>,
    ) {
        self.out.push_str(name);
        let pairs =
            labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).filter(|(n, _)| more.is_none_or(|(m, _)| m != *n));
        self.labels(pairs.chain(more));
        self.out.push(' ');
        self.out.push_str(value);
        if self.timestamps && point.time_ms > 0 {
            match self.open {
                true => drop(write!(self.out, " {}.{:03}", point.time_ms / 1000, point.time_ms % 1000)),
                false => drop(write!(self.out, " {}", point.time_ms)),
            }
        }
        if let (true, Some(exemplar)) = (self.open, exemplar) {
            self.exemplar(exemplar);
        }
        self.out.push('\n');
    }

    fn labels<'a>(&mut self, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut sep = '{';
        for (name, value) in pairs {
            let _ = write!(self.out, "{sep}{name}=\"{}\"", escape(value, true));
            sep = ',';
        }
        if sep == ',' {
            self.out.push('}');
        }
    }

    fn exemplar(&mut self, exemplar: &Exemplar) {
        let Some(value) = exemplar.value else { return };
        let mut pairs = Vec::new();
        if exemplar.trace_id.valid().is_some() {
            pairs.push(("trace_id".to_owned(), exemplar.trace_id.to_hex()));
            pairs.push(("span_id".to_owned(), exemplar.span_id.to_hex()));
        }
        let mut chars: usize = pairs.iter().map(|(n, v): &(String, String)| n.len() + v.len()).sum();
        for (key, value) in exemplar.filtered_attributes.iter() {
            let (name, value) = (tsdb::label_name(key).into_owned(), value.to_text().to_string());
            chars += name.chars().count() + value.chars().count();
            if chars > EXEMPLAR_CHARS_MAX {
                break;
            }
            pairs.push((name, value));
        }
        self.out.push_str(" # ");
        if pairs.is_empty() {
            self.out.push_str("{}");
        }
        self.labels(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let seconds = exemplar.time_unix_nano as f64 / 1e9;
        let _ = write!(self.out, " {}", number(value.as_f64()));
        if seconds > 0.0 {
            let _ = write!(self.out, " {seconds:.3}");
        }
    }
}

/// A value as both formats spell it.
fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        v if v.is_nan() => "NaN".to_owned(),
        v => v.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::expect;
    use foundation::UnixNanos;
    use wire::otlp::tree::{
        Attributes, Data, HistogramPoint, Id, Metric, Metrics, Number, NumberPoint, OfResource, OfScope, Temporality,
    };

    use super::super::series::Naming;
    use super::*;

    fn metrics() -> Metrics {
        let mut attributes = Attributes::default();
        attributes.set("http.route", "/cart \"x\"");
        let exemplar = Exemplar {
            value: Some(Number::Double(0.3)),
            trace_id: Id::Set([1; 16]),
            span_id: Id::Set([2; 8]),
            time_unix_nano: 1_500_000_000,
            ..Exemplar::default()
        };
        let sum = NumberPoint {
            attributes: attributes.clone(),
            value: Some(Number::Int(5)),
            time_unix_nano: 2_000_000_000,
            ..NumberPoint::default()
        };
        let histogram = HistogramPoint {
            attributes,
            count: 3,
            sum: Some(1.5),
            bucket_counts: vec![1, 1, 1],
            explicit_bounds: vec![0.25, 1.0],
            exemplars: vec![exemplar],
            ..HistogramPoint::default()
        };
        let records = vec![
            Metric {
                name: "requests".into(),
                description: "served".into(),
                data: Data::Sum { points: vec![sum], temporality: Temporality::DELTA, monotonic: true },
                ..Metric::default()
            },
            Metric {
                name: "latency".into(),
                unit: "s".into(),
                data: Data::Histogram { points: vec![histogram], temporality: Temporality::CUMULATIVE },
                ..Metric::default()
            },
        ];
        let mut of_resource =
            OfResource { scopes: vec![OfScope { records, ..OfScope::default() }], ..OfResource::default() };
        of_resource.resource.attributes.set("service.name", "shop");
        of_resource.resource.attributes.set("host.name", "h1");
        Metrics { resources: vec![of_resource] }
    }

    fn series() -> Series {
        let naming = Naming {
            namespace: String::new(),
            suffixes: true,
            scope: true,
            resource: false,
            without_service: false,
            const_labels: vec![("cluster".into(), "c1".into())],
        };
        let mut series = Series::new(naming, Duration::from_secs(300));
        for now in [10, 20] {
            let decoded = series.take(&metrics(), UnixNanos::from_secs(now));
            assert_eq!((decoded.accepted, decoded.rejected), (2, 0));
        }
        series
    }

    #[test]
    fn the_text_of_prometheus() {
        expect![[r##"
            # TYPE latency_seconds histogram
            latency_seconds_bucket{cluster="c1",http_route="/cart \"x\"",job="shop",le="0.25"} 1
            latency_seconds_bucket{cluster="c1",http_route="/cart \"x\"",job="shop",le="1"} 2
            latency_seconds_bucket{cluster="c1",http_route="/cart \"x\"",job="shop",le="+Inf"} 3
            latency_seconds_sum{cluster="c1",http_route="/cart \"x\"",job="shop"} 1.5
            latency_seconds_count{cluster="c1",http_route="/cart \"x\"",job="shop"} 3
            # HELP requests_total served
            # TYPE requests_total counter
            requests_total{cluster="c1",http_route="/cart \"x\"",job="shop"} 10 2000
            # HELP target_info Target metadata
            # TYPE target_info gauge
            target_info{cluster="c1",host_name="h1",job="shop"} 1 20000
        "##]]
        .assert_eq(&write(&series(), false, true));
    }

    #[test]
    fn open_metrics_has_exemplars() {
        expect![[r##"
            # TYPE latency_seconds histogram
            latency_seconds_bucket{cluster="c1",http_route="/cart \"x\"",job="shop",le="0.25"} 1
            latency_seconds_bucket{cluster="c1",http_route="/cart \"x\"",job="shop",le="1.0"} 2 # {trace_id="01010101010101010101010101010101",span_id="0202020202020202"} 0.3 1.500
            latency_seconds_bucket{cluster="c1",http_route="/cart \"x\"",job="shop",le="+Inf"} 3
            latency_seconds_sum{cluster="c1",http_route="/cart \"x\"",job="shop"} 1.5
            latency_seconds_count{cluster="c1",http_route="/cart \"x\"",job="shop"} 3
            # HELP requests served
            # TYPE requests counter
            requests_total{cluster="c1",http_route="/cart \"x\"",job="shop"} 10
            # HELP target_info Target metadata
            # TYPE target_info gauge
            target_info{cluster="c1",host_name="h1",job="shop"} 1
            # EOF
        "##]].assert_eq(&write(&series(), true, false));
    }

    #[test]
    fn series_expire() {
        let mut series = series();
        series.expire(UnixNanos::from_secs(321));
        assert_eq!(write(&series, false, false), "");
    }
}
