//! Warnings and infos about a query, each with the position it is about.
//!
//! The texts are Prometheus's, because dashboards and tests match on them.

use crate::ast::Span;
use crate::error::line_column;

/// Different notes kept per query; more would not be read.
const MAX_NOTES: usize = 100;

/// The notes of one query.
#[derive(Default)]
pub(crate) struct Notes {
    warnings: Vec<String>,
    infos: Vec<String>,
}

impl Notes {
    /// Adds a warning unless it is there already.
    pub(crate) fn warn(&mut self, query: &str, message: &str, span: Span) {
        push_once(&mut self.warnings, located("PromQL warning", query, message, span));
    }

    /// Adds an info unless it is there already.
    pub(crate) fn info(&mut self, query: &str, message: &str, span: Span) {
        push_once(&mut self.infos, located("PromQL info", query, message, span));
    }

    /// The warnings and infos so far, sorted: threads add them in any order.
    pub(crate) fn take(&mut self) -> (Vec<String>, Vec<String>) {
        self.warnings.sort();
        self.infos.sort();
        (std::mem::take(&mut self.warnings), std::mem::take(&mut self.infos))
    }
}

fn located(level: &str, query: &str, message: &str, span: Span) -> String {
    let (line, column) = line_column(query, span.start);
    format!("{level}: {message} ({line}:{column})")
}

fn push_once(list: &mut Vec<String>, text: String) {
    if list.len() < MAX_NOTES && !list.contains(&text) {
        list.push(text);
    }
}
