//! Whether a counter began anew between two histograms.

use super::flat::{common_bounds, index_in, zero_count_for};
use super::{FloatHistogram, bounds};
use model::histogram::{BucketSpan, CounterReset, buckets as indexed};

/// Whether `h` cannot follow `previous` in one counter: some count fell, or the buckets became finer.
///
/// A hint of `h` answers without looking.
pub(crate) fn detect_reset(h: &FloatHistogram, previous: &FloatHistogram) -> bool {
    match h.counter_reset {
        CounterReset::Reset => return true,
        CounterReset::NotReset => return false,
        CounterReset::Unknown | CounterReset::Gauge => {}
    }
    if h.count < previous.count {
        return true;
    }
    if h.has_custom_bounds() {
        if !previous.has_custom_bounds() {
            return true;
        }
        if h.custom_bounds != previous.custom_bounds {
            return any_common_bucket_fell(h, previous);
        }
    }
    if h.schema > previous.schema || h.zero_threshold < previous.zero_threshold {
        return true;
    }
    let (zero_count, threshold) = zero_count_for(previous, h.zero_threshold);
    if threshold != h.zero_threshold || h.zero_count < zero_count {
        return true;
    }
    any_fell(h, previous, |h| (&h.positive_spans, &h.positive))
        || any_fell(h, previous, |h| (&h.negative_spans, &h.negative))
}

/// Whether a bucket of one side holds less, or is missing where there was something.
fn any_fell(
    h: &FloatHistogram,
    previous: &FloatHistogram,
    side: fn(&FloatHistogram) -> (&[BucketSpan], &[f64]),
) -> bool {
    let ((spans, counts), (spans_before, counts_before)) = (side(h), side(previous));
    if h.schema == previous.schema && h.zero_threshold == previous.zero_threshold && spans == spans_before {
        return counts.iter().zip(counts_before).any(|(n, before)| n < before);
    }
    // Buckets within the zero bucket were compared there.
    let inside = |index: i32| !h.has_custom_bounds() && bounds::exponential(index, h.schema) <= h.zero_threshold;
    let mut now = indexed(spans, counts).skip_while(|(i, _)| inside(*i)).peekable();
    let mut before = Vec::with_capacity(counts_before.len());
    for (i, n) in indexed(spans_before, counts_before) {
        let i = if h.has_custom_bounds() { i } else { bounds::coarser(i, previous.schema, h.schema) };
        match before.last_mut() {
            Some((last, sum)) if *last == i => *sum += n,
            _ => before.push((i, *n)),
        }
    }
    before.into_iter().skip_while(|(i, _)| inside(*i)).any(|(i, before)| {
        while now.next_if(|(index, _)| *index < i).is_some() {}
        match now.peek() {
            Some((index, n)) if *index == i => **n < before,
            _ => before != 0.0,
        }
    })
}

/// With different custom bounds: whether a bucket between the bounds that both have holds less.
fn any_common_bucket_fell(h: &FloatHistogram, previous: &FloatHistogram) -> bool {
    let common = common_bounds(&h.custom_bounds, &previous.custom_bounds);
    let counts = |h: &FloatHistogram| {
        let mut out = vec![0.0; common.len() + 1];
        for (i, n) in indexed(&h.positive_spans, &h.positive) {
            let at = usize::try_from(index_in(&common, &h.custom_bounds, i)).unwrap_or(0);
            if let Some(sum) = out.get_mut(at) {
                *sum += n;
            }
        }
        out
    };
    counts(h).iter().zip(counts(previous)).any(|(now, before)| *now < before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::parse;

    #[test]
    fn resets() {
        let cases = [
            ("{{count:3 buckets:[1 2]}}", "{{count:4 buckets:[1 3]}}", false),
            ("{{count:3 buckets:[1 2]}}", "{{count:4 buckets:[4]}}", true),
            ("{{count:3 buckets:[1 2]}}", "{{count:2 buckets:[1 1]}}", true),
            ("{{count:3 buckets:[3]}}", "{{count:3 schema:1 buckets:[3]}}", true),
            ("{{count:3 schema:1 buckets:[1 2]}}", "{{count:3 buckets:[1 2]}}", false),
            ("{{count:3 z_bucket_w:0.1 buckets:[3]}}", "{{count:4 z_bucket_w:0.5 buckets:[3] z_bucket:1}}", false),
            ("{{count:3 z_bucket_w:0.1 buckets:[3]}}", "{{count:4 z_bucket_w:0.75 buckets:[3] z_bucket:1}}", true),
            (
                "{{schema:-53 count:3 custom_values:[1 2] buckets:[1 2]}}",
                "{{schema:-53 count:3 custom_values:[2] buckets:[3]}}",
                false,
            ),
            ("{{count:1}}", "{{count:5 counter_reset_hint:reset}}", true),
            ("{{count:5}}", "{{count:1 counter_reset_hint:not_reset}}", false),
        ];
        for (before, now, want) in cases {
            let (before_h, now_h) = (parse(before).expect("valid"), parse(now).expect("valid"));
            assert_eq!(detect_reset(&now_h, &before_h), want, "{before} then {now}");
        }
    }
}
