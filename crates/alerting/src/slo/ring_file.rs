//! Rings of one objective in a file, so that a window longer than the retention survives a restart.
//!
//! Written as a whole and put in place of the one before. Format: `docs/formats/slo.md`.

use std::collections::BTreeMap;

use model::Labels;
use thiserror::Error;

use super::ring::{Count, Ring};

const MAGIC: [u8; 8] = *b"BellSlo\x01";
/// A whole number in a few bytes, or the eight bytes of a double.
const WHOLE: u8 = 0;
const DOUBLES: u8 = 1;
/// A minute without events, repeated.
const EMPTY: u8 = 2;
/// Groups that a file may name; more are damage.
const GROUPS_MAX: u64 = 100_000;

/// Two days more than the longest window has.
const MINUTES_MAX: u64 = 368 * 1_440;

/// What a file holds.
#[derive(Debug, PartialEq)]
pub(super) struct Saved {
    /// Of what is counted, and how.
    pub definition: u64,
    /// The first minute of which anything is known.
    pub known_from: i64,
    pub rings: BTreeMap<Labels, Ring>,
}

/// A file that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the file of minutes is damaged: {0}")]
pub(super) struct Damaged(&'static str);

const SHORT: Damaged = Damaged("it ends too early");

pub(super) fn encode(definition: u64, known_from: i64, rings: &BTreeMap<Labels, Ring>) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(definition.to_le_bytes());
    out.extend(known_from.to_le_bytes());
    put(&mut out, rings.len() as u64);
    for (labels, ring) in rings {
        put(&mut out, labels.len() as u64);
        for text in labels.iter().flat_map(|(name, value)| [name, value]) {
            put(&mut out, text.len() as u64);
            out.extend(text.as_bytes());
        }
        out.extend(ring.first().to_le_bytes());
        put(&mut out, (ring.end() - ring.first()) as u64);
        minutes(&mut out, ring);
    }
    let crc = crc32c::crc32c(&out);
    out.extend(crc.to_le_bytes());
    out
}

fn minutes(out: &mut Vec<u8>, ring: &Ring) {
    let mut empty = 0u64;
    for count in ring.minutes() {
        if count == Count::default() {
            empty += 1;
            continue;
        }
        flush_empty(out, &mut empty);
        match (whole(count.good), whole(count.bad())) {
            (Some(good), Some(bad)) => {
                out.push(WHOLE);
                put(out, good);
                put(out, bad);
            }
            _ => {
                out.push(DOUBLES);
                out.extend(count.good.to_le_bytes());
                out.extend(count.total.to_le_bytes());
            }
        }
    }
    flush_empty(out, &mut empty);
}

fn flush_empty(out: &mut Vec<u8>, empty: &mut u64) {
    if *empty > 0 {
        out.push(EMPTY);
        put(out, *empty);
        *empty = 0;
    }
}

/// Exactly a whole number that a double holds exactly.
fn whole(v: f64) -> Option<u64> {
    (v.fract() == 0.0 && (0.0..9.0e15).contains(&v)).then_some(v as u64)
}

pub(super) fn decode(bytes: &[u8], minutes_max: usize) -> Result<Saved, Damaged> {
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or(SHORT)?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return Err(Damaged("the checksum differs"));
    }
    let mut r = Reader(body);
    if r.array()? != MAGIC {
        return Err(Damaged("it is of another version"));
    }
    let (definition, known_from) = (u64::from_le_bytes(r.array()?), i64::from_le_bytes(r.array()?));
    let groups = r.varint()?;
    if groups > GROUPS_MAX {
        return Err(Damaged("it has too many groups"));
    }
    let mut rings = BTreeMap::new();
    for _ in 0..groups {
        let pairs = r.varint()?;
        let mut labels = Labels::default();
        for _ in 0..pairs {
            let (name, value) = (r.text()?, r.text()?);
            labels.set(name, value);
        }
        let (first, len) = (i64::from_le_bytes(r.array()?), r.varint()?);
        let mut ring = Ring::new(first, minutes_max);
        r.ring(&mut ring, len)?;
        rings.insert(labels, ring);
    }
    if r.0.is_empty() { Ok(Saved { definition, known_from, rings }) } else { Err(Damaged("it goes on behind its end")) }
}

fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*head)
    }

    fn varint(&mut self) -> Result<u64, Damaged> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(Damaged("a number is too long"))
    }

    fn text(&mut self) -> Result<&'a str, Damaged> {
        let len = usize::try_from(self.varint()?).map_err(|_| SHORT)?;
        let (head, rest) = self.0.split_at_checked(len).ok_or(SHORT)?;
        self.0 = rest;
        std::str::from_utf8(head).map_err(|_| Damaged("a label is no text"))
    }

    fn ring(&mut self, ring: &mut Ring, len: u64) -> Result<(), Damaged> {
        if len > MINUTES_MAX {
            return Err(Damaged("it has too many minutes"));
        }
        let end = ring.first().checked_add(len as i64).ok_or(SHORT)?;
        let mut at = ring.first();
        while at < end {
            let [tag] = self.array()?;
            match tag {
                EMPTY => {
                    let n = i64::try_from(self.varint()?).ok().filter(|n| *n <= end - at).ok_or(SHORT)?;
                    at += n;
                }
                WHOLE => {
                    let (good, bad) = (self.varint()? as f64, self.varint()? as f64);
                    ring.set_from(at, [Count { good, total: good + bad }]);
                    at += 1;
                }
                DOUBLES => {
                    let (good, total) = (f64::from_le_bytes(self.array()?), f64::from_le_bytes(self.array()?));
                    if !(good.is_finite() && total.is_finite()) {
                        return Err(Damaged("a count is not a number"));
                    }
                    ring.set_from(at, [Count { good, total }]);
                    at += 1;
                }
                _ => return Err(Damaged("a minute is of an unknown kind")),
            }
        }
        ring.set_from(end, []);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn saved(counts: &[(u32, u32, bool)]) -> BTreeMap<Labels, Ring> {
        let mut ring = Ring::new(29_000_000, 100_000);
        for (i, (good, bad, half)) in counts.iter().enumerate() {
            let good = f64::from(*good) + if *half { 0.5 } else { 0.0 };
            ring.set_from(29_000_000 + i as i64, [Count { good, total: good + f64::from(*bad) }]);
        }
        BTreeMap::from([(Labels::from_pairs([("service", "api")]), ring), (Labels::default(), Ring::new(5, 100_000))])
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            counts in prop::collection::vec((0u32..3, 0u32..3, any::<bool>()), 0..200), definition: u64,
        ) {
            let rings = saved(&counts);
            let bytes = encode(definition, 7, &rings);
            prop_assert_eq!(decode(&bytes, 100_000), Ok(Saved { definition, known_from: 7, rings }));
        }

        #[test]
        fn damage_is_an_error(at in 0usize..300, bit in 0u8..8, cut in 0usize..300) {
            let mut bytes = encode(1, 7, &saved(&[(1, 2, false), (0, 0, false), (0, 0, true), (9, 9, true)]));
            let whole = bytes.clone();
            let place = at % bytes.len();
            bytes[place] ^= 1 << bit;
            prop_assert!(decode(&bytes, 100).is_err());
            prop_assert!(decode(&whole[..cut % whole.len()], 100).is_err());
            // Behind a correct checksum nothing may panic or grow without bound either.
            let body = bytes.len() - 4;
            let crc = crc32c::crc32c(&bytes[..body]);
            bytes[body..].copy_from_slice(&crc.to_le_bytes());
            let _ = decode(&bytes, 100);
        }
    }
}
