//! Parameters that several operations take.

use std::time::Duration;

use model::TimeRange;
use query::EventSignal;
use query::time::parse_range;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::ApiError;
use crate::app::App;

/// The range when `from` is left out.
const SPAN: Duration = Duration::from_secs(3600);

/// A stretch of time. Times are unix milliseconds, unix nanoseconds, RFC 3339, `now` or `now-1h`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RangeParams {
    /// Inclusive; one hour before `to` when left out.
    from: Option<String>,
    /// Exclusive; now when left out.
    to: Option<String>,
}

impl RangeParams {
    pub(crate) fn range(&self, app: &App) -> Result<TimeRange, ApiError> {
        parse_range(self.from.as_deref(), self.to.as_deref(), app.clock.now(), SPAN)
            .map_err(|e| ApiError::invalid("from", e.to_string()))
    }
}

/// Which records.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FilterParam {
    /// Filter, as `service:api level>=warn "timed out"`; see the query language. Nothing means everything.
    q: Option<String>,
}

impl FilterParam {
    pub(crate) fn text(self) -> String {
        self.q.unwrap_or_default()
    }
}

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// Rows of the page.
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl PageParams {
    pub(crate) fn cursor(&self) -> Option<String> {
        self.cursor.clone().filter(|c| !c.is_empty())
    }
}

/// Which signal.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SignalParam {
    /// `logs` (default) or `traces`.
    signal: Option<String>,
}

impl SignalParam {
    pub(crate) fn get(&self) -> Result<EventSignal, ApiError> {
        match self.signal.as_deref() {
            None | Some("" | "logs") => Ok(EventSignal::Logs),
            Some("traces") => Ok(EventSignal::Traces),
            Some(other) => Err(ApiError::invalid("signal", format!("`{other}` has no fields; use `logs` or `traces`"))),
        }
    }
}
