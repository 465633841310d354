//! SIGINT and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

/// Returns at the next SIGINT or SIGTERM.
pub(super) async fn wait() -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
