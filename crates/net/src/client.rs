//! Sends requests as an [`HttpConfig`] says.
//!
//! An answer of any status is an answer; everything else is a [`SendError`] that names its step.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::Url;

use crate::config::HttpConfig;
use crate::error::{ConfigErrors, SendError};
use crate::oauth2::Tokens;
use crate::request::{Answer, Request, Response};
use crate::transport::{ClientOptions, Transport};

/// Sends requests. Cheap to clone; clones share connections and tokens.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    transport: Transport,
    tokens: Option<Tokens>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Client").field(self.0.transport.config()).finish()
    }
}

impl Client {
    /// A client for a configuration. Touches neither files nor network.
    ///
    /// # Errors
    /// Everything that is wrong in the configuration.
    pub fn new(config: &HttpConfig, options: ClientOptions) -> Result<Self, ConfigErrors> {
        let tokens = config.oauth2.as_ref().map(|o| Tokens::new(o, &options)).transpose();
        let transport = Transport::new(config, options)?;
        Ok(Self(Arc::new(Inner { transport, tokens: tokens? })))
    }

    /// Sends and reads the answer up to the limit of the options.
    ///
    /// # Errors
    /// There is no answer within `deadline`, for the reason given.
    pub async fn send(&self, request: Request, deadline: Duration) -> Result<Response, SendError> {
        let started = Instant::now();
        let answer = self.open(request, deadline).await?;
        answer.into_response(self.0.transport.options().body_bytes_max, started).await
    }

    /// Sends and leaves the body of the answer to the caller; `deadline` covers it as well.
    ///
    /// # Errors
    /// There is no answer within `deadline`, for the reason given.
    pub async fn open(&self, request: Request, deadline: Duration) -> Result<Answer, SendError> {
        let Some(tokens) = &self.0.tokens else {
            return self.0.transport.open(request, None, deadline).await;
        };
        let started = Instant::now();
        let token = tokens.authorization(deadline).await?;
        let left = deadline.saturating_sub(started.elapsed());
        let answer = self.0.transport.open(request, Some(token), left).await?;
        if answer.status() == http::StatusCode::UNAUTHORIZED {
            tokens.forget().await;
        }
        Ok(answer)
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

    pub(crate) fn transport(&self) -> &Transport {
        &self.0.transport
    }
}
