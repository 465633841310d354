//! Names of services and of what they call, as small numbers.

use foundation::text::beginning;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::bytes::{Damaged, Reader, put_bytes, put_u32};

/// Names that are known at the same time; later ones are [`OTHER`].
pub(crate) const NAMES_MAX: usize = 20_000;
/// Longer names are cut.
pub(crate) const NAME_BYTES_MAX: usize = 512;
/// Resources whose service is remembered; beyond it all are looked up anew.
const RESOURCES_MAX: usize = 1 << 16;
/// The number of the names that there was no room for: the empty text.
pub(crate) const OTHER: u32 = 0;

#[derive(Debug)]
pub(crate) struct Names {
    list: Vec<Box<str>>,
    by_name: HashMap<Box<str>, u32, FxBuildHasher>,
    /// `Resource` messages and the number of their service.
    resources: HashMap<Box<[u8]>, u32, FxBuildHasher>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Self { list: Vec::new(), by_name: HashMap::default(), resources: HashMap::default() };
        names.intern("");
        names
    }
}

impl Names {
    pub(crate) fn get(&self, number: u32) -> &str {
        self.list.get(number as usize).map_or("", |n| n)
    }

    pub(crate) fn intern(&mut self, name: &str) -> u32 {
        let name = beginning(name, NAME_BYTES_MAX);
        if let Some(number) = self.by_name.get(name) {
            return *number;
        }
        if self.list.len() >= NAMES_MAX {
            return OTHER;
        }
        let number = self.list.len() as u32;
        self.list.push(name.into());
        self.by_name.insert(name.into(), number);
        number
    }

    /// The service of a `Resource` message.
    pub(crate) fn service(&mut self, resource: &[u8]) -> u32 {
        if let Some(number) = self.resources.get(resource) {
            return *number;
        }
        let number = self.intern(wire::otlp::read_resource(resource).service());
        if self.resources.len() >= RESOURCES_MAX {
            self.resources.clear();
        }
        self.resources.insert(resource.into(), number);
        number
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.list.len() as u32);
        self.list.iter().for_each(|name| put_bytes(out, name.as_bytes()));
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut names = Self::default();
        for i in 0..r.count(4)? {
            if names.intern(r.text()?) as usize != i {
                return Err(Damaged("a name is there twice"));
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable() {
        let mut names = Names::default();
        assert_eq!((names.intern("api"), names.intern("db"), names.intern("api"), names.intern("")), (1, 2, 1, OTHER));
        let mut bytes = Vec::new();
        names.encode(&mut bytes);
        let back = Names::decode(&mut Reader(&bytes)).unwrap();
        assert_eq!((back.get(1), back.get(2), back.get(9)), ("api", "db", ""));
        assert_eq!(beginning("aé", 2), "a");
    }

    #[test]
    fn a_resource_without_a_name_is_an_unknown_service() {
        let mut names = Names::default();
        let number = names.service(&[]);
        assert_eq!(names.get(number), model::semconv::UNKNOWN_SERVICE);
    }
}
