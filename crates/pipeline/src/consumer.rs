//! The seam of the graph: what takes a request and answers for it.
//!
//! A consumer's answer is the promise to the sender: it comes when the request is safe (synced in the log of an engine or
//! of a queue), so that an acknowledgement runs back through the whole chain and nothing in between holds what was promised.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use wire::otlp::Decoded;

use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

/// What became of a request: the records taken and those left out, or why nothing of it was taken.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Decoded, Refusal>> + Send + 'a>>;

/// Takes requests: an engine, an exporter, a pipeline, a connector.
pub trait Consumer: Send + Sync {
    /// Takes a request; completes once it is safe.
    ///
    /// # Errors
    /// Nothing of it was taken. `ErrorKind::Unavailable` may be tried again.
    fn consume(&self, telemetry: Telemetry) -> Answer<'_>;
}

/// Sends to several: pipelines that share a receiver, exporters of one pipeline.
pub struct FanOut(Vec<Arc<dyn Consumer>>);

impl FanOut {
    /// To all of `consumers`, at the same time.
    pub fn new(consumers: Vec<Arc<dyn Consumer>>) -> Self {
        Self(consumers)
    }
}

impl Consumer for FanOut {
    /// Answers when all have. One that refuses makes the whole refused, as in the Collector: the sender tries again, and those that
    /// had taken it get it twice. Of refusals one that may be tried again is the answer, because then nothing is lost.
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let answers: Vec<Answer<'_>> = self.0.iter().map(|c| c.consume(telemetry.clone())).collect();
            drop(telemetry);
            let decoded = all(answers).await?;
            // Each had the whole request: the worst answer is the answer.
            Ok(decoded.into_iter().reduce(|a, b| if b.rejected > a.rejected { b } else { a }).unwrap_or_default())
        })
    }
}

/// What all say, or a refusal if there is one: rather one that may be tried again.
pub(crate) async fn all(mut answers: Vec<Answer<'_>>) -> Result<Vec<Decoded>, Refusal> {
    let mut taken = Vec::with_capacity(answers.len());
    let mut refusal: Option<Refusal> = None;
    for answer in join_all(&mut answers).await {
        match answer {
            Ok(decoded) => taken.push(decoded),
            Err(e) if refusal.as_ref().is_none_or(|r| r.retry_after().is_none()) => refusal = Some(e),
            Err(_) => {}
        }
    }
    refusal.map_or(Ok(taken), Err)
}

/// Runs all to their end, side by side.
async fn join_all(answers: &mut [Answer<'_>]) -> Vec<Result<Decoded, Refusal>> {
    let mut done: Vec<Option<Result<Decoded, Refusal>>> = answers.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (answer, slot) in answers.iter_mut().zip(&mut done).filter(|(_, slot)| slot.is_none()) {
            match answer.as_mut().poll(context) {
                Poll::Ready(result) => *slot = Some(result),
                Poll::Pending => pending = true,
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    done.into_iter().flatten().collect()
}
