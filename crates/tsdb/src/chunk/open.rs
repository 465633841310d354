//! The open chunk of a series: floats appended to a compressed stream of bits, a sample at a time.
//!
//! Times are differences of differences, values are XORed with the one before
//! (Pelkonen et al., "Gorilla", VLDB 2015): about 3 bytes a sample instead of
//! 16. The stream lives in memory only and may change with any build; sealing
//! turns it into a chunk. A snapshot is a copy of its bytes, so that a query
//! holds the lock of the series for no longer than that.

use super::bits::{BitReader, unzigzag, zigzag};
use super::{FloatColumns, Sample, StartTimes};

/// The stream grows in steps of this many bytes: doubling would leave half of it empty in every series.
const GROWTH_BYTES: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct OpenChunk {
    /// Whole words of the stream.
    bytes: Vec<u8>,
    /// The bits behind them, at the most significant end.
    pending: u64,
    /// Of the samples, when any has one.
    starts: Option<Box<StartTimes>>,
    first_t: i64,
    last_t: i64,
    /// Between the last two times.
    delta: i64,
    /// Bits of the last value.
    last_v: u64,
    count: u16,
    /// Bits in `pending`; below 64 between calls.
    held: u8,
    /// The window of differing bits that was written last.
    leading: u8,
    width: u8,
}

/// A copy of an open chunk.
#[derive(Debug, Clone)]
pub(crate) struct OpenSnapshot {
    pub(crate) min: i64,
    pub(crate) max: i64,
    count: u16,
    last_v: u64,
    stream: Box<[u8]>,
    starts: Option<Box<StartTimes>>,
}

impl OpenChunk {
    pub(crate) fn len(&self) -> usize {
        usize::from(self.count)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Memory of the stream and of the start times.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.capacity() + self.starts.as_ref().map_or(0, |s| size_of::<StartTimes>() + s.bytes())
    }

    /// First and last time; of an empty chunk a range that nothing touches.
    pub(crate) fn bounds(&self) -> (i64, i64) {
        if self.is_empty() { (i64::MAX, i64::MIN) } else { (self.first_t, self.last_t) }
    }

    /// Adds a sample that is newer than the last one and counts since `start_t`.
    pub(crate) fn push(&mut self, s: Sample, start_t: i64) {
        if start_t != 0 {
            let at = self.len();
            self.starts.get_or_insert_default().set(at..at + 1, start_t);
        }
        let bits = s.v.to_bits();
        if self.count == 0 {
            self.first_t = s.t;
            // A window that fits nothing, so that the first difference opens its own.
            (self.leading, self.width) = (64, 0);
            self.put(bits, 64);
        } else {
            let delta = s.t.wrapping_sub(self.last_t);
            self.put_time(zigzag(delta.wrapping_sub(self.delta)));
            self.delta = delta;
            self.put_value(bits ^ self.last_v);
        }
        (self.last_t, self.last_v) = (s.t, bits);
        self.count += 1;
    }

    fn put_time(&mut self, z: u64) {
        match z {
            0 => self.put(0, 1),
            0x1..0x80 => self.put(0b10 << 7 | z, 9),
            0x80..0x1000 => self.put(0b110 << 12 | z, 15),
            0x1000..0x10_0000 => self.put(0b1110 << 20 | z, 24),
            _ => {
                self.put(0b1111, 4);
                self.put(z, 64);
            }
        }
    }

    fn put_value(&mut self, x: u64) {
        if x == 0 {
            return self.put(0, 1);
        }
        let (lead, trail) = (x.leading_zeros().min(31), x.trailing_zeros());
        let (leading, width) = (u32::from(self.leading), u32::from(self.width));
        if lead >= leading && trail >= 64 - leading - width {
            self.put(0b10, 2);
            self.put(x >> (64 - leading - width), width);
        } else {
            let width = 64 - lead - trail;
            (self.leading, self.width) = (lead as u8, width as u8);
            self.put(0b11 << 11 | u64::from(lead) << 6 | u64::from(width - 1), 13);
            self.put(x >> trail, width);
        }
    }

    /// Writes the low `width` bits of `v`, which has no others; `1 <= width <= 64`.
    #[inline]
    fn put(&mut self, v: u64, width: u32) {
        let end = u32::from(self.held) + width;
        if end < 64 {
            self.pending |= v << (64 - end);
            self.held = end as u8;
            return;
        }
        let left = end - 64;
        let word = self.pending | v >> left;
        if self.bytes.len() + 8 > self.bytes.capacity() {
            self.bytes.reserve_exact(GROWTH_BYTES);
        }
        self.bytes.extend_from_slice(&word.to_be_bytes());
        self.pending = if left == 0 { 0 } else { v << (64 - left) };
        self.held = left as u8;
    }

    pub(crate) fn snapshot(&self) -> OpenSnapshot {
        let tail = usize::from(self.held).div_ceil(8);
        let mut stream = Vec::with_capacity(self.bytes.len() + tail);
        stream.extend_from_slice(&self.bytes);
        stream.extend_from_slice(self.pending.to_be_bytes().get(..tail).unwrap_or_default());
        let (min, max) = self.bounds();
        OpenSnapshot {
            min,
            max,
            count: self.count,
            last_v: self.last_v,
            stream: stream.into(),
            starts: self.starts.clone(),
        }
    }

