//! What the log holds, and how it becomes memory again.
//!
//! A record is the request as it was received, followed by the limits it was
//! decoded with: replay decodes the same bytes with the same limits, so that
//! it takes the same records, gives them the same times and the same numbers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use foundation::UnixNanos;
use wal::{Generation, Wal};
use wire::otlp::Limits;

use super::Shared;
use crate::batch::{Batch, LogBatch, SpanBatch};
use crate::block::encode::Effort;
use crate::column::Damaged;
use crate::column::bytes::{Reader, put_signed, put_varint};
use crate::error::OpenError;
use crate::schema::Schema;

/// The version of the trailer, its last byte.
const TRAILER: u8 = 1;

/// A log record: request, limits, length of the limits (one byte), version (one byte).
pub(super) fn record(mut request: Vec<u8>, limits: &Limits) -> Vec<u8> {
    let begin = request.len();
    put_signed(&mut request, limits.accept_from.0);
    put_signed(&mut request, limits.accept_to.0);
    put_signed(&mut request, limits.now.0);
    for n in [
        limits.max_attributes,
        limits.max_value_bytes,
        limits.max_events,
        limits.max_links,
        limits.max_exemplars,
        limits.max_buckets,
    ] {
        put_varint(&mut request, n as u64);
    }
    let len = request.len() - begin;
    request.extend([len as u8, TRAILER]);
    request
}

fn split(record: &[u8]) -> Result<(&[u8], Limits), Damaged> {
    let (rest, [len, TRAILER]) = record.split_last_chunk::<2>().ok_or(Damaged("log record"))? else {
        return Err(Damaged("log record version"));
    };
    let at = rest.len().checked_sub(*len as usize).ok_or(Damaged("log record"))?;
    let (request, trailer) = rest.split_at(at);
    let mut r = Reader(trailer);
    let mut limits = Limits::new(UnixNanos(0));
    limits.accept_from = UnixNanos(r.signed()?);
    limits.accept_to = UnixNanos(r.signed()?);
    limits.now = UnixNanos(r.signed()?);
    for n in [
        &mut limits.max_attributes,
        &mut limits.max_value_bytes,
        &mut limits.max_events,
        &mut limits.max_links,
        &mut limits.max_exemplars,
        &mut limits.max_buckets,
    ] {
        *n = r.varint()? as usize;
    }
    Ok((request, limits))
}

fn decode(schema: Schema, record: &[u8]) -> Result<Batch, String> {
    let (request, limits) = split(record).map_err(|e| e.to_string())?;
    match schema {
        Schema::Logs => LogBatch::decode(request, &limits).map(|(b, _)| b.into_inner()),
        Schema::Spans => SpanBatch::decode(request, &limits).map(|(b, _)| b.into_inner()),
    }
    .map_err(|e| e.to_string())
}

/// Opens the log and brings what no segment has back to memory.
pub(super) fn open_log(shared: &Arc<Shared>, covered: Generation) -> Result<Wal, OpenError> {
    let mut options = wal::Options::new(shared.dir.join("wal"));
    options.max_pending_bytes = shared.config.wal_pending_bytes_max;
    options.min_free_bytes = shared.config.min_free_bytes;
    options.compress = shared.config.wal_compress;
    let mut replay = |generation: Generation, record: &[u8]| match decode(shared.schema, record) {
        Ok(batch) if batch.rows() == 0 => {}
        Ok(batch) => {
            shared.show(generation, batch);
            seal_full(shared);
        }
        Err(error) => {
            shared.replay_refused.fetch_add(1, Ordering::Relaxed);
            tracing::error!(store = shared.schema.dir(), generation, error, "a log record cannot be replayed");
        }
    };
    let (wal, report) = Wal::open(shared.disk.clone(), options, covered, &mut replay)?;
    if let Some(observer) = &shared.observer {
        observer.opened(wal.stats().generation);
    }
    let rows = shared.state.lock().active.rows();
    tracing::info!(store = shared.schema.dir(), rows, report = ?report, "log replayed");
    Ok(wal)
}

/// Replay can be longer than memory for batches: seals as it goes.
fn seal_full(shared: &Shared) {
    let sealing = {
        let state = shared.state.lock();
        state.active.seal_begin(false)
    };
    if !sealing.batches.is_empty() {
        let blocks = shared.encode(&sealing.batches, Effort::Full);
        shared.state.lock().active.seal_end(&sealing, blocks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gives_back_request_and_limits() {
        let limits = Limits { max_links: 7, ..Limits::accepting(UnixNanos(5), UnixNanos::MIN, UnixNanos::MAX) };
        let bytes = record(b"request".to_vec(), &limits);
        assert_eq!(split(&bytes), Ok((&b"request"[..], limits)));
        assert!(split(&bytes[..bytes.len() - 1]).is_err());
        assert!(split(&[]).is_err());
    }
}
