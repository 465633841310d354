//! The server's side of TLS: certificate, client certificates, and reading both again when their files change.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::client::describe_io;
use super::pem::PemSource;
use super::version::{self, TlsVersion};
use crate::error::{ConfigError, SendError};

/// A client that has not shaken hands by then holds a place that another could have.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// What a server's connections shall be.
#[derive(Debug)]
pub(crate) struct ServerSpec {
    pub cert: PemSource,
    pub key: PemSource,
    pub client_ca: Option<PemSource>,
    pub min_version: Option<TlsVersion>,
    pub max_version: Option<TlsVersion>,
    pub cipher_suites: Vec<String>,
    pub curve_preferences: Vec<String>,
    pub alpn: Vec<Vec<u8>>,
    pub reload_interval: Duration,
}

/// Why a connection did not come about.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The handshake failed.
    #[error("tls handshake failed: {0}")]
    Handshake(String),
    /// The client was too slow.
    #[error("tls handshake was not done within {}", foundation::units::format_duration(HANDSHAKE_MAX))]
    Timeout,
}

/// The server's side of TLS. Cheap to clone; clones share certificates.
#[derive(Debug, Clone)]
pub struct ServerTls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    spec: ServerSpec,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    files: Files,
    config: Arc<ServerConfig>,
    compared_at: Instant,
    /// Why the files as they are now are not used.
    stale: Option<String>,
}

/// What was read: certificate, key, authorities of clients.
type Files = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);

impl ServerTls {
    pub(crate) fn new(spec: ServerSpec) -> Result<Self, ConfigError> {
        let files = read(&spec).map_err(|e| ConfigError::new("cert_file", e.to_string()))?;
        let config = Arc::new(build(&spec, &files)?);
        let state = State { files, config, compared_at: Instant::now(), stale: None };
        Ok(Self(Arc::new(Inner { spec, state: Mutex::new(state) })))
    }

    /// Shakes hands on an accepted connection, within ten seconds.
    ///
    /// # Errors
    /// The client is too slow, speaks no TLS, or has no certificate that is taken.
    pub async fn accept<S>(&self, stream: S) -> Result<TlsStream<S>, AcceptError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.config().await;
        match tokio::time::timeout(HANDSHAKE_MAX, TlsAcceptor::from(config).accept(stream)).await {
            Err(_) => Err(AcceptError::Timeout),
            Ok(Err(e)) => Err(AcceptError::Handshake(describe_io(&e))),
            Ok(Ok(stream)) => Ok(stream),
        }
    }

    /// Why the files as they are now are not used: the last good certificate stays in use then.
    pub fn stale(&self) -> Option<String> {
        self.state().stale.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn config(&self) -> Arc<ServerConfig> {
        let due = {
            let mut state = self.state();
            let due = state.compared_at.elapsed() >= self.0.spec.reload_interval;
            if due {
                // Only one of many connections compares.
                state.compared_at = Instant::now();
            }
            due
        };
        if due {
            let this = self.clone();
            // A panic in there leaves the certificate in use as it is.
            drop(tokio::task::spawn_blocking(move || this.compare()).await);
        }
        self.state().config.clone()
    }

    fn compare(&self) {
        let files = match read(&self.0.spec) {
            Ok(files) => files,
            Err(e) => {
                self.state().stale = Some(e.to_string());
                return;
            }
        };
        if self.state().files == files {
            self.state().stale = None;
            return;
        }
        let built = build(&self.0.spec, &files);
        let mut state = self.state();
        match built {
            Ok(config) => {
                state.config = Arc::new(config);
                state.files = files;
                state.stale = None;
            }
            // Certificate and key are two files: between the two writes they do not belong together.
            Err(e) => state.stale = Some(e.to_string()),
        }
    }
}

fn read(spec: &ServerSpec) -> Result<Files, SendError> {
    Ok((spec.cert.read()?, spec.key.read()?, spec.client_ca.as_ref().map(PemSource::read).transpose()?))
}

fn build(spec: &ServerSpec, (cert, key, client_ca): &Files) -> Result<ServerConfig, ConfigError> {
    let at = |field: &'static str| move |e: SendError| ConfigError::new(field, e.to_string());
    let provider = Arc::new(provider(spec)?);
    let versions = version::between(spec.min_version, spec.max_version)?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions)
        .map_err(|e| ConfigError::new("cipher_suites", e.to_string()))?;
    let builder = match (&spec.client_ca, client_ca) {
        (Some(source), Some(bytes)) => {
            let mut roots = RootCertStore::empty();
            for certificate in source.certificates(bytes).map_err(at("client_ca_file"))? {
                let added = roots.add(certificate);
                added.map_err(|e| ConfigError::new("client_ca_file", format!("not usable as an authority: {e}")))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|e| ConfigError::new("client_ca_file", e.to_string()))?)
        }
        _ => builder.with_no_client_auth(),
    };
    let chain = spec.cert.certificates(cert).map_err(at("cert_file"))?;
    let key = spec.key.key(key).map_err(at("key_file"))?;
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|e| ConfigError::new("key_file", format!("certificate and key cannot be used: {e}")))?;
    config.alpn_protocols = spec.alpn.clone();
    Ok(config)
}

fn provider(spec: &ServerSpec) -> Result<CryptoProvider, ConfigError> {
    let mut provider = ring::default_provider();
    let unknown = |field: &str, name: &str, known: Vec<String>| {
        ConfigError::new(field, format!("unknown {name:?}, known are {}", known.join(", ")))
    };
    if !spec.cipher_suites.is_empty() {
        // The suites of TLS 1.3 have another prefix in rustls than at IANA.
        let name_of =
            |suite: &rustls::SupportedCipherSuite| suite.suite().as_str().unwrap_or("").replacen("TLS13_", "TLS_", 1);
        let known: Vec<String> = provider.cipher_suites.iter().map(name_of).collect();
        if let Some(bad) = spec.cipher_suites.iter().find(|name| !known.contains(name)) {
            return Err(unknown("cipher_suites", bad, known));
        }
        // As in Go, the list is about TLS 1.2: the suites of 1.3 stay.
        provider.cipher_suites.retain(|s| s.tls13().is_some() || spec.cipher_suites.contains(&name_of(s)));
    }
    if !spec.curve_preferences.is_empty() {
        let mut groups = Vec::new();
        for name in &spec.curve_preferences {
            let group = match name.as_str() {
                "X25519" => ring::kx_group::X25519,
                "P256" => ring::kx_group::SECP256R1,
                "P384" => ring::kx_group::SECP384R1,
                other => {
                    let known = ["X25519", "P256", "P384"].map(str::to_owned).to_vec();
                    return Err(unknown("curve_preferences", other, known));
                }
            };
            groups.push(group);
        }
        provider.kx_groups = groups;
    }
    Ok(provider)
}
