//! Series descriptions of test scripts: `up{job="a"} 1+2x3 _ stale {{sum:1}}`.
//!
//! The notation of Prometheus's rule unit tests and of its engine tests.
//! `axN` gives N+1 values, `_xN` gives N gaps, `a+bxN` rises by b, and the same
//! with histograms between `{{` and `}}`.

use std::sync::Arc;

use model::labels::Labels;

use crate::error::ParseError;
use crate::histogram::{Flat, FloatHistogram, parse};
use crate::number::{parse_duration, parse_number};
use crate::parse::parse_metric;
use crate::span::Span;

pub use model::STALE_NAN_BITS;

/// The most values that one item may expand to.
const MAX_REPEAT: u64 = 1_000_000;

/// One step of a series.
#[derive(Debug, Clone, PartialEq)]
pub enum SequenceValue {
    /// `_`: no sample.
    Gap,
    /// A number, or the stale marker.
    Float(f64),
    /// A histogram.
    Histogram(Arc<FloatHistogram>),
}

/// Reads a whole line.
///
/// # Errors
/// The first mistake, with its position in the line.
pub fn parse_series(line: &str) -> Result<(Labels, Vec<SequenceValue>), ParseError> {
    let end = metric_end(line);
    let labels = parse_metric(line.get(..end).unwrap_or(""))?;
    Ok((labels, parse_values(line, end)?))
}

/// Where the name and labels of a series end: at the first space or `@`
/// outside of braces and quotes that does not precede a brace.
pub fn metric_end(line: &str) -> usize {
    let bytes = line.as_bytes();
    let mut at = bytes.iter().take_while(|b| crate::lexer::is_name(**b) || **b == b':').count();
    let brace = at + bytes.get(at..).map_or(0, |b| b.iter().take_while(|b| b.is_ascii_whitespace()).count());
    if bytes.get(brace) != Some(&b'{') || bytes.get(brace + 1) == Some(&b'{') {
        return at;
    }
    at = brace;
    let mut quote = None;
    while let Some(b) = bytes.get(at) {
        match (quote, b) {
            (Some(q), b'\\') if q != b'`' => at += 1,
            (Some(q), b) if q == *b => quote = None,
            (None, b'"' | b'\'' | b'`') => quote = Some(*b),
            (None, b'}') => return at + 1,
            _ => {}
        }
        at += 1;
    }
    line.len()
}

/// The values from byte `start` of `line` on.
///
/// # Errors
/// The first mistake, with its position in the line.
pub fn parse_values(line: &str, start: usize) -> Result<Vec<SequenceValue>, ParseError> {
    let mut out = Vec::new();
    let mut at = start;
    while let Some(rest) = line.get(at..).filter(|r| !r.is_empty()) {
        let spaces = rest.len() - rest.trim_start().len();
        if spaces > 0 {
            at += spaces;
            continue;
        }
        let len = item_len(rest);
        let item = rest.get(..len).unwrap_or(rest);
        item_values(item, &mut out)
            .map_err(|message| ParseError::new(line, Span { start: at, end: at + len }, message))?;
        at += len;
    }
    Ok(out)
}

/// The length of one item: to the next space outside of `{{ }}`.
fn item_len(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut depth = 0usize;
    for (i, b) in bytes.iter().enumerate() {
        match b {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b if b.is_ascii_whitespace() && depth == 0 => return i,
            _ => {}
        }
    }
    bytes.len()
}

fn item_values(item: &str, out: &mut Vec<SequenceValue>) -> Result<(), String> {
    if item.starts_with("{{") {
        return histogram_values(item, out);
    }
    let (body, times) = match item.rsplit_once('x') {
        Some((body, count)) => (body, Some(repeat(count)?)),
        None => (item, None),
    };
    if body == "_" {
        out.extend((0..times.unwrap_or(1)).map(|_| SequenceValue::Gap));
        return Ok(());
    }
    // The sign of an increment: one that is neither first nor of an exponent.
    let increment_at = body
        .char_indices()
        .skip(1)
        .find(|(i, c)| matches!(c, '+' | '-') && !body.get(..*i).is_some_and(|b| b.ends_with(['e', 'E'])))
        .map(|(i, _)| i);
    let Some(times) = times else {
        out.push(SequenceValue::Float(value(item)?));
        return Ok(());
    };
    let (first, step) = match increment_at {
        Some(at) => (value(body.get(..at).unwrap_or(""))?, value(body.get(at..).unwrap_or(""))?),
        None => (value(body)?, 0.0),
    };
    let mut current = first;
    for _ in 0..=times {
        out.push(SequenceValue::Float(current));
        if increment_at.is_some() {
            current += step;
        }
    }
    Ok(())
}

