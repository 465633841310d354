//! How many records of a request were taken.

use super::fault::Fault;

/// The outcome of a request that is well-formed; what `partial_success` reports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    /// Records (spans, log records, data points) that went to the sink.
    pub accepted: u64,
    /// Records that were refused.
    pub rejected: u64,
    /// Which record was refused first, and why. Set without any rejected record when a metric without points is wrong.
    pub first_error: Option<String>,
}

impl std::ops::AddAssign for Decoded {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.rejected += other.rejected;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

/// Counts while a request is decoded.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    first_error: Option<String>,
    /// The first refusal, until the envelope has completed its path.
    pending: Option<Fault>,
}

impl Tally {
    /// Counts `records` refused for the same reason.
    #[cold]
    pub(super) fn reject(&mut self, records: u64, fault: Fault) {
        self.rejected += records;
        if self.first_error.is_none() && self.pending.is_none() {
            self.pending = Some(fault);
        }
    }

    /// Completes the path of the first refusal.
    #[inline]
    pub(super) fn locate(&mut self, complete: impl FnOnce(Fault) -> Fault) {
        if let Some(fault) = self.pending.take() {
            self.first_error = Some(complete(fault).to_string());
        }
    }

    pub(super) fn finish(self) -> Decoded {
        Decoded { accepted: self.accepted, rejected: self.rejected, first_error: self.first_error }
    }
}
