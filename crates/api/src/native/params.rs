//! Parameters that several operations take.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use foundation::ErrorKind;
use model::TimeRange;
use query::EventSignal;
use query::time::parse_range;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::error::ApiError;
use crate::app::App;

/// The query string; what cannot be read is answered in the shape of this API.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(t)) => Ok(Self(t)),
            Err(e) => Err(ApiError::new(ErrorKind::InvalidInput, e.body_text())),
        }
    }
}

/// The body of a request; what cannot be read is answered in the shape of our API, with the name of the key.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|e| ApiError::new(ErrorKind::TooLarge, e.body_text()))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|e| ApiError::invalid("body", e.to_string()))
    }
}

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
            .map_err(|e| ApiError::invalid(e.parameter(), e.to_string()))
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
            Some(other) => {
                Err(ApiError::invalid("signal", format!("`{other}` is not known here; use `logs` or `traces`")))
            }
        }
    }
}
