//! `bellrock`: stores in the engines of this server. What a pipeline exports to when nothing else is written.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::component::{Exporter, ExporterFactory, Host, Refused, Run, SIGNALS, Setup, StartError, Starting};
use crate::consumer::Consumer;

/// How it is known.
pub(super) const FACTORY: ExporterFactory = ExporterFactory { names: &["bellrock"], signals: SIGNALS, build };

#[derive(Debug, Default, Deserialize, Serialize)]
struct Settings {}

/// Hands over to the engines.
pub(super) struct Engines {
    component: String,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    let _: Settings = setup.read()?;
    engines(setup)
}

/// The exporter into the engines, by whatever name.
pub(super) fn engines(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    if !setup.surroundings().engines {
        return Err(
            setup.error("", "stores in the engines, which `collect` has not; use `otlp` or `otlphttp` to a server")
        );
    }
    Ok(Box::new(Engines { component: setup.path("") }))
}

impl Exporter for Engines {
    fn start<'a>(self: Box<Self>, host: &'a Host, _: &'a mut Run) -> Starting<'a, Arc<dyn Consumer>> {
        Box::pin(async move {
            match &host.engines {
                Some(ingest) => Ok(Arc::new(ingest.clone()) as Arc<dyn Consumer>),
                None => Err(StartError { component: self.component, message: "there are no engines".to_owned() }),
            }
        })
    }
}
