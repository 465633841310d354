//! Things of this instance by name, for the palette.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use model::TimeRange;
use query::EventSignal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{dashboards, views};
use crate::app::App;
use crate::native::error::ApiError;
use crate::native::params::Query;
use crate::run;

const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 100;
/// Services and metrics of this time are found.
const SPAN: Duration = Duration::from_secs(24 * 3600);
const SERVICES_MAX: usize = 1_000;
/// People type meanwhile.
const TIMEOUT: Duration = Duration::from_millis(500);

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchParams {
    /// Part of a name; words in any order.
    #[serde(default)]
    q: String,
    /// 1 to 100, default 20.
    limit: Option<usize>,
}

/// Best first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SearchShape {
    results: Vec<FoundShape>,
}

/// A thing with a page.
#[derive(Debug, Serialize, ToSchema)]
struct FoundShape {
    /// `dashboard`, `view`, `metric` or `service`.
    kind: &'static str,
    title: String,
    detail: String,
    /// Path of the UI.
    url: String,
}

/// Finds dashboards, saved views, services and metrics by name.
#[utoipa::path(get, path = "/api/ui/v1/search", params(SearchParams),
    responses((status = 200, body = SearchShape), (status = 400, body = ApiError)))]
pub(super) async fn search(
    State(app): State<App>,
    Query(asked): Query<SearchParams>,
) -> Result<Json<SearchShape>, ApiError> {
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::invalid("limit", format!("`limit` is {limit}; it goes from 1 to {LIMIT_MAX}")));
    }
    let words: Vec<String> = asked.q.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let Json(boards) = dashboards::list(State(app.clone())).await?;
    let Json(saved) = views::list(State(app.clone())).await?;
    let mut all: Vec<FoundShape> = entries(&boards, "dashboards").map(dashboard).collect();
    all.extend(entries(&saved, "views").map(view));
    all.extend(run::query_within(&app, TIMEOUT, telemetry).await?);
    let mut ranked: Vec<(u32, FoundShape)> =
        all.into_iter().filter_map(|f| rank(&f.title, &words).map(|rank| (rank, f))).collect();
    ranked.sort_by(|a, b| (a.0, a.1.title.len(), &a.1.title).cmp(&(b.0, b.1.title.len(), &b.1.title)));
    Ok(Json(SearchShape { results: ranked.into_iter().take(limit).map(|(_, f)| f).collect() }))
}

fn entries<'a>(list: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    list[key].as_array().into_iter().flatten()
}

fn text(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_default().to_owned()
}

fn dashboard(d: &Value) -> FoundShape {
    let url = format!("/dashboards/{}", text(d, "uid"));
    FoundShape { kind: "dashboard", title: text(d, "title"), detail: text(d, "folder"), url }
}

fn view(v: &Value) -> FoundShape {
    let url = text(v, "url");
    let page = url.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/').to_owned();
    FoundShape { kind: "view", title: text(v, "name"), detail: page, url }
}

/// What cannot be read in time is left out.
fn telemetry(app: &App, grant: run::Grant) -> Vec<FoundShape> {
    let now = app.clock.now();
    let range = TimeRange::new(now.minus(SPAN), now.plus(SPAN));
    let range_ms = (range.start.as_millis(), range.end.as_millis());
    let name = model::labels::NAME;
    let metrics = query::metrics::label_values(&app.engines.metrics, &grant.ask(), name, &[], range_ms);
    let known = query::metrics::metadata(&app.engines.metrics, None, usize::MAX);
    let metric = |title: String| FoundShape {
        kind: "metric",
        detail: known.get(&title).map(|m| m.help.clone()).unwrap_or_default(),
        url: format!("/metrics/explore?q={}", encoded(&title)),
        title,
    };
    let request = grant.request(range, String::new());
    let services =
        query::fields::values(&app.engines.events, EventSignal::Traces, &request, "service", None, SERVICES_MAX);
    let service = |title: String| FoundShape {
        kind: "service",
        detail: String::new(),
        url: format!("/services/{}", encoded(&title)),
        title,
    };
    let services = services.map_or_else(|_| Vec::new(), |o| o.value.values);
    let metrics = metrics.unwrap_or_default();
    services.into_iter().map(|v| service(v.value)).chain(metrics.into_iter().map(metric)).collect()
}

/// How well a name fits: 0 is best, `None` when a word is not in it.
fn rank(title: &str, words: &[String]) -> Option<u32> {
    let title = title.to_lowercase();
    let begins =
        |at: usize| title.get(..at).and_then(|before| before.chars().next_back()).is_none_or(|c| !c.is_alphanumeric());
    let mut worst = 0;
    for word in words {
        let at = title.find(word.as_str())?;
        let fits = match () {
            () if title == *word => 0,
            () if at == 0 => 1,
            () if begins(at) => 2,
            () => 3,
        };
        worst = worst.max(fits);
    }
    Some(worst)
}

/// A text within a URL.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_with_the_words_come_first() {
        let rank = |title: &str, q: &str| {
            let words: Vec<String> = q.split_whitespace().map(str::to_owned).collect();
            super::rank(title, &words)
        };
        assert_eq!(rank("Redis", "redis"), Some(0));
        assert_eq!(rank("redis_connected_clients", "redis"), Some(1));
        assert_eq!(rank("db_redis_calls", "redis"), Some(2));
        assert_eq!(rank("predisposed", "redis"), Some(3));
        assert_eq!(rank("redis_connected_clients", "clients redis"), Some(2));
        assert_eq!(rank("redis", "postgres"), None);
        assert_eq!(rank("anything", ""), Some(0));
        assert_eq!(encoded("a b/c"), "a%20b%2Fc");
    }
}
