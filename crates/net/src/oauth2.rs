//! Access tokens by the client credentials grant (RFC 6749, section 4.4), kept until shortly before they end.

use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, HeaderValue};
use reqwest::Url;
use serde::Deserialize;

use crate::auth::{basic, hidden};
use crate::config::{HttpConfig, OAuth2};
use crate::error::{ConfigError, ConfigErrors, SendError};
use crate::request::Request;
use crate::secret::{Secret, SecretSource, origin};
use crate::transport::{ClientOptions, Transport};

/// A token is renewed this long before its end, so that none ends on its way.
const EARLY: Duration = Duration::from_secs(10);

/// An answer of a token endpoint is a few hundred bytes.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// A source of access tokens.
pub(crate) struct Tokens {
    transport: Transport,
    url: Url,
    client_id: String,
    client_secret: SecretSource,
    form: Vec<(String, String)>,
    /// Held while a token is fetched, so that many requests make one fetch.
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// The endpoint wants id and secret in the form and not in the header.
    in_form: bool,
}

struct Token {
    text: Secret,
    ends: Option<Instant>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Secret,
    expires_in: Option<f64>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Tokens {
    pub(crate) fn new(config: &OAuth2, options: &ClientOptions) -> Result<Self, ConfigErrors> {
        let http = HttpConfig {
            tls_config: config.tls_config.clone(),
            proxy_url: config.proxy_url.clone(),
            no_proxy: config.no_proxy.clone(),
            proxy_from_environment: config.proxy_from_environment,
            proxy_connect_header: config.proxy_connect_header.clone(),
            ..HttpConfig::default()
        };
        let secret =
            SecretSource::one_of("client_secret", config.client_secret.as_ref(), config.client_secret_file.as_deref());
        let client_secret =
            secret.map_err(|e| ConfigErrors(vec![e]))?.unwrap_or(SecretSource::Inline(Secret::default()));
        let url = Url::parse(&config.token_url)
            .map_err(|e| ConfigErrors(vec![ConfigError::new("oauth2.token_url", e.to_string())]))?;
        let mut form = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
        if !config.scopes.is_empty() {
            form.push(("scope".into(), config.scopes.join(" ")));
        }
        form.extend(config.endpoint_params.iter().map(|(k, v)| (k.clone(), v.clone())));
        Ok(Self {
            transport: Transport::new(&http, ClientOptions { body_bytes_max: ANSWER_BYTES_MAX, ..options.clone() })?,
            url,
            client_id: config.client_id.clone(),
            client_secret,
            form,
            state: tokio::sync::Mutex::default(),
        })
    }

    /// The value of `Authorization`, after fetching a token when there is none.
    pub(crate) async fn authorization(&self, deadline: Duration) -> Result<HeaderValue, SendError> {
        let mut state = self.state.lock().await;
        let usable = |t: &Token| t.ends.is_none_or(|ends| Instant::now() + EARLY < ends);
        let token = match state.token.take() {
            Some(token) if usable(&token) => token,
            _ => self.fetch(&mut state.in_form, deadline).await?,
        };
        let value = hidden("authorization", &format!("Bearer {}", token.text.expose()));
        state.token = Some(token);
        value
    }

    /// The server did not take the token: the next request fetches another.
    pub(crate) async fn forget(&self) {
        self.state.lock().await.token = None;
    }

    async fn fetch(&self, in_form: &mut bool, deadline: Duration) -> Result<Token, SendError> {
        let secret = self.client_secret.read().await?;
        match self.ask(&secret, *in_form, deadline).await {
            // Most endpoints take both ways; some only the form. The way that worked is kept.
            Err((true, _)) if !*in_form => match self.ask(&secret, true, deadline).await {
                Ok(token) => {
                    *in_form = true;
                    Ok(token)
                }
                Err((_, e)) => Err(e),
            },
            other => other.map_err(|(_, e)| e),
        }
    }

    /// The flag of an error: the endpoint refused, it did not merely fail.
    async fn ask(&self, secret: &Secret, in_form: bool, deadline: Duration) -> Result<Token, (bool, SendError)> {
        let fail = |message: String, retry: bool| SendError::Token { origin: origin(&self.url), message, retry };
        let mut form = self.form.clone();
        if in_form {
            form.push(("client_id".into(), self.client_id.clone()));
            form.push(("client_secret".into(), secret.expose().to_owned()));
        }
        let mut query = Url::parse("http://form/").map_err(|e| (false, fail(e.to_string(), false)))?;
        query.query_pairs_mut().extend_pairs(&form);
        let body = query.query().unwrap_or("").to_owned();
        let mut request = Request::post(self.url.clone(), "application/x-www-form-urlencoded", body);
        if !in_form {
            let (id, secret) = (form_encoded(&self.client_id), form_encoded(secret.expose()));
            let value = hidden("authorization", &basic(&id, &secret)).map_err(|e| (false, e))?;
            request.headers.insert(AUTHORIZATION, value);
        }
        let response = self.transport.send(request, None, deadline).await.map_err(|e| {
            let retry = e.is_retryable();
            (false, fail(e.to_string(), retry))
        })?;
        if !response.status.is_success() {
            let said = serde_json::from_slice::<Refusal>(&response.body)
                .map(|r| format!(": {} {}", r.error, r.error_description).trim_end().to_owned())
                .unwrap_or_default();
            let refused = response.status.is_client_error();
            return Err((refused, fail(format!("answered {}{said}", response.status.as_u16()), !refused)));
        }
        let answer: Answer = serde_json::from_slice(&response.body).map_err(|e| {
            (false, fail(format!("the answer holds no access_token (line {}, column {})", e.line(), e.column()), true))
        })?;
        let lives = answer.expires_in.and_then(|s| Duration::try_from_secs_f64(s).ok()).filter(|d| !d.is_zero());
        Ok(Token { text: answer.access_token, ends: lives.and_then(|d| Instant::now().checked_add(d)) })
    }
}

/// RFC 6749, 2.3.1: id and secret are form-encoded before they are used as user and password.
fn form_encoded(text: &str) -> String {
    let Ok(mut url) = Url::parse("http://form/") else { return text.to_owned() };
    url.query_pairs_mut().append_key_only(text);
    url.query().unwrap_or("").to_owned()
}
