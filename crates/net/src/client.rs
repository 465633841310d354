//! Sends requests as an [`HttpConfig`] says, on reqwest and rustls.
//!
//! An answer of any status is an answer; everything else is a [`SendError`] that names its step.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::auth::Headers;
use crate::config::HttpConfig;
use crate::error::{ConfigErrors, SendError, Step};
use crate::oauth2::Tokens;
use crate::request::{Answer, Request, Response};
use crate::secret::{Secret, origin};
use crate::tls::{ClientTls, describe};

/// Hosts that a client with a fixed server name keeps connections for.
const HOSTS_MAX: usize = 256;

/// As browsers and Go have it.
const REDIRECTS_MAX: usize = 10;

/// What does not come from configuration files.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// How much of an answer [`Client::send`] reads.
    pub body_bytes_max: usize,
    /// The header `User-Agent`.
    pub user_agent: String,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            body_bytes_max: 1 << 20,
            user_agent: concat!("bellrock/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Sends requests. Cheap to clone; clones share connections and tokens.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: HttpConfig,
    options: ClientOptions,
    headers: Headers,
    tokens: Option<Tokens>,
    tls: Arc<ClientTls>,
    connections: Mutex<Connections>,
}

/// Connections that were made with the certificates of one generation.
#[derive(Default)]
struct Connections {
    generation: u64,
    /// By host when the server name is fixed, else one entry with an empty key.
    clients: HashMap<String, reqwest::Client>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Client").field(&self.0.config).finish()
    }
}

impl Client {
    /// A client for a configuration. Touches neither files nor network.
    ///
    /// # Errors
    /// Everything that is wrong in the configuration.
    pub fn new(config: &HttpConfig, options: ClientOptions) -> Result<Self, ConfigErrors> {
        let errors = config.check();
        if !errors.is_empty() {
            return Err(ConfigErrors(errors));
        }
        let fixed = config.tls_config.server_name.as_ref().is_some_and(|n| !n.is_empty());
        // With a fixed name the address of requests is not the host's, which HTTP/2 would send as authority.
        let alpn = if config.enable_http2 && !fixed {
            vec![b"h2".to_vec(), b"http/1.1".to_vec()]
        } else {
            vec![b"http/1.1".to_vec()]
        };
        let tls = Arc::new(ClientTls::new(config.tls_config.spec(alpn).map_err(ConfigErrors)?));
        let tokens = config.oauth2.as_ref().map(|o| Tokens::new(o, &options)).transpose()?;
        Ok(Self(Arc::new(Inner {
            headers: Headers::new(config).map_err(|e| ConfigErrors(vec![e]))?,
            config: config.clone(),
            options,
            tokens,
            tls,
            connections: Mutex::default(),
        })))
    }

    /// Sends and reads the answer up to the limit of the options.
    ///
    /// # Errors
    /// There is no answer within `deadline`, for the reason given.
    pub async fn send(&self, request: Request, deadline: Duration) -> Result<Response, SendError> {
        let started = Instant::now();
        let mut answer = self.open(request, deadline).await?;
        let (body, truncated) = answer.read(self.0.options.body_bytes_max).await?;
        Ok(Response {
            status: answer.status(),
            headers: answer.headers().clone(),
            body,
            truncated,
            took: started.elapsed(),
        })
    }

    /// Sends and leaves the body of the answer to the caller; `deadline` covers it as well.
    ///
    /// # Errors
    /// There is no answer within `deadline`, for the reason given.
    pub async fn open(&self, request: Request, deadline: Duration) -> Result<Answer, SendError> {
        let started = Instant::now();
        let from = origin(&request.url);
        let mut headers = request.headers;
        self.0.headers.apply(&mut headers).await?;
        if let Some(tokens) = &self.0.tokens {
            tokens.apply(&mut headers, deadline).await?;
        }
        let (client, url) = self.connections(&request.url, &mut headers).await?;
        let left = deadline.saturating_sub(started.elapsed());
        let sent = client.request(request.method, url).headers(headers).body(request.body).timeout(left).send().await;
        let response = sent
            .map_err(|e| classify(&e, from.clone(), &request.url, deadline, self.0.options.connect_timeout, started))?;
        if response.status() == http::StatusCode::UNAUTHORIZED
            && let Some(tokens) = &self.0.tokens
        {
            tokens.forget().await;
        }
        Ok(Answer { response, origin: from, deadline })
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn post_json(
        &self,
        url: &Url,
        body: impl Into<Bytes>,
        deadline: Duration,
    ) -> Result<Response, SendError> {
        self.send(Request::post(url.clone(), "application/json", body), deadline).await
    }

    pub(crate) fn tls(&self) -> &Arc<ClientTls> {
        &self.0.tls
    }

    pub(crate) fn config(&self) -> &HttpConfig {
        &self.0.config
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.0.options.connect_timeout
    }

    /// The connections for `url`, and the address to give them.
    async fn connections(&self, url: &Url, headers: &mut HeaderMap) -> Result<(reqwest::Client, Url), SendError> {
        let (generation, tls) = self.0.tls.current_async().await?;
        let has_proxy = self.0.config.proxy_url.is_some() || self.0.config.proxy_from_environment;
        let host = url.host_str().unwrap_or("");
        let fixed = self.0.tls.server_name().filter(|_| url.scheme() == "https" && !has_proxy);
        let key = if fixed.is_some() { host } else { "" };
        let mut state = self.0.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if state.generation != generation || state.clients.len() >= HOSTS_MAX {
            state.clients.clear();
            state.generation = generation;
        }
        let client = match state.clients.get(key) {
            Some(client) => client.clone(),
            None => {
                let client = self.build((*tls).clone(), fixed.map(|_| host))?;
                state.clients.insert(key.to_owned(), client.clone());
                client
            }
        };
        drop(state);
        let mut address = url.clone();
        if let Some(name) = fixed {
            let authority = match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            };
            let authority = HeaderValue::from_str(&authority).map_err(|e| SendError::Url(e.to_string()))?;
            headers.entry(HOST).or_insert(authority);
            address.set_host(Some(name)).map_err(|e| SendError::Url(e.to_string()))?;
        }
        Ok((client, address))
    }

