//! `/federate`: the newest sample of chosen series, for another Prometheus to scrape.
//!
//! Source: prometheus.io, "Federation"; `web/federate.go` of Prometheus for the order of labels. Floats are untyped in both formats;
//! native histograms are only in protobuf, for the text format has none.

mod protobuf;
mod text;

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Labels;

use super::labels;
use super::params::Params;
use super::stream;
use crate::app::App;
use crate::run;

/// How old a sample may be: Prometheus's default lookback.
const LOOKBACK: Duration = Duration::from_secs(300);

/// The label that external labels always have, at least empty: who scrapes with `honor_labels` must not put its own there.
const INSTANCE: &str = "instance";

/// The newest sample of the selected series, in the text format or, when the request accepts that first, in protobuf.
#[utoipa::path(get, path = "/federate", tag = "prometheus",
    params(("match[]" = Vec<String>, Query, description = "series selectors; one of them must match")),
    responses((status = 200, description = "text format 0.0.4, or delimited `io.prometheus.client.MetricFamily` messages"), (status = 400, description = "a selector does not parse")))]
pub(super) async fn federate(State(app): State<App>, headers: HeaderMap, p: Params) -> Result<Response, Response> {
    let selectors = labels::selectors(&p);
    let accepted = Accepted::of(&headers);
    let content_type = accepted.content_type();
    if selectors.is_empty() {
        // Prometheus answers nothing to nothing.
        return Ok(([(header::CONTENT_TYPE, content_type)], "").into_response());
    }
    let now = app.clock.now().as_millis();
    let external = app.targets.external_labels();
    let found = run::query(&app, move |app, grant| {
        let lookback_ms = LOOKBACK.as_millis() as i64;
        let selectors = labels::texts(&selectors);
        let ask = grant.ask();
        let series = query::metrics::latest(&app.engines.metrics, &ask, &selectors, now, lookback_ms)?;
        Ok::<_, query::metrics::MetricsError>((series, ask.partial.reasons()))
    })
    .await;
    let refused = |status: StatusCode, message: String| (status, message + "\n").into_response();
    let (found, missing) = match found {
        Ok(Ok(found)) => found,
        Ok(Err(e)) if e.kind() == foundation::ErrorKind::InvalidInput => {
            return Err(refused(StatusCode::BAD_REQUEST, e.to_string()));
        }
        Ok(Err(e)) => return Err(refused(StatusCode::INTERNAL_SERVER_ERROR, e.to_string())),
        Err(e) => return Err(refused(StatusCode::SERVICE_UNAVAILABLE, e.message)),
    };
    let body = if accepted.protobuf {
        // There are no comments in protobuf to say it in.
        missing.iter().for_each(|reason| tracing::warn!("an answer of /federate is not whole: {reason}"));
        stream::body(protobuf::Families::new(found.into_iter(), external))
    } else {
        let (series, family, quoted) = (found.into_iter(), String::new(), accepted.utf8);
        stream::body(text::Families { missing, series, external, family, quoted })
    };
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// What the scraper reads.
struct Accepted {
    protobuf: bool,
    /// Names that are not plain.
    utf8: bool,
}

impl Accepted {
    fn of(headers: &HeaderMap) -> Self {
        let texts = || headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok());
        let weight = |media: &str| {
            let parts = texts().flat_map(|text| text.split(',')).filter(|part| part.contains(media));
            parts.map(quality).fold(0.0, f64::max)
        };
        let protobuf = weight(MESSAGES);
        let utf8 = texts().any(|text| text.contains("escaping=allow-utf-8"));
        Self { protobuf: protobuf > 0.0 && protobuf >= weight("text/plain"), utf8 }
    }

    fn content_type(&self) -> String {
        let escaping = if self.utf8 || self.protobuf { "allow-utf-8" } else { "underscores" };
        if self.protobuf {
            return format!("application/vnd.google.protobuf; {MESSAGES}; encoding=delimited; escaping={escaping}");
        }
        format!("text/plain; version=0.0.4; charset=utf-8; escaping={escaping}")
    }
}

/// Names the format with native histograms among media types.
const MESSAGES: &str = "proto=io.prometheus.client.MetricFamily";

/// The weight of a media range (RFC 9110, "Quality Values").
fn quality(range: &str) -> f64 {
    range.split(';').find_map(|p| p.trim().strip_prefix("q=")).map_or(1.0, |q| q.trim().parse().unwrap_or(0.0))
}

/// The labels of a series but its name, then those of `external` that it does not have; an instance is always among them.
fn with_external<'a>(labels: &'a Labels, external: &'a Labels) -> impl Iterator<Item = (&'a str, &'a str)> {
    let own = labels.iter().filter(|(name, _)| *name != model::labels::NAME);
    let given = external.iter().filter(|(name, _)| labels.get(name).is_empty());
    let instance = (labels.get(INSTANCE).is_empty() && external.get(INSTANCE).is_empty()).then_some((INSTANCE, ""));
    // Sorted, as they are in Prometheus.
    let (before, behind): (Vec<_>, Vec<_>) = given.partition(|(name, _)| *name < INSTANCE);
    own.chain(before).chain(instance).chain(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_what_the_scraper_likes_best() {
        let of = |accept: &'static str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, header::HeaderValue::from_static(accept))]);
            Accepted::of(&headers).protobuf
        };
        let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        assert!(of(protobuf));
        assert!(!of("text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
        let both = |p: &str, t: &str| of(format!("{protobuf};q={p},text/plain;version=0.0.4;q={t}").leak());
        assert!(both("0.6", "0.2"));
        assert!(!both("0.2", "0.6"));
    }
}
