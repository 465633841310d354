//! The files of a log: names, replay, repair, removal.

use std::path::{Path, PathBuf};

use foundation::disk::Disk;

use crate::frame::{self, FILE_HEADER_LEN, FILE_MAGIC, MARKER};
use crate::{Generation, WalError};

/// What [`Wal::open`](crate::Wal::open) found.
#[derive(Debug, Default, Clone)]
pub struct RepairReport {
    /// Records replayed.
    pub records: u64,
    /// Their bytes, decompressed.
    pub bytes: u64,
    /// The highest generation on disk, or 0.
    pub last_generation: Generation,
    /// What could not be read.
    pub damage: Vec<Damage>,
}

/// A stretch of a file that holds no readable record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// At the end of the file, as a crash in the middle of a write leaves it: nothing that was
    /// acknowledged is in it, and it was cut off. Otherwise records were damaged after they were written.
    pub torn_tail: bool,
}

/// `0000000000000007-0002.wal`: generation 7, part 2, in hex, so that names sort in log order.
pub(crate) fn name(generation: Generation, part: u32) -> String {
    format!("{generation:016x}-{part:08x}.wal")
}

fn parse_name(path: &Path) -> Option<(Generation, u32)> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".wal")?;
    let (generation, part) = stem.split_once('-')?;
    Some((u64::from_str_radix(generation, 16).ok()?, u32::from_str_radix(part, 16).ok()?))
}

fn files(disk: &dyn Disk, dir: &Path) -> Result<Vec<(Generation, PathBuf)>, WalError> {
    let all = disk.list(dir).map_err(WalError::io("list", dir))?;
    let mut found: Vec<_> = all.into_iter().filter_map(|p| parse_name(&p).map(|n| (n, p))).collect();
    found.sort();
    Ok(found.into_iter().map(|((generation, _), p)| (generation, p)).collect())
}

pub(crate) fn replay_all(
    disk: &dyn Disk,
    dir: &Path,
    replay: &mut dyn FnMut(Generation, &[u8]),
) -> Result<RepairReport, WalError> {
    let mut report = RepairReport::default();
    for (generation, path) in files(disk, dir)? {
        report.last_generation = report.last_generation.max(generation);
        let bytes = disk.read(&path).map_err(WalError::io("read", &path))?;
        check_version(&path, &bytes)?;
        let damage = scan(&bytes, |record| {
            report.records += 1;
            report.bytes += record.len() as u64;
            replay(generation, record);
        });
        for (offset, len) in damage {
            let torn_tail = offset + len == bytes.len();
            if torn_tail {
                cut(disk, &path, offset)?;
            }
            let damage = Damage { path: path.clone(), offset: offset as u64, bytes: len as u64, torn_tail };
            tracing::warn!(path = %damage.path.display(), offset, bytes = len, torn_tail, "the log holds bytes that are no record; skipped");
            report.damage.push(damage);
        }
    }
    Ok(report)
}

pub(crate) fn read_generation(
    disk: &dyn Disk,
    dir: &Path,
    generation: Generation,
    record: &mut dyn FnMut(&[u8]),
) -> Result<(), WalError> {
    for (_, path) in files(disk, dir)?.into_iter().filter(|(g, _)| *g == generation) {
        let bytes = disk.read(&path).map_err(WalError::io("read", &path))?;
        check_version(&path, &bytes)?;
        for (offset, len) in scan(&bytes, &mut *record) {
            tracing::warn!(path = %path.display(), offset, bytes = len, "the log holds bytes that are no record; skipped");
        }
    }
    Ok(())
}

fn check_version(path: &Path, bytes: &[u8]) -> Result<(), WalError> {
    match bytes.get(..8) {
        Some(magic) if magic[..7] == FILE_MAGIC[..7] && magic[7] > FILE_MAGIC[7] => {
            Err(WalError::Version { path: path.to_owned(), version: magic[7] })
        }
        _ => Ok(()),
    }
}

fn cut(disk: &dyn Disk, path: &Path, len: usize) -> Result<(), WalError> {
    let mut file = disk.open_append(path).map_err(WalError::io("open", path))?;
    file.truncate(len as u64).map_err(WalError::io("cut the torn end of", path))?;
    file.sync_data().map_err(WalError::io("sync", path))
}

/// Calls `record` for each readable record; returns the stretches between that are not (offset, length).
fn scan(bytes: &[u8], mut record: impl FnMut(&[u8])) -> Vec<(usize, usize)> {
    let mut damage = Vec::new();
    // The header only matters to people and to the version check: a torn one hides no frame.
    let mut at = FILE_HEADER_LEN.min(bytes.len());
    while at < bytes.len() {
        if let Some((payload, len)) = frame::decode(&bytes[at..]) {
            if let Some(payload) = payload {
                record(&payload);
            }
            at += len;
            continue;
        }
        let next = next_frame(bytes, at + 1);
        damage.push((at, next - at));
        at = next;
    }
    damage
}

/// The offset of the next readable frame at or after `from`, or the end.
fn next_frame(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = bytes.get(at..).and_then(|rest| find(rest, &MARKER)) {
        at += found;
        if frame::decode(&bytes[at..]).is_some() {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

pub(crate) fn remove_through(disk: &dyn Disk, dir: &Path, through: Generation) -> Result<(), WalError> {
    let old: Vec<_> = files(disk, dir)?.into_iter().filter(|(g, _)| *g <= through).collect();
    if old.is_empty() {
        return Ok(());
    }
    for (_, path) in old {
        disk.remove_file(&path).map_err(WalError::io("remove", &path))?;
    }
    disk.sync_dir(dir).map_err(WalError::io("sync", dir))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Frame, file_header};

    fn file_of(records: &[&'static [u8]]) -> Vec<u8> {
        let mut out = file_header(1).to_vec();
        for r in records {
            let f = Frame::encode(bytes::Bytes::from_static(r), false);
            out.extend_from_slice(&f.header);
            out.extend_from_slice(&f.payload);
        }
        out
    }

    fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<(usize, usize)>) {
        let mut records = Vec::new();
        let damage = scan(bytes, |r| records.push(r.to_vec()));
        (records, damage)
    }

    #[test]
    fn a_damaged_record_costs_only_itself() {
        let mut bytes = file_of(&[b"one", b"two", b"three"]);
        let two = FILE_HEADER_LEN + frame::FRAME_HEADER_LEN + 3;
        bytes[two + frame::FRAME_HEADER_LEN] ^= 1;
        let (records, damage) = read(&bytes);
        assert_eq!(records, [b"one".to_vec(), b"three".to_vec()]);
        assert_eq!(damage, [(two, frame::FRAME_HEADER_LEN + 3)]);
    }

    #[test]
    fn a_torn_tail_ends_at_the_end() {
        let whole = file_of(&[b"one", b"two"]);
        for len in 0..whole.len() {
            let (records, damage) = read(&whole[..len]);
            assert!(records.len() <= 1 && damage.len() <= 1);
            assert!(damage.iter().all(|(at, n)| at + n == len), "{len}: {damage:?}");
        }
    }

    #[test]
    fn names_sort_in_log_order() {
        assert!(name(9, 0) < name(10, 0) && name(10, 1) < name(10, 2));
        assert_eq!(parse_name(Path::new("/x").join(name(7, 2)).as_path()), Some((7, 2)));
        assert_eq!(parse_name(Path::new("/x/MANIFEST")), None);
    }
}
