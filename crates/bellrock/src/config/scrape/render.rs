//! Prints what is scraped as YAML that means the same; secrets that were written down are not shown.

use std::fmt::Write as _;

use foundation::units::format_duration;
use pipeline::scrape::config::{Auth, Protocol, Secret};
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

fn fields(c: &ScrapeConfig) -> Vec<(&'static str, Value)> {
    let names = |p: &[Protocol]| p.iter().map(|p| p.name()).collect::<Vec<_>>();
    let mut fields = vec![
        ("job_name", json!(c.job_name)),
        ("scrape_interval", json!(format_duration(c.scrape_interval))),
        ("scrape_timeout", json!(format_duration(c.scrape_timeout))),
        ("scrape_protocols", json!(names(&c.scrape_protocols))),
        ("metrics_path", json!(c.metrics_path)),
        ("params", Value::Object(c.params.iter().map(|(n, v)| (n.clone(), json!(v))).collect())),
        ("scheme", json!("http")),
        ("honor_labels", json!(c.honor_labels)),
        ("honor_timestamps", json!(c.honor_timestamps)),
        ("track_timestamps_staleness", json!(c.track_timestamps_staleness)),
        ("enable_compression", json!(c.enable_compression)),
        ("follow_redirects", json!(c.follow_redirects)),
        ("scrape_native_histograms", json!(c.scrape_native_histograms)),
        ("always_scrape_classic_histograms", json!(c.always_scrape_classic_histograms)),
        ("body_size_limit", json!(c.limits.body_size_limit)),
        ("sample_limit", json!(c.limits.sample_limit)),
        ("label_limit", json!(c.limits.label_limit)),
        ("label_name_length_limit", json!(c.limits.label_name_length_limit)),
        ("label_value_length_limit", json!(c.limits.label_value_length_limit)),
        ("target_limit", json!(c.limits.target_limit)),
    ];
    fields.extend(c.fallback_scrape_protocol.map(|p| ("fallback_scrape_protocol", json!(p.name()))));
    match &c.auth {
        Auth::None => {}
        Auth::Basic(user, password) => {
            let (u, user) = with_file("username", "username_file", user, true);
            let (w, password) = with_file("password", "password_file", password, false);
            fields.push(("basic_auth", json!({u: user, w: password})));
        }
        Auth::Authorization(kind, secret) => {
            let (name, value) = with_file("credentials", "credentials_file", secret, false);
            fields.push(("authorization", json!({"type": kind, name: value})));
        }
    }
    if !c.headers.is_empty() {
        let mut headers = Map::new();
        for (name, secret) in &c.headers {
            let (kind, value) = with_file("secrets", "files", secret, false);
            let header = headers.entry(name.clone()).or_insert_with(|| json!({"secrets": [], "files": []}));
            if let Some(list) = header.get_mut(kind).and_then(Value::as_array_mut) {
                list.push(value);
            }
        }
        fields.push(("http_headers", Value::Object(headers)));
    }
    let groups = c.static_configs.iter().map(|g| {
        let labels: Map<String, Value> = g.labels.iter().map(|(n, v)| (n.clone(), v.as_str().into())).collect();
        json!({"targets": g.targets, "labels": labels})
    });
    fields.push(("static_configs", groups.collect()));
    let files = c.file_sd_configs.iter();
    let files = files.map(|sd| json!({"files": sd.files, "refresh_interval": format_duration(sd.refresh_interval)}));
    fields.push(("file_sd_configs", files.collect()));
    fields.push(("relabel_configs", c.relabel_configs.iter().map(rule).collect()));
    fields.push(("metric_relabel_configs", c.metric_relabel_configs.iter().map(rule).collect()));
    fields
}

/// The name and value of a setting that may be in a file. User names are no secret.
fn with_file(inline: &'static str, file: &'static str, secret: &Secret, shown: bool) -> (&'static str, Value) {
    match secret {
        Secret::Inline(text) if shown => (inline, json!(text)),
        Secret::Inline(_) => (inline, json!("<secret>")),
        Secret::File(path) => (file, json!(path)),
    }
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
