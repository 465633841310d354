//! Asks the server to read its configuration again.

use tokio::sync::{mpsc, oneshot};

/// What became of it: what was done, or why the old configuration stays.
pub type Outcome = Result<String, String>;

/// One more than one can wait for is refused: they would all read the same files.
const WAITING_MAX: usize = 4;

/// Asks; clones ask the same server.
#[derive(Clone)]
pub struct Reload(mpsc::Sender<oneshot::Sender<Outcome>>);

impl Reload {
    /// Who asks, and where the server hears it.
    pub fn new() -> (Self, mpsc::Receiver<oneshot::Sender<Outcome>>) {
        let (ask, hear) = mpsc::channel(WAITING_MAX);
        (Self(ask), hear)
    }

    /// Reads the configuration again.
    ///
    /// # Errors
    /// Why the old one stays.
    pub async fn ask(&self) -> Outcome {
        let (reply, answer) = oneshot::channel();
        self.0
            .try_send(reply)
            .map_err(|_| "another reload is running, or the server is starting or stopping".to_owned())?;
        answer.await.unwrap_or_else(|_| Err("the server is stopping".to_owned()))
    }
}
