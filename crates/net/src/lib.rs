//! Floor 1: outgoing HTTP as the ecosystem's files configure it (`http_config`, `tls_config`), and TLS on both sides.
//!
//! [`HttpConfig`] is what Prometheus and Alertmanager write, [`Client`] sends as it says, [`tls`] has what
//! receivers and gRPC exporters need. [`Secret`] is the type of everything that must not be shown.
//! *Invariant:* knows no telemetry and no configuration file; every wait has a deadline.

mod auth;
mod client;
mod config;
mod error;
mod failure;
mod oauth2;
mod paths;
mod probe;
mod request;
mod secret;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tls;
mod transport;

pub use client::Client;
pub use config::{Authorization, BasicAuth, HeaderValues, HttpConfig, OAuth2};
pub use error::{ConfigError, ConfigErrors, SendError, Step};
pub use probe::Probe;
pub use request::{Answer, Request, Response};
pub use reqwest::Url;
pub use secret::{Secret, SecretSource, SecretUrl};
pub use transport::ClientOptions;

#[cfg(test)]
mod tests;
