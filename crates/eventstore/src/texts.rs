//! Texts that tables and indexes of a segment name by their place.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::column::Damaged;
use crate::column::binary;
use crate::column::bytes::{Reader, put_varint};

/// Distinct texts and their places, in the order in which they were met.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    places: HashMap<Box<str>, u32, FxBuildHasher>,
    list: Vec<Box<str>>,
}

impl Texts {
    pub(crate) fn place(&mut self, text: &str) -> u32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = self.list.len() as u32;
        self.list.push(text.into());
        self.places.insert(text.into(), place);
        place
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn get(&self, place: u32) -> &str {
        self.list.get(place as usize).map_or("", |text| text)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.list.len() as u64);
        let texts: Vec<&[u8]> = self.list.iter().map(|text| text.as_bytes()).collect();
        binary::put_blob(&texts, out);
    }

    /// Reads what [`Texts::encode`] wrote: at most `max` texts.
    pub(crate) fn decode(r: &mut Reader<'_>, max: usize) -> Result<Vec<Box<str>>, Damaged> {
        let n = r.count(max)?;
        let texts = binary::read_blob(r, n)?;
        let text = |i| std::str::from_utf8(texts.get(i)).map(Into::into).map_err(|_| Damaged("text"));
        (0..n).map(text).collect()
    }
}
