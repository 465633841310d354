//! `http_config` as Prometheus and Alertmanager write it (prometheus/common, `HTTPClientConfig`).
//!
//! The structs are the raw form, to be nested in the configuration of others or flattened into it;
//! [`HttpConfig::check`] says everything that is wrong at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::paths::resolve;
use crate::secret::{Secret, SecretSource, SecretUrl};
use crate::tls::TlsConfig;

/// How requests are sent. Everything is optional.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// User and password in the header `Authorization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// Another scheme in the header `Authorization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    /// A token that is fetched and renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<OAuth2>,
    /// Deprecated: `authorization.credentials`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token: Option<Secret>,
    /// Deprecated: `authorization.credentials_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token_file: Option<PathBuf>,
    /// Certificates and versions.
    #[serde(skip_serializing_if = "TlsConfig::is_default")]
    pub tls_config: TlsConfig,
    /// Answers 3xx are followed, ten times at most; default true.
    pub follow_redirects: bool,
    /// HTTP/2 when the server offers it; default true.
    pub enable_http2: bool,
    /// Further headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub http_headers: BTreeMap<String, HeaderValues>,
    /// The proxy: `http://`, `https://` or `socks5://`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_url: Option<Secret>,
    /// Hosts, domains and networks that the proxy is not used for, separated by commas.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub no_proxy: String,
    /// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` decide; read when the client is made.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub proxy_from_environment: bool,
    /// Headers that the proxy gets with `CONNECT`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub proxy_connect_header: BTreeMap<String, Vec<Secret>>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            basic_auth: None,
            authorization: None,
            oauth2: None,
            bearer_token: None,
            bearer_token_file: None,
            tls_config: TlsConfig::default(),
            follow_redirects: true,
            enable_http2: true,
            http_headers: BTreeMap::new(),
            proxy_url: None,
            no_proxy: String::new(),
            proxy_from_environment: false,
            proxy_connect_header: BTreeMap::new(),
        }
    }
}

/// User and password, each given or in a file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BasicAuth {
    /// The user.
    pub username: String,
    /// A file with the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_file: Option<PathBuf>,
    /// The password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// A file with the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
}

/// `Authorization: <type> <credentials>`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Authorization {
    /// The scheme, `Bearer` when nothing is said.
    #[serde(rename = "type")]
    pub scheme: String,
    /// What follows the scheme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Secret>,
    /// A file with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_file: Option<PathBuf>,
}

impl Default for Authorization {
    fn default() -> Self {
        Self { scheme: "Bearer".into(), credentials: None, credentials_file: None }
    }
}

/// The client credentials grant (RFC 6749, section 4.4).
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct OAuth2 {
    /// Who asks.
    pub client_id: String,
    /// The secret of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// A file with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// What the token is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Where tokens come from.
    pub token_url: String,
    /// Further parameters of the token request.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoint_params: BTreeMap<String, String>,
    /// Certificates and versions towards the token endpoint.
    #[serde(skip_serializing_if = "TlsConfig::is_default")]
    pub tls_config: TlsConfig,
    /// The proxy towards the token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_url: Option<Secret>,
    /// As in [`HttpConfig`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub no_proxy: String,
    /// As in [`HttpConfig`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub proxy_from_environment: bool,
    /// As in [`HttpConfig`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub proxy_connect_header: BTreeMap<String, Vec<Secret>>,
}

/// The values of one further header.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderValues {
    /// Values that may be shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Values that may not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// Files with values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PathBuf>,
}

/// Headers that other settings decide, as prometheus/common has them.
const RESERVED_HEADERS: &[&str] = &[
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-prometheus-scrape-timeout-seconds",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
];

impl HttpConfig {
    /// Everything that is wrong, without touching a file or the network.
    pub fn check(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        let ways = [
            ("basic_auth", self.basic_auth.is_some()),
            ("authorization", self.authorization.is_some()),
            ("oauth2", self.oauth2.is_some()),
            ("bearer_token", self.bearer_token.is_some() || self.bearer_token_file.is_some()),
        ];
        let set: Vec<&str> = ways.iter().filter(|w| w.1).map(|w| w.0).collect();
        if let [_, second, ..] = set[..] {
            errors.push(ConfigError::new(second, format!("at most one of {} may be set", set.join(", "))));
        }
        if let Some(basic) = &self.basic_auth {
            let user = Some(Secret::new(basic.username.as_str()));
            let user = SecretSource::one_of("username", user.as_ref(), basic.username_file.as_deref());
            let password = SecretSource::one_of("password", basic.password.as_ref(), basic.password_file.as_deref());
            errors.extend([user, password].into_iter().filter_map(Result::err).map(|e| e.inside("basic_auth")));
        }
        if let Some(authorization) = &self.authorization {
            errors.extend(authorization.check().map(|e| e.inside("authorization")));
        }
        errors.extend(
            SecretSource::one_of("bearer_token", self.bearer_token.as_ref(), self.bearer_token_file.as_deref()).err(),
        );
        if let Some(oauth2) = &self.oauth2 {
            errors.extend(oauth2.check().into_iter().map(|e| e.inside("oauth2")));
        }
        errors.extend(self.tls_config.check().into_iter().map(|e| e.inside("tls_config")));
        errors.extend(self.check_headers());
        errors.extend(check_proxy(
            self.proxy_url.as_ref(),
            &self.no_proxy,
            self.proxy_from_environment,
            &self.proxy_connect_header,
        ));
        errors
    }

