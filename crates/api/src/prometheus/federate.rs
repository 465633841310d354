//! `/federate`: the newest sample of chosen series in the text format, for another Prometheus to scrape.
//!
//! Sources: prometheus.io, "Federation" and "Exposition formats". Prometheus calls every metric untyped here; what is
//! known to be a counter or a gauge is said, because a family of one series name can be either.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Labels;
use tsdb::{MetricType, Sample};

use super::params::Params;
use super::stream::{self, Pieces};
use super::{json, labels};
use crate::app::App;
use crate::run;

/// How old a sample may be: Prometheus's default lookback.
const LOOKBACK: Duration = Duration::from_secs(300);

/// The newest sample of the selected series, in the text format.
#[utoipa::path(get, path = "/federate", tag = "prometheus",
    params(("match[]" = Vec<String>, Query, description = "series selectors; one of them must match")),
    responses((status = 200, description = "text format 0.0.4"), (status = 400, description = "a selector does not parse")))]
pub(super) async fn federate(State(app): State<App>, headers: HeaderMap, p: Params) -> Result<Response, Response> {
    let selectors = labels::selectors(&p);
    let quoted = allows_utf8(&headers);
    let escaping = if quoted { "allow-utf-8" } else { "underscores" };
    let content_type = format!("text/plain; version=0.0.4; charset=utf-8; escaping={escaping}");
    if selectors.is_empty() {
        // Prometheus answers nothing to nothing.
        return Ok(([(header::CONTENT_TYPE, content_type)], "").into_response());
    }
    let now = app.clock.now().as_millis();
    let found = run::query(&app, move |app, grant| {
        let lookback_ms = LOOKBACK.as_millis() as i64;
        let selectors = labels::texts(&selectors);
        let ask = grant.ask();
        let series = query::metrics::latest(&app.engines.metrics, &ask, &selectors, now, lookback_ms)?;
        Ok::<_, query::metrics::MetricsError>((typed(app, series), ask.partial.reasons()))
    })
    .await;
    let refused = |status: StatusCode, message: String| (status, message + "\n").into_response();
    let (typed, missing) = match found {
        Ok(Ok(found)) => found,
        Ok(Err(e)) if e.kind() == foundation::ErrorKind::InvalidInput => {
            return Err(refused(StatusCode::BAD_REQUEST, e.to_string()));
        }
        Ok(Err(e)) => return Err(refused(StatusCode::INTERNAL_SERVER_ERROR, e.to_string())),
        Err(e) => return Err(refused(StatusCode::SERVICE_UNAVAILABLE, e.message)),
    };
    let families = Families { missing, series: typed.into_iter(), family: String::new(), quoted };
    Ok(([(header::CONTENT_TYPE, content_type)], stream::body(families)).into_response())
}

/// Whether the scraper reads names that are not plain.
fn allows_utf8(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|v| v.to_str().is_ok_and(|v| v.contains("escaping=allow-utf-8")))
}

/// A series, its newest sample, and the type of its metric.
type Typed = (Labels, Sample, &'static str);

fn typed(app: &App, series: Vec<(Labels, Sample)>) -> Vec<Typed> {
    let known = query::metrics::metadata(&app.engines.metrics, None, usize::MAX);
    let kind = |labels: &Labels| match known.get(labels.metric_name()).map(|m| m.kind) {
        Some(kind @ (MetricType::Counter | MetricType::Gauge)) => kind.name(),
        _ => "untyped",
    };
    series.into_iter().map(|(labels, sample)| (kind(&labels), labels, sample)).map(|(k, l, s)| (l, s, k)).collect()
}

/// Series, sorted by metric name, as families of the text format.
struct Families<I> {
    /// Why the answer is not whole: said as comments before anything else.
    missing: Vec<String>,
    series: I,
    /// The metric name that was written last.
    family: String,
    /// Names that are not plain are written in quotes; otherwise with underscores.
    quoted: bool,
}

impl<I: Iterator<Item = Typed> + Send + Unpin + 'static> Pieces for Families<I> {
    fn write(&mut self, out: &mut Vec<u8>) -> bool {
        for reason in self.missing.drain(..) {
            out.extend(format!("# Not whole: {}\n", reason.replace(['\n', '\r'], " ")).bytes());
        }
        let Some((labels, sample, kind)) = self.series.next() else { return false };
        let name = labels.metric_name();
        if self.family != name {
            name.clone_into(&mut self.family);
            out.extend(b"# TYPE ");
            self.name(out, name);
            out.extend(format!(" {kind}\n").bytes());
        }
        self.line(out, &labels, &sample);
        true
    }
}

