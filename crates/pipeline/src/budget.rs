//! The memory that requests in flight may take together.
//!
//! Bodies are accounted while they are read and decompressed, so that
//! many large requests at once are refused as retryable and never become an
//! out-of-memory kill. Where a `memory_limiter` bounds the process, its bound is kept here too: what is refused
//! after it was read has taken its memory already.

mod ceiling;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use foundation::ErrorKind;

use crate::refusal::Refusal;
use ceiling::Ceiling;

/// Bytes that requests in flight may hold together; clones share it.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    limit: usize,
    used: AtomicUsize,
    ceiling: Ceiling,
    /// How many queries run beside the pipelines.
    queries: OnceLock<Box<dyn Fn() -> usize + Send + Sync>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("limit", &self.limit).field("used", &self.used).finish_non_exhaustive()
    }
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Self {
        let ceiling = Ceiling::new(crate::memory::resident);
        Self(Arc::new(Inner { limit, used: AtomicUsize::new(0), ceiling, queries: OnceLock::new() }))
    }

    /// An empty lease, to be grown while bytes arrive.
    pub fn lease(&self) -> Lease {
        Lease { budget: self.clone(), bytes: 0 }
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Says how many queries run in this process: their memory counts against the same limit, and a refusal tells so. The first call counts.
    pub fn beside(&self, queries: impl Fn() -> usize + Send + Sync + 'static) {
        let _ = self.0.queries.set(Box::new(queries));
    }

    /// From now on requests are refused that would take the process above so much resident memory; `None`: whatever it takes.
    pub(crate) fn set_resident_bytes_max(&self, bytes: Option<u64>) {
        self.0.ceiling.set(bytes);
    }
}

/// What one request holds; given back on drop.
#[derive(Debug)]
pub struct Lease {
    budget: Budget,
    bytes: usize,
}

impl Lease {
    /// Holds `more` bytes more.
    ///
    /// # Errors
    /// Unavailable, when all requests together would hold more than the budget.
    pub fn grow(&mut self, more: usize) -> Result<(), Refusal> {
        let inner = &self.budget.0;
        let used = inner.used.fetch_add(more, Ordering::Relaxed) + more;
        // A single request above the whole budget passes alone, as far as the body limit lets it.
        let alone = used <= self.bytes + more;
        let message = if used > inner.limit && !alone {
            Some(format!(
                "requests in flight hold {} bytes and `memory.requests` is {}; send again later",
                used - more,
                inner.limit
            ))
        } else {
            inner.ceiling.refuses(used, more, alone).map(|message| {
                match inner.queries.get().map_or(0, |running| running()) {
                    0 => message,
                    n => format!("{message} ({n} queries run, whose memory counts too: `query.memory` bounds each)"),
                }
            })
        };
        match message {
            None => {
                self.bytes += more;
                Ok(())
            }
            Some(message) => {
                inner.used.fetch_sub(more, Ordering::Relaxed);
                Err(Refusal::new(ErrorKind::UNAVAILABLE, message))
            }
        }
    }
}

impl Lease {
    /// Gives everything back.
    pub fn release(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = 0;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_beyond_the_limit_and_gives_back() {
        let budget = Budget::new(100);
        let mut a = budget.lease();
        a.grow(60).unwrap();
        let mut b = budget.lease();
        assert_eq!(b.grow(60).unwrap_err().kind, ErrorKind::UNAVAILABLE);
        assert_eq!(budget.used(), 60);
        drop(a);
        b.grow(60).unwrap();
        drop(b);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn one_large_request_passes_alone() {
        let budget = Budget::new(100);
        let mut a = budget.lease();
        a.grow(500).unwrap();
        assert!(budget.lease().grow(1).is_err());
    }

    #[test]
    fn a_process_that_is_too_large_takes_no_requests() {
        let budget = Budget::new(1 << 30);
        budget.set_resident_bytes_max(Some(1));
        let refusal = budget.lease().grow(10).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::UNAVAILABLE);
        assert!(refusal.message.contains("data refused due to high memory usage"), "{refusal}");
        assert!(!refusal.message.contains("queries"), "{refusal}");
        assert_eq!(budget.used(), 0);
        budget.beside(|| 2);
        let refusal = budget.lease().grow(10).unwrap_err();
        assert!(
            refusal.message.ends_with("(2 queries run, whose memory counts too: `query.memory` bounds each)"),
            "{refusal}"
        );
        budget.set_resident_bytes_max(None);
        budget.lease().grow(10).unwrap();
    }
}
