//! Where something stands.

use std::fmt;
use std::sync::Arc;

/// Where something stands in a file. The default is nowhere: it stands in no file, or no line of it is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The file, as it was named; empty for a text that has no name.
    pub file: Arc<str>,
    /// From 1; 0 when the whole is meant.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

impl Place {
    /// The same line and column of the file that is called `file`.
    #[must_use]
    pub fn of(&self, file: &Arc<str>) -> Self {
        Self { file: file.clone(), ..*self }
    }

    /// Whether it says nothing.
    pub fn is_nowhere(&self) -> bool {
        self.file.is_empty() && self.line == 0
    }
}

impl fmt::Display for Place {
    /// `otel.yaml:12:5`, `12:5`, `otel.yaml`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match (self.line, self.file.is_empty()) {
            (0, _) => Ok(()),
            (line, true) => write!(f, "{line}:{}", self.column),
            (line, false) => write!(f, ":{line}:{}", self.column),
        }
    }
}
