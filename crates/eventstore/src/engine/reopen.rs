//! Segments that could not be opened, tried again.
//!
//! What stood in the way may be gone: files open elsewhere, a disk that was
//! away, a copy put back from a backup. Until then answers over their range
//! are marked as partial.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use crate::segment::Segment;

/// Between two attempts.
pub(super) const PERIOD: Duration = Duration::from_secs(30);

/// Opens the missing segments that can be opened now.
pub(super) fn reopen(shared: &Shared) {
    if shared.state.lock().missing.is_empty() {
        return;
    }
    // Nothing is dropped by retention meanwhile.
    let _manifest = shared.flushing.lock();
    let missing = shared.state.lock().missing.clone();
    for info in missing {
        match Segment::open(&shared.disk, &shared.dir, shared.schema, info.clone(), &shared.dictionaries) {
            Ok(segment) => {
                tracing::info!(path = %info.path(&shared.dir).display(), "a segment could be opened again");
                let mut state = shared.state.lock();
                state.missing.retain(|m| m.id != info.id);
                state.segments.push(Arc::new(segment));
            }
            Err(error) => {
                tracing::debug!(path = %info.path(&shared.dir).display(), %error, "a segment still cannot be opened");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use foundation::disk::SharedDisk;
    use foundation::disk::sim::SimDisk;
    use model::LogRecord;

    use super::*;
    use crate::batch::LogBatch;
    use crate::config::Config;
    use crate::engine::Engine;
    use crate::schema::Schema;

    fn engine(disk: &SharedDisk) -> Engine {
        Engine::open(disk.clone(), Config::new("/store"), Schema::Logs, None).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_segment_that_is_back_answers_again() {
        let disk: SharedDisk = Arc::new(SimDisk::new(31));
        let first = engine(&disk);
        let request =
            wire::otlp::encode::logs_request(&[LogRecord { time: model::UnixNanos(5), ..LogRecord::default() }]);
        let limits = wire::otlp::Limits::new(model::UnixNanos(5));
        let (batch, _) = LogBatch::decode(&request, &limits).unwrap_or_else(|e| panic!("{e}"));
        first.ingest(request, batch.into_inner(), Box::new(|_| ()));
        first.flush();
        let path = first.shared().state.lock().segments[0].info.path(&first.shared().dir);
        drop(first);
        let elsewhere = std::path::Path::new("/elsewhere");
        assert!(disk.rename(&path, elsewhere).is_ok());
        let engine = engine(&disk);
        reopen(engine.shared());
        assert_eq!((engine.stats().segments, engine.shared().state.lock().missing.len()), (0, 1));
        assert!(disk.rename(elsewhere, &path).is_ok());
        reopen(engine.shared());
        assert_eq!((engine.stats().segments, engine.shared().state.lock().missing.len()), (1, 0));
    }
}
