//! What outlives a head: the newest time, the totals of delta streams, the catalog.
//!
//! Taken when the head is frozen, written beside its block, named by the same
//! manifest: replay goes on from exactly here. Format: `docs/formats/tsdb.md`, "Snapshot".

use std::path::Path;

use foundation::disk::Disk;

use crate::TsdbError;
use crate::aggregate::Aggregates;
use crate::catalog::Catalog;
use crate::chunk::bits::ByteReader;
use crate::delta::DeltaStreams;

const MAGIC: [u8; 8] = *b"BRK-SNAP";
const VERSION: u32 = 3;

/// The state of the engine, besides samples, at the end of a log generation.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// Time of the newest sample ever taken, milliseconds; `i64::MIN` before the first.
    pub(crate) newest: i64,
    pub(crate) deltas: DeltaStreams,
    pub(crate) aggregates: Aggregates,
    pub(crate) catalog: Catalog,
}

impl Default for Snapshot {
    fn default() -> Self {
        let (deltas, aggregates, catalog) = Default::default();
        Self { newest: i64::MIN, deltas, aggregates, catalog }
    }
}

impl Snapshot {
    /// Writes and syncs the file. Its name lasts only once its folder is synced.
    pub(crate) fn store(&self, disk: &dyn Disk, path: &Path) -> Result<(), TsdbError> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.newest.to_le_bytes());
        self.deltas.encode(&mut out);
        self.catalog.encode(&mut out);
        self.aggregates.encode(&mut out);
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        let mut file = disk.create(path).map_err(TsdbError::io("make", path))?;
        file.write_all(&out).map_err(TsdbError::io("write", path))?;
        file.sync_data().map_err(TsdbError::io("sync", path))
    }

    pub(crate) fn load(disk: &dyn Disk, path: &Path) -> Result<Self, TsdbError> {
        let bytes = disk.read(path).map_err(TsdbError::io("read", path))?;
        let damaged = |what| TsdbError::Damaged { path: path.to_owned(), offset: 0, what };
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or_else(|| damaged("the file is too short"))?;
        if u32::from_le_bytes(*crc) != crc32c::crc32c(body) {
            return Err(damaged("the checksum of the snapshot does not match"));
        }
        let mut r = ByteReader(body);
        if r.bytes(MAGIC.len()) != Some(&MAGIC) {
            return Err(damaged("the file does not begin as a snapshot does"));
        }
        let version = r.u32().unwrap_or_default();
        if !(1..=VERSION).contains(&version) {
            return Err(TsdbError::Version { path: path.to_owned(), version, known: VERSION });
        }
        read(&mut r, version).ok_or_else(|| damaged("the content of the snapshot"))
    }
}

fn read(r: &mut ByteReader<'_>, version: u32) -> Option<Snapshot> {
    let newest = r.u64()? as i64;
    let deltas = if version == 1 { DeltaStreams::decode_v1(r)? } else { DeltaStreams::decode(r)? };
    let catalog = Catalog::decode(r)?;
    let aggregates = if version < 3 { Aggregates::default() } else { Aggregates::decode(r)? };
    Some(Snapshot { newest, deltas, aggregates, catalog })
}
