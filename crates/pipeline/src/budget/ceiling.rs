//! The resident memory that requests may take the process to.
//!
//! Memory is read from the operating system every so many bytes that come in, and in between what came in since is added. A request
//! takes more than its bytes on its way (decoded, written again, compressed), and later than it is let in: so it counts
//! [`TIMES`] its bytes over the memory that the process had when little was in flight.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What a request takes on its way, in its own bytes: itself, decoded about twice that, written again into a buffer that grows by
/// doubling, compressed. Measured with requests of 4 MB that were batched, gzipped and held up by the back end.
const TIMES: u64 = 6;
/// Memory is read again after so many bytes.
const READ_BYTES: u64 = 1 << 20;
/// And after so long, when a request comes.
const READ_MICROS: u64 = 10_000;
/// So much in flight is little.
const LITTLE_BYTES: usize = 256 << 10;

const MIB: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Ceiling {
    /// The door to the process's memory.
    read: fn() -> Option<u64>,
    /// Bytes; `u64::MAX` is none.
    max: AtomicU64,
    /// As it was read, and what came in since.
    resident: AtomicU64,
    since: AtomicU64,
    /// As it was when little was in flight.
    calm: AtomicU64,
    began: Instant,
    /// When it was read, in microseconds after `began`.
    read_at: AtomicU64,
}

impl Ceiling {
    pub(super) fn new(read: fn() -> Option<u64>) -> Self {
        Self {
            read,
            max: AtomicU64::new(u64::MAX),
            resident: AtomicU64::new(0),
            since: AtomicU64::new(0),
            calm: AtomicU64::new(0),
            began: Instant::now(),
            read_at: AtomicU64::new(0),
        }
    }

    pub(super) fn set(&self, max: Option<u64>) {
        self.look(0);
        self.max.store(max.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Why a request that grows by `more` may not; all of them hold `used` with it. One that is `alone` may take its multiple.
    pub(super) fn refuses(&self, used: usize, more: usize, alone: bool) -> Option<String> {
        let max = self.max.load(Ordering::Relaxed);
        if max == u64::MAX {
            return None;
        }
        let since = self.since.fetch_add(more as u64, Ordering::Relaxed) + more as u64;
        let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        if since >= READ_BYTES || now.saturating_sub(self.read_at.load(Ordering::Relaxed)) >= READ_MICROS {
            self.read_at.store(now, Ordering::Relaxed);
            self.look(used - more);
        }
        let resident = self.resident.load(Ordering::Relaxed);
        let taken = resident.saturating_add(self.since.load(Ordering::Relaxed));
        let expected = self.calm.load(Ordering::Relaxed).saturating_add(TIMES.saturating_mul(used as u64));
        if taken <= max && (alone || expected <= max) {
            return None;
        }
        Some(format!(
            "data refused due to high memory usage: {} MiB, requests of {} MiB in flight and the soft limit of {} MiB of \
             `memory_limiter`; send again later",
            resident / MIB,
            (used - more) as u64 / MIB,
            max / MIB
        ))
    }

    fn look(&self, used: usize) {
        let Some(resident) = (self.read)() else { return };
        self.since.store(0, Ordering::Relaxed);
        self.resident.store(resident, Ordering::Relaxed);
        if used < LITTLE_BYTES {
            self.calm.store(resident, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static RESIDENT: AtomicU64 = AtomicU64::new(0);

    #[test]
    fn requests_count_by_what_they_will_take() {
        RESIDENT.store(20 * MIB, Ordering::Relaxed);
        let ceiling = Ceiling::new(|| Some(RESIDENT.load(Ordering::Relaxed)));
        let mib = MIB as usize;
        assert_eq!(ceiling.refuses(mib, mib, true), None, "no limit, no refusal");
        ceiling.set(Some(80 * MIB));
        assert_eq!(ceiling.refuses(10 * mib, 2 * mib, false), None);
        assert!(ceiling.refuses(11 * mib, mib, false).unwrap().contains("soft limit of 80 MiB"), "20 + 6 * 11 > 80");
        assert_eq!(ceiling.refuses(50 * mib, 2 * mib, true), None, "one alone");
        RESIDENT.store(81 * MIB, Ordering::Relaxed);
        assert!(ceiling.refuses(mib, mib, true).is_some());
        RESIDENT.store(30 * MIB, Ordering::Relaxed);
        assert_eq!(ceiling.refuses(mib, mib, false), None);
    }
}
