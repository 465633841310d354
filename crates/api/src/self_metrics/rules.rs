//! Metrics of rules, under the names that Prometheus has for them, and of the engine that evaluates them.

use super::Text;
use crate::app::App;

pub(super) fn rules(app: &App, text: &mut Text) {
    let engine = app.rules.engine();
    let groups = engine.groups();
    let labels: Vec<String> = groups
        .iter()
        .map(|g| {
            let name = format!("{};{}", g.file, g.group.name);
            format!("{{rule_group={}}}", serde_json::Value::from(name))
        })
        .collect();
    let mut family = |name: &str, kind: &str, help: &str, of: &dyn Fn(&alerting::rules::GroupView) -> f64| {
        let samples: Vec<(&str, f64)> = labels.iter().map(String::as_str).zip(groups.iter().map(|g| of(g))).collect();
        text.family(name, kind, help, &samples);
    };
    family("prometheus_rule_group_rules", "gauge", "The number of rules.", &|g| g.rules.len() as f64);
    family("prometheus_rule_group_interval_seconds", "gauge", "The interval of a rule group.", &|g| {
        g.interval.as_secs_f64()
    });
    family("prometheus_rule_evaluations_total", "counter", "Rule evaluations.", &|g| g.evaluations as f64);
    family("prometheus_rule_evaluation_failures_total", "counter", "Rule evaluation failures.", &|g| g.failures as f64);
    family(
        "prometheus_rule_group_iterations_total",
        "counter",
        "Scheduled rule group evaluations, executed or missed.",
        &|g| (g.iterations + g.missed) as f64,
    );
    family(
        "prometheus_rule_group_iterations_missed_total",
        "counter",
        "Rule group evaluations missed due to slow rule group evaluation.",
        &|g| g.missed as f64,
    );
    let last =
        |f: fn(alerting::rules::EvaluationView) -> f64| move |g: &alerting::rules::GroupView| g.last.map_or(0.0, f);
    family(
        "prometheus_rule_group_last_evaluation_timestamp_seconds",
        "gauge",
        "The time of the last rule group evaluation.",
        &last(|l| l.at.0 as f64 / 1e9),
    );
    family(
        "prometheus_rule_group_last_duration_seconds",
        "gauge",
        "The duration of the last rule group evaluation.",
        &last(|l| l.took.as_secs_f64()),
    );
    family(
        "prometheus_rule_group_last_rule_duration_sum_seconds",
        "gauge",
        "The sum of the durations of the rules of the last evaluation.",
        &last(|l| l.rules_took.as_secs_f64()),
    );
    family(
        "prometheus_rule_group_last_evaluation_samples",
        "gauge",
        "The number of samples returned during the last rule group evaluation.",
        &last(|l| l.samples as f64),
    );
    let sum = |of: &dyn Fn(&alerting::rules::GroupView) -> f64| groups.iter().map(|g| of(g)).sum::<f64>();
    text.summary(
        "prometheus_rule_evaluation_duration_seconds",
        "The duration of rule evaluations.",
        (sum(&|g| g.rule_seconds), sum(&|g| g.evaluations as f64)),
    );
    text.summary(
        "prometheus_rule_group_duration_seconds",
        "The duration of rule group evaluations.",
        (sum(&|g| g.seconds), sum(&|g| g.iterations as f64)),
    );
    let health = engine.health();
    let mut one = |name: &str, kind: &str, help: &str, value: f64| text.family(name, kind, help, &[("", value)]);
    one(
        "bellrock_rules_lag_seconds",
        "gauge",
        "The most that an evaluation began after its time, since the last look at this metric.",
        health.lag.as_secs_f64(),
    );
    one(
        "bellrock_rules_clock_jumps_total",
        "counter",
        "Jumps of the clock that rules noticed.",
        health.clock_jumps as f64,
    );
    one(
        "bellrock_rules_unsettled",
        "gauge",
        "1 while no alert begins or ends because the clock jumped.",
        f64::from(u8::from(health.unsettled)),
    );
    senders(app, text);
}

fn senders(app: &App, text: &mut Text) {
    let sent = (app.sources.alerts_sent)();
    let labels: Vec<String> =
        sent.iter().map(|s| format!("{{alertmanager={}}}", serde_json::Value::from(s.url.as_str()))).collect();
    let mut family = |name: &str, kind: &str, help: &str, of: &dyn Fn(&alerting::rules::alertmanager::Sent) -> f64| {
        let samples: Vec<(&str, f64)> = labels.iter().map(String::as_str).zip(sent.iter().map(of)).collect();
        text.family(name, kind, help, &samples);
    };
    family("prometheus_notifications_sent_total", "counter", "Alerts sent.", &|s| s.sent as f64);
    family("prometheus_notifications_errors_total", "counter", "Alerts of requests that failed.", &|s| s.errors as f64);
    family("prometheus_notifications_dropped_total", "counter", "Alerts that found the queue full.", &|s| {
        s.dropped as f64
    });
    family("prometheus_notifications_queue_length", "gauge", "Alerts that wait.", &|s| s.waiting as f64);
    text.family(
        "prometheus_notifications_alertmanagers_discovered",
        "gauge",
        "Alertmanagers that alerts are sent to.",
        &[("", sent.len() as f64)],
    );
}
