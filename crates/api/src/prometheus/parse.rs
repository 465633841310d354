//! Queries as texts: the formatter and the parser.

use axum::response::Response;

use super::params::Params;
use super::respond::{PromError, success};
use super::{ast, respond};

/// A PromQL query, laid out over lines.
#[utoipa::path(get, path = "/api/v1/format_query", tag = "prometheus", params(("query" = String, Query)),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn format_query(p: Params) -> Result<Response, PromError> {
    Ok(success(promql::pretty(&read(&p)?)))
}

/// The syntax tree of a PromQL query.
#[utoipa::path(get, path = "/api/v1/parse_query", tag = "prometheus", params(("query" = String, Query)),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn parse_query(p: Params) -> Result<Response, PromError> {
    Ok(success(ast::expr(&read(&p)?)))
}

fn read(p: &Params) -> Result<promql::ast::Expr, PromError> {
    promql::parse(p.query()).map_err(|e| respond::PromError::parameter("query", e))
}