    fn build(&self, tls: rustls::ClientConfig, resolve_to: Option<&str>) -> Result<reqwest::Client, SendError> {
        let local = |e: reqwest::Error| SendError::Local { what: "HTTP client".into(), message: innermost(&e) };
        let config = &self.0.config;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(self.0.options.user_agent.clone())
            .connect_timeout(self.0.options.connect_timeout)
            .redirect(self.redirects());
        if !config.proxy_from_environment {
            builder = builder.no_proxy();
        }
        if !config.enable_http2 || resolve_to.is_some() {
            builder = builder.http1_only();
        }
        if let Some(proxy) = config.proxy_url.as_ref().filter(|p| !p.is_empty()) {
            let mut proxy = reqwest::Proxy::all(proxy.expose()).map_err(local)?;
            proxy = proxy.no_proxy(reqwest::NoProxy::from_string(&config.no_proxy));
            if !config.proxy_connect_header.is_empty() {
                proxy = proxy.headers(connect_headers(&config.proxy_connect_header)?);
            }
            builder = builder.proxy(proxy);
        }
        if let Some(host) = resolve_to {
            builder = builder.dns_resolver(Arc::new(Fixed(host.trim_matches(['[', ']']).to_owned())));
        }
        builder.build().map_err(local)
    }

    fn redirects(&self) -> reqwest::redirect::Policy {
        if !self.0.config.follow_redirects {
            return reqwest::redirect::Policy::none();
        }
        if !self.0.headers.have_secrets() && self.0.tls.server_name().is_none() {
            return reqwest::redirect::Policy::limited(REDIRECTS_MAX);
        }
        // reqwest keeps `Authorization` from other hosts, but knows nothing of our secret headers.
        reqwest::redirect::Policy::custom(|attempt| {
            let previous = attempt.previous();
            let same = previous.last().is_some_and(|url| url.origin() == attempt.url().origin());
            if previous.len() > REDIRECTS_MAX {
                attempt.error("too many redirects")
            } else if same {
                attempt.follow()
            } else {
                attempt.stop()
            }
        })
    }
}

fn connect_headers(from: &std::collections::BTreeMap<String, Vec<Secret>>) -> Result<HeaderMap, SendError> {
    let mut headers = HeaderMap::new();
    for (name, values) in from {
        let header = HeaderName::try_from(name.as_str())
            .map_err(|e| SendError::Local { what: "proxy_connect_header".into(), message: e.to_string() })?;
        for value in values {
            headers.append(&header, crate::auth::hidden(name, value.expose())?);
        }
    }
    Ok(headers)
}

/// Whatever name is asked for, the addresses of one host.
struct Fixed(String);

impl Resolve for Fixed {
    fn resolve(&self, _name: Name) -> Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// What a failure of reqwest is, without its address.
fn classify(
    error: &reqwest::Error,
    origin: String,
    url: &Url,
    deadline: Duration,
    connect_timeout: Duration,
    started: Instant,
) -> SendError {
    if let Some(tls) = find::<rustls::Error>(error) {
        return SendError::Tls { origin, message: describe(tls) };
    }
    if error.is_dns() {
        return SendError::Dns { host: url.host_str().unwrap_or("").to_owned(), message: innermost(error) };
    }
    if error.is_timeout() {
        let connecting = error.is_connect() || (started.elapsed() < connect_timeout && deadline > connect_timeout);
        return if connecting {
            SendError::Timeout { step: Step::Connect, origin, after: connect_timeout.min(deadline) }
        } else {
            SendError::Timeout { step: Step::Answer, origin, after: deadline }
        };
    }
    if error.is_connect() {
        return SendError::Connect { origin, message: innermost(error) };
    }
    if error.is_builder() {
        return SendError::Url(innermost(error));
    }
    SendError::Answer { origin, message: innermost(error) }
}

/// The last cause, which says most, and never an address.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if std::ptr::addr_eq(cause, error as &dyn std::error::Error) {
        // Without a cause, reqwest says its kind and the address: only the kind is taken.
        let kind = if error.is_redirect() { "redirect" } else { "request" };
        return format!("{kind} failed");
    }
    cause.to_string()
}

fn find<'a, T: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        // `io::Error` hides what it wraps from `source` when it is a custom error.
        if let Some(inner) = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
            && let Some(found) = find::<T>(inner)
        {
            return Some(found);
        }
        next = cause.source();
    }
    None
}
