//! Files, what they mean, and what is said about them.

use expect_test::{Expect, expect};

use super::super::print;
use super::*;

/// The objectives as they are printed, then what is said.
fn check(text: &str, expected: Expect) {
    let parsed = parse(text, &Origin::Api);
    let mut shown = String::new();
    for slo in &parsed.slos {
        let method = match &slo.method {
            Method::Events => "events".to_owned(),
            Method::TimeSlices { slice, target, .. } => format!("slices of {slice:?} at {target}"),
        };
        let indicator = slo.indicator.as_ref().map_or("unconfirmed".to_owned(), print_indicator);
        shown += &format!("{} {} over {}, {method}: {indicator}\n", slo.id, slo.objective, slo.window.text());
    }
    for finding in parsed.findings.into_sorted() {
        shown += &format!("{finding}\n");
    }
    expected.assert_eq(&shown);
}

fn print_indicator(indicator: &Indicator) -> String {
    super::super::print::indicator(indicator).to_string()
}

#[test]
fn the_budgets_of_the_design_load_as_they_are() {
    check(
        r#"
# Error Budget Configuration
error_budgets:
  api_availability:
    slo: 99.9%
    window: 30d
    budget: 0.1%  # 43.2 minutes downtime per month

  api_latency:
    slo: 95th_percentile < 500ms
    window: 7d
    budget: 5%    # 5% of requests can exceed 500ms

  bot_processing:
    slo: 99% within 2s
    window: 24h
    budget: 1%    # 1% of messages can exceed 2s
"#,
        expect![[r#"
            api_availability 0.999 over 30d, events: unconfirmed
            api_latency 0.95 over 7d, events: unconfirmed
            bot_processing 0.99 over 1d, events: unconfirmed
            4:3: warning: error_budgets.api_availability: does not say what is counted; confirm one of the proposals on the page of the objective, or add `indicator`
            9:3: warning: error_budgets.api_latency: does not say what is counted; confirm one of the proposals on the page of the objective, or add `indicator`
            14:3: warning: error_budgets.bot_processing: does not say what is counted; confirm one of the proposals on the page of the objective, or add `indicator`
        "#]],
    );
}

#[test]
fn a_budget_that_does_not_fit_is_read_as_slices_or_refused() {
    check(
        "error_budgets:\n  a: {slo: 'p99 < 500ms', window: 7d, budget: 5%, indicator: {latency: {histogram: h_seconds, threshold: 500ms}}}\n  b: {slo: 99.9%, window: 30d, budget: 1%}\n  c: {slo: most of the time, window: soon}\n",
        expect![[r#"
            a 0.95 over 7d, slices of 300s at 0.99: {"latency":{"histogram":"h_seconds","threshold":0.5}}
            2:47: info: error_budgets.a.budget: 5% is not what 99% leaves: read as the share of five-minute slices that may miss it; write 1% to count events
            3:40: error: error_budgets.b.budget: 1% does not fit the promise of 99.9%; write 0.1%, or change the promise
            4:12: error: error_budgets.c.slo: `most of the time` is no promise that is known; write `99.9%`, `95th_percentile < 500ms` or `99% within 2s`
            4:38: error: error_budgets.c.window: `soon` is not a window; write a length such as `30d`, or `day`, `week`, `month`, `quarter` or `year`
        "#]],
    );
}

#[test]
fn promises_in_words() {
    use super::super::budgets_file::{Promise, promise};
    let ms = Duration::from_millis;
    for (text, expected) in [
        ("99.95%", Promise::Share(0.9995)),
        ("95th_percentile < 500ms", Promise::Quantile(0.95, ms(500))),
        ("99.9th percentile <= 1s", Promise::Quantile(0.999, ms(1000))),
        ("p50<100ms", Promise::Quantile(0.5, ms(100))),
        ("99% within 2s", Promise::Within(0.99, ms(2000))),
    ] {
        assert_eq!(promise(text).unwrap(), expected, "{text}");
    }
    for text in ["", "99.9", "100%", "0%", "p < 1s", "95th_percentile < fast", "within 2s", "95th < 1s"] {
        assert!(promise(text).is_err(), "{text}");
    }
}

const OURS: &str = r#"
slos:
  checkout:
    title: Checkout works
    service: api
    objective: 99.9%
    window: month
    time_zone: Europe/Berlin
    group_by: [route]
    indicator:
      ratio:
        bad: http_requests_total{status=~"5.."}
        total: [http_requests_total, other_total]
    labels: {team: shop}
    alerts: {bad_events_min: 5, labels: {channel: shop}}
  database:
    objective: 0.9995
    window: 30d
    slices: {length: 5m, target: 99%, empty: excluded}
    indicator: {up: postgresql_up}
  search:
    objective: 99%
    window: 7d
    indicator:
      events: {signal: traces, total: "service:search kind:server", bad: "status:error"}
  slow:
    objective: 95%
    window: 7d
    indicator: {latency: {histogram: 'http_request_duration_milliseconds{route="/"}', threshold: 500ms}}
"#;

#[test]
fn our_own_form() {
    check(
        OURS,
        expect![[r#"
            checkout 0.999 over month, events: {"ratio":{"bad":["http_requests_total{status=~\"5..\"}"],"total":["http_requests_total","other_total"]}}
            database 0.9995 over 30d, slices of 300s at 0.99: {"up":["postgresql_up"]}
            search 0.99 over 7d, events: {"events":{"signal":"traces","total":"service:search kind:server","bad":"status:error"}}
            slow 0.95 over 7d, events: {"latency":{"histogram":"http_request_duration_milliseconds{route=\"/\"}","threshold":500.0}}
        "#]],
    );
}

#[test]
fn what_is_printed_reads_back_as_the_same() {
    let first = parse(OURS, &Origin::Api);
    let again = parse(&print(&first.slos), &Origin::Api);
    assert_eq!(again, first);
}

#[test]
fn mistakes_name_their_place_and_the_way_out() {
    check(
        r#"
slo: {}
slos:
  a b: {objective: 100%, window: 30d, indicator: {up: x}}
  b: {objektive: 99%, window: 30d, indicator: {up: x, latency: {histogram: y_bucket, threshold: 1s}}}
  c: {objective: 99%, window: 30d, time_zone: UTC, indicator: {ratio: {total: a, good: a, bad: a}}}
  d: {objective: 99%, window: month, time_zone: Moon, indicator: {ratio: {total: 'rate(a[5m])', bad: a}}}
  e: {objective: 99%, window: 30d, slices: {length: 7m, target: 99%}}
"#,
        expect![[r#"
            2:1: error: unknown section `slo`; write `slos`
            4:3: error: slos.a b: `a b` cannot name an objective; use up to 64 letters, digits, `-` and `_`
            4:20: error: slos.a b.objective: `100%` is not a share between 0% and 100%, both excluded; write `99.9%` or `0.999`
            5:3: error: slos.b.objective: is missing; write the promise, such as `objective: 99.9%`
            5:7: error: slos.b: unknown field `objektive`; did you mean `objective`?
            5:47: error: slos.b.indicator: write exactly one of ratio, latency, up and events
            6:31: error: slos.c.window: `30d` moves along with time and has no time zone; leave time_zone out
            6:63: error: slos.c.indicator: write either good or bad; the other is the rest of total
            7:31: error: slos.d.window: `Moon` is not a time zone; write one such as `UTC` or `Europe/Berlin`
            7:66: error: slos.d.indicator: `rate(a[5m])` is no selector; write the counter itself, such as `http_requests_total{job="api"}`: rates and sums are made from it
            8:3: error: slos.e.indicator: is missing; write one of ratio, latency, up and events
            8:44: error: slos.e.slices: a slice has 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60 minutes
        "#]],
    );
}

#[test]
fn openslo() {
    check(
        r#"
apiVersion: openslo/v1
kind: SLI
metadata: {name: api-errors}
spec:
  ratioMetric:
    counter: true
    bad: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(http_requests_total{status=~"5.."}[{{.window}}]))'}}}
    total: {metricSource: {metricSourceRef: main, spec: {query: http_requests_total}}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: api, displayName: API}
spec:
  service: api
  indicatorRef: api-errors
  timeWindow: [{duration: 1M, isRolling: false, calendar: {startTime: '2026-01-01 00:00:00', timeZone: Europe/Berlin}}]
  budgetingMethod: Timeslices
  objectives: [{targetPercent: 99.5, timeSliceTarget: 0.95, timeSliceWindow: 5m}]
  alertPolicies: [{alertPolicyRef: fast}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: latency}
spec:
  service: api
  indicator:
    metadata: {name: latency}
    spec:
      thresholdMetric: {metricSource: {type: prometheus, spec: {query: http_request_duration_seconds}}}
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{op: lte, value: 0.5, target: 0.95}, {op: gt, value: 1, target: 0.99}]
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast}
---
apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: old}
"#,
        expect![[r#"
            api 0.995 over month, slices of 300s at 0.95: {"ratio":{"bad":["http_requests_total{status=~\"5..\"}"],"total":["http_requests_total"]}}
            latency-1 0.95 over 28d, events: {"latency":{"histogram":"http_request_duration_seconds","threshold":0.5}}
            11:1: warning: SLO api: alertPolicies are not used: alerts are made from the objective
            22:1: error: SLO latency objectives[1]: thresholdMetric: `op` must be lte or lt: the histogram counts what is below
            35:1: warning: AlertPolicy fast: is not used: alerts are made from the objective; route them in the alert manager
            39:1: error: SLO old: `openslo/v1alpha` is not supported; write `apiVersion: openslo/v1`
        "#]],
    );
}
