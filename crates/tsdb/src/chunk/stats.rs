//! What a chunk of floats adds up to, so that a query over all of it need not decode it.
//!
//! Only chunks without NaN and infinities have statistics: what those do to a
//! sum or a maximum is for the one who reads the samples to say.
//! Format: `docs/formats/tsdb.md`, "Statistics".

use super::bits::{ByteReader, put_signed, put_varint};
use super::decimal;
use super::samples::Sample;

/// Statistics of the floats of a chunk, all of them finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChunkStats {
    /// Time of the first sample, milliseconds.
    pub first_t: i64,
    /// Time of the last sample.
    pub last_t: i64,
    /// How many samples there are.
    pub count: u32,
    /// The first value.
    pub first: f64,
    /// The last value.
    pub last: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// The sum, compensated (Neumaier).
    pub sum: f64,
    /// As a counter; `None` when values fall so often that this is no counter.
    pub counter: Option<CounterStats>,
}

/// How a chunk of a counter grew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CounterStats {
    /// How often a value was smaller than the one before.
    pub resets: u32,
    /// Last less first value, with the value before each reset added (Prometheus' `increase` without extrapolation).
    pub increase: f64,
}

/// More resets than one in this many samples, and it is no counter.
const SAMPLES_PER_RESET: u32 = 4;

const NONE: u8 = 0;
const EQUAL: u8 = 1;
/// Never falls: minimum, maximum and increase follow from first and last.
const RISING: u8 = 2;
const COUNTER: u8 = 3;
const GAUGE: u8 = 4;

impl ChunkStats {
    /// `None` when there is no sample, a NaN or an infinity.
    pub(crate) fn of(samples: &[Sample]) -> Option<Self> {
        let (first, last) = (samples.first()?, samples.last()?);
        let (mut min, mut max, mut resets, mut before_resets) = (first.v, first.v, 0, 0.0);
        let (mut sum, mut lost, mut previous) = (0.0f64, 0.0f64, first.v);
        for s in samples {
            min = min.min(s.v);
            max = max.max(s.v);
            if s.v < previous {
                resets += 1;
                before_resets += previous;
            }
            previous = s.v;
            let next = sum + s.v;
            lost += if sum.abs() >= s.v.abs() { (sum - next) + s.v } else { (s.v - next) + sum };
            sum = next;
        }
        let sum = sum + lost;
        let count = u32::try_from(samples.len()).ok()?;
        let increase = last.v - first.v + before_resets;
        let counter = (resets * SAMPLES_PER_RESET <= count).then_some(CounterStats { resets, increase });
        let stats =
            Self { first_t: first.t, last_t: last.t, count, first: first.v, last: last.v, min, max, sum, counter };
        // A NaN or an infinity anywhere makes the sum one.
        (sum.is_finite() && increase.is_finite()).then_some(stats)
    }

    /// Appends the statistics without times and count, which stand beside them.
    pub(crate) fn encode(stats: Option<&Self>, out: &mut Vec<u8>) {
        let Some(s) = stats else { return out.push(NONE) };
        let form = s.form();
        match s.exponent(form) {
            Some(e) => {
                out.push(form | e << 3);
                s.put_numbers(form, e, out);
            }
            None => {
                out.push(form | RAW_EXPONENT << 3);
                s.floats(form).iter().for_each(|v| out.extend_from_slice(&v.to_bits().to_le_bytes()));
            }
        }
        if form == COUNTER
            && let Some(c) = &s.counter
        {
            put_varint(out, u64::from(c.resets));
            out.extend_from_slice(&c.increase.to_bits().to_le_bytes());
        }
    }

    fn form(&self) -> u8 {
        let bits = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let rising = self.counter == Some(CounterStats { resets: 0, increase: self.last - self.first })
            && bits(self.min, self.first)
            && bits(self.max, self.last);
        match self.counter {
            _ if rising && bits(self.first, self.last) && bits(self.sum, self.first * f64::from(self.count)) => EQUAL,
            _ if rising => RISING,
            Some(_) => COUNTER,
            None => GAUGE,
        }
    }

    /// What a form holds, but for the counter.
    fn floats(&self, form: u8) -> Vec<f64> {
        let all = [self.first, self.last, self.sum, self.min, self.max];
        all.into_iter().take(floats_of(form)).collect()
    }

    /// The power of ten under which all floats of a form are whole, if there is one.
    fn exponent(&self, form: u8) -> Option<u8> {
        let floats = self.floats(form);
        (0..RAW_EXPONENT).find(|e| floats.iter().all(|v| decimal::number(*v, *e).is_some()))
    }

    /// First, the way to the last, the sum by its distance from that of a straight line, minimum and maximum by their
    /// distance from the smaller and the larger of first and last.
    fn put_numbers(&self, form: u8, e: u8, out: &mut Vec<u8>) {
        let n = |v| decimal::number(v, e).unwrap_or_default();
        let (first, last) = (n(self.first), n(self.last));
        put_signed(out, first);
        if form == EQUAL {
            return;
        }
        put_signed(out, last.wrapping_sub(first));
        put_signed(out, n(self.sum).wrapping_sub(line_sum(first, last, self.count)));
        if form != RISING {
            put_signed(out, first.min(last).wrapping_sub(n(self.min)));
            put_signed(out, n(self.max).wrapping_sub(first.max(last)));
        }
    }

