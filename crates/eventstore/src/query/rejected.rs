//! Filters and groups on the spans of a batch that a sampler rejected: no block ever has them, so whoever counts them asks
//! here, once, when the batch comes by.
//!
//! What is said of a span is what a query would say of it if it were stored (`eval`, `group`). Conditions on resources and
//! scopes are tested once for each that the batch has.

use std::cell::OnceCell;
use std::convert::Infallible;

use model::Value;
use model::trace::Resource;
use wire::sink::ValueRef;

use super::compile::{self, Plan, Test, ValueView};
use super::eval::{self, Conditions, hex, id_test, text_view};
use super::filter::{AttributeScope, Field, Filter};
use super::nested;
use super::text::{TextSearch, value_text};
use crate::batch::{SpanColumns, SpanValues};
use crate::column::bitmap::Bitmap;
use crate::error::QueryError;
use crate::value_type::ValueType;

/// A filter that runs on spans of a batch.
#[derive(Debug)]
pub struct SpanFilter(Plan);

impl SpanFilter {
    /// Compiles a filter.
    ///
    /// # Errors
    /// When a pattern is not valid, or the filter nests too deep.
    pub fn new(filter: &Filter) -> Result<Self, QueryError> {
        compile::compile(filter, &model::AccessScope::ALL).map(Self)
    }

    /// The places among `spans` of those that match, rising.
    pub fn matching(&self, spans: &RejectedSpans<'_>) -> Vec<usize> {
        let Ok(matching) = eval::matching(spans, &self.0, Bitmap::all(spans.rows.len()));
        matching.iter().collect()
    }
}

/// The spans of a batch that a sampler rejected; their places are those of [`SpanColumns::rejected`].
#[derive(Debug)]
pub struct RejectedSpans<'a> {
    spans: &'a SpanColumns,
    rows: &'a [u32],
    /// Read when a condition first asks for them.
    resources: OnceCell<Vec<Resource>>,
    scopes: OnceCell<Vec<String>>,
}

impl<'a> RejectedSpans<'a> {
    /// Those of `spans`.
    pub fn of(spans: &'a SpanColumns) -> Self {
        Self { spans, rows: spans.rejected(), resources: OnceCell::new(), scopes: OnceCell::new() }
    }

    /// The value of a field of each of the spans at `places` (rising), as text: the span's own before its resource's.
    pub fn texts(&self, field: &Field, places: &[usize]) -> Vec<Option<String>> {
        let rows = places.iter().map(|place| self.row(*place));
        let each = |text: &dyn Fn(usize) -> Option<String>| rows.clone().map(text).collect();
        let number = |column: &[i64]| each(&|row| column.get(row).map(ToString::to_string));
        let plain = |of: &dyn Fn(usize) -> &'a [u8]| {
            each(&|row| Some(of(row)).filter(|s| !s.is_empty()).map(|s| String::from_utf8_lossy(s).into_owned()))
        };
        match field {
            Field::Service => each(&|row| self.resource(row).map(|r| r.service().to_owned())),
            Field::ScopeName => each(&|row| self.scope(row).filter(|name| !name.is_empty()).map(str::to_owned)),
            Field::Name => plain(&|row| self.spans.name(row)),
            Field::StatusMessage => plain(&|row| self.spans.status_message(row)),
            Field::Kind => number(self.spans.kinds()),
            Field::Status => number(self.spans.statuses()),
            Field::Duration => number(self.spans.durations()),
            Field::TraceId => each(&|row| id_text(self.spans.trace_ids(), row)),
            Field::SpanId => each(&|row| id_text(self.spans.span_ids(), row)),
            Field::ParentSpanId => each(&|row| id_text(self.spans.parent_ids(), row)),
            Field::Attribute { scope, key } => self.attribute_texts(*scope, key, places),
            Field::Severity | Field::SeverityText | Field::Body | Field::EventName => vec![None; places.len()],
        }
    }

    fn attribute_texts(&self, scope: AttributeScope, key: &str, places: &[usize]) -> Vec<Option<String>> {
        let mut texts = vec![None; places.len()];
        if scope != AttributeScope::Resource {
            for (path, mut values) in self.at(key) {
                for (text, place) in texts.iter_mut().zip(places) {
                    let Some(value) = values.of(self.row(*place)) else { continue };
                    match (path, text.is_some()) {
                        (None, _) => *text = value_text(&Value::from(value)).or(text.take()),
                        (Some(path), false) => {
                            nested::inside(&Value::from(value), path, &mut |v| {
                                *text = text.take().or_else(|| value_text(v))
                            });
                        }
                        (Some(_), true) => {}
                    }
                }
            }
        }
        if scope != AttributeScope::Record {
            for (text, place) in texts.iter_mut().zip(places).filter(|(text, _)| text.is_none()) {
                let resource = self.resource(self.row(*place));
                *text = resource.and_then(|r| nested::find_at(&r.attributes, key, value_text));
            }
        }
        texts
    }

    /// The attributes that have values at a key: of the key itself, or of maps and arrays with the path inside of them.
    fn at<'k>(&self, key: &'k str) -> impl Iterator<Item = (Option<&'k str>, SpanValues<'_>)> {
        self.spans.attributes().filter_map(move |(name, values)| match key.strip_prefix(name)? {
            "" => Some((None, values)),
            path => Some((Some(path.strip_prefix('.')?), values)),
        })
    }

    fn row(&self, place: usize) -> usize {
        self.rows.get(place).map_or(usize::MAX, |row| *row as usize)
    }

    fn resources(&self) -> &[Resource] {
        self.resources.get_or_init(|| self.spans.resources().map(wire::otlp::read_resource).collect())
    }

    fn resource(&self, row: usize) -> Option<&Resource> {
        self.resources().get(*self.spans.resource_codes().get(row)? as usize)
    }

    fn scopes(&self) -> &[String] {
        self.scopes.get_or_init(|| self.spans.scopes().map(|raw| wire::otlp::read_scope(raw).name).collect())
    }

    fn scope(&self, row: usize) -> Option<&str> {
        self.scopes().get(*self.spans.scope_codes().get(row)? as usize).map(String::as_str)
    }

    /// The places whose row is a hit.
    fn filled(&self, hit: impl Fn(usize) -> bool) -> Bitmap {
        Bitmap::filled(self.rows.len(), |place| hit(self.row(place)))
    }

    fn own_attribute(&self, key: &str, test: &Test, hits: &mut Bitmap) {
        for (path, mut values) in self.at(key) {
            for place in 0..self.rows.len() {
                let Some(value) = values.of(self.row(place)) else { continue };
                let hit = match path {
                    None => test.matches(view(value)),
                    Some(path) => {
                        let mut any = false;
                        nested::inside(&Value::from(value), path, &mut |v| any = any || test.matches_value(v));
                        any
                    }
                };
                if hit {
                    hits.set(place);
                }
            }
        }
    }

    fn by_resource(&self, holds: impl Fn(&Resource) -> bool) -> Bitmap {
        let hits: Vec<bool> = self.resources().iter().map(holds).collect();
        self.by_code(self.spans.resource_codes(), &hits)
    }

    fn by_code(&self, codes: &[u32], hits: &[bool]) -> Bitmap {
        self.filled(|row| codes.get(row).and_then(|code| hits.get(*code as usize)) == Some(&true))
    }

    fn by_id<const N: usize>(&self, ids: &[[u8; N]], test: &Test) -> Bitmap {
        let hit = id_test(test);
        self.filled(|row| ids.get(row).is_some_and(&hit))
    }
}

