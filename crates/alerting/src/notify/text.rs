//! A setting that is a template, compiled, and what stands in its place when it fails.

use gotemplate::Template;

/// What a text is for: decides what is sent when it cannot be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// One line that says what is the matter.
    Title,
    /// The alerts.
    Body,
    /// The alerts, as HTML.
    HtmlBody,
    /// A colour, a name, an icon: nothing is better than a wrong one.
    Detail,
}

/// A compiled setting.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub field: String,
    pub source: String,
    pub template: Result<Template, String>,
    pub role: Role,
}

impl Text {
    pub(super) fn new(field: &str, source: &str, template: Result<Template, String>, role: Role) -> Self {
        Self { field: field.to_owned(), source: source.to_owned(), template, role }
    }

    /// The text itself, when nothing is to be filled in.
    pub(super) fn constant(&self) -> Option<&str> {
        (!self.source.contains("{{")).then_some(self.source.as_str())
    }
}
