//! What can go wrong before an answer is there, by the step that failed; nothing here holds a secret.
//!
//! Hosts and ports are named, paths and queries of addresses are not: those of webhooks are secrets.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use foundation::ErrorKind;

/// One thing that is wrong in an [`crate::HttpConfig`] or a TLS configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ConfigError {
    /// The place inside the configuration, such as `tls_config.ca_file`.
    pub field: String,
    /// What is wrong and what helps.
    pub message: String,
}

impl ConfigError {
    /// An error at `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    pub(crate) fn inside(mut self, parent: &str) -> Self {
        self.field = format!("{parent}.{}", self.field);
        self
    }
}

/// All that is wrong in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if i > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reading secrets and certificates, on this machine.
    Prepare,
    /// Finding the address of the host.
    Dns,
    /// TCP.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The request was sent, or is being sent.
    Answer,
}

impl Step {
    /// As it is written in answers of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Answer => "answer",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why there is no answer. An answer with any status is not an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The address cannot be used.
    #[error("bad address: {0}")]
    Url(String),
    /// A file with a secret or a certificate cannot be used.
    #[error("file {}: {message}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// Something of this machine failed.
    #[error("{what}: {message}")]
    Local {
        /// What was tried.
        what: String,
        /// Why.
        message: String,
    },
    /// No access token could be had.
    #[error("oauth2 token from {origin}: {message}")]
    Token {
        /// Scheme, host and port of the token endpoint.
        origin: String,
        /// Why.
        message: String,
        /// Another try may succeed.
        retry: bool,
    },
    /// The host has no address.
    #[error("dns: host {host} was not found: {message}")]
    Dns {
        /// The host.
        host: String,
        /// What the resolver said.
        message: String,
    },
    /// Nobody listens, or nobody can be reached.
    #[error("connect: {origin}: {message}")]
    Connect {
        /// Scheme, host and port.
        origin: String,
        /// What the operating system said.
        message: String,
    },
    /// The TLS handshake failed.
    #[error("tls: {origin}: {message}")]
    Tls {
        /// Scheme, host and port.
        origin: String,
        /// Why, and what helps.
        message: String,
    },
    /// The deadline passed.
    #[error("{step}: {origin}: no answer within {}", foundation::units::format_duration(*after))]
    Timeout {
        /// How far it came.
        step: Step,
        /// Scheme, host and port.
        origin: String,
        /// The deadline.
        after: Duration,
    },
    /// The connection broke, or what came is not HTTP.
    #[error("answer: {origin}: {message}")]
    Answer {
        /// Scheme, host and port.
        origin: String,
        /// What happened.
        message: String,
    },
    /// The answer is larger than the caller takes.
    #[error("answer: {origin}: larger than {bytes_max} bytes")]
    TooLarge {
        /// Scheme, host and port.
        origin: String,
        /// The limit.
        bytes_max: usize,
    },
}

impl SendError {
    /// The step that failed.
    pub const fn step(&self) -> Step {
        match self {
            Self::Url(_) | Self::File { .. } | Self::Local { .. } | Self::Token { .. } => Step::Prepare,
            Self::Dns { .. } => Step::Dns,
            Self::Connect { .. } => Step::Connect,
            Self::Tls { .. } => Step::Tls,
            Self::Timeout { step, .. } => *step,
            Self::Answer { .. } | Self::TooLarge { .. } => Step::Answer,
        }
    }

    /// Whether the same request may succeed later without anybody changing the configuration.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Url(_) | Self::TooLarge { .. } => false,
            Self::Token { retry, .. } => *retry,
            Self::File { .. }
            | Self::Local { .. }
            | Self::Dns { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Timeout { .. }
            | Self::Answer { .. } => true,
        }
    }

    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Url(_) | Self::File { .. } => ErrorKind::InvalidInput,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Local { .. } => ErrorKind::Internal,
            Self::Token { .. } | Self::Dns { .. } | Self::Connect { .. } | Self::Tls { .. } | Self::Answer { .. } => {
                ErrorKind::UNAVAILABLE
            }
        }
    }
}
