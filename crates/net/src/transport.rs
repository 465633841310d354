//! Connections as an [`HttpConfig`] says, on reqwest and rustls: certificates, proxies, redirects, headers.
//!
//! Knows no tokens that are fetched: those are fetched over it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::auth::Headers;
use crate::config::HttpConfig;
use crate::error::{ConfigErrors, SendError};
use crate::failure::{classify, innermost};
use crate::request::{Answer, Request, Response};
use crate::secret::{Secret, origin};
use crate::tls::ClientTls;

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

/// Sends requests without tokens.
pub(crate) struct Transport {
    config: HttpConfig,
    options: ClientOptions,
    headers: Headers,
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

impl Transport {
    /// From a configuration; touches neither files nor network.
    pub(crate) fn new(config: &HttpConfig, options: ClientOptions) -> Result<Self, ConfigErrors> {
        let errors = config.check();
        if !errors.is_empty() {
            return Err(ConfigErrors(errors));
        }
        let fixed = config.tls_config.server_name.as_ref().is_some_and(|n| !n.is_empty());
        // With a fixed name the address of requests is not the host's, which HTTP/2 would send as authority.
        let http2 = config.enable_http2 && !fixed;
        let alpn = [http2.then(|| b"h2".to_vec()), Some(b"http/1.1".to_vec())].into_iter().flatten().collect();
        Ok(Self {
            headers: Headers::new(config).map_err(|e| ConfigErrors(vec![e]))?,
            tls: Arc::new(ClientTls::new(config.tls_config.spec(alpn).map_err(ConfigErrors)?)),
            config: config.clone(),
            options,
            connections: Mutex::default(),
        })
    }

    /// Sends, with `Authorization` as given when it is, else as configured.
    pub(crate) async fn open(
        &self,
        request: Request,
        authorization: Option<HeaderValue>,
        deadline: Duration,
    ) -> Result<Answer, SendError> {
        let started = Instant::now();
        let from = origin(&request.url);
        let mut headers = request.headers;
        self.headers.apply(&mut headers).await?;
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value);
        }
        let (client, url) = self.connections(&request.url, &mut headers).await?;
        let secrets = headers.values().filter(|v| v.is_sensitive()).cloned().collect();
        let left = deadline.saturating_sub(started.elapsed());
        let sent = client.request(request.method, url).headers(headers).body(request.body).timeout(left).send().await;
        match sent {
            Ok(response) => Ok(Answer { response, origin: from, deadline, secrets }),
            Err(e) => Err(classify(&e, from, &request.url, deadline, self.options.connect_timeout, started)),
        }
    }

    /// Sends and reads the answer up to the limit of the options.
    pub(crate) async fn send(
        &self,
        request: Request,
        authorization: Option<HeaderValue>,
        deadline: Duration,
    ) -> Result<Response, SendError> {
        let started = Instant::now();
        let answer = self.open(request, authorization, deadline).await?;
        answer.into_response(self.options.body_bytes_max, started).await
    }

    pub(crate) fn tls(&self) -> &Arc<ClientTls> {
        &self.tls
    }

    pub(crate) fn config(&self) -> &HttpConfig {
        &self.config
    }

    pub(crate) fn options(&self) -> &ClientOptions {
        &self.options
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.options.connect_timeout
    }

    /// The connections for `url`, and the address to give them.
    async fn connections(&self, url: &Url, headers: &mut HeaderMap) -> Result<(reqwest::Client, Url), SendError> {
        let (generation, tls) = self.tls.current_async().await?;
        let has_proxy = self.config.proxy_url.is_some() || self.config.proxy_from_environment;
        let host = url.host_str().unwrap_or("");
        let fixed = self.tls.server_name().filter(|_| url.scheme() == "https" && !has_proxy);
        let key = if fixed.is_some() { host } else { "" };
        let mut state = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
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
        let config = &self.config;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(self.options.user_agent.clone())
            .connect_timeout(self.options.connect_timeout)
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
        if !self.config.follow_redirects {
            return reqwest::redirect::Policy::none();
        }
        if !self.headers.have_secrets() && self.tls.server_name().is_none() {
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
