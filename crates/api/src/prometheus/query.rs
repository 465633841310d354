//! Instant and range queries.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use promql::eval::{Engine, QueryRange, Value};
use query::metrics::{Ask, Evaluated, MetricsError};

use super::answer::Answer;
use super::params::Params;
use super::respond::{Notes, PromError};
use super::stats::QueryStats;
use super::stream;
use crate::app::App;
use crate::run;

/// Points of one series; a range query has at most one more.
const POINTS_MAX: i64 = 11_000;

/// A PromQL query at one instant. POST takes the parameters as a form.
#[utoipa::path(get, path = "/api/v1/query", tag = "prometheus",
    params(("query" = String, Query), ("time" = Option<String>, Query, description = "unix seconds or RFC 3339; now when left out"),
        ("timeout" = Option<String>, Query, description = "seconds or a duration; capped by `query.timeout`"),
        ("limit" = Option<usize>, Query, description = "series of the answer, with a warning when there are more; 0 is no limit"),
        ("lookback_delta" = Option<String>, Query, description = "how old a sample may be, 5m when left out"),
        ("stats" = Option<String>, Query, description = "any value adds `stats` to the answer, `all` those of every step")),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data"), (status = 422, description = "execution"), (status = 503, description = "timeout")))]
pub(super) async fn instant(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let at = p.time("time")?.unwrap_or_else(|| app.clock.now().as_millis());
    let options = Options::read(&p)?;
    let text = p.query().to_owned();
    options
        .answer(&app, QueryRange { start_ms: at, end_ms: at, step_ms: 0 }, move |app, engine, ask| {
            query::metrics::instant(engine, &app.engines.metrics, ask, &text, at)
        })
        .await
}

/// A PromQL query at every step of a range. POST takes the parameters as a form.
#[utoipa::path(get, path = "/api/v1/query_range", tag = "prometheus",
    params(("query" = String, Query), ("start" = String, Query), ("end" = String, Query), ("step" = String, Query, description = "seconds, or a duration such as 15s"),
        ("timeout" = Option<String>, Query, description = "seconds or a duration; capped by `query.timeout`"),
        ("limit" = Option<usize>, Query, description = "series of the answer, with a warning when there are more; 0 is no limit"),
        ("lookback_delta" = Option<String>, Query, description = "how old a sample may be, 5m when left out"),
        ("stats" = Option<String>, Query, description = "any value adds `stats` to the answer, `all` those of every step")),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data"), (status = 422, description = "execution"), (status = 503, description = "timeout")))]
pub(super) async fn range(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let range = query_range(&p)?;
    let options = Options::read(&p)?;
    let text = p.query().to_owned();
    options
        .answer(&app, range, move |app, engine, ask| {
            query::metrics::range(engine, &app.engines.metrics, ask, &text, range)
        })
        .await
}

fn query_range(p: &Params) -> Result<QueryRange, PromError> {
    let (start_ms, end_ms) = (p.required_time("start")?, p.required_time("end")?);
    if end_ms < start_ms {
        return Err(PromError::parameter("end", "end timestamp must not be before start time"));
    }
    let step_ms = p.required_duration("step")?;
    if step_ms <= 0 {
        return Err(PromError::parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if end_ms.saturating_sub(start_ms) / step_ms > POINTS_MAX {
        return Err(PromError::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    Ok(QueryRange { start_ms, end_ms, step_ms })
}

/// Which statistics an answer has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stats {
    Total,
    EachStep,
}

/// What both kinds of query take.
struct Options {
    timeout: Duration,
    limit: Option<usize>,
    lookback: Option<Duration>,
    stats: Option<Stats>,
}

impl Options {
    fn read(p: &Params) -> Result<Self, PromError> {
        Ok(Self {
            timeout: p.duration("timeout")?.unwrap_or(Duration::MAX),
            limit: p.limit()?,
            lookback: p.duration("lookback_delta")?.filter(|d| !d.is_zero()),
            stats: p.get("stats").map(|which| if which == "all" { Stats::EachStep } else { Stats::Total }),
        })
    }

    /// Evaluates in a slot and writes the answer.
    async fn answer(
        self,
        app: &App,
        steps: QueryRange,
        evaluate: impl FnOnce(&App, &Engine, &Ask) -> Result<Evaluated, MetricsError> + Send + 'static,
    ) -> Result<Response, PromError> {
        let (lookback, count_samples) = (self.lookback, self.stats.is_some());
        let (queued, evaluated) = run::query_within(app, self.timeout, move |app, grant| {
            let own = lookback.map(|lookback| app.promql.with_lookback(lookback));
            let ask = Ask { count_samples, ..grant.ask() };
            let evaluated = evaluate(app, own.as_ref().unwrap_or(&app.promql), &ask);
            (grant.queued(), evaluated)
        })
        .await?;
        let Evaluated { output, timings } = evaluated?;
        let stats = self.stats.map(|which| {
            let per_step = (which == Stats::EachStep).then_some((steps.start_ms, steps.step_ms));
            QueryStats { queued, timings, output: &output, per_step }.json()
        });
        let mut value = output.value;
        let mut notes = Notes { warnings: output.warnings, infos: output.infos };
        if self.limit.is_some_and(|limit| truncate(&mut value, limit)) {
            notes = notes.and_truncated();
        }
        Ok(stream::json(Answer::new(value, steps.end_ms, stats, notes)))
    }
}

/// Whether anything was cut off.
fn truncate(value: &mut Value, limit: usize) -> bool {
    let before = match value {
        Value::Vector(samples) => {
            let before = samples.len();
            samples.truncate(limit);
            before
        }
        Value::Matrix(series) => {
            let before = series.len();
            series.truncate(limit);
            before
        }
        Value::Scalar(_) | Value::String(_) => 0,
    };
    before > limit
}