fn repeat(count: &str) -> Result<u64, String> {
    let n: u64 = count.parse().map_err(|_| format!("invalid repetition in series values: {count:?}"))?;
    if n > MAX_REPEAT {
        return Err(format!("repetition {n} is above the limit of {MAX_REPEAT}"));
    }
    Ok(n)
}

fn value(text: &str) -> Result<f64, String> {
    if text == "stale" {
        return Ok(f64::from_bits(STALE_NAN_BITS));
    }
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let number = parse_number(digits).or_else(|| parse_duration(digits).map(|ms| ms as f64 / 1000.0));
    let number = number.ok_or_else(|| format!("unexpected {text:?} in series values, expected number or \"stale\""))?;
    Ok(if negative { -number } else { number })
}

fn histogram_values(item: &str, out: &mut Vec<SequenceValue>) -> Result<(), String> {
    let (first, rest) = split_histogram(item)?;
    let mut current = Arc::new(first);
    if rest.is_empty() {
        out.push(SequenceValue::Histogram(current));
        return Ok(());
    }
    let (increment, negative, times) = match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
        (Some(rest), _) | (None, Some(rest)) => {
            let (increment, times) = split_histogram(rest)?;
            (Some(increment), item.as_bytes().get(item.len() - rest.len() - 1) == Some(&b'-'), times)
        }
        (None, None) => (None, false, rest),
    };
    let times = times.strip_prefix('x').ok_or_else(|| format!("unexpected {rest:?} after a histogram"))?;
    let times = repeat(times)?;
    out.push(SequenceValue::Histogram(current.clone()));
    for _ in 0..times {
        if let Some(increment) = &increment {
            let mut next = Flat::<f64>::new(&current);
            let combined = if negative { next.subtract(increment) } else { next.add(increment) };
            combined.map_err(|_| "histograms with custom and exponential buckets cannot be combined")?;
            current = Arc::new(next.into_histogram());
        }
        out.push(SequenceValue::Histogram(current.clone()));
    }
    Ok(())
}

/// The histogram at the start of a text, and what follows.
fn split_histogram(text: &str) -> Result<(FloatHistogram, &str), String> {
    let end = text.find("}}").ok_or("histogram description is not closed")? + 2;
    let (histogram, rest) = text.split_at(end);
    Ok((parse(histogram)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(line: &str) -> Vec<f64> {
        let values = parse_series(line).expect("valid line").1;
        values.iter().map(|v| if let SequenceValue::Float(f) = v { *f } else { f64::INFINITY }).collect()
    }

    #[test]
    fn sequences() {
        assert_eq!(floats("m 1+2x3"), [1.0, 3.0, 5.0, 7.0]);
        assert_eq!(floats("m{a=\"x y}\"} 1-1x2 5x1"), [1.0, 0.0, -1.0, 5.0, 5.0]);
        assert_eq!(floats("m _x2 -1e+2 5m 0x1"), [f64::INFINITY, f64::INFINITY, -100.0, 300.0, 0.0, 0.0]);
        assert!(floats("{__name__=\"m\"} stale")[0].is_nan());
    }

    #[test]
    fn mistakes_have_positions() {
        let err = parse_series("m 1 2+x").expect_err("no increment");
        assert_eq!(err.column, 5);
        assert!(parse_series("m 1x99999999999").is_err());
    }

    #[test]
    fn histograms_add_up() {
        let counts = |line: &str| -> Vec<f64> {
            let values = parse_series(line).expect("valid line").1;
            values.iter().map(|v| if let SequenceValue::Histogram(h) = v { h.count } else { -1.0 }).collect()
        };
        assert_eq!(counts("m {{sum:1 count:3 buckets:[1 2]}}x2"), [3.0, 3.0, 3.0]);
        assert_eq!(counts("m {{count:3}}+{{count:2}}x2 _ {{}}"), [3.0, 5.0, 7.0, -1.0, 0.0]);
        assert_eq!(counts("m {{count:3}}-{{count:1}}x1"), [3.0, 2.0]);
        assert!(parse_series("m {{count:3}}*{{count:1}}x1").is_err());
        assert!(parse_series("m {{count:3}}+{{schema:-53}}x1").is_err());
    }
}
