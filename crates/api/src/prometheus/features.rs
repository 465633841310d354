//! What a client may ask for, as Prometheus 3 lists it: by kind, each with whether it can be used.

use axum::extract::State;
use axum::response::Response;
use promql::ast::{AggregateOp, BinaryOp};
use promql::functions::FUNCTIONS;
use serde_json::{Map, Value, json};

use super::respond::success;
use crate::app::App;

/// Modifiers and syntax that can be used; all are parsed without a flag.
const SYNTAX: [&str; 12] = [
    "anchored",
    "at_modifier",
    "bool",
    "by",
    "duration_expr",
    "fill",
    "group_left",
    "group_right",
    "ignoring",
    "negative_offset",
    "on",
    "subqueries",
];

/// What can be asked for.
#[utoipa::path(get, path = "/api/v1/features", tag = "prometheus",
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn features(State(app): State<App>) -> Response {
    let names = |names: &mut dyn Iterator<Item = &str>| -> Value {
        Value::Object(names.map(|name| (name.to_owned(), true.into())).collect::<Map<_, _>>())
    };
    let operators = BINARY.iter().map(|op| op.text()).chain(AggregateOp::ALL.iter().map(|(name, _)| *name));
    success(json!({
        "api": {
            "admin": app.info.settings.admin_api,
            "exemplars": true,
            "label_values_match": true,
            "query_stats": true,
            "query_warnings": true,
            "remote_read": true,
            "time_range_labels": true,
            "time_range_series": true,
        },
        "promql": names(&mut SYNTAX.into_iter()),
        "promql_functions": names(&mut FUNCTIONS.iter().map(|f| f.name)),
        "promql_operators": names(&mut operators.into_iter()),
    }))
}

const BINARY: [BinaryOp; 18] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
    BinaryOp::Mod,
    BinaryOp::Pow,
    BinaryOp::Atan2,
    BinaryOp::Eq,
    BinaryOp::Ne,
    BinaryOp::Gt,
    BinaryOp::Lt,
    BinaryOp::Ge,
    BinaryOp::Le,
    BinaryOp::TrimUpper,
    BinaryOp::TrimLower,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Unless,
];
