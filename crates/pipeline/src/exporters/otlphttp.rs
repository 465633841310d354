//! `otlphttp` (`otlp_http`): OTLP over HTTP, in protobuf or JSON.
//!
//! Source: OTLP specification, "OTLP/HTTP" (which statuses may be tried again); otlphttpexporter, confighttp (fields).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use foundation::Clock;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use model::Signal;
use net::tls::{ClientSettings, TlsConfig};
use net::{Client, ClientOptions, HttpConfig, Request, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sending::{self, Compression, Failure, Queueing, Retry, Sender, Sent};
use crate::component::{
    ClientAuth, Exporter, ExporterFactory, Host, Refused, Run, SIGNALS, Setup, StartError, Starting,
};
use crate::config::{Interval, Secret, Size};
use crate::consumer::Consumer;

/// How it is known.
pub(super) const FACTORY: ExporterFactory =
    ExporterFactory { names: &["otlphttp", "otlp_http"], signals: SIGNALS, build };

/// Answers are small; what is longer is no OTLP back end.
const ANSWER_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    endpoint: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    traces_endpoint: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    metrics_endpoint: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    logs_endpoint: String,
    headers: BTreeMap<String, Secret>,
    timeout: Interval,
    compression: Compression,
    tls: ClientSettings,
    auth: Auth,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_url: Option<Secret>,
    encoding: Encoding,
    sending_queue: Queueing,
    retry_on_failure: Retry,
    /// Taken and not needed.
    #[serde(skip_serializing)]
    read_buffer_size: Option<Size>,
    #[serde(skip_serializing)]
    write_buffer_size: Option<Size>,
    #[serde(skip_serializing)]
    max_idle_conns: Option<u64>,
    #[serde(skip_serializing)]
    max_idle_conns_per_host: Option<u64>,
    #[serde(skip_serializing)]
    max_conns_per_host: Option<u64>,
    #[serde(skip_serializing)]
    idle_conn_timeout: Option<Interval>,
    #[serde(skip_serializing)]
    disable_keep_alives: Option<bool>,
    #[serde(skip_serializing)]
    compression_params: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Auth {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) authenticator: String,
}

/// How bodies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    /// OTLP protobuf.
    Proto,
    /// OTLP JSON.
    Json,
}

impl Encoding {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Proto => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// The body of a request.
    fn body(self, signal: Signal, request: Bytes) -> Result<Bytes, Failure> {
        match self {
            Self::Proto => Ok(request),
            Self::Json => {
                let written = tokio::task::block_in_place(|| wire::otlp::json::from_protobuf(signal, &request));
                written.map(Bytes::from).map_err(|e| Failure::lasting(e.to_string()))
            }
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            traces_endpoint: String::new(),
            metrics_endpoint: String::new(),
            logs_endpoint: String::new(),
            headers: BTreeMap::new(),
            timeout: Interval::secs(30),
            compression: Compression::Gzip,
            tls: ClientSettings::default(),
            auth: Auth::default(),
            proxy_url: None,
            encoding: Encoding::Proto,
            sending_queue: Queueing::default(),
            retry_on_failure: Retry::default(),
            read_buffer_size: None,
            write_buffer_size: None,
            max_idle_conns: None,
            max_idle_conns_per_host: None,
            max_conns_per_host: None,
            idle_conn_timeout: None,
            disable_keep_alives: None,
            compression_params: None,
        }
    }
}

struct OtlpHttp {
    component: String,
    settings: Settings,
    urls: [Url; 3],
    client: Client,
    headers: HeaderMap,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    let mut settings: Settings = setup.read()?;
    settings.sending_queue.check(setup)?;
    settings.retry_on_failure.check(settings.sending_queue.enabled, setup)?;
    settings.tls.set_directory(&setup.surroundings().directory);
    let mut urls = Vec::new();
    for (name, given, path) in [
        ("traces_endpoint", &settings.traces_endpoint, "/v1/traces"),
        ("metrics_endpoint", &settings.metrics_endpoint, "/v1/metrics"),
        ("logs_endpoint", &settings.logs_endpoint, "/v1/logs"),
    ] {
        let (setting, text) = match given.is_empty() {
            true => ("endpoint", format!("{}{path}", settings.endpoint.trim_end_matches('/'))),
            false => (name, given.clone()),
        };
        if setting == "endpoint" {
            if settings.endpoint.is_empty() {
                return Err(setup.error("endpoint", "is missing; write `endpoint: http://host:4318`"));
            }
            url(setup, setting, &settings.endpoint)?;
        }
        urls.push(url(setup, setting, &text)?);
    }
    let Ok(urls) = <[Url; 3]>::try_from(urls) else { return Err(Refused) };
    let headers = headers(setup, &settings.headers)?;
    let client = client(setup, &settings.tls, settings.proxy_url.as_ref())?;
    setup.show(&settings);
    Ok(Box::new(OtlpHttp { component: setup.path(""), settings, urls, client, headers }))
}

/// An address with its scheme.
pub(super) fn url(setup: &mut Setup<'_>, setting: &str, text: &str) -> Result<Url, Refused> {
    match text.parse::<Url>() {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => Ok(url),
        _ => Err(setup.error(setting, format!("`{text}` is not a URL; write `http://host:port` or `https://host`"))),
    }
}

