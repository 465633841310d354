//! Chunks of native histograms as Prometheus has them, one histogram each.
//!
//! Source: Prometheus, `tsdb/chunkenc/histogram.go`, `float_histogram.go` and `histogram_meta.go`. A chunk of several
//! histograms saves space only; one of one needs no memory of the one before. Only written: nobody sends such chunks to us.

use model::histogram::{BucketSpan, CounterReset, Histogram};

use super::bits::Bits;

/// The number of whole counts in `prometheus.Chunk`.
pub(super) const INT_ENCODING: u64 = 2;
/// The number of float counts.
pub(super) const FLOAT_ENCODING: u64 = 3;

/// A chunk of one histogram of whole counts.
pub(super) fn encode_int(t: i64, h: &Histogram<u64>) -> Vec<u8> {
    let mut out = head(h);
    out.varbit_int(t);
    let stale = h.is_stale();
    out.varbit_uint(if stale { 0 } else { h.count });
    out.varbit_uint(if stale { 0 } else { h.zero_count });
    out.write(h.sum.to_bits(), 64);
    for counts in [&h.positive, &h.negative].into_iter().filter(|_| !stale) {
        let mut before = 0;
        for count in counts {
            out.varbit_int(count.wrapping_sub(before) as i64);
            before = *count;
        }
    }
    out.into_bytes()
}

/// A chunk of one histogram of float counts.
pub(super) fn encode_float(t: i64, h: &Histogram<f64>) -> Vec<u8> {
    let mut out = head(h);
    out.varbit_int(t);
    let stale = h.is_stale();
    let counts = if stale { [0.0; 2] } else { [h.count, h.zero_count] };
    counts.iter().chain([&h.sum]).for_each(|v| out.write(v.to_bits(), 64));
    for count in h.positive.iter().chain(&h.negative).filter(|_| !stale) {
        out.write(count.to_bits(), 64);
    }
    out.into_bytes()
}

/// Count of samples, the hint, and the layout of the buckets; a stale marker has none.
fn head<N>(h: &Histogram<N>) -> Bits {
    let hint = match h.counter_reset {
        CounterReset::Unknown => 0,
        CounterReset::NotReset => 0x40,
        CounterReset::Reset => 0x80,
        CounterReset::Gauge => 0xc0,
    };
    let mut out = Bits::after(vec![0, 1, hint]);
    if h.is_stale() {
        zero_threshold(&mut out, 0.0);
        out.varbit_int(0);
        spans(&mut out, &[]);
        spans(&mut out, &[]);
        return out;
    }
    zero_threshold(&mut out, h.zero_threshold);
    out.varbit_int(i64::from(h.schema));
    spans(&mut out, &h.positive_spans);
    spans(&mut out, &h.negative_spans);
    if h.has_custom_bounds() {
        out.varbit_uint(h.custom_bounds.len() as u64);
        h.custom_bounds.iter().for_each(|bound| custom_bound(&mut out, *bound));
    }
    out
}

fn spans(out: &mut Bits, spans: &[BucketSpan]) {
    out.varbit_uint(spans.len() as u64);
    for span in spans {
        out.varbit_uint(u64::from(span.length));
        out.varbit_int(i64::from(span.offset));
    }
}

/// A power of two from 2^-243 to 2^10 takes a byte.
fn zero_threshold(out: &mut Bits, threshold: f64) {
    if threshold == 0.0 {
        return out.write(0, 8);
    }
    let bits = threshold.to_bits();
    // Go's `frexp` has a fraction of a half where IEEE 754 has one of one.
    let exponent = (bits >> 52) as i64 - 1022;
    if bits << 12 == 0 && (-242..=11).contains(&exponent) {
        return out.write((exponent + 243) as u64, 8);
    }
    out.write(255, 8);
    out.write(bits, 64);
}

/// Thousandths up to 33554.430 as whole numbers, others as they are behind a zero.
fn custom_bound(out: &mut Bits, bound: f64) {
    let thousandths = (bound * 1000.0).round();
    if (0.0..=33_554_430.0).contains(&thousandths) && bound >= 0.0 && thousandths / 1000.0 == bound {
        return out.varbit_uint(thousandths as u64 + 1);
    }
    out.write(0, 1);
    out.write(bound.to_bits(), 64);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn thresholds_that_are_powers_of_two_take_a_byte() {
        let of = |threshold| {
            let mut out = Bits::after(Vec::new());
            zero_threshold(&mut out, threshold);
            out.into_bytes()
        };
        assert_eq!((of(0.0), of(0.5), of(1024.0)), (vec![0], vec![243], vec![254]));
        assert_eq!(of(2f64.powi(-128)), [116]);
        assert_eq!(of(0.001).len(), 9);
        assert_eq!(of(2048.0).len(), 9);
    }

    #[test]
    fn whole_numbers_take_the_narrowest_class() {
        let bits = |value| {
            let mut out = Bits::after(Vec::new());
            out.varbit_int(value);
            hex(&out.into_bytes())
        };
        // 10 and three bits; 110 and six; eight ones and 64 bits.
        assert_eq!((bits(0), bits(4), bits(-3), bits(5)), ("00".into(), "a0".into(), "a8".into(), "c280".into()));
        assert_eq!(bits(i64::MIN), "ff8000000000000000");
    }

    #[test]
    fn a_stale_marker_has_no_buckets() {
        let marker = Histogram::<u64> {
            sum: f64::from_bits(model::STALE_NAN_BITS),
            count: 7,
            positive_spans: vec![BucketSpan { offset: 0, length: 1 }],
            positive: vec![7],
            ..Histogram::default()
        };
        let empty = Histogram { count: 0, positive_spans: Vec::new(), positive: Vec::new(), ..marker.clone() };
        assert_eq!(encode_int(5, &marker), encode_int(5, &empty));
    }
}
