//! JSON lists of spans: version 2, and the reading of lists for both versions.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::span::Span;
use super::translate::Spans;
use super::{Converted, Options, ZipkinError};

/// `POST /api/v2/spans` with `application/json`.
///
/// # Errors
/// Bytes that are not a list of spans, and ids that are none.
pub fn json_v2(body: &[u8], options: &Options) -> Result<Converted, ZipkinError> {
    let mut spans = Spans::new(*options);
    each(body, |span: Span| spans.push(span))?;
    Ok(spans.into_converted())
}

/// Reads a list and shows its elements one by one, so that no more than one is in memory.
pub(super) fn each<T>(body: &[u8], each: impl FnMut(T) -> Result<(), ZipkinError>) -> Result<(), ZipkinError>
where
    T: for<'de> Deserialize<'de>,
{
    struct Elements<'f, T, F> {
        each: F,
        failed: &'f mut Option<ZipkinError>,
        of: std::marker::PhantomData<T>,
    }
    impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), ZipkinError>> Visitor<'de> for Elements<'_, T, F> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of spans")
        }
        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
            while let Some(element) = seq.next_element()? {
                if let Err(e) = (self.each)(element) {
                    *self.failed = Some(e);
                    return Err(serde::de::Error::custom("a span is wrong"));
                }
            }
            Ok(())
        }
    }
    impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), ZipkinError>> DeserializeSeed<'de> for Elements<'_, T, F> {
        type Value = ();
        fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
            d.deserialize_seq(self)
        }
    }
    let mut failed = None;
    let mut d = serde_json::Deserializer::from_slice(body);
    let read =
        Elements { each, failed: &mut failed, of: std::marker::PhantomData }.deserialize(&mut d).and_then(|()| d.end());
    match failed {
        Some(e) => Err(e),
        None => Ok(read?),
    }
}
