//! How many items a request has: spans, log records, data points. Looks at nothing else in it.

use model::Signal;

use crate::protobuf::{Key, Malformed, Reader};

/// What holds the items, level by level: the field of a request, a resource's, a scope's.
const LEVELS: [u32; 3] = [1, 2, 2];
/// `Metric.gauge`, `sum`, `histogram`, `exponential_histogram`, `summary`.
const DATA: [u32; 5] = [5, 7, 9, 10, 11];
/// The points of each of them.
const POINTS: u32 = 1;

/// Counts the items of an `Export*ServiceRequest`.
///
/// # Errors
/// The bytes are not such a request, as far as they were looked at.
pub fn count_items(signal: Signal, request: &[u8]) -> Result<usize, Malformed> {
    count(Reader::new(request), &LEVELS, signal == Signal::Metrics)
}

fn count(mut r: Reader<'_>, levels: &[u32], metrics: bool) -> Result<usize, Malformed> {
    let Some((field, below)) = levels.split_first() else { return if metrics { points(r) } else { Ok(1) } };
    let mut items = 0;
    while let Some(key) = r.key()? {
        match key == Key::delimited(*field) {
            true => items += count(r.message()?, below, metrics)?,
            false => r.skip(key)?,
        }
    }
    Ok(items)
}

fn points(mut metric: Reader<'_>) -> Result<usize, Malformed> {
    let mut points = 0;
    while let Some(key) = metric.key()? {
        if !DATA.iter().any(|data| key == Key::delimited(*data)) {
            metric.skip(key)?;
            continue;
        }
        let mut data = metric.message()?;
        while let Some(key) = data.key()? {
            points += usize::from(key == Key::delimited(POINTS));
            data.skip(key)?;
        }
    }
    Ok(points)
}
