//! Histograms come back bit for bit, in few bytes, and damaged bytes are refused within bounds.

use model::histogram::CUSTOM_BUCKETS_SCHEMA;
use proptest::prelude::*;

use super::*;

/// Encodes in as many chunks as it takes; returns the bytes.
fn check(samples: &[HistogramSample]) -> usize {
    let (mut rest, mut bytes, mut back) = (samples, 0, Vec::new());
    while !rest.is_empty() {
        let len = shared_len(rest, 240);
        let (now, after) = rest.split_at(len);
        let chunk = encode(now).expect("can share a chunk");
        decode(&chunk, &[], &mut back).expect("own chunk");
        (rest, bytes) = (after, bytes + chunk.len());
    }
    assert_eq!(back.len(), samples.len());
    for (have, want) in back.iter().zip(samples) {
        assert_eq!(have, want);
    }
    bytes
}

fn span(offset: i32, length: u32) -> BucketSpan {
    BucketSpan { offset, length }
}

fn sample(t: i64, h: Histogram<u64>) -> HistogramSample {
    HistogramSample { t, start_t: 0, value: HistogramValue::Int(Arc::new(h)) }
}

/// A latency histogram that gets observations and now and then a new bucket.
fn growing(i: i64) -> Histogram<u64> {
    let buckets = 6 + (i / 60) as u32;
    let positive: Vec<u64> = (0..buckets).map(|b| (i as u64 + 1) * u64::from(b + 1) * 3).collect();
    Histogram {
        schema: 3,
        zero_threshold: 1e-128,
        zero_count: 2,
        count: positive.iter().sum::<u64>() + 2,
        sum: i as f64 * 1.25,
        positive_spans: vec![span(-7, 4), span(2, buckets - 4)],
        positive,
        counter_reset: if i == 0 { CounterReset::Unknown } else { CounterReset::NotReset },
        ..Histogram::default()
    }
}

#[test]
fn a_new_bucket_does_not_cut_the_chunk() {
    let samples: Vec<_> = (0..240).map(|i| sample(i * 15_000, growing(i))).collect();
    assert_eq!(shared_len(&samples, 240), 240);
    let bytes = check(&samples);
    assert!(bytes < 600, "{bytes} bytes for 240 histograms of up to 9 buckets");
}

#[test]
fn another_shape_cuts_the_chunk() {
    let mut samples: Vec<_> = (0..9).map(|i| sample(i, growing(i))).collect();
    samples[3] = sample(3, Histogram { schema: 2, ..growing(3) });
    samples[5] = sample(5, Histogram { zero_threshold: 0.5, ..growing(5) });
    samples[6] = HistogramSample { value: HistogramValue::Float(Arc::new((&growing(6)).into())), ..samples[6].clone() };
    let custom = Histogram { schema: CUSTOM_BUCKETS_SCHEMA, custom_bounds: vec![0.1, 1.0, 5.0], ..growing(8) };
    samples[8] = sample(8, custom);
    let cuts: Vec<usize> = (0..9).map(|from| shared_len(&samples[from..], 240)).collect();
    assert_eq!(cuts, [3, 2, 1, 1, 1, 1, 1, 1, 1]);
    assert!(encode(&samples).is_none());
    check(&samples);
}

#[test]
fn stale_markers_hints_and_start_times_are_kept() {
    let mut samples: Vec<_> = (0..6).map(|i| sample(i * 1000, growing(i))).collect();
    let stale = Histogram { sum: f64::from_bits(model::STALE_NAN_BITS), ..Histogram::default() };
    samples[0] = sample(0, stale.clone());
    samples[3] = sample(3000, Histogram { counter_reset: CounterReset::Gauge, ..stale });
    samples[4] = sample(4000, Histogram { counter_reset: CounterReset::Reset, count: 1_000_000, ..growing(4) });
    samples.iter_mut().skip(4).for_each(|s| s.start_t = 3500);
    assert_eq!(shared_len(&samples, 240), 6);
    check(&samples);
}

#[test]
fn what_does_not_fit_its_spans_is_refused() {
    let broken = [
        Histogram { positive: vec![1, 2], ..growing(0) },
        Histogram { positive_spans: vec![span(0, 3), span(-1, 3)], ..growing(0) },
        Histogram { negative_spans: vec![span(i32::MAX, 2)], negative: vec![1, 1], ..growing(0) },
        Histogram { negative_spans: vec![span(0, u32::MAX)], ..growing(0) },
    ];
    for h in broken {
        let s = sample(1, h);
        assert!(!s.value.is_well_formed());
        assert!(encode(&[s]).is_none());
    }
}

fn spans() -> impl Strategy<Value = Vec<BucketSpan>> {
    prop::collection::vec((0i32..5, 0u32..4), 0..4).prop_map(|v| v.into_iter().map(|(o, l)| span(o, l)).collect())
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0u64..1000, 1 => any::<u64>()]
}

fn histogram() -> impl Strategy<Value = Histogram<u64>> {
    let counts = (prop::collection::vec(count(), 12), prop::collection::vec(count(), 12), count(), count());
    let shape = (0i32..2, prop::collection::vec(any::<f64>(), 0..2), 0usize..4, any::<f64>());
    (spans(), spans(), counts, shape).prop_map(|(positive_spans, negative_spans, counts, shape)| {
        let buckets = |spans: &[BucketSpan]| spans.iter().map(|s| s.length as usize).sum::<usize>();
        Histogram {
            schema: shape.0,
            positive: counts.0[..buckets(&positive_spans)].to_vec(),
            negative: counts.1[..buckets(&negative_spans)].to_vec(),
            zero_count: counts.2,
            count: counts.3,
            custom_bounds: shape.1,
            counter_reset: HINTS[shape.2],
            sum: shape.3,
            zero_threshold: 0.001,
            positive_spans,
            negative_spans,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_histograms_come_back(list in prop::collection::vec((histogram(), any::<i16>()), 1..30), floats in any::<bool>()) {
        let samples: Vec<_> = list.into_iter().zip(0..).map(|((h, start), t)| {
            let value = if floats {
                HistogramValue::Float(Arc::new(h.map_counts(|n| f64::from_bits(*n))))
            } else {
                HistogramValue::Int(Arc::new(h))
            };
            HistogramSample { t, start_t: i64::from(start), value }
        }).collect();
        check(&samples);
    }

    #[test]
    fn damaged_chunks_are_read_within_bounds_or_refused(at in 0usize..600, bit in 0u8..8) {
        let samples: Vec<_> = (0..100).map(|i| sample(i, growing(i))).collect();
        let mut bytes = encode(&samples).expect("can share a chunk");
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let mut out = Vec::new();
        let _ = decode(&bytes, &[], &mut out);
        prop_assert!(out.len() <= crate::chunk::SAMPLES_MAX);
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in KIND_INT..=KIND_FLOAT) {
        let mut out = Vec::new();
        let _ = decode(&[&[kind], &bytes[..]].concat(), &[1; 5], &mut out);
        prop_assert!(out.len() <= crate::chunk::SAMPLES_MAX);
    }
}
