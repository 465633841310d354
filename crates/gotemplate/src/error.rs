//! Why a template cannot be used, or could not be filled.

use foundation::ErrorKind;

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not a template, or names a function that there is not.
    #[error("template {name}:{line}: {message}")]
    Parse {
        /// The file or the setting.
        name: String,
        /// From 1.
        line: usize,
        /// What, as Go says it where Go says it well.
        message: String,
    },
    /// It was not filled to its end.
    #[error("template {name}: {message}")]
    Execute {
        /// The file or the setting.
        name: String,
        /// What, with the line where that is known.
        message: String,
    },
}

impl Error {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// What functions of templates return.
pub type Result<T> = std::result::Result<T, gotmpl::TemplateError>;

/// An error of a function or of an access.
///
/// # Errors
/// Always.
pub fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(gotmpl::TemplateError::Exec(message.into()))
}
