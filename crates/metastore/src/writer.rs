//! The one thread that writes: it takes what waits, up to a number, and commits it as one transaction, so that a sync
//! is shared by all who came meanwhile.
//!
//! Every piece of work runs in a savepoint of its own: one that fails leaves no trace, and those beside it are written.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::MetaError;

/// Pieces of work that may wait; who comes then waits for room.
const WAITING_MAX: usize = 1024;
/// Pieces of work in one transaction.
const BATCH_MAX: usize = 256;

type Answer = Box<dyn FnOnce(Result<(), rusqlite::Error>) + Send>;
/// Does its part inside the savepoint; afterwards the answer is sent, with how the commit went.
type Work = Box<dyn FnOnce(&mut Transaction<'_>) -> Answer + Send>;

pub(crate) struct Writer {
    queue: Mutex<Option<SyncSender<Work>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> std::io::Result<Self> {
        let (queue, waiting) = sync_channel(WAITING_MAX);
        let thread =
            std::thread::Builder::new().name("metastore".to_owned()).spawn(move || write(connection, &waiting))?;
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, MetaError> + Send + 'static,
    ) -> Result<T, MetaError> {
        let queue = self.queue.lock().clone().ok_or(MetaError::Closed)?;
        let (answer, answered) = sync_channel(1);
        let job: Work = Box::new(move |transaction| {
            let result = in_savepoint(transaction, work);
            Box::new(move |committed| {
                let result = result.and_then(|value| committed.map(|()| value).map_err(MetaError::from));
                // Fails only when nobody waits any more.
                let _ = answer.send(result);
            })
        });
        queue.send(job).map_err(|_| MetaError::Closed)?;
        answered.recv().map_err(|_| MetaError::Closed)?
    }

    /// Lets what waits be written, then ends the thread.
    pub(crate) fn stop(&self) {
        *self.queue.lock() = None;
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn in_savepoint<T>(
    transaction: &mut Transaction<'_>,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, MetaError>,
) -> Result<T, MetaError> {
    transaction.execute_batch("SAVEPOINT piece")?;
    let result = work(transaction);
    let end = if result.is_ok() { "RELEASE piece" } else { "ROLLBACK TO piece; RELEASE piece" };
    transaction.execute_batch(end)?;
    result
}

fn write(mut connection: Connection, waiting: &Receiver<Work>) {
    while let Ok(first) = waiting.recv() {
        let mut answers = Vec::new();
        let committed = (|| {
            let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            answers.push(first(&mut transaction));
            while answers.len() < BATCH_MAX
                && let Ok(next) = waiting.try_recv()
            {
                answers.push(next(&mut transaction));
            }
            transaction.commit()
        })();
        match committed {
            Ok(()) => answers.into_iter().for_each(|answer| answer(Ok(()))),
            Err(e) => answers.into_iter().for_each(|answer| answer(Err(again(&e)))),
        }
    }
}

/// An error for each of those who share it.
fn again(e: &rusqlite::Error) -> rusqlite::Error {
    match e {
        rusqlite::Error::SqliteFailure(code, message) => rusqlite::Error::SqliteFailure(*code, message.clone()),
        other => rusqlite::Error::ToSqlConversionFailure(other.to_string().into()),
    }
}
