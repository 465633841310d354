//! A chunk: up to [`SAMPLES_MAX`] samples of one series, compressed.
//!
//! The first byte names the kind of chunk: floats or native histograms (see
//! [`histogram`]). A chunk of floats stores times by their distances from a
//! line (see [`times`]) and values as whichever encoding fits (see [`values`]), with start times between them where
//! there are some.
//! Every value comes back bit for bit, NaN payloads and -0 included.
//! Knows no labels, files or checksums. Format: `docs/formats/tsdb.md`, "Chunk".

use std::ops::Range;

pub(crate) mod bits;
mod decimal;
pub(crate) mod histogram;
mod ints;
pub(crate) mod open;
mod pco;
mod samples;
mod starts;
mod stats;
mod times;
mod timestamps;
mod values;
mod xor;

use bits::{ByteReader, put_varint};

pub(crate) use samples::FloatColumns;
use samples::TimeSlot;
pub(crate) use times::TimesAt;

pub use samples::{HistogramSample, HistogramValue, Sample, SeriesSamples};
pub use starts::StartTimes;
pub use stats::{ChunkStats, CounterStats};

/// The bits of the NaN that marks a series as stale (Prometheus, `model/value`).
pub const STALE_NAN: u64 = model::STALE_NAN_BITS;

/// Whether `v` is the staleness marker; other NaNs are ordinary values.
pub const fn is_stale(v: f64) -> bool {
    v.to_bits() == STALE_NAN
}

/// Samples in one chunk, at most; a longer chunk is refused as damaged.
pub const SAMPLES_MAX: usize = 4096;

/// Floats as version 1 wrote them: times in a stream of bits.
const KIND_FLOAT_BITS: u8 = 1;
const KIND_FLOAT: u8 = 4;
/// Floats with their start times.
const KIND_FLOAT_STARTS: u8 = 5;

/// How long an encoder may try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For chunks that are written on the way in, and soon again.
    Quick,
    /// For chunks that stay.
    Thorough,
}

/// Encodes samples with strictly increasing times, and what is known of their start times.
///
/// # Panics
/// In debug builds when `samples` is empty, unsorted or longer than [`SAMPLES_MAX`]: the caller cuts chunks.
pub fn encode(samples: &[Sample], starts: &StartTimes, effort: Effort) -> Vec<u8> {
    encode_sharing(samples, starts, effort, &mut |_| None)
}

/// As [`encode`]; `share` gets the bytes of the times and may say where a block keeps them for several chunks.
pub(crate) fn encode_sharing(
    samples: &[Sample],
    starts: &StartTimes,
    effort: Effort,
    share: &mut dyn FnMut(&[u8]) -> Option<TimesAt>,
) -> Vec<u8> {
    debug_assert!(!samples.is_empty() && samples.len() <= SAMPLES_MAX);
    debug_assert!(samples.is_sorted_by(|a, b| a.t < b.t));
    let mut out = vec![if starts.is_empty() { KIND_FLOAT } else { KIND_FLOAT_STARTS }];
    put_varint(&mut out, samples.len() as u64);
    times::encode_sharing(samples, share, &mut out);
    if !starts.is_empty() {
        starts.encode(samples.len(), samples.first().map_or(0, |s| s.t), &mut out);
    }
    values::encode(samples, effort, &mut out);
    out
}

/// Where a block keeps the times of a chunk of any kind, and how many they are; `None` when the chunk has its own.
pub(crate) fn times_at(bytes: &[u8]) -> Option<(TimesAt, usize)> {
    let (kind, count, mut r) = begin(bytes)?;
    if kind == KIND_FLOAT_BITS { None } else { Some((times::place(&mut r)?, count)) }
}

/// The kind of a chunk and how many samples it has; the times come next.
fn begin(bytes: &[u8]) -> Option<(u8, usize, ByteReader<'_>)> {
    let mut r = ByteReader(bytes);
    let kind = r.u8()?;
    let count = r.len().filter(|n| (1..=SAMPLES_MAX).contains(n))?;
    Some((kind, count, r))
}

/// The times that a block keeps for chunks of `count` samples; `None` when the bytes are not that.
pub(crate) fn decode_times(bytes: &[u8], count: usize) -> Option<Vec<i64>> {
    times::decode_kept(bytes, count)
}

/// Appends the samples of a chunk of floats to `out`, in order of time, without their start times. `shared` are its times when
/// the block keeps them, and nothing otherwise.
///
/// Returns `None` when the bytes are not such a chunk; `out` may then hold part of it.
#[must_use]
pub fn decode(bytes: &[u8], shared: &[i64], out: &mut Vec<Sample>) -> Option<()> {
    decode_with(bytes, shared, out, |_, _| {})
}

