//! What is known of the fields of rows without looking at the rows: from counts of a block, or a summary of a segment.

use super::compile::ValueView;
use super::eval::text_view;
use super::filter::Field;
use crate::schema::Schema;
use crate::summary::Durations;
use crate::summary::durations::Key;

/// What is known of a field of some rows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fact<'a> {
    /// Nothing.
    Unknown,
    /// That they do not have it.
    Absent,
    /// Its value.
    Is(ValueView<'a>),
    /// That no value is larger.
    AtMost(i64),
}

/// Rows of which something is known without looking at them.
pub(crate) trait Facts {
    fn of(&self, field: &Field) -> Fact<'_>;
}

/// Rows with a value in the column that is counted: the severity of logs, the status of spans.
pub(crate) struct Counted {
    pub(crate) schema: Schema,
    pub(crate) value: u8,
}

impl Facts for Counted {
    fn of(&self, field: &Field) -> Fact<'_> {
        match self.value {
            _ if !is_counted(field, self.schema) => Fact::Unknown,
            // A log record without severity has no such field.
            0 if self.schema == Schema::Logs => Fact::Absent,
            value => Fact::Is(ValueView::Int(i64::from(value))),
        }
    }
}

/// Whether a block counts its rows by the field.
pub(crate) fn is_counted(field: &Field, schema: Schema) -> bool {
    matches!((schema, field), (Schema::Logs, Field::Severity) | (Schema::Spans, Field::Status))
}

/// Rows of a service.
pub(crate) struct RowsOf<'a> {
    pub(crate) service: &'a str,
    pub(crate) counted: Option<Counted>,
    /// No span of them took more nanoseconds.
    pub(crate) longest: Option<i64>,
}

impl Facts for RowsOf<'_> {
    fn of(&self, field: &Field) -> Fact<'_> {
        match field {
            Field::Service => Fact::Is(text_view(self.service)),
            Field::Duration => self.longest.map_or(Fact::Unknown, Fact::AtMost),
            _ => self.counted.as_ref().map_or(Fact::Unknown, |counted| counted.of(field)),
        }
    }
}

/// Whether a summary of spans knows the field.
pub(crate) fn is_of_spans(field: &Field) -> bool {
    matches!(field, Field::Service | Field::Name | Field::Kind | Field::Status)
}

/// Spans of a segment.
pub(crate) struct SpansOf<'a> {
    pub(crate) durations: &'a Durations,
    pub(crate) key: &'a Key,
}

impl Facts for SpansOf<'_> {
    fn of(&self, field: &Field) -> Fact<'_> {
        match field {
            Field::Service => Fact::Is(text_view(self.durations.service(self.key))),
            Field::Name => match self.durations.name(self.key) {
                "" => Fact::Absent,
                name => Fact::Is(text_view(name)),
            },
            Field::Kind => Fact::Is(ValueView::Int(i64::from(self.key.kind))),
            Field::Status => Fact::Is(ValueView::Int(i64::from(self.key.status))),
            _ => Fact::Unknown,
        }
    }
}
