//! Warnings and infos about a query, each with the position it is about.
//!
//! The texts are Prometheus's, because dashboards and tests match on them.

use crate::ast::Span;
use crate::error::line_column;

/// Different notes kept per query; more would not be read.
const MAX_NOTES: usize = 100;

/// The notes of one query.
pub(crate) struct Notes<'a> {
    query: &'a str,
    warnings: Vec<String>,
    infos: Vec<String>,
}

impl<'a> Notes<'a> {
    pub(crate) fn new(query: &'a str) -> Self {
        Self { query, warnings: Vec::new(), infos: Vec::new() }
    }

    /// Adds a warning unless it is there already.
    pub(crate) fn warn(&mut self, message: &str, span: Span) {
        let text = self.located("PromQL warning", message, span);
        push_once(&mut self.warnings, text);
    }

    /// Adds an info unless it is there already.
    pub(crate) fn info(&mut self, message: &str, span: Span) {
        let text = self.located("PromQL info", message, span);
        push_once(&mut self.infos, text);
    }

    /// The text of a part of the query.
    pub(crate) fn source(&self, span: Span) -> Option<&'a str> {
        self.query.get(span.start..span.end)
    }

    fn located(&self, level: &str, message: &str, span: Span) -> String {
        let (line, column) = line_column(self.query, span.start);
        format!("{level}: {message} ({line}:{column})")
    }

    /// The warnings and infos so far.
    pub(crate) fn take(&mut self) -> (Vec<String>, Vec<String>) {
        (std::mem::take(&mut self.warnings), std::mem::take(&mut self.infos))
    }
}

fn push_once(list: &mut Vec<String>, text: String) {
    if list.len() < MAX_NOTES && !list.contains(&text) {
        list.push(text);
    }
}