/// As [`decode`]; `each_start` is called with places of `out` and the start time of what is there.
fn decode_with(
    bytes: &[u8],
    shared: &[i64],
    out: &mut Vec<Sample>,
    each_start: impl FnMut(Range<usize>, i64),
) -> Option<()> {
    let start = out.len();
    let mut values = decode_front(bytes, shared, out, each_start)?;
    values::decode(&mut values, out.get_mut(start..)?)
}

/// What stands before the values of a chunk of floats: times are appended to `out`, start times told. The values come next.
fn decode_front<'b, T: TimeSlot>(
    bytes: &'b [u8],
    shared: &[i64],
    out: &mut Vec<T>,
    mut each_start: impl FnMut(Range<usize>, i64),
) -> Option<ByteReader<'b>> {
    let (kind, count, mut r) = begin(bytes)?;
    let start = out.len();
    match kind {
        KIND_FLOAT | KIND_FLOAT_STARTS => times::decode(&mut r, count, shared, out)?,
        KIND_FLOAT_BITS => timestamps::decode(&mut r, count, out)?,
        _ => return None,
    }
    if kind == KIND_FLOAT_STARTS {
        let first_t = out.get(start)?.time();
        StartTimes::decode(&mut r, count, first_t, |run, t| each_start(start + run.start..start + run.end, t))?;
    }
    Some(r)
}

/// Appends the floats of a chunk, with start times that stand in it, to columns; `shared` as in [`decode`].
///
/// Returns `None` when the bytes are not a chunk of floats; `out` may then hold part of it.
#[must_use]
pub(crate) fn decode_columns(bytes: &[u8], shared: &[i64], out: &mut FloatColumns) -> Option<()> {
    let FloatColumns { times, values, starts } = out;
    let start = times.len();
    let mut rest = decode_front(bytes, shared, times, |places, t| starts.set(places, t))?;
    values.resize(times.len(), 0.0);
    values::decode(&mut rest, values.get_mut(start..)?)
}

/// Appends the samples of a chunk of any kind to `out`, in order of time; `shared` as in [`decode`].
///
/// Returns `None` when the bytes are not a chunk; `out` may then hold part of it.
#[must_use]
pub fn decode_any(bytes: &[u8], shared: &[i64], out: &mut SeriesSamples) -> Option<()> {
    if !holds_floats(bytes) {
        return histogram::decode(bytes, shared, &mut out.histograms);
    }
    let SeriesSamples { floats, starts, .. } = out;
    decode_with(bytes, shared, floats, |places, start| starts.set(places, start))
}

/// Whether the bytes begin as a chunk of floats does.
pub(crate) fn holds_floats(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(&(KIND_FLOAT | KIND_FLOAT_BITS | KIND_FLOAT_STARTS)))
}

