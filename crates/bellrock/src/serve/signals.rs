//! SIGINT and SIGTERM; SIGHUP.

use tokio::signal::unix::{SignalKind, signal};

/// Returns at the next SIGINT or SIGTERM.
pub(crate) async fn wait() -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// SIGHUP: read the configuration again.
pub(crate) fn hangup() -> std::io::Result<tokio::signal::unix::Signal> {
    signal(SignalKind::hangup())
}
