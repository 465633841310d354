//! `tls` as the OpenTelemetry Collector writes it (configtls): `ClientConfig` and `ServerConfig`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::TlsVersion;
use super::client::{ClientSpec, ClientTls};
use super::pem::PemSource;
use super::server::{ServerSpec, ServerTls};
use super::version;
use crate::error::{ConfigError, ConfigErrors};
use crate::paths::resolve;
use crate::secret::Secret;

/// The client's side.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientSettings {
    /// No TLS at all.
    pub insecure: bool,
    /// Every certificate is taken.
    pub insecure_skip_verify: bool,
    /// The name that the server's certificate must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name_override: Option<String>,
    /// Authorities that are trusted in place of the machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The same, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<Secret>,
    /// The machine's authorities are trusted as well.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub include_system_ca_certs_pool: bool,
    /// The certificate of this client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,
    /// The same, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_pem: Option<Secret>,
    /// Its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The same, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_pem: Option<Secret>,
    /// The oldest version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_version: Option<TlsVersion>,
    /// The newest version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_version: Option<TlsVersion>,
    /// Taken and not needed: files are compared at each connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reload_interval: Option<String>,
}

impl ClientSettings {
    /// The client's side of TLS with the protocols of `alpn`; `None` when `insecure` is set.
    ///
    /// # Errors
    /// Everything that is wrong in the settings. Files are read at the first connection.
    pub fn build(&self, alpn: &[&str]) -> Result<Option<ClientTls>, ConfigErrors> {
        let mut errors = Vec::new();
        let ca = one_of("ca", self.ca_pem.as_ref(), self.ca_file.as_deref(), &mut errors);
        let cert = one_of("cert", self.cert_pem.as_ref(), self.cert_file.as_deref(), &mut errors);
        let key = one_of("key", self.key_pem.as_ref(), self.key_file.as_deref(), &mut errors);
        errors.extend(PemSource::check_pair(cert.as_ref(), key.as_ref()));
        errors.extend(version::between(self.min_version, self.max_version).err());
        if !errors.is_empty() {
            return Err(ConfigErrors(errors));
        }
        if self.insecure {
            return Ok(None);
        }
        Ok(Some(ClientTls::new(ClientSpec {
            ca,
            with_system_roots: self.include_system_ca_certs_pool,
            identity: cert.zip(key),
            server_name: self.server_name_override.clone().filter(|n| !n.is_empty()),
            insecure_skip_verify: self.insecure_skip_verify,
            min_version: self.min_version,
            max_version: self.max_version,
            alpn: alpn.iter().map(|p| p.as_bytes().to_vec()).collect(),
        })))
    }

    /// Files that cannot be read now. That is no error: they are read at the first connection, and again when it fails.
    pub fn unreadable(&self) -> Vec<ConfigError> {
        let files = [("ca_file", &self.ca_file), ("cert_file", &self.cert_file), ("key_file", &self.key_file)];
        let unreadable = |(field, path): (&'static str, &Option<PathBuf>)| {
            let path = path.as_ref().filter(|_| !self.insecure)?;
            let error = std::fs::File::open(path).err()?;
            Some(ConfigError::new(field, format!("{} cannot be read: {error}", path.display())))
        };
        files.into_iter().filter_map(unreadable).collect()
    }

    /// Makes relative paths start at `directory`.
    pub fn set_directory(&mut self, directory: &Path) {
        for path in [&mut self.ca_file, &mut self.cert_file, &mut self.key_file].into_iter().flatten() {
            resolve(path, directory);
        }
    }
}

/// The server's side.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// The certificate, with the intermediate ones after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,
    /// The same, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_pem: Option<Secret>,
    /// Its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The same, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_pem: Option<Secret>,
    /// Clients must have a certificate of one of these authorities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ca_file: Option<PathBuf>,
    /// Taken and not needed: the file is compared with the others.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub client_ca_file_reload: bool,
    /// Taken and not needed by a server: the collector has it in both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The oldest version, 1.2 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_version: Option<TlsVersion>,
    /// The newest version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_version: Option<TlsVersion>,
    /// Cipher suites by their IANA names; all that are safe when nothing is said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cipher_suites: Vec<String>,
    /// Key exchange groups: `X25519`, `P256`, `P384`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curve_preferences: Vec<String>,
    /// How often files are compared; one second when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reload_interval: Option<String>,
}

/// Files are compared no more often than this when nothing is said: a stat of three files per second.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

impl ServerSettings {
    /// The server's side of TLS with the protocols of `alpn`. Reads the files.
    ///
    /// # Errors
    /// Everything that is wrong in the settings, and in the files.
    pub fn build(&self, alpn: &[&str]) -> Result<ServerTls, ConfigErrors> {
        let mut errors = Vec::new();
        let cert = one_of("cert", self.cert_pem.as_ref(), self.cert_file.as_deref(), &mut errors);
        let key = one_of("key", self.key_pem.as_ref(), self.key_file.as_deref(), &mut errors);
        match PemSource::check_pair(cert.as_ref(), key.as_ref()) {
            Some(error) => errors.push(error),
            None if cert.is_none() => {
                errors.push(ConfigError::new("cert_file", "is missing: a server needs cert_file and key_file"))
            }
            None => {}
        }
        errors.extend(version::between(self.min_version, self.max_version).err());
        let reload_interval = match self.reload_interval.as_deref().map(foundation::units::parse_duration) {
            Some(Ok(interval)) => interval,
            Some(Err(e)) => {
                errors.push(ConfigError::new("reload_interval", e.to_string()));
                RELOAD_INTERVAL
            }
            None => RELOAD_INTERVAL,
        };
        let client_ca = self.client_ca_file.clone().map(PemSource::File);
        let (Some((cert, key)), true) = (cert.zip(key), errors.is_empty()) else {
            return Err(ConfigErrors(errors));
        };
        ServerTls::new(ServerSpec {
            cert,
            key,
            client_ca,
            min_version: self.min_version,
            max_version: self.max_version,
            cipher_suites: self.cipher_suites.clone(),
            curve_preferences: self.curve_preferences.clone(),
            alpn: alpn.iter().map(|p| p.as_bytes().to_vec()).collect(),
            reload_interval,
        })
        .map_err(|e| ConfigErrors(vec![e]))
    }

    /// Makes relative paths start at `directory`.
    pub fn set_directory(&mut self, directory: &Path) {
        let files = [&mut self.cert_file, &mut self.key_file, &mut self.client_ca_file, &mut self.ca_file];
        for path in files.into_iter().flatten() {
            resolve(path, directory);
        }
    }
}

fn one_of(name: &str, pem: Option<&Secret>, file: Option<&Path>, errors: &mut Vec<ConfigError>) -> Option<PemSource> {
    PemSource::one_of(&format!("{name}_pem"), &format!("{name}_file"), pem.map(Secret::expose), file).unwrap_or_else(
        |e| {
            errors.push(e);
            None
        },
    )
}
