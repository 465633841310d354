//! Labels of a series on their way to the canonical bytes that engines look series up by.
//!
//! Canonical bytes: per label, sorted by name, the varint length and the bytes of the name, then those of the value;
//! labels with an empty value are left out, because to Prometheus they are absent. The same as `docs/formats/tsdb.md`, "Keys".

use super::fault::Refusal;
use super::limits::Limits;

/// Appends the canonical bytes of labels that are sorted, without repeats and without empty values.
pub fn write_key<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>, out: &mut Vec<u8>) {
    for (name, value) in labels {
        put(name.as_bytes(), out);
        put(value.as_bytes(), out);
    }
}

#[inline]
fn put(text: &[u8], out: &mut Vec<u8>) {
    let mut n = text.len();
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out.extend_from_slice(text);
}

/// Collects the labels of one series after another and writes their keys; the memory is used again.
#[derive(Debug, Default)]
pub struct SeriesKey<'a> {
    labels: Vec<(&'a [u8], &'a [u8])>,
    key: Vec<u8>,
}

impl<'a> SeriesKey<'a> {
    /// Forgets the series before.
    #[inline]
    pub fn clear(&mut self) {
        self.labels.clear();
    }

    /// Adds a label.
    ///
    /// # Errors
    /// One label too many.
    #[inline]
    pub fn push(&mut self, name: &'a [u8], value: &'a [u8], limits: &Limits) -> Result<(), Refusal> {
        if self.labels.len() >= limits.max_labels {
            return Err(Refusal::TooManyLabels { limit: limits.max_labels });
        }
        self.labels.push((name, value));
        Ok(())
    }

    /// The canonical bytes of the labels, sorted where they were not. `utf8`: the caller knows that all texts are UTF-8.
    ///
    /// # Errors
    /// Why this is not a series.
    #[inline]
    pub fn finish(&mut self, limits: &Limits, utf8: bool) -> Result<&[u8], Refusal> {
        if !self.labels.is_sorted_by(|a, b| a.0 < b.0) {
            self.sort()?;
        }
        self.key.clear();
        let mut named = false;
        for (name, value) in &self.labels {
            if name.is_empty() {
                return Err(Refusal::EmptyLabelName);
            }
            if name.len() > limits.max_name_bytes || value.len() > limits.max_value_bytes {
                return Err(too_long(name, value, limits));
            }
            if value.is_empty() {
                continue;
            }
            if !utf8 {
                check_utf8(name, "a label name")?;
                check_utf8(value, "a label value")?;
            }
            if *name == b"__name__" {
                if value.len() > limits.max_name_bytes {
                    return Err(too_long(value, b"", limits));
                }
                named = true;
            }
            put(name, &mut self.key);
            put(value, &mut self.key);
        }
        if named { Ok(&self.key) } else { Err(Refusal::NoName) }
    }

    /// The metric name, if there is one and it is UTF-8; after [`SeriesKey::finish`].
    pub fn metric_name(&self) -> &'a str {
        let name = self.labels.iter().find(|l| l.0 == b"__name__").map_or(&b""[..], |l| l.1);
        std::str::from_utf8(name).unwrap_or_default()
    }

    #[cold]
    fn sort(&mut self) -> Result<(), Refusal> {
        self.labels.sort_unstable_by(|a, b| a.0.cmp(b.0));
        match self.labels.windows(2).find(|w| w[0].0 == w[1].0) {
            Some(twice) => Err(Refusal::RepeatedLabel(shown(twice[0].0))),
            None => Ok(()),
        }
    }
}

fn check_utf8(text: &[u8], what: &'static str) -> Result<(), Refusal> {
    simdutf8::basic::from_utf8(text).map(drop).map_err(|_| Refusal::NotUtf8(what))
}

#[cold]
fn too_long(name: &[u8], value: &[u8], limits: &Limits) -> Refusal {
    let (what, bytes, limit) = match name.len() > limits.max_name_bytes {
        true => ("name", name.len(), limits.max_name_bytes),
        false => ("value of label", value.len(), limits.max_value_bytes),
    };
    Refusal::TooLong { what, start: shown(name), bytes, limit }
}

/// The beginning of a text for a message.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(..64).unwrap_or(text)).into_owned()
}
