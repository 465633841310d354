//! `prometheus`: scrapes targets. The server reads `config` together with its own `scrape_configs` and runs both as one.
//!
//! Samples go straight to the metrics engine, which knows staleness, created times and native histograms; a pipeline would lose
//! them on the way.

use model::Signal;
use serde_json::Value;

use crate::component::{Host, Outputs, Receiver, ReceiverFactory, Refused, Run, Setup, Starting};
use crate::config::Collector;

/// How it is known.
pub(super) const FACTORY: ReceiverFactory =
    ReceiverFactory { names: &["prometheus"], signals: &[Signal::Metrics], build };

/// Runs with the scrapes of the server.
struct Prometheus;

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let _: Value = setup.read()?;
    if !setup.surroundings().engines {
        return Err(setup.error(
            "",
            "scrapes into the metrics engine, which `collect` has not; run `serve`, or scrape on the server",
        ));
    }
    if setup.node().entries().is_empty() {
        return Err(setup.error("", "scrapes nothing; write `config: {scrape_configs: [...]}`"));
    }
    setup.warning(
        "",
        "samples go straight to the metrics engine: processors and other exporters of its pipelines do not see them",
        "use metric_relabel_configs to change them",
        Some(Collector::Differs("runs them through the pipeline")),
    );
    Ok(Box::new(Prometheus))
}

impl Receiver for Prometheus {
    fn start<'a>(self: Box<Self>, _: Outputs, _: &'a Host, _: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}
