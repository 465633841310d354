//! The steps of a connection one by one, for people who test a channel.

use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::net::TcpStream;

use crate::client::Client;
use crate::error::{SendError, Step};
use crate::secret::origin;

/// One step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Which.
    pub step: Step,
    /// What was found: addresses, the version of TLS.
    pub found: String,
    /// How long it took.
    pub took: Duration,
}

impl Client {
    /// Resolves, connects and shakes hands as a request to `url` would, and says each step; the connection is then
    /// closed. With a proxy the steps are those towards the proxy.
    ///
    /// # Errors
    /// The first step that fails.
    pub async fn probe(&self, url: &Url, mut said: impl FnMut(Probe) + Send) -> Result<(), SendError> {
        let config = self.transport().config();
        if config.proxy_from_environment {
            let found = "left to the proxy of the environment".to_owned();
            said(Probe { step: Step::Connect, found, took: Duration::ZERO });
            return Ok(());
        }
        let proxy = config.proxy_url.as_ref().filter(|p| !p.is_empty());
        let through = match proxy {
            Some(proxy) => Url::parse(proxy.expose()).map_err(|e| SendError::Url(format!("proxy: {e}")))?,
            None => url.clone(),
        };
        let stream = connect(&through, self.transport().connect_timeout(), &mut said).await?;
        if proxy.is_some() || url.scheme() != "https" {
            return Ok(());
        }
        let started = Instant::now();
        let host = url.host_str().unwrap_or("");
        let stream = self.transport().tls().connect(stream, host, self.transport().connect_timeout()).await?;
        let (_, session) = stream.get_ref();
        let version = session.protocol_version().and_then(|v| v.as_str()).unwrap_or("TLS").replace("TLSv1_", "TLS 1.");
        let checked =
            if config.tls_config.insecure_skip_verify { "certificate not checked" } else { "certificate is good" };
        said(Probe { step: Step::Tls, found: format!("{version}, {checked}"), took: started.elapsed() });
        Ok(())
    }
}

/// Resolves the host of `url` and connects to the first of its addresses that answers.
async fn connect(url: &Url, timeout: Duration, said: &mut impl FnMut(Probe)) -> Result<TcpStream, SendError> {
    let host = url.host_str().unwrap_or("").trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(1080);
    let started = Instant::now();
    let looked_up = tokio::time::timeout(timeout, tokio::net::lookup_host((host.clone(), port))).await;
    let addresses: Vec<_> = match looked_up {
        Err(_) => return Err(SendError::Timeout { step: Step::Dns, origin: origin(url), after: timeout }),
        Ok(Err(e)) => return Err(SendError::Dns { host, message: e.to_string() }),
        Ok(Ok(found)) => found.collect(),
    };
    if addresses.is_empty() {
        return Err(SendError::Dns { host, message: "no address".into() });
    }
    let found = addresses.iter().map(|a| a.ip().to_string()).collect::<Vec<_>>().join(", ");
    said(Probe { step: Step::Dns, found, took: started.elapsed() });
    let started = Instant::now();
    match tokio::time::timeout(timeout, TcpStream::connect(&addresses[..])).await {
        Err(_) => Err(SendError::Timeout { step: Step::Connect, origin: origin(url), after: timeout }),
        Ok(Err(e)) => Err(SendError::Connect { origin: origin(url), message: e.to_string() }),
        Ok(Ok(stream)) => {
            let peer = stream.peer_addr().map(|a| a.to_string()).unwrap_or_default();
            said(Probe { step: Step::Connect, found: peer, took: started.elapsed() });
            Ok(stream)
        }
    }
}
