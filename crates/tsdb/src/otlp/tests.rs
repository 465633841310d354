//! What OTLP points become, through the real decoder.

use wire::protobuf::Writer;

use super::*;
use crate::key;

const T: u64 = 1_700_000_000_000;

fn text_attribute(w: &mut Writer, field: u32, key: &str, value: &str) {
    w.message(field, |w| {
        w.string(1, key);
        w.message(2, |w| w.string(1, value));
    });
}

/// A request of one resource (`service.name` shop/api, instance 1, zone a) with what `metrics` writes into its scope.
fn request(metrics: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    w.message(1, |w| {
        w.message(1, |w| {
            text_attribute(w, 1, "service.name", "api");
            text_attribute(w, 1, "service.namespace", "shop");
            text_attribute(w, 1, "service.instance.id", "1");
            text_attribute(w, 1, "cloud.zone", "a");
        });
        w.message(2, |w| {
            w.message(1, |w| w.string(1, "meter"));
            metrics(w);
        });
    });
    w.as_bytes().to_vec()
}

fn metric(w: &mut Writer, name: &str, unit: &str, data_field: u32, data: impl FnOnce(&mut Writer)) {
    w.message(2, |w| {
        w.string(1, name);
        w.string(2, "help");
        w.string(3, unit);
        w.message(data_field, data);
    });
}

fn decode(request: &[u8], options: &OtlpOptions) -> (Batch, Decoded) {
    let rules = Rules { newest_allowed: i64::MAX, oldest_allowed: i64::MIN, window_ms: 0, in_order_ms: 0 };
    super::decode(request, rules, options).expect("well-formed")
}

fn lines(batch: &Batch) -> Vec<String> {
    let line = |s: &crate::batch::BatchSample| {
        let plus = if s.mode == Mode::Add { "+" } else { "" };
        let crate::batch::BatchValue::Float(v) = s.value else { panic!("a histogram") };
        format!("{} {plus}{v}", key::decode(batch.buf.key_at(s.series)))
    };
    batch.buf.samples.iter().map(line).collect()
}

fn number_point(w: &mut Writer, v: i64, attributes: &[(&str, &str)]) {
    w.message(1, |w| {
        w.fixed64(3, T * 1_000_000);
        w.fixed64(6, v as u64);
        attributes.iter().for_each(|(k, v)| text_attribute(w, 7, k, v));
    });
}

const IDENTITY: &str = r#"instance="1", job="shop/api", service="api", service_name="api""#;

