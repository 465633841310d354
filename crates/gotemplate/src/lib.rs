//! Floor 2: Go templates, text and HTML, with the functions of Prometheus and Alertmanager.
//!
//! *Invariant:* knows no rules and no alerts: values come in as data, functions by name.

pub mod prometheus;
