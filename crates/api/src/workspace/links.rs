//! Short links: a code for an address, the same for the same address.

use axum::Json;
use axum::extract::{Path, State};
use foundation::ErrorKind;
use metastore::Origin;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{Body, check_room, check_url, hash};
use crate::app::App;
use crate::native::error::ApiError;
use crate::run::blocking;

const KIND: &str = "link";
const LINKS_MAX: usize = 50_000;
/// Characters of a code; one more for each that is taken by another address.
const CODE_LEN: usize = 8;
/// Lower case, without digits that look like letters (RFC 4648 base32).
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What gets a code.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    url: String,
}

/// Makes a code for an address, or finds the one that it has.
#[utoipa::path(post, path = "/api/ui/v1/links", request_body = Value, responses((status = 200, body = Value), (status = 400, body = ApiError)))]
pub(super) async fn create(State(app): State<App>, Body(New { url }): Body<New>) -> Result<Json<Value>, ApiError> {
    check_url(&url)?;
    blocking(move || {
        let documents = app.metastore.documents();
        let all = code(&url);
        for len in CODE_LEN..=all.len() {
            let code = &all[..len];
            match documents.get(KIND, code)? {
                Some(taken) if taken.body["url"] == url.as_str() => return Ok(Json(json!({"code": code}))),
                Some(_) => {}
                None => {
                    check_room("short links", documents.list(KIND)?.len(), LINKS_MAX)?;
                    documents.put(KIND, code, &json!({"url": url}), Origin::Api)?;
                    return Ok(Json(json!({"code": code})));
                }
            }
        }
        Err(ApiError::new(ErrorKind::Conflict, "every code of this address is taken by another one"))
    })
    .await
}

/// The address of a code.
#[utoipa::path(get, path = "/api/ui/v1/links/{code}", params(("code" = String, Path)),
    responses((status = 200, body = Value), (status = 404, body = ApiError)))]
pub(super) async fn get(State(app): State<App>, Path(code): Path<String>) -> Result<Json<Value>, ApiError> {
    blocking(move || match app.metastore.documents().get(KIND, &code)? {
        Some(d) => Ok(Json(json!({"url": d.body["url"], "created_unix_milli": d.created.as_millis()}))),
        None => Err(ApiError::new(ErrorKind::NotFound, format!("there is no short link `{code}`"))),
    })
    .await
}

/// Twelve characters of a hash.
fn code(url: &str) -> String {
    let hash = hash(url.bytes());
    // The upper bits are mixed best.
    (0..12).map(|i| char::from(ALPHABET[(hash >> (59 - 5 * i)) as usize % 32])).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_differ() {
        let codes: BTreeSet<String> =
            (0..20_000).map(|n| code(&format!("/logs?q={n}"))[..CODE_LEN].to_owned()).collect();
        assert_eq!(codes.len(), 20_000);
        assert_eq!(code("/logs").len(), 12);
    }
}
