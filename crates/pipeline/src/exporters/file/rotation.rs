//! `rotation`: a file that is large enough gets a name with the time in it, and old ones go.
//!
//! Names as lumberjack makes them: `data-2022-09-14T05-02-14.173.json`.

use std::path::{Path, PathBuf};

use foundation::UnixNanos;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::component::{Refused, Setup};

const DAY_NANOS: i64 = 86_400_000_000_000;
/// The time in a name.
const LAYOUT: &str = "%Y-%m-%dT%H-%M-%S";

/// `rotation`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Rotation {
    max_megabytes: u64,
    /// 0 keeps them whatever their age.
    max_days: u32,
    /// 0 keeps all of them.
    max_backups: usize,
    localtime: bool,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { max_megabytes: 100, max_days: 0, max_backups: 100, localtime: false }
    }
}

impl Rotation {
    pub(super) fn check(&self, setup: &mut Setup<'_>) -> Result<(), Refused> {
        match self.max_megabytes {
            0 => Err(setup.error("rotation.max_megabytes", "must be greater than zero")),
            _ => Ok(()),
        }
    }

    /// A file is not written beyond this.
    pub(super) const fn bytes_max(&self) -> u64 {
        self.max_megabytes.saturating_mul(1 << 20)
    }

    fn zone(&self) -> TimeZone {
        if self.localtime { TimeZone::system() } else { TimeZone::UTC }
    }

    /// What `path` is called from `now` on; `taken` are the names that there are.
    pub(super) fn backup(&self, path: &Path, now: UnixNanos, taken: &[PathBuf]) -> PathBuf {
        let (folder, stem, ending) = parts(path);
        let mut millis = now.as_millis();
        loop {
            let time = Timestamp::from_millisecond(millis).unwrap_or_default().to_zoned_datetime(self.zone());
            let name = format!("{stem}-{}.{:03}{ending}", time.strftime(LAYOUT), millis.rem_euclid(1000));
            let backup = folder.join(name);
            if !taken.contains(&backup) {
                return backup;
            }
            millis += 1;
        }
    }

    /// Those of `files` that are old files of `path` and have to go.
    pub(super) fn superfluous(&self, path: &Path, now: UnixNanos, files: &[PathBuf]) -> Vec<PathBuf> {
        let mut old: Vec<(UnixNanos, &PathBuf)> =
            files.iter().filter_map(|file| Some((self.time(path, file)?, file))).collect();
        old.sort();
        let too_many = if self.max_backups == 0 { 0 } else { old.len().saturating_sub(self.max_backups) };
        let age_max = i64::from(self.max_days).saturating_mul(DAY_NANOS);
        let too_old = |time: UnixNanos| age_max > 0 && time.0 < now.0.saturating_sub(age_max);
        let superfluous = old.iter().enumerate().filter(|(at, (time, _))| *at < too_many || too_old(*time));
        superfluous.map(|(_, (_, file))| (*file).clone()).collect()
    }

    /// When `file` was put aside, if it is an old file of `path`.
    fn time(&self, path: &Path, file: &Path) -> Option<UnixNanos> {
        let (_, stem, ending) = parts(path);
        let name = file.file_name()?.to_str()?;
        let text = name.strip_prefix(&stem)?.strip_prefix('-')?.strip_suffix(&ending)?;
        let (seconds, millis) = text.split_once('.')?;
        let millis: i64 = Some(millis).filter(|millis| millis.len() == 3)?.parse().ok()?;
        let time = self.zone().to_timestamp(DateTime::strptime(LAYOUT, seconds).ok()?).ok()?;
        Some(UnixNanos::from_millis(time.as_millisecond() + millis))
    }
}

/// The folder, and the name before its last dot and from it on.
fn parts(path: &Path) -> (PathBuf, String, String) {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, ending) = name.split_at(name.rfind('.').unwrap_or(name.len()));
    (folder, stem.to_owned(), ending.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixNanos = UnixNanos::from_millis(1_663_131_734_173);

    #[test]
    fn names_are_those_of_the_collector_and_none_is_used_twice() {
        let rotation = Rotation::default();
        let path = Path::new("/t/data.json");
        let first = rotation.backup(path, NOW, &[]);
        assert_eq!(first, Path::new("/t/data-2022-09-14T05-02-14.173.json"));
        let second = rotation.backup(path, NOW, &[first]);
        assert_eq!(second, Path::new("/t/data-2022-09-14T05-02-14.174.json"));
        assert_eq!(rotation.backup(Path::new("data"), NOW, &[]), Path::new("data-2022-09-14T05-02-14.173"));
    }

    #[test]
    fn the_oldest_go_and_nothing_else_does() {
        let rotation = Rotation { max_backups: 2, max_days: 3, ..Rotation::default() };
        let path = Path::new("/t/data.json");
        let names = [
            "data-2022-09-10T00-00-00.000.json",
            "data-2022-09-13T00-00-00.000.json",
            "data-2022-09-13T00-00-01.000.json",
            "data-2022-09-14T00-00-00.000.json",
            "data-notes.json",
            "data.json",
            "data-2022-09-01T00-00-00.000.txt",
            "other-2022-09-01T00-00-00.000.json",
        ];
        let files: Vec<PathBuf> = names.iter().map(|name| Path::new("/t").join(name)).collect();
        assert_eq!(rotation.superfluous(path, NOW, &files), files[..2]);
        let all = Rotation { max_backups: 0, max_days: 0, ..Rotation::default() };
        assert!(all.superfluous(path, NOW, &files).is_empty());
        let days = Rotation { max_backups: 0, max_days: 3, ..Rotation::default() };
        assert_eq!(days.superfluous(path, NOW, &files), files[..1]);
    }
}
