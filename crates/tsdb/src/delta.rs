//! Delta streams: turns increases into the running totals that PromQL expects.
//!
//! OpenTelemetry metrics data model, "Delta-to-cumulative": the total of a
//! stream is the sum of its points and counts since the start of the first
//! one. A point that is not newer than the one before it, or that began
//! before the stream did, is refused. A sender that restarts goes on adding:
//! its points begin later. The totals outlive the head: they are part of the
//! snapshot that a flush writes, and replay continues from it, so that a
//! restart of the engine changes no total.

use hashbrown::HashMap;
use model::histogram::Histogram;
use rustc_hash::FxBuildHasher;

use crate::chunk::HistogramValue;
use crate::chunk::bits::{ByteReader, put_prefixed, put_signed, put_varint};
use crate::histogram;
use crate::outcome::Refusal;

/// The state of one stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Total<V = f64> {
    /// Time of the newest point, milliseconds.
    pub(crate) t: i64,
    /// When the first point began, milliseconds; 0 when it did not say.
    pub(crate) start_t: i64,
    /// The sum of all points.
    pub(crate) v: V,
}

impl<V> Total<V> {
    /// Whether a point at `t` that began at `start_t` goes on with this stream.
    fn check(&self, t: i64, start_t: i64) -> Result<(), Refusal> {
        let older_start = start_t != 0 && start_t < self.start_t;
        if t <= self.t || older_start { Err(Refusal::DeltaOrder) } else { Ok(()) }
    }
}

type Streams<V> = HashMap<Box<[u8]>, Total<V>, FxBuildHasher>;

/// All streams, by the canonical label bytes of their series.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeltaStreams {
    floats: Streams<f64>,
    histograms: Streams<Histogram<u64>>,
}

impl DeltaStreams {
    /// The total of a stream with an increase of `v`.
    pub(crate) fn with(&self, key: &[u8], t: i64, start_t: i64, v: f64) -> Result<Total, Refusal> {
        let Some(total) = self.floats.get(key) else { return Ok(Total { t, start_t, v }) };
        total.check(t, start_t)?;
        // A snapshot may hold a total of a build that let it become NaN: counting begins again, as after a reset.
        let v = if total.v.is_finite() { total.v + v } else { v };
        if v.is_finite() { Ok(Total { t, start_t: total.start_t, v }) } else { Err(Refusal::NotFinite) }
    }

    /// The total of a stream of histograms with one more. Custom bounds that changed begin the count again.
    pub(crate) fn with_histogram(
        &self,
        key: &[u8],
        t: i64,
        start_t: i64,
        h: &Histogram<u64>,
    ) -> Result<Total<Histogram<u64>>, Refusal> {
        let Some(total) = self.histograms.get(key) else { return Ok(Total { t, start_t, v: h.clone() }) };
        total.check(t, start_t)?;
        let mut sum = total.v.clone();
        if !histogram::add(&mut sum, h) {
            return Ok(Total { t, start_t, v: h.clone() });
        }
        if sum.sum.is_finite() { Ok(Total { t, start_t: total.start_t, v: sum }) } else { Err(Refusal::NotFinite) }
    }

    pub(crate) fn set(&mut self, key: &[u8], total: Total) {
        set(&mut self.floats, key, total);
    }

    pub(crate) fn set_histogram(&mut self, key: &[u8], total: Total<Histogram<u64>>) {
        set(&mut self.histograms, key, total);
    }

    /// Forgets the streams whose newest point is before `t`.
    pub(crate) fn forget_before(&mut self, t: i64) {
        self.floats.retain(|_, total| total.t >= t);
        self.histograms.retain(|_, total| total.t >= t);
    }

    /// Whether a series is made of increases.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.floats.contains_key(key) || self.histograms.contains_key(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.floats.len() + self.histograms.len()
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put(&self.floats, out, |v, out| out.extend_from_slice(&v.to_bits().to_le_bytes()));
        put(&self.histograms, out, |h, out| histogram::encode(&HistogramValue::Int(h.clone().into()), out));
    }

    pub(crate) fn decode(r: &mut ByteReader<'_>) -> Option<Self> {
        let float = |r: &mut ByteReader<'_>| r.u64().map(f64::from_bits);
        let histogram = |r: &mut ByteReader<'_>| match histogram::decode(r)? {
            HistogramValue::Int(h) => Some(std::sync::Arc::unwrap_or_clone(h)),
            HistogramValue::Float(_) => None,
        };
        Some(Self { floats: take(r, float)?, histograms: take(r, histogram)? })
    }

    /// The streams of a snapshot of version 1: no start times, no histograms.
    pub(crate) fn decode_v1(r: &mut ByteReader<'_>) -> Option<Self> {
        let mut streams = Self::default();
        for _ in 0..r.len()? {
            let key = r.prefixed()?;
            let total = Total { t: r.signed()?, start_t: 0, v: f64::from_bits(r.u64()?) };
            streams.floats.insert(key.into(), total);
        }
        Some(streams)
    }
}

fn set<V>(streams: &mut Streams<V>, key: &[u8], total: Total<V>) {
    match streams.get_mut(key) {
        Some(known) => *known = total,
        None => drop(streams.insert(key.into(), total)),
    }
}

fn put<V>(streams: &Streams<V>, out: &mut Vec<u8>, value: impl Fn(&V, &mut Vec<u8>)) {
    let mut streams: Vec<_> = streams.iter().collect();
    streams.sort_unstable_by(|a, b| a.0.cmp(b.0));
    put_varint(out, streams.len() as u64);
    for (key, total) in streams {
        put_prefixed(out, key);
        put_signed(out, total.t);
        put_signed(out, total.start_t);
        value(&total.v, out);
    }
}

fn take<V>(r: &mut ByteReader<'_>, value: impl Fn(&mut ByteReader<'_>) -> Option<V>) -> Option<Streams<V>> {
    let mut streams = Streams::default();
    for _ in 0..r.len()? {
        let key = r.prefixed()?;
        let (t, start_t) = (r.signed()?, r.signed()?);
        streams.insert(key.into(), Total { t, start_t, v: value(r)? });
    }
    Some(streams)
}
