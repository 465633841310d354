//! What is scraped, and where alerts go.

use axum::extract::State;
use axum::response::Response;
use foundation::UnixNanos;
use foundation::units::format_duration;
use model::Labels;
use pipeline::scrape::TargetState;
use query::time::rfc3339;
use serde_json::{Map, Value, json};

use super::params::Params;
use super::respond::{PromError, success};
use crate::app::App;

/// Scrape targets.
#[utoipa::path(get, path = "/api/v1/targets", tag = "prometheus",
    params(("state" = Option<String>, Query, description = "`active`, `dropped` or `any`"), ("scrapePool" = Option<String>, Query)),
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn targets(State(app): State<App>, p: Params) -> Response {
    let state = p.get("state").unwrap_or("any").to_lowercase();
    let shown = |which: &str| state == "any" || state == which;
    let (mut active, mut dropped, mut counts) = (Vec::new(), Vec::new(), Map::new());
    let wanted = p.get("scrapePool");
    for pool in app.targets.pools().iter().filter(|pool| wanted.is_none_or(|w| w == pool.name)) {
        if shown("active") {
            active.extend(pool.active.iter().map(|t| target(&pool.name, t)));
        }
        if shown("dropped") {
            dropped.extend(
                pool.dropped
                    .iter()
                    .map(|labels| json!({"discoveredLabels": labels_json(labels), "scrapePool": pool.name})),
            );
        }
        counts.insert(pool.name.clone(), pool.dropped.len().into());
    }
    let counts = if shown("dropped") { Value::Object(counts) } else { Value::Null };
    success(json!({"activeTargets": active, "droppedTargets": dropped, "droppedTargetCounts": counts}))
}

fn target(pool: &str, t: &TargetState) -> Value {
    json!({
        "discoveredLabels": labels_json(&t.discovered_labels),
        "labels": labels_json(&t.labels),
        "scrapePool": pool,
        "scrapeUrl": t.scrape_url,
        // Listen addresses are not rewritten to outside names here: others reach a target as the scraper does.
        "globalUrl": t.scrape_url,
        "lastError": t.last_error,
        "lastScrape": time(t.last_scrape),
        "lastScrapeDuration": t.last_scrape_duration.as_secs_f64(),
        "health": t.health.name(),
        "scrapeInterval": format_duration(t.scrape_interval),
        "scrapeTimeout": format_duration(t.scrape_timeout),
    })
}

/// What targets say of their metrics.
#[utoipa::path(get, path = "/api/v1/targets/metadata", tag = "prometheus",
    params(("match_target" = Option<String>, Query, description = "a selector of targets"), ("metric" = Option<String>, Query), ("limit" = Option<usize>, Query, description = "entries of the answer")),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn metadata(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let limit = p.number("limit")?.unwrap_or(usize::MAX);
    let matchers = match p.get("match_target") {
        Some(text) => promql::parse_selector(text).map_err(|e| PromError::parameter("match_target", e))?,
        None => Vec::new(),
    };
    let wanted = p.get("metric");
    let pools = app.targets.pools();
    let targets = pools.iter().flat_map(|pool| &pool.active);
    let matching = targets.filter(|t| matchers.iter().all(|m| m.matches_labels(&t.labels)));
    let entries = matching.flat_map(|t| {
        let of_target = t.metadata.iter().filter(move |(name, _)| wanted.is_none_or(|w| w == name));
        of_target.map(move |(name, m)| {
            let mut entry =
                json!({"target": labels_json(&t.labels), "type": m.kind.name(), "help": m.help, "unit": m.unit});
            if wanted.is_none() {
                entry["metric"] = name.as_str().into();
            }
            entry
        })
    });
    Ok(success(entries.take(limit).collect::<Vec<_>>()))
}

/// Names of scrape configurations.
#[utoipa::path(get, path = "/api/v1/scrape_pools", tag = "prometheus",
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn scrape_pools(State(app): State<App>) -> Response {
    let mut names: Vec<_> = app.targets.pools().into_iter().map(|pool| pool.name).collect();
    names.sort_unstable();
    success(json!({"scrapePools": names}))
}

/// Where alerts are sent.
#[utoipa::path(get, path = "/api/v1/alertmanagers", tag = "prometheus",
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn alertmanagers(State(app): State<App>) -> Response {
    let all = (app.sources.alertmanagers)();
    let urls = |urls: Vec<String>| urls.into_iter().map(|url| json!({"url": url})).collect::<Vec<_>>();
    success(json!({"activeAlertmanagers": urls(all.active), "droppedAlertmanagers": urls(all.dropped)}))
}

/// Labels as an object.
pub(super) fn labels_json(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
}

/// Go's zero time when there is none yet, as Prometheus has it.
pub(super) fn time(at: Option<UnixNanos>) -> String {
    at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), rfc3339)
}