    /// Reads what [`ChunkStats::encode`] wrote; the outer `None` is damage. The highest bit of the first byte is not ours.
    pub(crate) fn decode(r: &mut ByteReader<'_>, first_t: i64, last_t: i64, count: u32) -> Option<Option<Self>> {
        let head = r.u8()?;
        let (form, e) = (head & 7, (head & 0x7f) >> 3);
        if form == NONE {
            return (e == 0).then_some(None);
        }
        if form > GAUGE || e > RAW_EXPONENT {
            return None;
        }
        let mut s;
        if e == RAW_EXPONENT {
            let mut float = || r.u64().map(f64::from_bits);
            s = Self::equal(float()?, first_t, last_t, count);
            if form != EQUAL {
                (s.last, s.sum) = (float()?, float()?);
            }
            if form == COUNTER || form == GAUGE {
                (s.min, s.max) = (float()?, float()?);
            }
        } else {
            let value = |n| decimal::value(n, e);
            let first = r.signed()?;
            s = Self::equal(value(first)?, first_t, last_t, count);
            if form != EQUAL {
                let last = first.wrapping_add(r.signed()?);
                s.last = value(last)?;
                s.sum = value(line_sum(first, last, count).wrapping_add(r.signed()?))?;
                if form != RISING {
                    s.min = value(first.min(last).wrapping_sub(r.signed()?))?;
                    s.max = value(first.max(last).wrapping_add(r.signed()?))?;
                }
            }
        }
        if form == RISING {
            s.max = s.last;
            s.counter = Some(CounterStats { resets: 0, increase: s.last - s.first });
        }
        if form == COUNTER {
            let resets = u32::try_from(r.varint()?).ok()?;
            s.counter = Some(CounterStats { resets, increase: f64::from_bits(r.u64()?) });
        }
        if form == GAUGE {
            s.counter = None;
        }
        Some(Some(s))
    }

    /// Those of `count` equal values.
    fn equal(v: f64, first_t: i64, last_t: i64, count: u32) -> Self {
        let counter = Some(CounterStats { resets: 0, increase: 0.0 });
        Self { first_t, last_t, count, first: v, last: v, min: v, max: v, sum: v * f64::from(count), counter }
    }

    /// Reads the statistics of a block of version 2, where each number has its own exponent.
    pub(crate) fn decode_v2(r: &mut ByteReader<'_>, first_t: i64, last_t: i64, count: u32) -> Option<Option<Self>> {
        let form = r.u8()?;
        if form == NONE {
            return Some(None);
        }
        let mut s = Self::equal(take_float(r)?, first_t, last_t, count);
        if form == EQUAL {
            return Some(Some(s));
        }
        s.last = take_float(r)?;
        s.sum = take_float(r)?;
        s.max = s.last;
        s.counter = Some(CounterStats { resets: 0, increase: s.last - s.first });
        if form == RISING {
            return Some(Some(s));
        }
        s.min = take_float(r)?;
        s.max = take_float(r)?;
        s.counter = match form {
            COUNTER => Some(CounterStats { resets: u32::try_from(r.varint()?).ok()?, increase: take_float(r)? }),
            GAUGE => None,
            _ => return None,
        };
        Some(Some(s))
    }
}

/// The sum of `count` numbers on a line from `first` to `last`; wraps.
fn line_sum(first: i64, last: i64, count: u32) -> i64 {
    ((i128::from(first) + i128::from(last)) * i128::from(count) / 2) as i64
}

/// How many floats a form holds.
const fn floats_of(form: u8) -> usize {
    match form {
        EQUAL => 1,
        RISING => 3,
        _ => 5,
    }
}

/// Stands for floats with all their bits in the place of an exponent.
const RAW_EXPONENT: u8 = 10;

/// In version 2: stands for a float with all its bits, where others name a power of ten.
const RAW: u8 = 0xff;

fn take_float(r: &mut ByteReader<'_>) -> Option<f64> {
    match r.u8()? {
        RAW => r.u64().map(f64::from_bits),
        e => decimal::value(r.signed()?, e),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn samples(values: &[f64]) -> Vec<Sample> {
        (0..).zip(values).map(|(t, v)| Sample { t, v: *v }).collect()
    }

    fn check(values: &[f64]) -> Option<ChunkStats> {
        let stats = ChunkStats::of(&samples(values));
        let mut out = Vec::new();
        ChunkStats::encode(stats.as_ref(), &mut out);
        let mut r = ByteReader(&out);
        let count = values.len() as u32;
        assert_eq!(ChunkStats::decode(&mut r, 0, i64::from(count) - 1, count), Some(stats), "{values:?}");
        assert!(r.0.is_empty());
        stats
    }

    #[test]
    fn resets_are_added_and_what_always_falls_is_no_counter() {
        let s = check(&[3.0, 5.0, 1.0, 4.0, 4.5, 0.25, 1.25, 2.0, 2.5]).unwrap();
        assert_eq!(s.counter, Some(CounterStats { resets: 2, increase: 9.0 }));
        assert_eq!((s.min, s.max, s.sum, s.count), (0.25, 5.0, 23.5, 9));
        assert_eq!(check(&[3.0, 2.0, 1.0]).unwrap().counter, None);
        assert_eq!(check(&[0.1; 10]).unwrap().min, 0.1);
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            assert_eq!(check(&[1.0, odd, odd]), None);
        }
        assert_eq!(check(&[]), None);
    }

    proptest! {
        #[test]
        fn any_statistics_come_back(whole in prop::collection::vec(-50i32..50, 0..40), odd in prop::collection::vec(any::<f64>(), 0..5)) {
            check(&whole.iter().map(|v| f64::from(*v) / 8.0).collect::<Vec<_>>());
            check(&odd);
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = ChunkStats::decode(&mut ByteReader(&bytes), 0, 1, 2);
            let _ = ChunkStats::decode_v2(&mut ByteReader(&bytes), 0, 1, 2);
        }
    }
}