    /// Appends all samples to `out` and begins anew; returns their start times. The room of the stream is given back: most
    /// series do not fill up at the same time.
    pub(crate) fn drain(&mut self, out: &mut Vec<Sample>) -> StartTimes {
        let mut all = std::mem::take(self);
        all.bytes.extend_from_slice(&all.pending.to_be_bytes());
        // The stream is our own, so that it reads back.
        out.reserve(all.len());
        let read = decode(&all.bytes, all.count, all.first_t, |t, v| out.push(Sample { t, v }));
        debug_assert!(read.is_some());
        all.starts.map(|starts| *starts).unwrap_or_default()
    }
}

impl OpenSnapshot {
    /// The newest sample.
    pub(crate) fn last(&self) -> Sample {
        Sample { t: self.max, v: f64::from_bits(self.last_v) }
    }

    /// Since when the samples count.
    pub(crate) fn starts(&self) -> Option<&StartTimes> {
        self.starts.as_deref()
    }

    /// Appends the samples; `None` when the stream is not one.
    pub(crate) fn decode(&self, out: &mut Vec<Sample>) -> Option<()> {
        out.reserve(usize::from(self.count));
        decode(&self.stream, self.count, self.min, |t, v| out.push(Sample { t, v }))
    }

    /// As [`OpenSnapshot::decode`], into columns and with start times.
    pub(crate) fn decode_columns(&self, out: &mut FloatColumns) -> Option<()> {
        let before = out.times.len();
        out.times.reserve(usize::from(self.count));
        out.values.reserve(usize::from(self.count));
        decode(&self.stream, self.count, self.min, |t, v| {
            out.times.push(t);
            out.values.push(v);
        })?;
        if let Some(starts) = self.starts() {
            out.starts.put(before, starts);
        }
        Some(())
    }
}

/// Calls `each` with the `count` samples of a stream that begins at time `t`; `None` when it is not one.
#[inline]
fn decode(stream: &[u8], count: u16, mut t: i64, mut each: impl FnMut(i64, f64)) -> Option<()> {
    if count == 0 {
        return Some(());
    }
    let mut r = BitReader::new(stream);
    let mut delta = 0i64;
    let mut v = r.take(64)?;
    let (mut leading, mut width) = (0u32, 0u32);
    each(t, f64::from_bits(v));
    for _ in 1..count {
        delta = delta.wrapping_add(unzigzag(take_time(&mut r)?));
        t = t.wrapping_add(delta);
        if r.take(1)? == 1 {
            if r.take(1)? == 1 {
                leading = r.take(5)? as u32;
                width = r.take(6)? as u32 + 1;
            }
            let shift = 64u32.checked_sub(leading + width).filter(|n| *n < 64)?;
            v ^= r.take(width)? << shift;
        }
        each(t, f64::from_bits(v));
    }
    Some(())
}

fn take_time(r: &mut BitReader<'_>) -> Option<u64> {
    for width in [0, 7, 12, 20] {
        if r.take(1)? == 0 {
            return if width == 0 { Some(0) } else { r.take(width) };
        }
    }
    r.take(64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            3 => Just(1.5),
            4 => (-100_000i64..100_000, 0u32..4).prop_map(|(n, e)| n as f64 / 10f64.powi(e as i32)),
            2 => any::<u64>().prop_map(f64::from_bits),
        ]
    }

    fn starts(samples: &[Sample]) -> StartTimes {
        samples.iter().map(|s| s.t / 9000).collect()
    }

    proptest! {
        #[test]
        fn samples_come_back_at_every_length(
            samples in prop::collection::vec((value(), prop_oneof![4 => Just(15_000i64), 2 => 1i64..40_000, 1 => 1i64..1 << 50]), 0..120),
            start in any::<i32>(),
        ) {
            let mut chunk = OpenChunk::default();
            let mut all = Vec::new();
            let mut t = i64::from(start);
            for (v, step) in samples {
                t += step;
                chunk.push(Sample { t, v }, t / 9000);
                all.push(Sample { t, v });
                let mut back = Vec::new();
                prop_assert!(chunk.snapshot().decode(&mut back).is_some());
                prop_assert_eq!(&back, &all);
                prop_assert_eq!(chunk.snapshot().starts().cloned().unwrap_or_default(), starts(&all));
            }
            prop_assert_eq!(chunk.len(), all.len());
            let mut back = Vec::new();
            prop_assert_eq!(chunk.drain(&mut back), starts(&all));
            prop_assert_eq!(back, all);
            prop_assert!(chunk.is_empty() && chunk.bytes() == 0);
        }
    }

    #[test]
    fn usual_series_take_few_bits() {
        let mut chunk = OpenChunk::default();
        (0..120).for_each(|i| chunk.push(Sample { t: i * 15_000, v: 42.0 }, 0));
        assert!(chunk.bytes() <= 64, "{} bytes for a constant", chunk.bytes());
    }
}
