//! Histograms as text: the notation of test scripts, and how Prometheus prints them.

use std::fmt::{self, Display, Formatter};

use super::{FloatHistogram, buckets};
use crate::number::{format_compact, parse_number};
use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, CounterReset, EXPONENTIAL_SCHEMAS};

/// Reads `{{schema:0 sum:5 count:4 buckets:[1 2 1] offset:-1}}`; what is left out is zero.
///
/// # Errors
/// What is wrong, in words.
pub fn parse(text: &str) -> Result<FloatHistogram, String> {
    let inner = text.trim().strip_prefix("{{").and_then(|t| t.strip_suffix("}}"));
    let mut rest = inner.ok_or("a histogram stands between {{ and }}")?.trim();
    let mut h = FloatHistogram::default();
    let (mut offset, mut n_offset) = (0, 0);
    while !rest.is_empty() {
        let (key, after) = rest.split_once(':').ok_or_else(|| format!("expected key:value, got {rest:?}"))?;
        let after = after.trim_start();
        let end = if after.starts_with('[') {
            after.find(']').map(|at| at + 1).ok_or("a list of numbers is not closed")?
        } else {
            after.find(char::is_whitespace).unwrap_or(after.len())
        };
        let (value, next) = after.split_at(end);
        match key.trim() {
            "schema" => h.schema = schema(value)?,
            "sum" => h.sum = number(value)?,
            "count" => h.count = number(value)?,
            "z_bucket" => h.zero_count = number(value)?,
            "z_bucket_w" => h.zero_threshold = number(value)?,
            "custom_values" => h.custom_bounds = numbers(value)?,
            "buckets" => h.positive = numbers(value)?,
            "n_buckets" => h.negative = numbers(value)?,
            "offset" => offset = index(value)?,
            "n_offset" => n_offset = index(value)?,
            "counter_reset_hint" => h.counter_reset = hint(value)?,
            key => return Err(format!("unknown key {key:?} in a histogram")),
        }
        rest = next.trim_start();
    }
    h.positive_spans = spans(offset, h.positive.len());
    h.negative_spans = spans(n_offset, h.negative.len());
    Ok(h)
}

fn schema(text: &str) -> Result<i32, String> {
    let schema = index(text)?;
    if schema == CUSTOM_BUCKETS_SCHEMA || EXPONENTIAL_SCHEMAS.contains(&schema) {
        return Ok(schema);
    }
    Err(format!("unknown schema {schema}, expected -4 to 8 or {CUSTOM_BUCKETS_SCHEMA}"))
}

fn index(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| format!("expected a whole number, got {text:?}"))
}

fn number(text: &str) -> Result<f64, String> {
    parse_number(text).ok_or_else(|| format!("expected a number, got {text:?}"))
}

fn numbers(text: &str) -> Result<Vec<f64>, String> {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let inner = inner.ok_or_else(|| format!("expected [numbers], got {text:?}"))?;
    inner.split_whitespace().map(number).collect()
}

fn hint(text: &str) -> Result<CounterReset, String> {
    match text {
        "unknown" => Ok(CounterReset::Unknown),
        "reset" => Ok(CounterReset::Reset),
        "not_reset" => Ok(CounterReset::NotReset),
        "gauge" => Ok(CounterReset::Gauge),
        _ => Err(format!("unknown hint {text:?}, expected unknown, reset, not_reset or gauge")),
    }
}

fn spans(offset: i32, buckets: usize) -> Vec<BucketSpan> {
    match u32::try_from(buckets) {
        Ok(length) if length > 0 => vec![BucketSpan { offset, length }],
        _ => Vec::new(),
    }
}

/// Prints a histogram as Prometheus does: `{count:4, sum:5, (0.5,1]:1, (1,2]:2, (2,4]:1}`.
pub struct Text<'a>(pub &'a FloatHistogram);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", format_compact(self.0.count), format_compact(self.0.sum))?;
        for b in buckets(self.0).iter().filter(|b| b.count != 0.0) {
            let open = if b.lower_inclusive { '[' } else { '(' };
            let close = if b.upper_inclusive { ']' } else { ')' };
            let (lower, upper) = (format_compact(b.lower), format_compact(b.upper));
            write!(f, ", {open}{lower},{upper}{close}:{}", format_compact(b.count))?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        let h = parse("{{schema:0 sum:5 count:4 buckets:[1 2 1]}}").expect("valid");
        assert_eq!(Text(&h).to_string(), "{count:4, sum:5, (0.5,1]:1, (1,2]:2, (2,4]:1}");
        let h = parse("{{count:1e7 n_buckets:[1] z_bucket:2 z_bucket_w:0.001}}").expect("valid");
        assert_eq!(Text(&h).to_string(), "{count:1e+07, sum:0, [-1,-0.5):1, [-0.001,0.001]:2}");
        assert_eq!(parse("{{ }}"), Ok(FloatHistogram::default()));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, want) in [
            ("{{schema:9}}", "unknown schema 9"),
            ("{{cunt:9}}", "unknown key \"cunt\""),
            ("{{buckets:[1}}", "not closed"),
            ("{{sum}}", "expected key:value"),
            ("sum:1", "between {{ and }}"),
            ("{{counter_reset_hint:maybe}}", "unknown hint"),
        ] {
            let got = parse(text).expect_err(text);
            assert!(got.contains(want), "{text}: {got}");
        }
    }
}
