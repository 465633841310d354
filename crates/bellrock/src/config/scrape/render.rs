//! Prints what is scraped as YAML that means the same; secrets that were written down are not shown.

use std::fmt::Write as _;

use foundation::units::format_duration;
use pipeline::scrape::config::Protocol;
use pipeline::scrape::relabel::{Action, Rule};
use pipeline::scrape::{ScrapeConfig, Scraping};
use serde_json::{Map, Value, json};

/// The line `external_labels` of the section `global`; empty when there are none.
pub(in crate::config) fn external_labels(scraping: &Scraping) -> String {
    if scraping.external_labels.is_empty() {
        return String::new();
    }
    let labels: Map<String, Value> = scraping.external_labels.iter().map(|(n, v)| (n.to_owned(), v.into())).collect();
    format!("  external_labels: {}\n", Value::Object(labels))
}

/// The section `scrape_configs`; empty when nothing is scraped. Values are JSON, which is YAML.
pub(in crate::config) fn render(scraping: &Scraping) -> String {
    let mut out = String::new();
    if !scraping.pools.is_empty() {
        out.push_str("scrape_configs:\n");
    }
    for pool in &scraping.pools {
        let mut sep = "  - ";
        for (name, value) in fields(pool) {
            let _ = writeln!(out, "{sep}{name}: {value}");
            sep = "    ";
        }
    }
    out
}

fn fields(c: &ScrapeConfig) -> Vec<(String, Value)> {
    let names = |p: &[Protocol]| p.iter().map(|p| p.name()).collect::<Vec<_>>();
    let settings = [
        ("job_name", json!(c.job_name)),
        ("scrape_interval", json!(format_duration(c.scrape_interval))),
        ("scrape_timeout", json!(format_duration(c.scrape_timeout))),
        ("scrape_protocols", json!(names(&c.scrape_protocols))),
        ("metrics_path", json!(c.metrics_path)),
        ("params", Value::Object(c.params.iter().map(|(n, v)| (n.clone(), json!(v))).collect())),
        ("scheme", json!(c.scheme.name())),
        ("honor_labels", json!(c.honor_labels)),
        ("honor_timestamps", json!(c.honor_timestamps)),
        ("track_timestamps_staleness", json!(c.track_timestamps_staleness)),
        ("enable_compression", json!(c.enable_compression)),
        ("scrape_native_histograms", json!(c.scrape_native_histograms)),
        ("always_scrape_classic_histograms", json!(c.always_scrape_classic_histograms)),
        ("body_size_limit", json!(c.limits.body_size_limit)),
        ("sample_limit", json!(c.limits.sample_limit)),
        ("label_limit", json!(c.limits.label_limit)),
        ("label_name_length_limit", json!(c.limits.label_name_length_limit)),
        ("label_value_length_limit", json!(c.limits.label_value_length_limit)),
        ("target_limit", json!(c.limits.target_limit)),
    ];
    let mut fields: Vec<(String, Value)> = settings.map(|(name, value)| (name.to_owned(), value)).into();
    let mut add = |name: &str, value: Value| fields.push((name.to_owned(), value));
    if let Some(fallback) = c.fallback_scrape_protocol {
        add("fallback_scrape_protocol", json!(fallback.name()));
    }
    // Serializing shows no secret.
    if let Ok(Value::Object(http)) = serde_json::to_value(&c.http) {
        http.into_iter().for_each(|(name, value)| add(&name, value));
    }
    let groups = c.static_configs.iter().map(|g| {
        let labels: Map<String, Value> = g.labels.iter().map(|(n, v)| (n.clone(), v.as_str().into())).collect();
        json!({"targets": g.targets, "labels": labels})
    });
    add("static_configs", groups.collect());
    let files = c.file_sd_configs.iter();
    let files = files.map(|sd| json!({"files": sd.files, "refresh_interval": format_duration(sd.refresh_interval)}));
    add("file_sd_configs", files.collect());
    add("relabel_configs", c.relabel_configs.iter().map(rule).collect());
    add("metric_relabel_configs", c.metric_relabel_configs.iter().map(rule).collect());
    fields
}

fn rule(r: &Rule) -> Value {
    let action = Action::NAMES.iter().find(|(_, a)| *a == r.action).map_or("replace", |(name, _)| name);
    if matches!(r.action, Action::LabelDrop | Action::LabelKeep) {
        return json!({"regex": r.pattern, "action": action});
    }
    json!({
        "source_labels": r.source_labels, "separator": r.separator, "regex": r.pattern, "modulus": r.modulus,
        "target_label": r.target_label, "replacement": r.replacement, "action": action,
    })
}
