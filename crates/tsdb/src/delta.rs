//! Delta streams: turns increases into the running totals that PromQL expects.
//!
//! OpenTelemetry metrics data model, "Delta-to-cumulative": the total of a
//! stream is the sum of its points; a point that is not newer than the one
//! before it is refused. The totals outlive the head: they are part of the
//! snapshot that a flush writes, and replay continues from it, so that a
//! restart changes no total.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::chunk::bits::{ByteReader, put_prefixed, put_signed, put_varint};

/// The state of one stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Total {
    /// Time of the newest point, milliseconds.
    pub(crate) t: i64,
    /// The sum of all points.
    pub(crate) v: f64,
}

/// All streams, by the canonical label bytes of their series.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeltaStreams(HashMap<Box<[u8]>, Total, FxBuildHasher>);

impl DeltaStreams {
    pub(crate) fn get(&self, key: &[u8]) -> Option<Total> {
        self.0.get(key).copied()
    }

    pub(crate) fn set(&mut self, key: &[u8], total: Total) {
        match self.0.get_mut(key) {
            Some(known) => *known = total,
            None => drop(self.0.insert(key.into(), total)),
        }
    }

    /// Forgets the streams whose newest point is before `t`.
    pub(crate) fn forget_before(&mut self, t: i64) {
        self.0.retain(|_, total| total.t >= t);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut streams: Vec<_> = self.0.iter().collect();
        streams.sort_unstable_by(|a, b| a.0.cmp(b.0));
        put_varint(out, streams.len() as u64);
        for (key, total) in streams {
            put_prefixed(out, key);
            put_signed(out, total.t);
            out.extend_from_slice(&total.v.to_bits().to_le_bytes());
        }
    }

    pub(crate) fn decode(r: &mut ByteReader<'_>) -> Option<Self> {
        let mut streams = Self::default();
        for _ in 0..r.len()? {
            let key = r.prefixed()?;
            let total = Total { t: r.signed()?, v: f64::from_bits(r.u64()?) };
            streams.0.insert(key.into(), total);
        }
        Some(streams)
    }
}
