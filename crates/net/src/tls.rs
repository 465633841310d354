//! TLS on both sides, with rustls and ring: versions 1.2 and 1.3.
//!
//! [`TlsConfig`] is Prometheus's `tls_config`, [`ClientSettings`] and [`ServerSettings`] are the collector's `tls`.
//! Certificates are read again when their files change.

mod client;
mod describe;
mod pem;
mod prometheus;
mod server;
mod settings;
mod version;

pub use client::ClientTls;
pub use prometheus::{Material, TlsConfig};
pub use server::{AcceptError, ServerTls};
pub use settings::{ClientSettings, ServerSettings};
pub use version::TlsVersion;

pub use describe::describe;