impl<I> Families<I> {
    fn line(&self, out: &mut Vec<u8>, labels: &Labels, sample: &Sample) {
        let name = labels.metric_name();
        let inside = self.quoted && !is_plain(name, true);
        if !inside {
            self.name(out, name);
        }
        out.push(b'{');
        if inside {
            quote(out, name);
            out.push(b',');
        }
        for (name, value) in labels.iter().filter(|(name, _)| *name != model::labels::NAME) {
            self.label(out, name);
            out.push(b'=');
            quote(out, value);
            out.push(b',');
        }
        // As Prometheus: who scrapes with `honor_labels` must not put its own instance there.
        match labels.get("instance") {
            "" => out.extend(b"instance=\"\""),
            _ => drop(out.pop()),
        }
        out.extend(b"} ");
        json::general(out, sample.v);
        out.extend(format!(" {}\n", sample.t).bytes());
    }

    /// The name of a metric.
    fn name(&self, out: &mut Vec<u8>, name: &str) {
        if is_plain(name, true) {
            out.extend(name.bytes());
        } else if self.quoted {
            quote(out, name);
        } else {
            out.extend(name.chars().map(|c| if is_name(c, true) { c as u8 } else { b'_' }));
        }
    }

    fn label(&self, out: &mut Vec<u8>, name: &str) {
        if is_plain(name, false) {
            out.extend(name.bytes());
        } else if self.quoted {
            quote(out, name);
        } else {
            out.extend(name.chars().map(|c| if is_name(c, false) { c as u8 } else { b'_' }));
        }
    }
}

/// Whether every reader of the text format takes the name as it is.
fn is_plain(name: &str, colons: bool) -> bool {
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| is_name(c, colons))
}

fn is_name(c: char, colons: bool) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || colons && c == ':'
}

fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for b in text.bytes() {
        match b {
            b'\\' => out.extend(b"\\\\"),
            b'"' => out.extend(b"\\\""),
            b'\n' => out.extend(b"\\n"),
            b => out.push(b),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(quoted: bool) -> String {
        let of = |pairs: &[(&'static str, &'static str)], v, kind| {
            (Labels::from_pairs(pairs.iter().copied()), Sample { t: 1_500, v }, kind)
        };
        let series = vec![
            of(&[("__name__", "http.time"), ("a.b", "x")], 1e6, "untyped"),
            of(&[("__name__", "up"), ("instance", "h:1"), ("job", "a\"\\\n")], 1.0, "gauge"),
            of(&[("__name__", "up"), ("job", "b")], f64::NAN, "gauge"),
            of(&[("__name__", "up_alone")], -0.5, "untyped"),
        ];
        let missing = Vec::new();
        let mut families = Families { missing, series: series.into_iter(), family: String::new(), quoted };
        let mut out = Vec::new();
        while families.write(&mut out) {}
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn families_in_the_text_format() {
        let rest = "# TYPE up gauge\nup{instance=\"h:1\",job=\"a\\\"\\\\\\n\"} 1 1500\nup{job=\"b\",instance=\"\"} NaN 1500\n\
                    # TYPE up_alone untyped\nup_alone{instance=\"\"} -0.5 1500\n";
        let quoted = "# TYPE \"http.time\" untyped\n{\"http.time\",\"a.b\"=\"x\",instance=\"\"} 1e+06 1500\n";
        assert_eq!(text(true), format!("{quoted}{rest}"));
        let plain = "# TYPE http_time untyped\nhttp_time{a_b=\"x\",instance=\"\"} 1e+06 1500\n";
        assert_eq!(text(false), format!("{plain}{rest}"));
    }
}
