//! The checkpoint: everything derived up to the end of one generation of the log of spans.
//!
//! One file, replaced as a whole. Format: `docs/formats/derived.md`.

use std::io;
use std::path::{Path, PathBuf};

use foundation::disk::{Disk, write_atomic};

use crate::bytes::{Damaged, Reader, put_u32, put_u64};
use crate::settings::Settings;
use crate::state::State;

const MAGIC: [u8; 7] = *b"BellDrv";
/// The one that is written; those before it are read as well.
const VERSION: u8 = 3;
const FILE: &str = "CHECKPOINT";

pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Magic, covered generation, state, CRC32C of all of it.
pub(crate) fn encode(covered: u64, state: &State) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.push(VERSION);
    put_u64(&mut out, covered);
    state.encode(&mut out);
    let crc = crc32c::crc32c(&out);
    put_u32(&mut out, crc);
    out
}

pub(crate) fn decode(bytes: &[u8], settings: &Settings) -> Result<(u64, State), Damaged> {
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or(Damaged("it ends too early"))?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return Err(Damaged("the checksum differs"));
    }
    let mut r = Reader(body);
    let (magic, version) = (r.array()?, r.u8()?);
    if magic != MAGIC || !(1..=VERSION).contains(&version) {
        return Err(Damaged("it is of another version"));
    }
    Ok((r.u64()?, State::decode(&mut r, settings, version)?))
}

/// Reads the checkpoint in `dir`; `None` when there is none.
pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> io::Result<Option<Vec<u8>>> {
    match disk.read(&path(dir)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Replaces the checkpoint; after a crash either the old or the new one is there.
pub(crate) fn write(disk: &dyn Disk, dir: &Path, bytes: &[u8]) -> io::Result<()> {
    write_atomic(disk, &path(dir), bytes)
}
