//! What runs when a file names no pipelines: every receiver, straight into the engines.

use yaml::Node;

use super::service::signals_of;
use crate::component::{ComponentId, SIGNALS};

/// The exporter into the engines.
pub(super) const ENGINES: &str = "bellrock";

/// Adds what a file without `service.pipelines` leaves open: the OTLP receiver with both protocols, those of Jaeger and Zipkin, so that
/// their clients find what they look for, and pipelines from every receiver to the engines. Whether it was needed.
pub fn complete(document: &mut Node) -> bool {
    let named = document.get("service").and_then(|s| s.get("pipelines")).is_some_and(|p| !p.entries().is_empty());
    if named {
        return false;
    }
    let receivers = document.entry("receivers");
    let otlp = receivers.entry("otlp").entry("protocols");
    otlp.entry("grpc");
    otlp.entry("http");
    for id in ["jaeger", "zipkin"] {
        if receivers.get(id).is_none() {
            // Nobody asked for these ports: who runs the replaced system beside us is not kept from starting.
            receivers.entry(id).entry("when_free").set_text("true");
        }
    }
    if let Some(false) = receivers.get("jaeger").map(|j| j.get("protocols").is_some()) {
        let protocols = receivers.entry("jaeger").entry("protocols");
        for protocol in ["grpc", "thrift_http", "thrift_compact", "thrift_binary"] {
            protocols.entry(protocol);
        }
    }
    let ids: Vec<String> = receivers.entries().iter().map(|(key, _)| key.text.clone()).collect();
    let pipelines = document.entry("service").entry("pipelines");
    for signal in SIGNALS {
        let of_signal = ids.iter().filter(|id| {
            let parsed: Result<ComponentId, _> = id.parse();
            parsed.is_ok_and(|id| signals_of(&id).contains(signal))
        });
        let pipeline = pipelines.entry(signal.name());
        pipeline.entry("receivers").set_list(of_signal.cloned());
        pipeline.entry("exporters").set_list([ENGINES.to_owned()]);
    }
    true
}