/// Whether the bytes begin as a chunk of floats with start times does.
pub(crate) fn holds_starts(bytes: &[u8]) -> bool {
    bytes.first() == Some(&KIND_FLOAT_STARTS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decoded as columns it is the same.
    fn columns(bytes: &[u8], samples: &[Sample], starts: &StartTimes) {
        let mut back = FloatColumns::default();
        decode_columns(bytes, &[], &mut back).expect("own chunk");
        let both = back.times.iter().zip(&back.values).map(|(t, v)| Sample { t: *t, v: *v });
        assert_eq!(
            (both.collect::<Vec<_>>(), back.values.len(), &back.starts),
            (samples.to_vec(), samples.len(), starts)
        );
    }

    fn check(samples: &[Sample]) -> usize {
        let check = |effort| {
            let bytes = encode(samples, &StartTimes::default(), effort);
            let mut back = Vec::new();
            decode(&bytes, &[], &mut back).expect("own chunk");
            assert_eq!(back, samples);
            columns(&bytes, samples, &StartTimes::default());
            // One start time for all costs its distance, several cost themselves.
            for starts in [vec![samples[0].t.wrapping_sub(5000); samples.len()], (1..).take(samples.len()).collect()] {
                let starts: StartTimes = starts.into_iter().collect();
                let with_starts = encode(samples, &starts, effort);
                let mut back = SeriesSamples::default();
                decode_any(&with_starts, &[], &mut back).expect("own chunk");
                assert_eq!((&back.floats[..], &back.starts), (samples, &starts));
                columns(&with_starts, samples, &starts);
                if starts.of_all(samples.len()) == Some(samples[0].t.wrapping_sub(5000)) && !starts.is_empty() {
                    assert_eq!(with_starts.len(), bytes.len() + 3);
                }
            }
            bytes.len()
        };
        let quick = check(Effort::Quick);
        assert!(check(Effort::Thorough) <= quick);
        quick
    }

    fn series(n: i64, mut v: impl FnMut(i64) -> f64) -> Vec<Sample> {
        (0..n).map(|i| Sample { t: 1_700_000_000_000 + i * 15_000, v: v(i) }).collect()
    }

    #[test]
    fn special_values_come_back_bit_for_bit() {
        let odd = [
            f64::from_bits(STALE_NAN),
            f64::from_bits(0x7ff8_0000_0000_0001),
            f64::from_bits(0xfff8_dead_beef_0001),
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
            0.0,
            f64::MIN_POSITIVE,
            f64::MAX,
            5e-324,
            9_007_199_254_740_993.0,
        ];
        for v in odd {
            check(&series(1, |_| v));
            check(&series(3, |i| if i == 1 { v } else { 12.5 }));
            check(&series(240, |i| if i % 50 == 7 { v } else { i as f64 * 0.1 }));
        }
        check(&odd.iter().zip(0..).map(|(v, t)| Sample { t, v: *v }).collect::<Vec<_>>());
    }

    #[test]
    fn usual_series_are_small() {
        assert!(check(&series(240, |_| 42.0)) < 30, "constant");
        assert!(check(&series(240, |i| i as f64 * 1024.0)) < 40, "steady counter");
        assert!(check(&series(240, |i| (i * i % 97) as f64 / 100.0)) < 280, "two decimals");
        assert!(check(&series(240, |i| (i / 60) as f64)) < 60, "seldom changing");
    }

    #[test]
    fn times_that_a_block_keeps_cost_their_place() {
        let samples: Vec<Sample> = (0..240).map(|i| Sample { t: i * 15_000 + i * 7 % 5, v: i as f64 }).collect();
        let (mut kept, at) = (Vec::new(), TimesAt { offset: 1 << 30, len: 90 });
        let bytes = encode_sharing(&samples, &StartTimes::default(), Effort::Quick, &mut |times| {
            kept = times.to_vec();
            Some(at)
        });
        assert!(bytes.len() < 30 && kept.len() > 80);
        assert_eq!(times_at(&bytes), Some((at, 240)));
        let times = decode_times(&kept, 240).expect("own times");
        assert_eq!(decode_times(&kept, 2), None);
        let mut back = Vec::new();
        assert_eq!(decode(&bytes, &times[1..], &mut back), None, "times of another chunk");
        back.clear();
        decode(&bytes, &times, &mut back).expect("own chunk");
        assert_eq!(back, samples);
        assert_eq!(times_at(&encode(&samples, &StartTimes::default(), Effort::Quick)), None);
    }

    #[test]
    fn jitter_costs_its_range_and_gaps_cost_themselves() {
        let jitter = |i: i64| Sample { t: i * 15_000 + i * 7 % 4, v: 1.0 };
        assert!(check(&(0..240).map(jitter).collect::<Vec<_>>()) < 100);
        // The last one less late than the first.
        let early = |i: i64| Sample { t: i * 15_000 + 5 - i * 7 % 6, v: 1.0 };
        assert!(check(&(0..240).map(early).collect::<Vec<_>>()) < 120);
        let gaps = |i: i64| Sample { t: i * 15_000 + i / 100 * 3_600_000, v: 1.0 };
        assert!(check(&(0..240).map(gaps).collect::<Vec<_>>()) < 120);
    }

    #[test]
    fn extreme_times_come_back() {
        let ts = [i64::MIN, -1, 0, 1, i64::MAX];
        check(&ts.map(|t| Sample { t, v: 1.0 }));
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => (-100_000i64..100_000, 0u32..4).prop_map(|(n, e)| n as f64 / 10f64.powi(e as i32)),
            2 => any::<u64>().prop_map(f64::from_bits),
            1 => Just(f64::from_bits(STALE_NAN)),
            1 => (0i64..1 << 60).prop_map(|n| n as f64),
        ]
    }

    proptest! {
        #[test]
        fn any_samples_come_back(values in prop::collection::vec((value(), 1i64..40_000), 1..400), start in any::<i32>()) {
            let mut t = i64::from(start);
            let samples: Vec<Sample> = values.iter().map(|(v, step)| { t += step; Sample { t, v: *v } }).collect();
            check(&samples);
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for kind in [KIND_FLOAT, KIND_FLOAT_BITS, KIND_FLOAT_STARTS] {
                let mut out = Vec::new();
                let chunk = [&[kind], &bytes[..]].concat();
                let _ = (times_at(&chunk), decode_times(&bytes, 7));
                let _ = decode(&chunk, &[1; 7], &mut out);
                let _ = decode_columns(&chunk, &[1; 7], &mut FloatColumns::default());
                prop_assert!(out.len() <= SAMPLES_MAX);
            }
        }

        #[test]
        fn damaged_chunks_do_not_panic(at in 0usize..200, bit in 0u8..8, n in 2i64..240) {
            let effort = if n % 2 == 0 { Effort::Quick } else { Effort::Thorough };
            let starts = if n % 3 == 0 { (1..).map(|i| i / 7).take(n as usize).collect() } else { StartTimes::default() };
            let mut bytes = encode(&series(n, |i| (i * 37 % 101) as f64 / 10.0 + (i % 3) as f64 * 1e6), &starts, effort);
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let mut out = Vec::new();
            let _ = decode(&bytes, &[], &mut out);
        }
    }
}
