//! Texts that are compared so that the time tells nothing, and files of them that are read again when they change.

use std::path::PathBuf;
use std::time::SystemTime;

use parking_lot::Mutex;

/// Whether two secrets are the same; takes as long for every text of the same length.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0u8, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// A file whose text is kept while it does not change.
pub(super) struct Watched {
    path: PathBuf,
    read: Mutex<Option<(SystemTime, u64, String)>>,
}

impl Watched {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, read: Mutex::new(None) }
    }

    /// The text as it is now; as it was last when it cannot be read any more.
    ///
    /// # Errors
    /// It was never readable.
    pub(super) fn text(&self) -> Result<String, String> {
        let mut read = self.read.lock();
        let failed = |e: std::io::Error| format!("cannot read {}: {e}", self.path.display());
        let stamp = std::fs::metadata(&self.path).and_then(|m| Ok((m.modified()?, m.len())));
        match (&*read, stamp) {
            (Some((time, len, text)), Ok((t, l))) if *time == t && *len == l => Ok(text.clone()),
            (_, Ok((time, len))) => match std::fs::read_to_string(&self.path) {
                Ok(text) => {
                    *read = Some((time, len, text.clone()));
                    Ok(text)
                }
                Err(e) => read.as_ref().map(|(_, _, text)| text.clone()).ok_or_else(|| failed(e)),
            },
            (Some((_, _, text)), Err(_)) => Ok(text.clone()),
            (None, Err(e)) => Err(failed(e)),
        }
    }
}
