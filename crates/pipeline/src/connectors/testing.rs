//! Connectors in tests: settings as YAML, and where their requests end.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use wire::otlp::Decoded;
use yaml::Findings;
use yaml::parse;

use crate::component::{Kind, Refused, Setup};
use crate::consumer::{Answer, Consumer};
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};

/// Calls `f` with the settings; the findings as text when it refuses.
pub(crate) fn with_setup<T>(yaml: &str, f: impl FnOnce(&mut Setup<'_>) -> Result<T, Refused>) -> Result<T, String> {
    let node = parse("test.yaml", yaml).unwrap();
    let id = "test".parse().unwrap();
    let mut findings = Findings::default();
    let out = f(&mut Setup::new(Kind::Connector, &id, &node, &mut findings));
    out.map_err(|_| findings.to_string())
}

/// Keeps what it is given, or refuses it.
#[derive(Default)]
pub(crate) struct Sink {
    taken: Mutex<Vec<Tree>>,
    pub(crate) refusal: Mutex<Option<Refusal>>,
}

impl Sink {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What came since the last call.
    pub(crate) fn taken(&self) -> Vec<Tree> {
        std::mem::take(&mut *self.taken.lock())
    }
}

impl Consumer for Sink {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            if let Some(refusal) = self.refusal.lock().clone() {
                return Err(refusal);
            }
            let tree = telemetry.into_tree()?;
            let accepted = tree.items() as u64;
            self.taken.lock().push(tree);
            Ok(Decoded { accepted, ..Decoded::default() })
        })
    }
}

/// The answer of a consumer that does not wait.
pub(crate) fn now(mut answer: Answer<'_>) -> Result<Decoded, Refusal> {
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}
