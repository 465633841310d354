//! Processors in a row, in front of what follows them.

use std::sync::Arc;

use wire::otlp::Decoded;

use crate::component::Processor;
use crate::consumer::{Answer, Consumer};
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

/// Work on more than this leaves the threads that serve sockets.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// Processors and what follows.
pub(super) struct Chain {
    pub(super) steps: Vec<Arc<dyn Processor>>,
    pub(super) next: Arc<dyn Consumer>,
}

impl Chain {
    fn run(&self, telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        self.steps.iter().try_fold(Some(telemetry), |telemetry, step| match telemetry {
            Some(telemetry) => step.process(telemetry),
            None => Ok(None),
        })
    }
}

impl Consumer for Chain {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let processed = if telemetry.size() <= INLINE_BYTES_MAX {
                self.run(telemetry)
            } else {
                tokio::task::block_in_place(|| self.run(telemetry))
            };
            match processed? {
                Some(telemetry) => self.next.consume(telemetry).await,
                None => Ok(Decoded::default()),
            }
        })
    }
}
