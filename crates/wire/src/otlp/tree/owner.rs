//! `Resource` and `InstrumentationScope`: who made the records.

use super::read::{LEN, VARINT, text};
use super::{Attributes, Text, w_text, w_uint};
use crate::protobuf::{Backward, Malformed, Reader, Writer};

/// What sent telemetry: a process, a host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// What it is.
    pub attributes: Attributes,
    /// How many the sender left out.
    pub dropped_attributes_count: u32,
    /// `entity_refs`, encoded with their keys: they are in development and passed on as they are.
    pub entity_refs: Vec<u8>,
}

/// What in a process made telemetry: a library, a module.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// The name of the library.
    pub name: Text,
    /// Its version.
    pub version: Text,
    /// More about it.
    pub attributes: Attributes,
    /// How many the sender left out.
    pub dropped_attributes_count: u32,
}

impl Resource {
    /// Of `service.name`, or the empty text.
    pub fn service_name(&self) -> &str {
        self.attributes.text("service.name").unwrap_or_default()
    }

    pub(in crate::otlp) fn merge(&mut self, mut r: Reader<'_>) -> Result<(), Malformed> {
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => self.attributes.read(r.message()?, 0)?,
                (2, VARINT) => self.dropped_attributes_count = r.uint()? as u32,
                (3, LEN) => {
                    let mut w = Writer::new();
                    w.bytes(3, r.delimited()?);
                    self.entity_refs.extend_from_slice(w.as_bytes());
                }
                _ => r.skip_unknown(key, 0b110)?,
            }
        }
        Ok(())
    }

    pub(in crate::otlp) fn encode(&self, w: &mut Backward) {
        w.raw(&self.entity_refs);
        w_uint(w, 2, self.dropped_attributes_count);
        self.attributes.encode(w, 1);
    }
}

impl Scope {
    pub(super) fn merge(&mut self, mut r: Reader<'_>) -> Result<(), Malformed> {
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => self.name = text(&mut r)?,
                (2, LEN) => self.version = text(&mut r)?,
                (3, LEN) => self.attributes.read(r.message()?, 0)?,
                (4, VARINT) => self.dropped_attributes_count = r.uint()? as u32,
                _ => r.skip_unknown(key, 0b1_1110)?,
            }
        }
        Ok(())
    }

    pub(super) fn encode(&self, w: &mut Backward) {
        w_uint(w, 4, self.dropped_attributes_count);
        self.attributes.encode(w, 3);
        w_text(w, 2, &self.version);
        w_text(w, 1, &self.name);
    }
}
