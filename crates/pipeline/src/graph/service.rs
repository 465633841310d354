//! The section `service`, and the component types that the graph knows.

use model::Signal;

use crate::component::{
    ComponentId, ConnectorFactory, ExporterFactory, ExtensionFactory, Kind, ProcessorFactory, ReceiverFactory,
};
use yaml::{Findings, Node};

use crate::config::{Collector, ignored};
use crate::{connectors, exporters, extensions, processors, receivers};

/// What `service.telemetry` says that this process can follow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// `telemetry.logs.level`, as a level of our log.
    pub log_level: Option<String>,
    /// `telemetry.metrics.address`: where our own metrics are.
    pub metrics_address: Option<String>,
}

impl Service {
    /// Reads `service.telemetry` of a document.
    pub fn read(document: &Node, findings: &mut Findings) -> Self {
        let mut service = Self::default();
        let Some(telemetry) = document.get("service").and_then(|s| s.get("telemetry")) else { return service };
        for (key, node) in telemetry.entries() {
            match key.text.as_str() {
                "logs" => service.logs(node, findings),
                "metrics" => service.metrics(node, findings),
                // Whose resource our metrics have, and where our traces go: there are none to send.
                "resource" | "traces" => findings.warning(
                    &key.place,
                    format!("service.telemetry.{}", key.text),
                    "is not used: Bellrock keeps its own telemetry in itself",
                    "leave it out",
                    Some(Collector::Accepts.into()),
                ),
                other => {
                    let path = format!("service.telemetry.{other}");
                    ignored(key, path, "there are logs and metrics".to_owned(), findings);
                }
            }
        }
        service
    }

    fn logs(&mut self, node: &Node, findings: &mut Findings) {
        let Some(level) = node.get("level") else { return };
        let text = level.as_str().unwrap_or_default();
        self.log_level = match text.to_ascii_lowercase().as_str() {
            "debug" => Some("debug".to_owned()),
            "info" => Some("info".to_owned()),
            "warn" => Some("warn".to_owned()),
            "error" | "dpanic" | "panic" | "fatal" => Some("error".to_owned()),
            _ => {
                let message = format!("`{text}` is not a level; write debug, info, warn or error");
                findings.error(&level.place, "service.telemetry.logs.level", message, "");
                None
            }
        };
    }

    fn metrics(&mut self, node: &Node, findings: &mut Findings) {
        if let (Some(key), Some(address)) = (node.key("address"), node.get("address").and_then(Node::as_str)) {
            self.metrics_address = Some(address.to_owned());
            findings.warning(
                &key.place,
                "service.telemetry.metrics.address",
                format!("is taken as `server.metrics: {address}`"),
                "newer Collectors have `readers` in its place",
                Some(Collector::Refuses.into()),
            );
        }
        if let Some(readers) = node.key("readers") {
            findings.warning(
                &readers.place,
                "service.telemetry.metrics.readers",
                "is not used: Bellrock's own metrics are at `server.metrics`",
                "move that port if it has to be another",
                Some(Collector::Accepts.into()),
            );
        }
    }
}

macro_rules! known {
    ($($name:ident: $factory:ty = $list:expr;)*) => {$(
        pub(super) fn $name(id: &ComponentId) -> Option<&'static $factory> {
            $list.iter().find(|factory| factory.is(&id.type_name))
        }
    )*};
}

known! {
    receiver: ReceiverFactory = receivers::ALL;
    processor: ProcessorFactory = processors::ALL;
    exporter: ExporterFactory = exporters::ALL;
    connector: ConnectorFactory = connectors::ALL;
    extension: ExtensionFactory = extensions::ALL;
}

/// The types of a kind that there are, by today's names.
pub(super) fn types(kind: Kind) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = match kind {
        Kind::Receiver => receivers::ALL.iter().map(|f| f.names[0]).collect(),
        Kind::Processor => processors::ALL.iter().map(|f| f.names[0]).collect(),
        Kind::Exporter => exporters::ALL.iter().map(|f| f.names[0]).collect(),
        Kind::Connector => connectors::ALL.iter().map(|f| f.names[0]).collect(),
        Kind::Extension => extensions::ALL.iter().map(|f| f.names[0]).collect(),
    };
    names.sort_unstable();
    names
}

/// Every name of a kind, yesterday's too: what may have been meant.
pub(super) fn names(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Receiver => receivers::ALL.iter().flat_map(|f| f.names).copied().collect(),
        Kind::Processor => processors::ALL.iter().flat_map(|f| f.names).copied().collect(),
        Kind::Exporter => exporters::ALL.iter().flat_map(|f| f.names).copied().collect(),
        Kind::Connector => connectors::ALL.iter().flat_map(|f| f.names).copied().collect(),
        Kind::Extension => extensions::ALL.iter().flat_map(|f| f.names).copied().collect(),
    }
}

/// What a receiver can receive; nothing when it is not known.
pub(super) fn signals_of(id: &ComponentId) -> &'static [Signal] {
    receiver(id).map_or(&[], |factory| factory.signals)
}

/// Whether two ids mean the same component, whatever the underscores.
pub(super) fn same(a: &ComponentId, b: &ComponentId) -> bool {
    let squeezed = |text: &str| text.replace('_', "").to_ascii_lowercase();
    a.name == b.name && squeezed(&a.type_name) == squeezed(&b.type_name)
}
