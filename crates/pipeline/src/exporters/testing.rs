//! What tests of exporters need: exporters from YAML, and a host without engines.

use std::path::Path;
use std::sync::Arc;

use foundation::clock::SystemClock;
use foundation::disk::RealDisk;
use yaml::Findings;

use crate::budget::Budget;
use crate::component::{ComponentId, Exporter, ExporterFactory, Host, Kind, Setup, StatusBoard};
use crate::journal::Journal;

/// Builds an exporter from YAML; what was said of it when it is refused.
pub(super) fn built(factory: &ExporterFactory, yaml: &str) -> Result<Box<dyn Exporter>, String> {
    let mut findings = Findings::default();
    build(factory, yaml, &mut findings).ok_or_else(|| findings.to_string())
}

/// What is said of an exporter's settings.
pub(super) fn said(factory: &ExporterFactory, yaml: &str) -> String {
    let mut findings = Findings::default();
    let built = build(factory, yaml, &mut findings);
    assert_eq!(built.is_none(), findings.has_errors(), "it is built unless something is wrong: {findings}");
    findings.to_string()
}

fn build(factory: &ExporterFactory, yaml: &str, findings: &mut Findings) -> Option<Box<dyn Exporter>> {
    let node = yaml::parse("test.yaml", yaml).unwrap();
    let id: ComponentId = factory.names[0].parse().unwrap();
    (factory.build)(&mut Setup::new(Kind::Exporter, &id, &node, findings)).ok()
}

/// A host that keeps everything in `dir`.
pub(super) fn host(dir: &Path) -> Host {
    let clock: Arc<dyn foundation::Clock> = Arc::new(SystemClock);
    Host {
        disk: Arc::new(RealDisk),
        journal: Journal::new(clock.clone()),
        budget: Budget::new(64 << 20),
        sockets: Default::default(),
        board: StatusBoard::new(clock.clone()),
        engines: None,
        data_dir: dir.to_owned(),
        extensions: Default::default(),
        remote_write: None,
        shared: Default::default(),
        targets: Default::default(),
        clock,
    }
}
