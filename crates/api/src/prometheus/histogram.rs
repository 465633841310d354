//! Native histograms as Prometheus writes them in JSON: count, sum, and the buckets that are not empty.
//!
//! Source: Prometheus, HTTP API documentation, "Native histograms".

use promql::histogram::{Bucket, FloatHistogram, buckets};

use super::json;

/// `[seconds, {..}]`.
pub(super) fn point(out: &mut Vec<u8>, t_ms: i64, h: &FloatHistogram) {
    out.push(b'[');
    json::seconds(out, t_ms);
    out.extend(b",{\"count\":");
    quoted(out, h.count);
    out.extend(b",\"sum\":");
    quoted(out, h.sum);
    let mut any = false;
    for b in buckets(h).iter().filter(|b| b.count != 0.0) {
        out.extend(if any { b",".as_slice() } else { b",\"buckets\":[" });
        any = true;
        bucket(out, b);
    }
    out.extend(if any { b"]}]".as_slice() } else { b"}]" });
}

fn bucket(out: &mut Vec<u8>, b: &Bucket) {
    // Which bounds belong to the bucket: 0 the upper, 1 the lower, 2 none, 3 both.
    let rule = match (b.lower_inclusive, b.upper_inclusive) {
        (false, true) => b'0',
        (true, false) => b'1',
        (false, false) => b'2',
        (true, true) => b'3',
    };
    out.extend([b'[', rule]);
    for number in [b.lower, b.upper, b.count] {
        out.push(b',');
        quoted(out, number);
    }
    out.push(b']');
}

fn quoted(out: &mut Vec<u8>, value: f64) {
    out.push(b'"');
    json::number(out, value);
    out.push(b'"');
}
