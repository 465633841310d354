//! Which segments are live, and which generations of the log they cover.
//!
//! A text file, replaced as a whole. A segment exists when the manifest says
//! so: other segment files are left over from a crash and removed at open.
//! Format: `docs/formats/segment.md`, "Manifest".

use std::path::{Path, PathBuf};

use foundation::disk::{SharedDisk, write_atomic};
use model::UnixNanos;

use crate::error::OpenError;
use crate::partition::Day;

const FILE: &str = "MANIFEST";
const FIRST_LINE: &str = "bellrock-eventstore-manifest 1";

/// What is known of a segment without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentInfo {
    pub(crate) id: u64,
    pub(crate) day: Day,
    pub(crate) rows: u64,
    /// Both inclusive.
    pub(crate) min_time: UnixNanos,
    pub(crate) max_time: UnixNanos,
    /// The length of the file.
    pub(crate) bytes: u64,
}

impl SegmentInfo {
    /// Where the file lies below the store's folder.
    pub(crate) fn path(&self, dir: &Path) -> PathBuf {
        segment_path(dir, self.day, self.id)
    }
}

/// Where the file of a segment lies below the store's folder.
pub(crate) fn segment_path(dir: &Path, day: Day, id: u64) -> PathBuf {
    dir.join(day.to_string()).join(format!("seg-{id:012}.evt"))
}

/// The state of a half of the store on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Manifest {
    /// The last generation of the log whose rows are in segments.
    pub(crate) covered: u64,
    /// The number of the first row that is not.
    pub(crate) next_seq: u64,
    /// The id of the next segment.
    pub(crate) next_segment: u64,
    pub(crate) segments: Vec<SegmentInfo>,
}

impl Manifest {
    /// A number for a new segment. It is used once, even when writing the segment fails: a manifest that was written but
    /// not synced may name its file already.
    pub(crate) fn take_id(&mut self) -> u64 {
        let id = self.next_segment;
        self.next_segment += 1;
        id
    }

    fn to_text(&self) -> String {
        let mut out = format!(
            "{FIRST_LINE}\ncovered {}\nnext_seq {}\nnext_segment {}\n",
            self.covered, self.next_seq, self.next_segment
        );
        for s in &self.segments {
            out.push_str(&format!(
                "segment {} {} {} {} {} {}\n",
                s.id, s.day, s.rows, s.min_time.0, s.max_time.0, s.bytes
            ));
        }
        let crc = crc32c::crc32c(out.as_bytes());
        out.push_str(&format!("crc32c {crc:08x}\n"));
        out
    }

    fn from_text(text: &str) -> Result<Self, (usize, &'static str)> {
        let last = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
        let (body, sum) = text.split_at(last);
        let lines = body.lines().count();
        if sum.trim_end() != format!("crc32c {:08x}", crc32c::crc32c(body.as_bytes())) {
            return Err((lines + 1, "the checksum differs"));
        }
        let mut m = Self::default();
        for (i, line) in body.lines().enumerate() {
            let bad = |what| (i + 1, what);
            if i == 0 {
                if line != FIRST_LINE {
                    return Err(bad("it is of another version"));
                }
                continue;
            }
            let (word, rest) = line.split_once(' ').ok_or(bad("a word without a value"))?;
            let number = || rest.parse().map_err(|_| bad("not a number"));
            match word {
                "covered" => m.covered = number()?,
                "next_seq" => m.next_seq = number()?,
                "next_segment" => m.next_segment = number()?,
                "segment" => m.segments.push(segment(rest).ok_or(bad("not a segment"))?),
                _ => return Err(bad("an unknown word")),
            }
        }
        Ok(m)
    }

    /// Where the manifest of the store in `dir` lies.
    pub(crate) fn path(dir: &Path) -> PathBuf {
        dir.join(FILE)
    }

    /// Reads the manifest of the store in `dir`; `None` when there is none.
    pub(crate) fn read(disk: &SharedDisk, dir: &Path) -> Result<Option<Self>, OpenError> {
        let path = Self::path(dir);
        let bytes = match disk.read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(OpenError::Io { path, source }),
        };
        let text = String::from_utf8_lossy(&bytes);
        Self::from_text(&text).map(Some).map_err(|(line, what)| OpenError::Manifest { path, line, what })
    }

    /// Replaces the manifest; after a crash either the old or the new one is there.
    pub(crate) fn write(&self, disk: &SharedDisk, dir: &Path) -> std::io::Result<()> {
        write_atomic(&**disk, &Self::path(dir), self.to_text().as_bytes())
    }
}

fn segment(fields: &str) -> Option<SegmentInfo> {
    let mut f = fields.split(' ');
    let s = SegmentInfo {
        id: f.next()?.parse().ok()?,
        day: Day::parse(f.next()?)?,
        rows: f.next()?.parse().ok()?,
        min_time: UnixNanos(f.next()?.parse().ok()?),
        max_time: UnixNanos(f.next()?.parse().ok()?),
        bytes: f.next()?.parse().ok()?,
    };
    f.next().is_none().then_some(s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_damage_is_found() {
        let day = Day::of(UnixNanos::from_secs(1_795_305_600));
        let s = SegmentInfo { id: 4, day, rows: 9, min_time: UnixNanos(-1), max_time: UnixNanos(7), bytes: 100 };
        assert_eq!(s.path(Path::new("logs")), Path::new("logs/20261122/seg-000000000004.evt"));
        let m = Manifest { covered: 3, next_seq: 9, next_segment: 5, segments: vec![s] };
        let text = m.to_text();
        assert_eq!(Manifest::from_text(&text), Ok(m));
        assert!(Manifest::from_text(&text.replace("covered 3", "covered 4")).is_err());
        assert!(Manifest::from_text(&text[..text.len() - 20]).is_err());
        assert!(Manifest::from_text("").is_err());
    }
}
