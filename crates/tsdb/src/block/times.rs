//! Times that several chunks of a block have in common: what is scraped from one target at once has the same ones.
//!
//! A writer notices times that it has seen before and puts them into the file once more, on their own; the chunks from then on
//! only say where. Times that no other chunk has stay in theirs. A reader keeps what it has decoded, because the chunks that
//! share are of many series.

use std::hash::BuildHasher as _;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use crate::TsdbError;
use crate::chunk::TimesAt;

/// Shorter times cost hardly more than their place.
const SHARED_LEN_MIN: usize = 16;
/// Memory for times that are shared, in a writer. What comes later stays in its chunks.
const KNOWN_BYTES_MAX: usize = 64 << 20;
/// Times that were seen once; when there are more, those of before are forgotten.
const SEEN_MAX: usize = 1 << 20;
/// Memory for decoded times, in a reader. What comes later is decoded each time: of series that are read in turns the oldest are
/// needed next.
const DECODED_BYTES_MAX: usize = 32 << 20;

/// Finds times that chunks have in common while a block is written.
#[derive(Debug, Default)]
pub(super) struct TimesWriter {
    /// Where they lie.
    known: HashMap<Box<[u8]>, u64, FxBuildHasher>,
    known_bytes: usize,
    /// Hashes of what was seen once.
    seen: HashSet<u64, FxBuildHasher>,
}

impl TimesWriter {
    /// Where the file keeps these times. What is new is appended to `new`, which will lie at `at`; `None`: the chunk keeps its times.
    pub(super) fn share(&mut self, times: &[u8], at: u64, new: &mut Vec<u8>) -> Option<TimesAt> {
        let len = u32::try_from(times.len()).ok()?;
        if times.len() < SHARED_LEN_MIN {
            return None;
        }
        if let Some(offset) = self.known.get(times) {
            return Some(TimesAt { offset: *offset, len });
        }
        let hash = FxBuildHasher.hash_one(times);
        if self.known_bytes + times.len() > KNOWN_BYTES_MAX {
            return None;
        }
        if !self.seen.remove(&hash) {
            if self.seen.len() >= SEEN_MAX {
                self.seen.clear();
            }
            self.seen.insert(hash);
            return None;
        }
        let offset = at + new.len() as u64;
        new.extend_from_slice(times);
        new.extend_from_slice(&crc32c::crc32c(times).to_le_bytes());
        self.known.insert(times.into(), offset);
        self.known_bytes += times.len();
        Some(TimesAt { offset, len })
    }
}

/// Times that were decoded, for one who reads many series.
#[derive(Debug, Default)]
pub(crate) struct TimesCache {
    /// By block and place in it.
    decoded: HashMap<(u64, u64), Vec<i64>, FxBuildHasher>,
    bytes: usize,
    /// What found no room.
    last: Vec<i64>,
}

impl TimesCache {
    /// Those of a place in a block, read by `read` when they are not here.
    pub(super) fn get(
        &mut self,
        key: (u64, u64),
        read: impl FnOnce() -> Result<Vec<i64>, TsdbError>,
    ) -> Result<&[i64], TsdbError> {
        let bytes = self.bytes;
        match self.decoded.entry(key) {
            hashbrown::hash_map::Entry::Occupied(known) => Ok(known.into_mut()),
            hashbrown::hash_map::Entry::Vacant(free) => {
                let times = read()?;
                let size = times.len() * size_of::<i64>();
                if bytes + size > DECODED_BYTES_MAX {
                    self.last = times;
                    return Ok(&self.last);
                }
                self.bytes += size;
                Ok(free.insert(times))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_again_is_written_once() {
        let (mut writer, mut new) = (TimesWriter::default(), Vec::new());
        let (one, other) = ([1; 20], [2; 30]);
        assert_eq!((writer.share(&one, 100, &mut new), writer.share(&other, 100, &mut new)), (None, None));
        assert_eq!(writer.share(&one, 100, &mut new), Some(TimesAt { offset: 100, len: 20 }));
        assert_eq!(writer.share(&other, 100, &mut new), Some(TimesAt { offset: 124, len: 30 }));
        assert_eq!(writer.share(&one, 9000, &mut new), Some(TimesAt { offset: 100, len: 20 }));
        assert_eq!(new.len(), 20 + 4 + 30 + 4);
        let short = [3; SHARED_LEN_MIN - 1];
        assert_eq!((0..3).find_map(|_| writer.share(&short, 0, &mut new)), None);
    }

    #[test]
    fn a_reader_keeps_what_fits() {
        let mut cache = TimesCache::default();
        let large = DECODED_BYTES_MAX / size_of::<i64>();
        assert_eq!(cache.get((1, 1), || Ok(vec![5; large])).unwrap().len(), large);
        for round in [7, 8] {
            assert_eq!(cache.get((1, 2), || Ok(vec![round])).unwrap(), [round], "no room");
        }
        assert_eq!(cache.get((1, 1), || Ok(vec![])).unwrap().len(), large);
        assert!(cache.get((2, 1), || Err(TsdbError::Timeout)).is_err());
    }
}
