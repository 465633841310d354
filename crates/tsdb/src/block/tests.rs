//! Blocks written and read back, whole and damaged.

use std::path::Path;
use std::sync::Arc;

use foundation::disk::Disk as _;
use foundation::disk::sim::SimDisk;
use model::histogram::Histogram;
use model::{Labels, SpanId, TraceId};
use roaring::RoaringBitmap;

use super::*;
use crate::TsdbError;
use crate::chunk::{Effort, HistogramSample, HistogramValue, Sample, SeriesSamples};
use crate::exemplar::Exemplar;
use crate::postings::{ANY_PREFIX, LabelIndex as _};

fn labels_of(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn samples(n: i64, start: i64) -> Vec<Sample> {
    (0..n).map(|i| Sample { t: start + i * 1000, v: (i * 7 % 13) as f64 }).collect()
}

fn floats(n: i64, start: i64) -> SeriesSamples {
    SeriesSamples { floats: samples(n, start), ..SeriesSamples::default() }
}

/// Of a counter that began anew after 300 samples, and of one that says with every sample when it began.
fn counting(kind: &str) -> SeriesSamples {
    let floats = samples(1000, 10);
    let starts = floats.iter().enumerate().map(|(i, s)| match kind {
        "one" if i < 300 => 5,
        "one" => 300_000,
        _ => s.t - 1,
    });
    SeriesSamples { starts: starts.collect(), floats, histograms: Vec::new() }
}

/// Floats, then histograms, then floats again.
fn mixed() -> SeriesSamples {
    let histogram = |i: i64| {
        let h = Histogram::<u64> { count: i as u64 * 2, zero_count: i as u64 * 2, sum: 0.5, ..Histogram::default() };
        HistogramSample { t: 100_000 + i, start_t: 7, value: HistogramValue::Int(Arc::new(h)) }
    };
    let mut floats = samples(10, 0);
    floats.extend(samples(10, 200_000));
    SeriesSamples { floats, histograms: (0..300).map(histogram).collect(), ..SeriesSamples::default() }
}

/// What is scraped together, at uneven times.
fn scraped(n: i64) -> SeriesSamples {
    let floats = (0..500).map(|i| Sample { t: i * 1000 + i * 37 % 11, v: (i * n) as f64 });
    SeriesSamples { floats: floats.collect(), ..SeriesSamples::default() }
}

fn write(disk: &SimDisk, path: &Path) {
    disk.create_dir_all(Path::new("/b")).unwrap();
    let exemplar = Exemplar {
        t: 5,
        value: 0.5,
        trace_id: TraceId([1; 16]),
        span_id: SpanId([2; 8]),
        attributes: vec![("user".into(), "7".into())],
    };
    let mut w = BlockWriter::create(disk, path, Effort::Quick).unwrap();
    w.add(&labels_of(&[("__name__", "a"), ("job", "x")]), &floats(1000, 10), &[&exemplar]).unwrap();
    w.add(&labels_of(&[("__name__", "a"), ("job", "y")]), &SeriesSamples::default(), &[]).unwrap();
    w.add(&labels_of(&[("__name__", "b"), ("job", "x")]), &floats(3, -5000), &[]).unwrap();
    w.add(&labels_of(&[("__name__", "c")]), &mixed(), &[]).unwrap();
    for kind in ["each", "one"] {
        w.add(&labels_of(&[("__name__", "d"), ("kind", kind)]), &counting(kind), &[]).unwrap();
    }
    for n in 0..4 {
        w.add(&labels_of(&[("__name__", "e"), ("n", &n.to_string())]), &scraped(n), &[]).unwrap();
    }
    w.finish().unwrap();
}

#[test]
fn what_was_written_is_read() {
    let (disk, path) = (SimDisk::new(1), Path::new("/b/1"));
    write(&disk, path);
    let block = Arc::new(Block::open(&disk, path, 1).unwrap());
    assert_eq!((block.bounds(), block.samples(), block.series_count()), ((-5000, 999_010), 5323, 9));
    let mut found = Vec::new();
    block
        .entries(&block.all(), &mut |s| {
            found.push(s);
            Ok(())
        })
        .unwrap();
    assert_eq!(found[0].labels, labels_of(&[("__name__", "a"), ("job", "x")]));
    assert_eq!(found[0].exemplars[0].attributes, [("user".to_owned(), "7".to_owned())]);
    let read = |s: &StoredSeries| {
        let mut back = SeriesSamples::default();
        s.chunks.iter().for_each(|c| block.read_chunk(c, &mut TimesCache::default(), &mut back).unwrap());
        back
    };
    assert_eq!(read(&found[0]), floats(1000, 10));
    assert_eq!(read(&found[2]), mixed());
    assert_eq!((read(&found[3]), read(&found[4])), (counting("each"), counting("one")));
    let told =
        |s: &StoredSeries| s.chunks.iter().map(|c| (c.start, c.stats.unwrap().counter.is_some())).collect::<Vec<_>>();
    // The second chunk has both starts; values fall too often for a counter there, as in all others.
    assert_eq!(told(&found[4]).iter().map(|c| c.0).collect::<Vec<_>>(), [5, 5, 300_000, 300_000, 300_000]);
    let len = |s: &StoredSeries| s.chunks.iter().map(|c| c.len).collect::<Vec<_>>();
    assert_eq!(len(&found[4])[2..4], len(&found[0])[2..4], "one start time costs its chunk nothing");
    // Two stand alone, the second writes times for those that follow.
    let (alone, shared) = (len(&found[5]), len(&found[7]));
    assert!(shared.iter().zip(&alone).all(|(shared, alone)| shared + 10 < *alone), "{shared:?}, {alone:?}");
    let mut times = TimesCache::default();
    for (n, s) in (0..).zip(&found[5..]) {
        let mut back = SeriesSamples::default();
        s.chunks.iter().for_each(|c| block.read_chunk(c, &mut times, &mut back).unwrap());
        assert_eq!((&back, read(s)), (&scraped(n), scraped(n)));
    }
    let mut only_floats = Vec::new();
    found[2].chunks.iter().for_each(|c| block.read_floats(c, &mut only_floats).unwrap());
    assert_eq!(only_floats, mixed().floats);
    assert_eq!(block.with_value("job", "x").unwrap(), RoaringBitmap::from_iter([0, 1]));
    assert_eq!(block.with_value("job", "y").unwrap().len(), 0, "a series without samples is not there");
    assert_eq!(block.with_values("__name__", ANY_PREFIX, &mut |v| v > "a").unwrap(), RoaringBitmap::from_iter(1..9));
}

#[test]
fn every_flipped_bit_is_an_error_or_harmless() {
    let clean = SimDisk::new(1);
    let path = Path::new("/b/1");
    write(&clean, path);
    let len = clean.read(path).unwrap().len();
    let mut errors = 0;
    for at in 0..len {
        clean.flip_bit(path, at, (at % 8) as u8).unwrap();
        errors += u32::from(read_all(&clean, path).is_err());
        clean.flip_bit(path, at, (at % 8) as u8).unwrap();
    }
    // Everything is under a checksum or compared with a constant.
    assert_eq!(errors as usize, len);
    read_all(&clean, path).unwrap();
}

fn read_all(disk: &SimDisk, path: &Path) -> Result<(), TsdbError> {
    let block = Block::open(disk, path, 1)?;
    for name in ["__name__", "job", "kind", "n"] {
        block.with_values(name, ANY_PREFIX, &mut |_| true)?;
    }
    block.entries(&block.all(), &mut |s| {
        let mut out = SeriesSamples::default();
        let mut times = TimesCache::default();
        s.chunks.iter().try_for_each(|c| block.read_chunk(c, &mut times, &mut out))
    })
}
