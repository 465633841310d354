//! `{"streams": [{"stream": {..}, "values": [["<nanoseconds>", "line", {..}]]}]}`

use std::fmt;

use foundation::UnixNanos;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Converted, LokiError, PAIRS_MAX, Stream, converted};
use crate::otlp::Assembly;

/// A push in JSON.
///
/// # Errors
/// Bytes that are no such JSON.
pub fn json(body: &[u8], now: UnixNanos) -> Result<Converted, LokiError> {
    let mut assembly = Assembly::new();
    let mut d = serde_json::Deserializer::from_slice(body);
    Push { assembly: &mut assembly, now }.deserialize(&mut d).and_then(|()| d.end())?;
    Ok(converted(assembly))
}

/// A seed whose visitor reads a mapping or a list into what it borrows.
macro_rules! seed {
    ($name:ident, $deserialize:ident, $expecting:literal, |$self:ident, $access:ident: $kind:ident| $visit:ident $body:block) => {
        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = ();
            fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
                d.$deserialize(self)
            }
        }
        impl<'de> Visitor<'de> for $name<'_> {
            type Value = ();
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expecting)
            }
            fn $visit<A: $kind<'de>>($self, mut $access: A) -> Result<(), A::Error> {
                $body
                Ok(())
            }
        }
    };
}

struct Push<'a> {
    assembly: &'a mut Assembly,
    now: UnixNanos,
}

seed!(Push, deserialize_map, "an object with `streams`", |self, map: MapAccess| visit_map {
    while let Some(key) = map.next_key::<String>()? {
        match key.as_str() {
            "streams" => map.next_value_seed(Streams { assembly: &mut *self.assembly, now: self.now })?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
    }
});

struct Streams<'a> {
    assembly: &'a mut Assembly,
    now: UnixNanos,
}

seed!(Streams, deserialize_seq, "a list of streams", |self, seq: SeqAccess| visit_seq {
    loop {
        let mut stream = Stream::default();
        if seq.next_element_seed(OneStream { stream: &mut stream, now: self.now })?.is_none() {
            break;
        }
        stream.finish(self.assembly);
    }
});

struct OneStream<'a> {
    stream: &'a mut Stream,
    now: UnixNanos,
}

seed!(OneStream, deserialize_map, "an object with `stream` and `values`", |self, map: MapAccess| visit_map {
    while let Some(key) = map.next_key::<String>()? {
        match key.as_str() {
            "stream" => map.next_value_seed(Pairs(&mut self.stream.labels))?,
            "values" => map.next_value_seed(Entries { stream: &mut *self.stream, now: self.now })?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
    }
});

struct Entries<'a> {
    stream: &'a mut Stream,
    now: UnixNanos,
}

seed!(Entries, deserialize_seq, "a list of entries", |self, seq: SeqAccess| visit_seq {
    while seq.next_element_seed(Entry { stream: &mut *self.stream, now: self.now })?.is_some() {}
});

struct Entry<'a> {
    stream: &'a mut Stream,
    now: UnixNanos,
}

seed!(Entry, deserialize_seq, "[\"<nanoseconds>\", \"line\"]", |self, seq: SeqAccess| visit_seq {
    let time: String = seq.next_element()?.ok_or_else(|| Error::invalid_length(0, &"a time and a line"))?;
    let nanos = time.parse().map_err(|_| Error::custom(format_args!("`{time}` is not a time in nanoseconds")))?;
    let line: String = seq.next_element()?.ok_or_else(|| Error::invalid_length(1, &"a time and a line"))?;
    let mut metadata = Vec::new();
    if seq.next_element_seed(Pairs(&mut metadata))?.is_some() {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
    }
    self.stream.entry(UnixNanos(nanos), self.now, &line, &metadata);
});

struct Pairs<'a>(&'a mut Vec<(String, String)>);

seed!(Pairs, deserialize_map, "an object with texts", |self, map: MapAccess| visit_map {
    while let Some((name, value)) = map.next_entry::<String, String>()? {
        if self.0.len() < PAIRS_MAX {
            self.0.push((name, value));
        }
    }
});
