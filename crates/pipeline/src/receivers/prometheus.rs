//! `prometheus`: scrapes targets. What `config` says is read with the `scrape_configs` of the server, in the same form.
//!
//! Where every pipeline of the receiver leads straight into the built-in engines, its targets are scraped with those of the server and
//! samples go into the metrics engine as they are. Otherwise they become metrics of OTLP and go through the pipelines;
//! `job`, `instance`, `up` and stale markers are the same on both ways.

use model::Signal;
use serde_json::Value;

use crate::component::{Host, Outputs, Receiver, ReceiverFactory, Refused, Run, Setup, Starting};
use crate::scrape::{self, Destination, Scraping};

/// How it is known.
pub(super) const FACTORY: ReceiverFactory =
    ReceiverFactory { names: &["prometheus"], signals: &[Signal::Metrics], build };

/// What is scraped into pipelines; nothing when it is scraped with the targets of the server.
#[derive(Default)]
struct Prometheus {
    scraping: Option<Scraping>,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let _: Value = setup.read()?;
    if setup.node().entries().is_empty() {
        return Err(setup.error("", "scrapes nothing; write `config: {scrape_configs: [...]}`"));
    }
    Ok(Box::new(Prometheus::default()))
}

impl Receiver for Prometheus {
    fn overlaps(&self) -> bool {
        // Two would count every target twice.
        false
    }

    fn scrape(&mut self, scraping: Scraping) {
        self.scraping = Some(scraping);
    }

    fn start<'a>(self: Box<Self>, outputs: Outputs, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            if let (Some(scraping), Some(consumer)) = (self.scraping, outputs.of(Signal::Metrics)) {
                let destination = Destination::Pipeline(consumer, host.journal.clone());
                let task = scrape::serve(
                    scraping,
                    destination,
                    host.clock.clone(),
                    host.targets.of(run.component()),
                    run.stopped(),
                );
                run.spawn("scrape", task);
            }
            Ok(())
        })
    }
}
