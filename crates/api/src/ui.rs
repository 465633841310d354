//! The web UI, compiled into the binary.
//!
//! Assets are stored gzip-compressed and sent so; hashed names are cached for
//! ever. Every other path answers `index.html`, because the UI routes in the
//! browser. Nothing is loaded from anywhere else: the policy forbids it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};

struct Asset {
    path: &'static str,
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Bellrock</title>\
<h1>The web UI is not in this build</h1>\
<p>This binary was built without it. Build the UI and then the binary again:\
<pre>cd ui &amp;&amp; npm ci &amp;&amp; npm run build\ncargo build --release -p bellrock</pre>\
<p>or run <code>make run</code>. The API works: <a href=/api/v1/status>/api/v1/status</a>, <a href=/api/openapi.json>/api/openapi.json</a>.";

const POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; \
connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'";

/// Answers with the asset of the path, or with the page.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
    }
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return plain(StatusCode::NOT_FOUND, "there is no such API; /api/openapi.json lists what there is\n");
    }
    if let Some(location) = from_graph(&uri) {
        return moved(&location);
    }
    let asset = find(path);
    // Only files of the build have these paths; everything else, dots included, is a path of the page.
    if asset.is_none() && path.starts_with("assets/") {
        return plain(StatusCode::NOT_FOUND, "not found\n");
    }
    match asset.or_else(|| find("index.html")) {
        Some(asset) => respond(asset, &headers),
        None => page(NOT_BUILT.into(), "text/html; charset=utf-8"),
    }
}

/// Alerts link to the page of Prometheus that shows an expression; ours is elsewhere. The expression stays escaped.
fn from_graph(uri: &Uri) -> Option<String> {
    let parameters = uri.query().filter(|_| uri.path() == "/graph")?;
    let expression = parameters.split('&').find_map(|p| p.strip_prefix("g0.expr="))?;
    Some(format!("/metrics?q={expression}"))
}

fn moved(location: &str) -> Response<Body> {
    let mut response = plain(StatusCode::FOUND, "");
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|a| a.path == path)
}

fn respond(asset: &'static Asset, request: &HeaderMap) -> Response<Body> {
    let takes_gzip =
        request.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("gzip"));
    let content_type = content_type(asset.path);
    let mut response = if takes_gzip {
        let mut response = page(asset.gzip.into(), content_type);
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        page(gunzip(asset.gzip).into(), content_type)
    };
    // Vite puts a content hash into the names below assets/.
    let caching = if asset.path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

fn gunzip(gzip: &[u8]) -> Vec<u8> {
    let size = gzip.last_chunk::<4>().map_or(0, |n| u32::from_le_bytes(*n) as usize);
    let mut out = vec![0; size];
    let n = libdeflater::Decompressor::new().gzip_decompress(gzip, &mut out).unwrap_or(0);
    out.truncate(n);
    out
}

fn page(body: Body, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = page(text.into(), "text/plain; charset=utf-8");
    *response.status_mut() = status;
    response
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_alerts_lead_to_the_page_of_metrics() {
        let to = |uri: &str| from_graph(&uri.parse().unwrap());
        assert_eq!(to("/graph?g0.expr=a+%3E+1&g0.tab=1").as_deref(), Some("/metrics?q=a+%3E+1"));
        assert_eq!(to("/graph"), None);
        assert_eq!(to("/metrics?g0.expr=a"), None);
    }
}
