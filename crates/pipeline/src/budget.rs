//! The memory that requests in flight may take together.
//!
//! Bodies are accounted while they are read and decompressed, so that
//! many large requests at once are refused as retryable and never become an
//! out-of-memory kill.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foundation::ErrorKind;

use crate::refusal::Refusal;

/// Bytes that requests in flight may hold together; clones share it.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner { limit, used: AtomicUsize::new(0) }))
    }

    /// An empty lease, to be grown while bytes arrive.
    pub fn lease(&self) -> Lease {
        Lease { budget: self.clone(), bytes: 0 }
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
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
        if used > inner.limit && used > self.bytes + more {
            inner.used.fetch_sub(more, Ordering::Relaxed);
            let message = format!(
                "requests in flight hold {} bytes and `memory.requests` is {}; send again later",
                used - more,
                inner.limit
            );
            return Err(Refusal::new(ErrorKind::UNAVAILABLE, message));
        }
        self.bytes += more;
        Ok(())
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
}
