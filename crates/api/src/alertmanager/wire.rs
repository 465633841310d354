//! JSON of Alertmanager's API: times to the millisecond, sorted lists, matchers with their two flags.

use std::collections::BTreeMap;

use alerting::manager::matchers::{Matcher, MatcherError, Matchers, Op};
use alerting::manager::{AlertView, PostedAlert, Silence};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use foundation::{ErrorKind, UnixNanos};
use model::Labels;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A failure: a status and a JSON text.
pub(super) struct Failure(pub StatusCode, pub String);

impl Failure {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    pub(super) fn of(kind: ErrorKind, message: impl Into<String>) -> Self {
        let status = match kind {
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::InvalidInput => StatusCode::BAD_REQUEST,
            other => {
                StatusCode::from_u16(pipeline::refusal::http_status(other)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
        };
        Self(status, message.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// `2026-11-28T18:17:58.446Z`.
pub(super) fn time(at: UnixNanos) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let whole = time.replace_nanosecond(0).unwrap_or(time).format(&Rfc3339).unwrap_or_default();
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), time.millisecond())
}

/// Reads a time; the zero time of Go is none.
pub(super) fn read_time(field: &str, text: &str) -> Result<Option<UnixNanos>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| format!("{field}: parsing time \"{text}\" failed; write it as 2026-12-24T18:00:00Z"))?;
    if time.year() <= 1 {
        return Ok(None);
    }
    let nanos = time.unix_timestamp_nanos().clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    Ok(Some(UnixNanos(nanos as i64)))
}

/// An alert that is sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostableAlert {
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    starts_at: Option<String>,
    #[serde(default)]
    ends_at: Option<String>,
    #[serde(default, rename = "generatorURL")]
    generator_url: Option<String>,
}

impl PostableAlert {
    pub(super) fn posted(self) -> Result<PostedAlert, String> {
        let of = |map: BTreeMap<String, String>| Labels::new(map.into_iter().collect());
        Ok(PostedAlert {
            labels: of(self.labels),
            annotations: of(self.annotations.unwrap_or_default()),
            starts_at: read_time("startsAt", &self.starts_at.unwrap_or_default())?,
            ends_at: read_time("endsAt", &self.ends_at.unwrap_or_default())?,
            generator_url: self.generator_url.unwrap_or_default(),
        })
    }
}

/// An alert as it is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GettableAlert<'a> {
    annotations: LabelSet<'a>,
    ends_at: String,
    fingerprint: String,
    receivers: Vec<Named<'a>>,
    starts_at: String,
    status: GettableStatus<'a>,
    updated_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    labels: LabelSet<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GettableStatus<'a> {
    inhibited_by: &'a [String],
    silenced_by: &'a [String],
    muted_by: &'a [String],
    state: &'static str,
}

/// What has nothing but a name.
#[derive(Serialize)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
}

/// Labels as an object.
pub(super) struct LabelSet<'a>(pub &'a Labels);

impl Serialize for LabelSet<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

impl<'a> GettableAlert<'a> {
    pub(super) fn of(view: &'a AlertView) -> Self {
        let (alert, status) = (&view.alert.alert, &view.status);
        Self {
            annotations: LabelSet(&alert.annotations),
            ends_at: time(alert.ends_at),
            fingerprint: view.fingerprint.to_string(),
            receivers: view.receivers.iter().map(|name| Named { name }).collect(),
            starts_at: time(alert.starts_at),
            status: GettableStatus {
                inhibited_by: &status.inhibited_by,
                silenced_by: &status.silenced_by,
                muted_by: &status.muted_by,
                state: status.state(),
            },
            updated_at: time(view.alert.updated_at),
            generator_url: &alert.generator_url,
            labels: LabelSet(&alert.labels),
        }
    }
}

/// A silence that is wanted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostableSilence {
    #[serde(default)]
    id: Option<String>,
    matchers: Vec<WireMatcher>,
    starts_at: String,
    ends_at: String,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMatcher {
    name: String,
    value: String,
    #[serde(default)]
    is_regex: bool,
    /// Those of amtool 0.21 and older leave it out.
    #[serde(default)]
    is_equal: Option<bool>,
}

impl PostableSilence {
    pub(super) fn silence(self, now: UnixNanos) -> Result<Silence, String> {
        let matcher =
            |m: WireMatcher| Matcher::new(m.name, Op::of_flags(m.is_regex, m.is_equal.unwrap_or(true)), m.value);
        let matchers: Result<Vec<Matcher>, MatcherError> = self.matchers.into_iter().map(matcher).collect();
        let needed = |field, text: &str| read_time(field, text)?.ok_or_else(|| format!("{field} is missing"));
        Ok(Silence {
            id: self.id.unwrap_or_default(),
            matchers: Matchers(matchers.map_err(|e| format!("silence invalid: {e}"))?),
            starts_at: needed("startsAt", &self.starts_at)?,
            ends_at: needed("endsAt", &self.ends_at)?,
            updated_at: now,
            created_by: self.created_by,
            comment: self.comment,
        })
    }
}

pub(crate) fn silence(silence: &Silence, now: UnixNanos) -> Value {
    json!({
        "id": silence.id,
        "status": {"state": silence.state(now).name()},
        "updatedAt": time(silence.updated_at),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": time(silence.ends_at),
        "matchers": silence.matchers.0.iter().map(matcher).collect::<Vec<_>>(),
        "startsAt": time(silence.starts_at),
    })
}

fn matcher(m: &Matcher) -> Value {
    json!({"isEqual": m.op.is_equal(), "isRegex": m.op.is_regex(), "name": m.name, "value": m.value})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_go() {
        assert_eq!(time(UnixNanos(1_795_357_800_120_999_999)), "2026-11-22T14:30:00.120Z");
        assert_eq!(read_time("x", "2026-11-22T15:30:00.12+01:00"), Ok(Some(UnixNanos(1_795_357_800_120_000_000))));
        assert_eq!(read_time("x", "0001-01-01T00:00:00Z"), Ok(None));
        assert!(read_time("x", "soon").unwrap_err().starts_with("x: parsing time \"soon\" failed"));
    }
}
