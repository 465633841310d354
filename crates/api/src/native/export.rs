//! Records as OTLP, page by page: what `bellrock export` asks a running server for, and what any OTLP receiver takes.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use eventstore::query::Partial;
use foundation::ErrorKind;
use query::export::{RecordPage, Records, page};
use query::logs::LIMIT_MAX;
use wire::otlp::Encoding;
use wire::otlp::encode::{logs_request, traces_request};

use super::error::ApiError;
use super::params::{FilterParam, PageParams, Query, RangeParams, SignalParam};
use crate::app::App;
use crate::run;

/// The header with what to pass as `cursor` for the next page; empty on the last one, so that a header that got lost is no end.
pub const NEXT_CURSOR: &str = "bellrock-next-cursor";
/// The header with the number of blocks of this page that could not be read, if there are any.
pub const DAMAGED_BLOCKS: &str = "bellrock-damaged-blocks";

/// Pages of other origins need them as well.
const EXPOSED: &str = "Bellrock-Next-Cursor, Bellrock-Damaged-Blocks";

/// A page as it is sent.
#[derive(Debug)]
pub(crate) struct Sent {
    request: Vec<u8>,
    next_cursor: Option<String>,
    damaged_blocks: u64,
}

impl IntoResponse for Sent {
    fn into_response(self) -> Response {
        let mut response = ([(CONTENT_TYPE, Encoding::Protobuf.content_type())], self.request).into_response();
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        // A cursor is hexadecimal digits.
        let cursor = HeaderValue::try_from(self.next_cursor.unwrap_or_default());
        headers.insert(NEXT_CURSOR, cursor.unwrap_or_else(|_| HeaderValue::from_static("")));
        if self.damaged_blocks > 0 {
            headers.insert(DAMAGED_BLOCKS, self.damaged_blocks.into());
        }
        response
    }
}

/// Records that match, oldest first, as an OTLP export request (`ExportLogsServiceRequest` or `ExportTraceServiceRequest`), grouped by
/// resource and scope. `limit` is 1 to 5000, which it is when left out. Ask all pages with the same absolute `from` and `to`: relative
/// ones move on.
#[utoipa::path(get, path = "/api/v1/export", params(RangeParams, SignalParam, FilterParam, PageParams),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/x-protobuf", headers(
            ("bellrock-next-cursor" = String, description = "`cursor` of the next page; empty on the last one"),
            ("bellrock-damaged-blocks" = u64, description = "How many blocks could not be read and are missing in this page, if any"),
        )),
        (status = 400, body = ApiError),
        (status = 422, body = ApiError, description = "So many records need more memory than a query may take; ask for fewer"),
        (status = 503, body = ApiError, description = "No slot became free, or the deadline passed; ask again, or for fewer"),
    ))]
pub(crate) async fn export(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(signal): Query<SignalParam>,
    Query(filter): Query<FilterParam>,
    Query(params): Query<PageParams>,
) -> Result<Sent, ApiError> {
    let (range, signal) = (range.range(&app)?, signal.get()?);
    run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        let limit = params.limit.unwrap_or(LIMIT_MAX);
        let found = page(&app.engines.events, &request, signal, limit, params.cursor().as_deref())?;
        let damaged_blocks = match found.partial {
            None => 0,
            Some(Partial::Damaged { blocks }) => blocks,
            Some(why) => return Err(refused(why, limit)),
        };
        let RecordPage { records, next_cursor } = found.value;
        let request = match records {
            Records::Logs(records) => logs_request(&records),
            Records::Spans(spans) => traces_request(&spans),
        };
        Ok(Sent { request, next_cursor, damaged_blocks })
    })
    .await?
}

/// Half a page would look like a whole one.
fn refused(why: Partial, limit: usize) -> ApiError {
    let kind = match why {
        Partial::Memory | Partial::Groups { .. } => ErrorKind::LimitExceeded,
        Partial::Deadline | Partial::Cancelled | Partial::Damaged { .. } => ErrorKind::Timeout,
    };
    let remedy =
        if limit > 1 { format!("; ask for fewer than {limit} records at once with `limit`") } else { String::new() };
    ApiError::new(kind, format!("{why}{remedy}"))
}