#[test]
fn a_counter_keeps_its_prometheus_name_and_gets_the_service() {
    let bytes = request(|w| {
        metric(w, "http_requests_total", "1", 7, |w| {
            number_point(w, 5, &[("status", "200"), ("http.route", "/a"), ("http_route", "/b")]);
            w.uint(2, 2);
            w.uint(3, 1);
        });
    });
    let (batch, decoded) = decode(&bytes, &OtlpOptions::default());
    assert_eq!(decoded.accepted, 1);
    assert_eq!(
        lines(&batch),
        [
            r#"http_requests_total{http_route="/a;/b", instance="1", job="shop/api", service="api", service_name="api", status="200"} 5"#.to_owned(),
            format!(r#"target_info{{cloud_zone="a", {IDENTITY}}} 1"#),
        ]
    );
    assert_eq!(batch.metrics[0].metadata.kind, MetricType::Counter);
    assert_eq!(batch.metrics[0].original, None);
}

#[test]
fn a_service_on_the_point_wins_and_delta_is_marked() {
    let bytes = request(|w| {
        metric(w, "jobs", "", 7, |w| {
            number_point(w, 5, &[("service", "billing")]);
            w.uint(2, 1);
            w.uint(3, 1);
        });
    });
    let (batch, _) = decode(&bytes, &OtlpOptions::default());
    assert_eq!(
        lines(&batch)[0],
        r#"jobs_total{instance="1", job="shop/api", service="billing", service_name="api"} +5"#
    );
}

#[test]
fn a_histogram_becomes_buckets_sum_and_count() {
    let bytes = request(|w| {
        metric(w, "http.server.request.duration", "s", 9, |w| {
            w.message(1, |w| {
                w.fixed64(3, T * 1_000_000);
                w.fixed64(4, 6);
                w.double(5, 1.5);
                [1u64, 2, 3].iter().for_each(|n| w.fixed64(6, *n));
                [0.005, 1.0].iter().for_each(|b| w.double(7, *b));
                w.message(8, |w| {
                    w.fixed64(2, T * 1_000_000);
                    w.double(3, 0.5);
                    w.bytes(4, &[1; 8]);
                    w.bytes(5, &[2; 16]);
                    text_attribute(w, 7, "user.id", "7");
                });
            });
            w.uint(2, 2);
        });
    });
    let (batch, _) = decode(&bytes, &OtlpOptions::default());
    let series = |suffix: &str, le: &str, v: &str| {
        let mid = if le.is_empty() { String::new() } else { format!(r#", le="{le}""#) };
        format!(
            r#"http_server_request_duration_seconds{suffix}{{instance="1", job="shop/api"{mid}, service="api", service_name="api"}} {v}"#
        )
    };
    assert_eq!(
        lines(&batch)[..5],
        [
            series("_bucket", "0.005", "1"),
            series("_bucket", "1", "3"),
            series("_bucket", "+Inf", "6"),
            series("_count", "", "6"),
            series("_sum", "", "1.5"),
        ]
    );
    assert_eq!(batch.metrics[0].original.as_deref(), Some("http.server.request.duration"));
    let (sample, exemplar) = &batch.exemplars[0];
    assert_eq!((*sample, exemplar.value), (1, 0.5), "in the bucket le=1");
    assert_eq!(exemplar.attributes, [("user.id".to_owned(), "7".to_owned())]);
}

#[test]
fn a_summary_becomes_quantiles() {
    let bytes = request(|w| {
        metric(w, "rpc", "", 11, |w| {
            w.message(1, |w| {
                w.fixed64(3, T * 1_000_000);
                w.fixed64(4, 10);
                w.double(5, 2.5);
                w.message(6, |w| {
                    w.double(1, 0.99);
                    w.double(2, 0.7);
                });
            });
        });
    });
    let (batch, _) = decode(&bytes, &OtlpOptions::default());
    assert!(lines(&batch)[0].starts_with(r#"rpc{instance="1", job="shop/api", quantile="0.99""#));
    assert!(lines(&batch)[1].starts_with("rpc_sum{") && lines(&batch)[2].ends_with("} 10"));
}

#[test]
fn no_recorded_value_is_stale_and_scope_labels_are_on_demand() {
    let bytes = request(|w| {
        metric(w, "g", "", 5, |w| {
            w.message(1, |w| {
                w.fixed64(3, T * 1_000_000);
                w.uint(8, 1);
            });
        });
    });
    let options = OtlpOptions {
        scope_labels: true,
        promote_resource_attributes: vec!["cloud.zone".into()],
        ..OtlpOptions::default()
    };
    let (batch, _) = decode(&bytes, &options);
    let value = batch.buf.samples[0].value;
    assert!(matches!(value, crate::batch::BatchValue::Float(v) if v.to_bits() == crate::STALE_NAN), "{value:?}");
    let labels = key::decode(batch.buf.key_at(0));
    assert_eq!((labels.get("otel_scope_name"), labels.get("cloud_zone")), ("meter", "a"));
}

#[test]
fn exponential_histograms_are_native_and_without_a_schema_refused_by_name() {
    let point = |scale: i64| {
        request(|w| {
            metric(w, "e", "s", 10, |w| {
                w.message(1, |w| {
                    w.fixed64(3, T * 1_000_000);
                    w.fixed64(4, 1);
                    w.uint(6, (scale << 1 ^ scale >> 63) as u64);
                    w.message(8, |w| {
                        w.uint(1, 4);
                        w.uint(2, 1);
                    });
                });
                w.uint(2, 2);
            });
        })
    };
    let (batch, decoded) = decode(&point(3), &OtlpOptions::default());
    assert_eq!((decoded.accepted, batch.buf.histograms.len()), (1, 1));
    let labels = key::decode(batch.buf.key_at(0));
    assert_eq!(labels.metric_name(), "e_seconds");
    let crate::HistogramValue::Int(h) = &batch.buf.histograms[0] else { panic!("whole counts") };
    assert_eq!((h.schema, h.count, h.positive_spans[0].offset, &h.positive[..]), (3, 1, 3, &[1][..]));
    let (batch, decoded) = decode(&point(-5), &OtlpOptions::default());
    assert_eq!(decoded.rejected, 1);
    assert!(decoded.first_error.unwrap_or_default().contains("scale -5"));
    assert!(batch.is_empty());
}

#[test]
fn histograms_with_explicit_bounds_are_native_when_asked_for() {
    let bytes = request(|w| {
        metric(w, "h", "", 9, |w| {
            w.message(1, |w| {
                w.fixed64(3, T * 1_000_000);
                w.fixed64(4, 3);
                (0..2).for_each(|_| w.fixed64(6, 1));
                w.double(7, 1.5);
            });
            w.uint(2, 2);
        });
    });
    let options = OtlpOptions { custom_buckets: true, ..OtlpOptions::default() };
    let (batch, _) = decode(&bytes, &options);
    assert_eq!(batch.len(), 2, "and target_info");
    let crate::HistogramValue::Int(h) = &batch.buf.histograms[0] else { panic!("whole counts") };
    assert_eq!((h.schema, h.count, &h.custom_bounds[..]), (-53, 3, &[1.5][..]));
    assert_eq!(key::decode(batch.buf.key_at(0)).metric_name(), "h");
}
