//! The client's side of TLS.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::describe::describe;
use super::pem::PemSource;
use super::version::{self, TlsVersion};
use crate::error::{SendError, Step};

/// What a client's connections shall be; both ways of writing it end here.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientSpec {
    pub ca: Option<PemSource>,
    pub with_system_roots: bool,
    pub identity: Option<(PemSource, PemSource)>,
    pub server_name: Option<String>,
    pub insecure_skip_verify: bool,
    pub min_version: Option<TlsVersion>,
    pub max_version: Option<TlsVersion>,
    pub alpn: Vec<Vec<u8>>,
}

/// The client's side of TLS. Files are compared at each use, and certificates made anew when one changed.
#[derive(Debug)]
pub struct ClientTls {
    spec: ClientSpec,
    built: Mutex<Option<Built>>,
}

#[derive(Debug, Clone)]
struct Built {
    files: Files,
    /// Grows with every change of the files.
    generation: u64,
    config: Arc<ClientConfig>,
}

/// What was read: authorities, certificate, key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Files {
    ca: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl ClientTls {
    pub(crate) fn new(spec: ClientSpec) -> Self {
        Self { spec, built: Mutex::new(None) }
    }

    pub(crate) fn server_name(&self) -> Option<&str> {
        self.spec.server_name.as_deref()
    }

    /// Files may have to be read: not for a thread that serves sockets.
    pub(crate) fn reads_files(&self) -> bool {
        let identity = self.spec.identity.as_ref();
        self.spec.ca.as_ref().is_some_and(PemSource::is_file)
            || identity.is_some_and(|(cert, key)| cert.is_file() || key.is_file())
    }

    /// The configuration for rustls as the files are now, and its generation. Reads files.
    ///
    /// # Errors
    /// A file cannot be read, or holds no certificate or key, or the two do not belong together.
    pub(crate) fn current(&self) -> Result<(u64, Arc<ClientConfig>), SendError> {
        let files = self.read()?;
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = match &*built {
            Some(b) if b.files == files => return Ok((b.generation, b.config.clone())),
            Some(b) => b.generation + 1,
            None => 0,
        };
        let config = Arc::new(self.build(&files)?);
        *built = Some(Built { files, generation, config: config.clone() });
        Ok((generation, config))
    }

    /// The configuration for rustls as the files are now. Reads files: not for a thread that serves sockets.
    ///
    /// # Errors
    /// A file cannot be read, or holds no certificate or key, or the two do not belong together.
    pub fn config(&self) -> Result<Arc<ClientConfig>, SendError> {
        Ok(self.current()?.1)
    }

    /// [`Self::current`] for async callers.
    pub(crate) async fn current_async(self: &Arc<Self>) -> Result<(u64, Arc<ClientConfig>), SendError> {
        if !self.reads_files() && self.built.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return self.current();
        }
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || this.current()).await;
        read.unwrap_or_else(|e| Err(SendError::Local { what: "reading certificates".into(), message: e.to_string() }))
    }

    /// Shakes hands on `stream` with `host` (without port).
    ///
    /// # Errors
    /// Certificates cannot be read, the handshake fails or takes longer than `deadline`.
    pub async fn connect<S>(
        self: &Arc<Self>,
        stream: S,
        host: &str,
        deadline: Duration,
    ) -> Result<TlsStream<S>, SendError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (_, config) = self.current_async().await?;
        let name = self.server_name().unwrap_or(host);
        let name = ServerName::try_from(name.trim_matches(['[', ']']).to_owned())
            .map_err(|_| SendError::Url(format!("{name:?} is no name of a server")))?;
        let origin = || host.to_owned();
        match tokio::time::timeout(deadline, TlsConnector::from(config).connect(name, stream)).await {
            Err(_) => Err(SendError::Timeout { step: Step::Tls, origin: origin(), after: deadline }),
            Ok(Err(e)) => Err(SendError::Tls { origin: origin(), message: describe_io(&e) }),
            Ok(Ok(stream)) => Ok(stream),
        }
    }

    fn read(&self) -> Result<Files, SendError> {
        let ca = self.spec.ca.as_ref().map(PemSource::read).transpose()?;
        let identity = match &self.spec.identity {
            Some((cert, key)) => Some((cert.read()?, key.read()?)),
            None => None,
        };
        Ok(Files { ca, identity })
    }

    fn build(&self, files: &Files) -> Result<ClientConfig, SendError> {
        let local = |message: String| SendError::Local { what: "TLS".into(), message };
        let provider = Arc::new(ring::default_provider());
        let versions = version::between(self.spec.min_version, self.spec.max_version).map_err(|e| local(e.message))?;
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&versions)
            .map_err(|e| local(e.to_string()))?;
        let builder = if self.spec.insecure_skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        } else {
            let roots = Arc::new(self.roots(files)?);
            if roots.is_empty() {
                builder.with_root_certificates(roots)
            } else {
                let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
                builder.with_webpki_verifier(verifier.map_err(|e| local(e.to_string()))?)
            }
        };
        let mut config = match (&self.spec.identity, &files.identity) {
            (Some((cert, key)), Some((cert_bytes, key_bytes))) => builder
                .with_client_auth_cert(cert.certificates(cert_bytes)?, key.key(key_bytes)?)
                .map_err(|e| key.fail(format!("certificate and key cannot be used: {e}")))?,
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.spec.alpn.clone();
        Ok(config)
    }

    fn roots(&self, files: &Files) -> Result<RootCertStore, SendError> {
        let mut roots = RootCertStore::empty();
        if self.spec.ca.is_none() || self.spec.with_system_roots {
            roots.add_parsable_certificates(system_roots().iter().cloned());
        }
        if let (Some(source), Some(bytes)) = (&self.spec.ca, &files.ca) {
            for certificate in source.certificates(bytes)? {
                roots.add(certificate).map_err(|e| source.fail(format!("not usable as an authority: {e}")))?;
            }
        }
        Ok(roots)
    }
}

/// The authorities that this machine trusts; empty when it has none installed.
pub(super) fn system_roots() -> &'static [CertificateDer<'static>] {
    static ROOTS: std::sync::OnceLock<Vec<CertificateDer<'static>>> = std::sync::OnceLock::new();
    ROOTS.get_or_init(|| rustls_native_certs::load_native_certs().certs)
}

/// What an I/O error of a TLS stream means.
pub(crate) fn describe_io(error: &std::io::Error) -> String {
    match error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
        Some(tls) => describe(tls),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the other side closed the connection during the handshake".into()
        }
        None => error.to_string(),
    }
}

/// Takes every certificate; signatures are checked all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
