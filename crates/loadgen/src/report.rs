//! What a run of [`crate::ingest`] or [`crate::remote_write`] measured, and when a refused request is sent again.

use std::time::Duration;

use crate::client::SendError;

/// A request that is refused for so long ends the run.
const GIVE_UP: Duration = Duration::from_secs(60);

/// What happened.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Records (spans, log records, points, samples) acknowledged.
    pub records: u64,
    /// Requests acknowledged.
    pub requests: u64,
    /// Size of the acknowledged requests as protobuf.
    pub bytes: u64,
    /// Size of the acknowledged requests as sent.
    pub bytes_sent: u64,
    /// From the first request to the last acknowledgement.
    pub wall: Duration,
    /// Times from request to acknowledgement, in microseconds; sorted once the run is over.
    pub ack_us: Vec<u64>,
    /// Answers that asked for a retry.
    pub refused: u64,
    /// Requests sent again, whether refused or cut off.
    pub retried: u64,
    /// Time that the generator thread spent generating and compressing.
    pub generator_busy: Duration,
    /// Time that connections waited for the generator, summed over all of them.
    pub waited_for_generator: Duration,
}

impl Report {
    /// The time to acknowledgement that the share `q` of the requests did not exceed, in microseconds; 0 without requests.
    pub fn ack_quantile_us(&self, q: f64) -> u64 {
        let rank = (self.ack_us.len() as f64 * q).ceil() as usize;
        self.ack_us.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The counts of a connection.
    pub(crate) fn add(&mut self, other: Self) {
        self.records += other.records;
        self.requests += other.requests;
        self.bytes += other.bytes;
        self.bytes_sent += other.bytes_sent;
        self.ack_us.extend(other.ack_us);
        self.refused += other.refused;
        self.retried += other.retried;
        self.waited_for_generator += other.waited_for_generator;
    }

    /// Counts a refusal of a request that was first sent `since` ago; returns how long to wait before it is sent again.
    ///
    /// # Errors
    /// The refusal, when it is for good or has gone on for [`GIVE_UP`].
    pub(crate) fn wait_after(&mut self, refusal: SendError, since: Duration) -> Result<Duration, SendError> {
        if matches!(refusal, SendError::Unavailable { .. }) {
            self.refused += 1;
        }
        let Some(wait) = refusal.retry_after().filter(|wait| since + *wait < GIVE_UP) else { return Err(refusal) };
        self.retried += 1;
        Ok(wait)
    }

    /// Counts a request that was taken `after` it was last sent.
    pub(crate) fn taken(&mut self, after: Duration, records: u64, bytes: usize, bytes_sent: usize) {
        self.ack_us.push(after.as_micros() as u64);
        self.records += records;
        self.requests += 1;
        self.bytes += bytes as u64;
        self.bytes_sent += bytes_sent as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_ranks() {
        let report = Report { ack_us: (1..=100).collect(), ..Report::default() };
        assert_eq!(
            (report.ack_quantile_us(0.5), report.ack_quantile_us(0.99), report.ack_quantile_us(1.0)),
            (50, 99, 100)
        );
        assert_eq!(Report::default().ack_quantile_us(0.5), 0);
    }
}
