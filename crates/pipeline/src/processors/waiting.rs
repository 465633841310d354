//! Requests that wait while a stage holds what they carried, and their answers.
//!
//! A stage that puts requests together acknowledges none before the consumer behind it has: a request is answered when
//! all that came of it is safe, and refused when any of it was.

use tokio::sync::oneshot;
use wire::otlp::Decoded;

use crate::refusal::Refusal;

/// What a sender is told.
pub(super) type Outcome = Result<Decoded, Refusal>;

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Waiter {
    answer: oneshot::Sender<Outcome>,
    items: u64,
    rejected: u64,
    first_error: Option<String>,
    refusal: Option<Refusal>,
}

impl Waiter {
    /// Of a request of so many items.
    pub(super) fn new(items: usize) -> (Self, oneshot::Receiver<Outcome>) {
        let (answer, answered) = oneshot::channel();
        (Self { answer, items: items as u64, rejected: 0, first_error: None, refusal: None }, answered)
    }

    /// Tells the sender.
    pub(super) fn answer(self) {
        // The sender may have gone away: what was taken stays taken.
        let _ = self.answer.send(match self.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(Decoded {
                accepted: self.items - self.rejected,
                rejected: self.rejected,
                first_error: self.first_error,
            }),
        });
    }
}

/// Says to those who waited for a batch what became of it. Items that were rejected one by one are counted on the
/// first ones that have any left: which of a batch's items they were is not known.
pub(super) fn settle<'w>(waiters: impl Iterator<Item = &'w mut Waiter>, outcome: &Outcome) {
    match outcome {
        Err(refusal) => waiters.for_each(|w| w.refusal = Some(refusal.clone())),
        Ok(decoded) => {
            let mut left = decoded.rejected;
            for w in waiters {
                let n = left.min(w.items - w.rejected);
                if n > 0 {
                    w.rejected += n;
                    w.first_error.clone_from(&decoded.first_error);
                    left -= n;
                }
            }
        }
    }
}
