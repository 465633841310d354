//! Certificates and keys in PEM, given in the configuration or in files.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{ConfigError, SendError};
use crate::secret::{Secret, read_limited};

/// Bundles of authorities are a few hundred KiB.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Where PEM comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PemSource {
    Inline(Secret),
    File(PathBuf),
}

impl PemSource {
    pub(super) fn one_of(
        field: &str,
        file_field: &str,
        inline: Option<&str>,
        file: Option<&Path>,
    ) -> Result<Option<Self>, ConfigError> {
        match (inline.filter(|t| !t.is_empty()), file.filter(|p| !p.as_os_str().is_empty())) {
            (Some(_), Some(_)) => Err(ConfigError::new(field, format!("set {field} or {file_field}, not both"))),
            (Some(text), None) => Ok(Some(Self::Inline(Secret::new(text)))),
            (None, Some(path)) => Ok(Some(Self::File(path.to_owned()))),
            (None, None) => Ok(None),
        }
    }

    /// A certificate and its key come together.
    pub(super) fn check_pair(cert: Option<&Self>, key: Option<&Self>) -> Option<ConfigError> {
        match (cert, key) {
            (Some(_), None) => Some(ConfigError::new("key_file", "is missing: the certificate needs its key")),
            (None, Some(_)) => Some(ConfigError::new("cert_file", "is missing: the key needs its certificate")),
            _ => None,
        }
    }

    pub(super) const fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    pub(super) fn read(&self) -> Result<Vec<u8>, SendError> {
        match self {
            Self::Inline(text) => Ok(text.expose().as_bytes().to_vec()),
            Self::File(path) => read_limited(path, FILE_BYTES_MAX),
        }
    }

    /// What is wrong with what was read, named by its file.
    pub(super) fn fail(&self, message: impl Into<String>) -> SendError {
        match self {
            Self::Inline(_) => SendError::Local { what: "PEM of the configuration".into(), message: message.into() },
            Self::File(path) => SendError::File { path: path.clone(), message: message.into() },
        }
    }

    pub(super) fn certificates(&self, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, SendError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
        match certificates {
            Ok(certificates) if certificates.is_empty() => Err(self.fail("holds no certificate in PEM")),
            Ok(certificates) => Ok(certificates),
            Err(e) => Err(self.fail(format!("not PEM: {e}"))),
        }
    }

    pub(super) fn key(&self, bytes: &[u8]) -> Result<PrivateKeyDer<'static>, SendError> {
        PrivateKeyDer::from_pem_slice(bytes).map_err(|e| match e {
            rustls::pki_types::pem::Error::NoItemsFound => self.fail("holds no private key in PEM"),
            other => self.fail(format!("not PEM: {other}")),
        })
    }
}
