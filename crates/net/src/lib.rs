//! Floor 1: outgoing HTTP as the ecosystem's files configure it (`http_config`, `tls_config`), and TLS on both sides.
//!
//! *Invariant:* knows no telemetry and no configuration file; every wait has a deadline.
