//! Who watches spans on their way into memory, and what the engine promises it.
//!
//! What is derived from spans (metrics, service graph, error groups) must
//! count each stored span once, whatever crashes. The log's generations make
//! that simple: an observer sees every batch in log order with its generation,
//! hears when a generation has ended, and is told to make its state of that
//! moment lasting before the generation is removed. After a crash it skips the
//! generations that its own state covers and counts the others again.

use std::io;

use wal::Generation;

use crate::batch::SpanColumns;

/// Sees every stored span once, in log order.
///
/// [`SpanObserver::spans`] and [`SpanObserver::ended`] run on the thread that
/// writes the log: waiting there holds up acknowledgements, which is how an
/// observer that cannot keep up slows the senders down.
pub trait SpanObserver: Send + Sync {
    /// A batch of `generation` is safe in the log. At open, those that are replayed come first.
    fn spans(&self, generation: Generation, spans: SpanColumns);

    /// No further batch of `generation` will come.
    fn ended(&self, generation: Generation);

    /// Makes lasting what was derived up to the end of `generation`; it is removed from the log afterwards. Runs on
    /// a background thread, after [`SpanObserver::ended`]; it may be asked again.
    ///
    /// # Errors
    /// The disk refused: the generation is kept, and the flush is tried again.
    fn checkpoint(&self, generation: Generation) -> io::Result<()>;

    /// Replay is over; batches from now on are of `generation`. One that the observer's state claims to cover
    /// means that its state belongs to another log.
    fn opened(&self, generation: Generation);
}