impl Conditions for RejectedSpans<'_> {
    type Error = Infallible;

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn test(&self, field: &Field, test: &Test) -> Result<Bitmap, Infallible> {
        let plain = |s: &[u8]| !s.is_empty() && test.matches(ValueView::Binary(ValueType::Str, s));
        let number =
            |column: &[i64]| self.filled(|row| column.get(row).is_some_and(|v| test.matches(ValueView::Int(*v))));
        Ok(match field {
            Field::Service => self.by_resource(|r| test.matches(text_view(r.service()))),
            Field::ScopeName => {
                let hits: Vec<bool> = self.scopes().iter().map(|name| plain(name.as_bytes())).collect();
                self.by_code(self.spans.scope_codes(), &hits)
            }
            Field::Name => self.filled(|row| plain(self.spans.name(row))),
            Field::StatusMessage => self.filled(|row| plain(self.spans.status_message(row))),
            Field::Kind => number(self.spans.kinds()),
            Field::Status => number(self.spans.statuses()),
            Field::Duration => number(self.spans.durations()),
            Field::TraceId => self.by_id(self.spans.trace_ids(), test),
            Field::SpanId => self.by_id(self.spans.span_ids(), test),
            Field::ParentSpanId => self.by_id(self.spans.parent_ids(), test),
            Field::Attribute { scope, key } => {
                let mut hits = Bitmap::none(self.rows.len());
                if *scope != AttributeScope::Resource {
                    self.own_attribute(key, test, &mut hits);
                }
                if *scope != AttributeScope::Record {
                    let holds = |r: &Resource| nested::any_at(&r.attributes, key, |v| test.matches_value(v));
                    hits.or(&self.by_resource(holds));
                }
                hits
            }
            Field::Severity | Field::SeverityText | Field::Body | Field::EventName => Bitmap::none(self.rows.len()),
        })
    }

    fn text(&self, search: &TextSearch) -> Result<Bitmap, Infallible> {
        let mut hits =
            self.filled(|row| search.matches(self.spans.name(row)) || search.matches(self.spans.status_message(row)));
        for (_, mut values) in self.spans.attributes() {
            for place in 0..self.rows.len() {
                if let Some(ValueRef::Str(text)) = values.of(self.row(place))
                    && search.matches(text.as_bytes())
                {
                    hits.set(place);
                }
            }
        }
        Ok(hits)
    }
}

fn id_text<const N: usize>(ids: &[[u8; N]], row: usize) -> Option<String> {
    ids.get(row).filter(|id| **id != [0; N]).map(|id| hex(id))
}

fn view(value: ValueRef<'_>) -> ValueView<'_> {
    match value {
        ValueRef::Empty => ValueView::Empty,
        ValueRef::Bool(v) => ValueView::Bool(v),
        ValueRef::Int(v) => ValueView::Int(v),
        ValueRef::Double(v) => ValueView::Double(v),
        ValueRef::Str(v) => ValueView::Binary(ValueType::Str, v.as_bytes()),
        ValueRef::Bytes(v) => ValueView::Binary(ValueType::Bytes, v),
        ValueRef::Array(v) => ValueView::Binary(ValueType::Array, v),
        ValueRef::Map(v) => ValueView::Binary(ValueType::Map, v),
    }
}
