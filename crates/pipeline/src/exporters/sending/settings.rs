//! `sending_queue`, `retry_on_failure` and `compression`, as the Collector's exporterhelper has them.
//!
//! Two defaults differ: the queue is on disk, bounded in bytes, and a request is tried until it is delivered
//! (`max_elapsed_time: 0`), because both it and the sender were told that it is safe.

use std::path::PathBuf;
use std::time::Duration;

use foundation::units::ByteSize;
use serde::{Deserialize, Serialize};

use super::batch::Batching;
use super::queue::Limits;
use crate::component::{Host, Refused, Setup};
use crate::config::{Collector, Interval};

/// Requests that wait for a back end take no more than this where nothing is said.
const QUEUE_BYTES_MAX: u64 = 2 << 30;
/// Requests that are sent at the same time where nothing is said.
const CONSUMERS: usize = 10;
const CONSUMERS_MAX: usize = 256;

/// `sending_queue`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::exporters) struct Queueing {
    pub(in crate::exporters) enabled: bool,
    pub(in crate::exporters) num_consumers: usize,
    /// In units of `sizer`.
    pub(in crate::exporters) queue_size: u64,
    pub(super) sizer: Sizer,
    pub(super) block_on_overflow: bool,
    /// An extension with a folder; the data directory where nothing is said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) storage: String,
    /// Taken and not needed: an answer comes when the request is safe.
    #[serde(skip_serializing)]
    pub(super) wait_for_result: Option<bool>,
    /// Puts small requests together; `None` sends them as they come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) batch: Option<Batching>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sizer {
    Requests,
    Items,
    Bytes,
}

impl Default for Queueing {
    fn default() -> Self {
        Self {
            enabled: true,
            num_consumers: CONSUMERS,
            queue_size: QUEUE_BYTES_MAX,
            sizer: Sizer::Bytes,
            block_on_overflow: false,
            storage: String::new(),
            wait_for_result: None,
            batch: None,
        }
    }
}

impl Queueing {
    /// One request at a time: they arrive in the order in which they came.
    pub(in crate::exporters) fn in_order() -> Self {
        Self { num_consumers: 1, ..Self::default() }
    }

    /// Checks what was written under `sending_queue`.
    pub(in crate::exporters) fn check(&mut self, setup: &mut Setup<'_>) -> Result<(), Refused> {
        let written = |name: &str| setup.node().get("sending_queue").is_some_and(|q| q.key(name).is_some());
        let (size, sizer, batch) = (written("queue_size"), written("sizer"), written("batch"));
        if size && !sizer {
            self.sizer = Sizer::Requests;
        }
        if sizer && !size && self.sizer != Sizer::Bytes {
            self.queue_size = 1_000_000;
        }
        if self.queue_size == 0 {
            return Err(setup.error("sending_queue.queue_size", "must be greater than zero"));
        }
        if self.num_consumers == 0 || self.num_consumers > CONSUMERS_MAX {
            let message = format!("must lie between 1 and {CONSUMERS_MAX}");
            return Err(setup.error("sending_queue.num_consumers", message));
        }
        // `batch:` with nothing behind it is batching with what is usual.
        if batch {
            self.batch.get_or_insert_default().check(self.enabled, setup)?;
        }
        Ok(())
    }

    pub(super) fn consumers(&self) -> usize {
        self.num_consumers
    }

    pub(super) fn limits(&self) -> Limits {
        let none = Limits { wait: self.block_on_overflow, ..Limits::NONE };
        match self.sizer {
            Sizer::Bytes => Limits { bytes: self.queue_size, ..none },
            Sizer::Requests => Limits { requests: self.queue_size, ..none },
            Sizer::Items => Limits { items: self.queue_size, ..none },
        }
    }

