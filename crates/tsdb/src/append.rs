//! Storing samples: what every way in ends with.

use model::Labels;

use crate::TsdbError;
use crate::batch::Batch;
use crate::db::{Completion, Tsdb};
use crate::outcome::Ingested;

impl Tsdb {
    /// An empty batch, for samples that arrive now. It takes the rules of admission with it: it is to be filled and
    /// appended at once, not kept.
    pub fn batch(&self) -> Batch {
        Batch::new(self.rules())
    }

    /// Stores a batch, one of [`Tsdb::decode`] too.
    ///
    /// `done` runs once what was taken of it is on disk and can be queried, or when nothing of it was stored. What was
    /// refused and why is in the outcome; the rest is stored all the same.
    pub fn append_batch(&self, batch: Batch, done: Completion) {
        self.log(batch, done);
    }

    /// [`Tsdb::append_batch`], waiting for the disk. Not to be called from a completion.
    ///
    /// # Errors
    /// Nothing was stored.
    pub fn append_batch_wait(&self, batch: Batch) -> Result<Ingested, TsdbError> {
        let (tx, rx) = std::sync::mpsc::sync_channel(1);
        self.append_batch(batch, Box::new(move |result| drop(tx.send(result))));
        rx.recv().unwrap_or(Err(TsdbError::Wal(wal::WalError::Closed)))
    }

    /// Stores floats (milliseconds since the epoch) in the given order, as [`Tsdb::append_batch`] does.
    pub fn append(&self, samples: Vec<(Labels, i64, f64)>, done: Completion) {
        let mut batch = self.batch();
        for (labels, t, v) in &samples {
            batch.series_of(labels).sample(*t, *v);
        }
        self.append_batch(batch, done);
    }

    /// [`Tsdb::append`], waiting for the disk. Not to be called from a completion.
    ///
    /// # Errors
    /// Nothing was stored.
    pub fn append_wait(&self, samples: Vec<(Labels, i64, f64)>) -> Result<Ingested, TsdbError> {
        let (tx, rx) = std::sync::mpsc::sync_channel(1);
        self.append(samples, Box::new(move |result| drop(tx.send(result))));
        rx.recv().unwrap_or(Err(TsdbError::Wal(wal::WalError::Closed)))
    }
}