    fn check_headers(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        for (name, values) in &self.http_headers {
            let field = format!("http_headers.{name}");
            if http::HeaderName::try_from(name.as_str()).is_err() {
                errors.push(ConfigError::new(&field, "not the name of a header"));
            } else if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                errors
                    .push(ConfigError::new(&field, "this header is set by other settings (authorization, basic_auth)"));
            }
            let inline = values.values.iter().map(String::as_str).chain(values.secrets.iter().map(Secret::expose));
            if inline.into_iter().any(|v| http::HeaderValue::try_from(v).is_err()) {
                errors.push(ConfigError::new(field, "a value has characters that headers cannot have"));
            }
        }
        errors
    }

    /// Makes relative paths start at `directory`, where the configuration file lies.
    pub fn set_directory(&mut self, directory: &Path) {
        let at = |path: &mut Option<PathBuf>| {
            if let Some(path) = path {
                resolve(path, directory);
            }
        };
        if let Some(basic) = &mut self.basic_auth {
            at(&mut basic.username_file);
            at(&mut basic.password_file);
        }
        if let Some(authorization) = &mut self.authorization {
            at(&mut authorization.credentials_file);
        }
        if let Some(oauth2) = &mut self.oauth2 {
            at(&mut oauth2.client_secret_file);
            oauth2.tls_config.set_directory(directory);
        }
        at(&mut self.bearer_token_file);
        self.tls_config.set_directory(directory);
        for values in self.http_headers.values_mut() {
            values.files.iter_mut().for_each(|path| resolve(path, directory));
        }
    }
}

impl Authorization {
    fn check(&self) -> Option<ConfigError> {
        if self.scheme.eq_ignore_ascii_case("basic") {
            return Some(ConfigError::new("type", "for user and password there is basic_auth"));
        }
        SecretSource::one_of("credentials", self.credentials.as_ref(), self.credentials_file.as_deref()).err()
    }
}

impl OAuth2 {
    fn check(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        if self.client_id.is_empty() {
            errors.push(ConfigError::new("client_id", "is missing"));
        }
        if let Err(e) = SecretUrl::parse(&self.token_url) {
            errors.push(ConfigError::new("token_url", if self.token_url.is_empty() { "is missing".into() } else { e }));
        }
        match SecretSource::one_of("client_secret", self.client_secret.as_ref(), self.client_secret_file.as_deref()) {
            Ok(Some(_)) => {}
            Ok(None) => errors.push(ConfigError::new("client_secret", "is missing: set it or client_secret_file")),
            Err(e) => errors.push(e),
        }
        errors.extend(self.tls_config.check().into_iter().map(|e| e.inside("tls_config")));
        errors.extend(check_proxy(
            self.proxy_url.as_ref(),
            &self.no_proxy,
            self.proxy_from_environment,
            &self.proxy_connect_header,
        ));
        errors
    }
}

fn check_proxy(
    url: Option<&Secret>,
    no_proxy: &str,
    from_environment: bool,
    headers: &BTreeMap<String, Vec<Secret>>,
) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    match url.filter(|u| !u.is_empty()) {
        Some(_) if from_environment => {
            errors.push(ConfigError::new("proxy_url", "set proxy_url or proxy_from_environment, not both"));
        }
        Some(url) => {
            let scheme = reqwest::Url::parse(url.expose()).map(|u| u.scheme().to_owned());
            if !matches!(scheme.as_deref(), Ok("http" | "https" | "socks5" | "socks5h")) {
                let message = "a proxy is http://host:port, https://host:port or socks5://host:port";
                errors.push(ConfigError::new("proxy_url", message));
            }
        }
        None if !no_proxy.is_empty() => {
            errors.push(ConfigError::new("no_proxy", "means nothing without proxy_url"));
        }
        None if !headers.is_empty() && !from_environment => {
            errors.push(ConfigError::new("proxy_connect_header", "means nothing without a proxy"));
        }
        None => {}
    }
    errors
}