    /// The folder of the queue of `component`.
    pub(in crate::exporters) fn directory(&self, component: &str, host: &Host) -> Result<PathBuf, String> {
        let base = match self.storage.as_str() {
            "" => host.data_dir.join("queues"),
            id => match host.extensions.get(id).map(|provided| provided.storage.clone()) {
                Some(Some(storage)) => storage.directory.join("queues"),
                Some(None) => {
                    return Err(format!(
                        "the extension `{id}` of `sending_queue.storage` has no folder; use file_storage"
                    ));
                }
                None => {
                    return Err(format!(
                        "`{id}` of `sending_queue.storage` is not an extension that runs; name it in `service.extensions`"
                    ));
                }
            },
        };
        Ok(base.join(component.replace(['/', '\\'], "_")))
    }
}

/// `retry_on_failure`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::exporters) struct Retry {
    pub(in crate::exporters) enabled: bool,
    pub(in crate::exporters) initial_interval: Interval,
    pub(in crate::exporters) max_interval: Interval,
    /// 0 is for ever.
    pub(in crate::exporters) max_elapsed_time: Interval,
    pub(in crate::exporters) multiplier: f64,
    pub(in crate::exporters) randomization_factor: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            enabled: true,
            initial_interval: Interval::secs(1),
            max_interval: Interval::secs(30),
            max_elapsed_time: Interval::default(),
            multiplier: 1.5,
            randomization_factor: 0.5,
        }
    }
}

impl Retry {
    /// Checks what was written under `retry_on_failure`. Without a queue the sender waits, and not for ever.
    pub(in crate::exporters) fn check(&mut self, queued: bool, setup: &mut Setup<'_>) -> Result<(), Refused> {
        if self.initial_interval.0.is_zero() || self.max_interval < self.initial_interval {
            let message = "must be greater than zero, and not greater than `max_interval`";
            return Err(setup.error("retry_on_failure.initial_interval", message));
        }
        if !(1.0..=100.0).contains(&self.multiplier) {
            return Err(setup.error("retry_on_failure.multiplier", "must lie between 1 and 100"));
        }
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            return Err(setup.error("retry_on_failure.randomization_factor", "must lie between 0 and 1"));
        }
        if !queued && self.max_elapsed_time.0.is_zero() {
            self.max_elapsed_time = Interval::secs(30);
        }
        if queued && self.enabled && !self.max_elapsed_time.0.is_zero() {
            setup.warning(
                "retry_on_failure.max_elapsed_time",
                "drops requests that were acknowledged when a back end is down for longer",
                "leave it out, or write 0",
                Some(Collector::Accepts),
            );
        }
        Ok(())
    }

    pub(super) fn elapsed_max(&self) -> Option<Duration> {
        Some(self.max_elapsed_time.0).filter(|max| !max.is_zero())
    }
}

/// `compression`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::exporters) enum Compression {
    /// No compression.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// Work on more than this leaves the threads that serve sockets.
const INLINE_BYTES_MAX: usize = 16 << 10;

impl Compression {
    /// As `content-encoding` and `grpc-encoding` call it.
    pub(in crate::exporters) const fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// The compressed bytes.
    pub(in crate::exporters) fn compress(self, plain: bytes::Bytes) -> Result<bytes::Bytes, String> {
        if self == Self::None {
            return Ok(plain);
        }
        match plain.len() <= INLINE_BYTES_MAX {
            true => self.compress_here(&plain),
            false => tokio::task::block_in_place(|| self.compress_here(&plain)),
        }
    }

    fn compress_here(self, plain: &[u8]) -> Result<bytes::Bytes, String> {
        match self {
            Self::None => Ok(bytes::Bytes::copy_from_slice(plain)),
            Self::Gzip => {
                let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::fastest());
                let mut out = vec![0; compressor.gzip_compress_bound(plain.len())];
                let len = compressor.gzip_compress(plain, &mut out).map_err(|e| e.to_string())?;
                out.truncate(len);
                Ok(out.into())
            }
            Self::Zstd => zstd::bulk::compress(plain, 1).map(bytes::Bytes::from).map_err(|e| e.to_string()),
        }
    }
}

/// Bytes as people write them, for messages.
impl std::fmt::Display for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.requests, self.items, self.bytes) {
            (u64::MAX, u64::MAX, bytes) => write!(f, "{}", ByteSize(bytes)),
            (u64::MAX, items, _) => write!(f, "{items} items"),
            (requests, ..) => write!(f, "{requests} requests"),
        }
    }
}
