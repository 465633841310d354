//! Processors in a row, in front of what follows them.

use std::sync::Arc;

use wire::otlp::Decoded;

use super::metered::Step;
use crate::consumer::{Answer, Consumer};
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

/// Work on more than this leaves the threads that serve sockets. Where nothing is decoded a byte takes about a third of a nanosecond.
const INLINE_BYTES_MAX: usize = 1 << 20;
/// As much where records are taken apart.
const INLINE_DECODED_BYTES_MAX: usize = 64 << 10;

/// Processors and what follows.
pub(super) struct Chain {
    steps: Vec<Step>,
    next: Arc<dyn Consumer>,
    /// Work on more bytes than this leaves the threads that serve sockets.
    at_once_max: usize,
}

impl Chain {
    pub(super) fn new(steps: Vec<Step>, next: Arc<dyn Consumer>) -> Self {
        let keep_bytes = steps.iter().all(Step::keeps_bytes);
        let at_once_max = if keep_bytes { INLINE_BYTES_MAX } else { INLINE_DECODED_BYTES_MAX };
        Self { steps, next, at_once_max }
    }

    fn run(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        let items = telemetry.count();
        let out = self.steps.iter().try_fold(Some((telemetry, items)), |out, step| match out {
            Some((telemetry, items)) => step.process(telemetry, items),
            None => Ok(None),
        });
        out.map(|out| out.map(|(telemetry, _)| telemetry))
    }
}

impl Consumer for Chain {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let processed = if telemetry.size() <= self.at_once_max {
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