/// Headers as they are sent.
pub(super) fn headers(setup: &mut Setup<'_>, given: &BTreeMap<String, Secret>) -> Result<HeaderMap, Refused> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        match (name.parse::<HeaderName>(), value.0.parse::<HeaderValue>()) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
            _ => {
                let message = "is not a header; write letters, digits and dashes, and a value in one line";
                return Err(setup.error(&format!("headers.{name}"), message));
            }
        }
    }
    Ok(headers)
}

/// A client as `tls` and `proxy_url` say.
pub(super) fn client(setup: &mut Setup<'_>, tls: &ClientSettings, proxy: Option<&Secret>) -> Result<Client, Refused> {
    let config = HttpConfig {
        tls_config: TlsConfig {
            ca: tls.ca_pem.as_ref().map(|pem| pem.expose().to_owned()),
            ca_file: tls.ca_file.clone(),
            cert: tls.cert_pem.as_ref().map(|pem| pem.expose().to_owned()),
            cert_file: tls.cert_file.clone(),
            key: tls.key_pem.clone(),
            key_file: tls.key_file.clone(),
            server_name: tls.server_name_override.clone(),
            insecure_skip_verify: tls.insecure_skip_verify,
            min_version: tls.min_version,
            max_version: tls.max_version,
        },
        follow_redirects: false,
        proxy_url: proxy.map(|url| net::Secret::new(url.0.clone())),
        ..HttpConfig::default()
    };
    let options = ClientOptions { body_bytes_max: ANSWER_BYTES_MAX, ..ClientOptions::default() };
    let client = Client::new(&config, options).map_err(|errors| {
        let mut refused = Refused;
        for e in &errors.0 {
            refused = setup.error(&e.field.replace("tls_config", "tls"), e.message.clone());
        }
        refused
    })?;
    setup.unreadable(tls);
    Ok(client)
}

/// The extension that proves who we are, if one is named.
pub(super) fn client_auth(component: &str, id: &str, host: &Host) -> Result<Option<Arc<dyn ClientAuth>>, StartError> {
    let failed = |message: String| StartError { component: component.to_owned(), message };
    if id.is_empty() {
        return Ok(None);
    }
    match host.extensions.get(id).map(|provided| provided.client_auth.clone()) {
        Some(Some(auth)) => Ok(Some(auth)),
        Some(None) => Err(failed(format!("the extension `{id}` does not say who we are; it needs `client_auth`"))),
        None => Err(failed(format!("`{id}` is not an extension that runs; name it in `service.extensions`"))),
    }
}

impl Exporter for OtlpHttp {
    fn counts_itself(&self) -> bool {
        true
    }

    fn start<'a>(self: Box<Self>, host: &'a Host, run: &'a mut Run) -> Starting<'a, Arc<dyn Consumer>> {
        Box::pin(async move {
            let Self { component, settings, urls, client, headers } = *self;
            let auth = client_auth(&component, &settings.auth.authenticator, host)?;
            let plan = sending::Plan { component, queueing: settings.sending_queue, retry: settings.retry_on_failure };
            let poster = Poster {
                client,
                urls,
                headers,
                auth,
                encoding: settings.encoding,
                compression: settings.compression,
                timeout: settings.timeout.0,
                clock: host.clock.clone(),
            };
            sending::start(plan, Arc::new(poster), host, run)
        })
    }
}

struct Poster {
    client: Client,
    urls: [Url; 3],
    headers: HeaderMap,
    auth: Option<Arc<dyn ClientAuth>>,
    encoding: Encoding,
    compression: Compression,
    timeout: std::time::Duration,
    clock: Arc<dyn Clock>,
}

impl Sender for Poster {
    fn send(&self, signal: Signal, request: Bytes) -> Sent<'_> {
        Box::pin(async move {
            let [traces, metrics, logs] = &self.urls;
            let url = match signal {
                Signal::Traces => traces,
                Signal::Metrics => metrics,
                Signal::Logs => logs,
            };
            let body = self.encoding.body(signal, request)?;
            let body = self.compression.compress(body).map_err(Failure::passing)?;
            let mut request = Request::post(url.clone(), self.encoding.content_type(), body);
            request.headers.extend(self.headers.clone());
            if let Some(encoding) = self.compression.name() {
                request.headers.insert(http::header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            if let Some(auth) = &self.auth {
                auth.authorize(&mut request.headers).map_err(Failure::passing)?;
            }
            let answer = self.client.send(request, self.timeout).await.map_err(|e| Failure::unanswered(&e))?;
            if answer.status.is_success() {
                return Ok(());
            }
            let said = said(&answer.body);
            Err(Failure {
                retry: may_be_tried_again(answer.status),
                away: false,
                after: answer.retry_after(self.clock.now()),
                message: format!("{} answered {}{said}", url.host_str().unwrap_or_default(), answer.status),
            })
        })
    }
}

/// OTLP lets these be tried again and no others.
pub(super) fn may_be_tried_again(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// What a back end says of a refusal, if it is text: a `google.rpc.Status` has its message in it.
pub(super) fn said(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(300).collect();
    if text.trim().is_empty() { String::new() } else { format!(": {}", text.trim()) }
}
