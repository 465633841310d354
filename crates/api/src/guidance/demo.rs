//! The demo: generated traffic of an application that does not exist.

use axum::Json;
use axum::extract::State;
use foundation::ErrorKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::native::error::ApiError;
use crate::workspace::body::Body;

/// Whether the demo should run.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DemoState {
    running: bool,
}

/// Starts or stops the demo. It begins with a quarter of an hour of history, or where it was stopped.
#[utoipa::path(post, path = "/api/ui/v1/demo", request_body = DemoState,
    responses((status = 200, body = DemoState), (status = 503, body = ApiError)))]
pub(crate) async fn switch(State(app): State<App>, Body(wanted): Body<DemoState>) -> Result<Json<DemoState>, ApiError> {
    let demo = app.demo.clone();
    let switched = tokio::task::spawn_blocking(move || (demo.switch)(wanted.running)).await;
    match switched {
        Ok(Ok(())) => Ok(Json(DemoState { running: (app.demo.running)() })),
        Ok(Err(why)) => Err(ApiError::new(ErrorKind::Unsupported, why)),
        Err(e) => Err(ApiError::new(ErrorKind::Internal, format!("the demo could not be switched: {e}"))),
    }
}

/// Refused: data is removed by age, not by who sent it.
#[utoipa::path(delete, path = "/api/ui/v1/demo", responses((status = 501, body = ApiError)))]
pub(crate) async fn remove() -> ApiError {
    ApiError::new(
        ErrorKind::Unsupported,
        "spans and logs are removed by age, not by sender, so data of the demo goes when its retention ends; \
         stop the demo with `{\"running\": false}`",
    )
}
