//! `tls_config` as Prometheus and Alertmanager write it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::TlsVersion;
use super::client::{ClientSpec, system_roots};
use super::pem::PemSource;
use super::version;
use crate::error::{ConfigError, ConfigErrors, SendError};
use crate::paths::resolve;
use crate::secret::Secret;

/// Certificates, names and versions of outgoing connections.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// Authorities that are trusted in place of the machine's, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// A file with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The certificate of this client, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert: Option<String>,
    /// A file with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,
    /// The key of that certificate, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
    /// A file with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The name that the server's certificate must have, when it is not the host of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Every certificate is taken. The connection is then safe from readers only, not from impostors.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_verify: bool,
    /// The oldest version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_version: Option<TlsVersion>,
    /// The newest version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_version: Option<TlsVersion>,
}

/// Certificates for another TLS stack.
pub struct Material {
    /// Authorities that are trusted, DER.
    pub authorities: Vec<Vec<u8>>,
    /// The certificate of this client and its key, PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl TlsConfig {
    /// Nothing is set.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Everything that is wrong, without touching a file.
    pub fn check(&self) -> Vec<ConfigError> {
        match self.spec(Vec::new()) {
            Ok(_) => Vec::new(),
            Err(errors) => errors,
        }
    }

    /// Makes relative paths start at `directory`.
    pub fn set_directory(&mut self, directory: &Path) {
        for path in [&mut self.ca_file, &mut self.cert_file, &mut self.key_file].into_iter().flatten() {
            resolve(path, directory);
        }
    }

    /// What another TLS stack needs of it, read now. Reads files: not for a thread that serves sockets.
    ///
    /// # Errors
    /// What [`Self::check`] says, or a file that cannot be read or holds no certificate.
    pub fn material(&self) -> Result<Material, SendError> {
        let wrong =
            |e: Vec<ConfigError>| SendError::Local { what: "tls_config".into(), message: ConfigErrors(e).to_string() };
        let spec = self.spec(Vec::new()).map_err(wrong)?;
        let authorities = match &spec.ca {
            Some(source) => source.certificates(&source.read()?)?,
            None => system_roots().to_vec(),
        };
        let identity = match &spec.identity {
            Some((cert, key)) => Some((cert.read()?, key.read()?)),
            None => None,
        };
        Ok(Material { authorities: authorities.into_iter().map(|c| c.to_vec()).collect(), identity })
    }

    /// The connections that this describes, speaking the protocols of `alpn`.
    pub(crate) fn spec(&self, alpn: Vec<Vec<u8>>) -> Result<ClientSpec, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let mut pem = |field: &str, inline: Option<&str>, file: Option<&Path>| {
            PemSource::one_of(field, &format!("{field}_file"), inline, file).unwrap_or_else(|e| {
                errors.push(e);
                None
            })
        };
        let ca = pem("ca", self.ca.as_deref(), self.ca_file.as_deref());
        let cert = pem("cert", self.cert.as_deref(), self.cert_file.as_deref());
        let key = pem("key", self.key.as_ref().map(Secret::expose), self.key_file.as_deref());
        errors.extend(PemSource::check_pair(cert.as_ref(), key.as_ref()));
        errors.extend(version::between(self.min_version, self.max_version).err());
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(ClientSpec {
            ca,
            with_system_roots: false,
            identity: cert.zip(key),
            server_name: self.server_name.clone().filter(|n| !n.is_empty()),
            insecure_skip_verify: self.insecure_skip_verify,
            min_version: self.min_version,
            max_version: self.max_version,
            alpn,
        })
    }
}
