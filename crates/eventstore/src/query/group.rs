//! The group of each row by the value of a field: a small code per row, and the name of each code.

use hashbrown::HashMap;
use model::log::severity_range;
use model::{Value, attributes};
use rustc_hash::FxBuildHasher;

use super::eval::parents;
use super::filter::{AttributeScope, Field};
use super::request::GroupBy;
use super::run::Halt;
use super::text::value_text;
use super::view::View;
use crate::block::{Loaded, Values};
use crate::column::binary::Binary;
use crate::schema::*;
use crate::value_type::ValueType;

/// The row has no value.
pub(crate) const NO_GROUP: u32 = u32::MAX;

/// Codes of rows and their names.
pub(crate) struct Groups {
    /// One per row; [`NO_GROUP`] for rows without a value.
    pub(crate) codes: Vec<u32>,
    pub(crate) names: Vec<String>,
    index: HashMap<String, u32, FxBuildHasher>,
}

impl Groups {
    fn new(rows: usize) -> Self {
        Self { codes: vec![NO_GROUP; rows], names: Vec::new(), index: HashMap::default() }
    }

    fn code(&mut self, name: String) -> u32 {
        let names = &mut self.names;
        *self.index.entry(name).or_insert_with_key(|name| {
            names.push(name.clone());
            names.len() as u32 - 1
        })
    }

    /// The code of a text; allocates only for the first of its kind.
    fn code_of(&mut self, text: &[u8]) -> u32 {
        let text = String::from_utf8_lossy(text);
        match self.index.get(&*text) {
            Some(code) => *code,
            None => self.code(text.into_owned()),
        }
    }

    fn set(&mut self, row: usize, code: u32) {
        if let Some(c) = self.codes.get_mut(row) {
            *c = code;
        }
    }
}

/// The groups of all rows of a block.
pub(crate) fn groups(view: &View<'_>, by: &GroupBy) -> Result<Groups, Halt> {
    let mut out = Groups::new(view.rows());
    let spans = view.schema() == Schema::Spans;
    match by {
        GroupBy::SeverityRange if spans => {}
        GroupBy::SeverityRange => ints(view, SEVERITY, &mut out, |v| Some(severity_range(v as u8).to_owned()))?,
        GroupBy::Field(field) => match field {
            Field::Service => by_resource(view, &mut out, |r| Some(r.service.clone()))?,
            Field::ScopeName => {
                let codes: Vec<Option<u32>> = view
                    .scopes()?
                    .iter()
                    .map(|s| (!s.scope.name.is_empty()).then(|| out.code(s.scope.name.clone())))
                    .collect();
                by_code(&view.scope_codes()?, &codes, &mut out);
            }
            Field::Name if spans => text(view, NAME, &mut out)?,
            Field::StatusMessage if spans => text(view, STATUS_MESSAGE, &mut out)?,
            Field::Kind if spans => ints(view, KIND, &mut out, |v| Some(v.to_string()))?,
            Field::Status if spans => ints(view, STATUS, &mut out, |v| Some(v.to_string()))?,
            Field::Duration if spans => ints(view, DURATION, &mut out, |v| Some(v.to_string()))?,
            Field::Severity if !spans => ints(view, SEVERITY, &mut out, |v| (v != 0).then(|| v.to_string()))?,
            Field::SeverityText if !spans => text(view, SEVERITY_TEXT, &mut out)?,
            Field::EventName if !spans => text(view, EVENT_NAME, &mut out)?,
            Field::Body if !spans => keyed(view, view.with_id(BODY).map(|(p, e)| (p, e.value_type)), &mut out)?,
            Field::TraceId | Field::SpanId => ids(view, field, &mut out)?,
            Field::ParentSpanId if spans => {
                for (row, id) in parents(view)?.into_iter().enumerate() {
                    if id != [0; 8] {
                        let code = out.code(hex(&id));
                        out.set(row, code);
                    }
                }
            }
            Field::Attribute { scope, key } => {
                if *scope != AttributeScope::Record {
                    by_resource(view, &mut out, |r| attributes::get(&r.resource.attributes, key).and_then(value_text))?;
                }
                // The record's own value wins over the resource's.
                if *scope != AttributeScope::Resource {
                    keyed(view, view.attribute(key).map(|(p, e)| (p, e.value_type)), &mut out)?;
                }
            }
            _ => {}
        },
    }
    Ok(out)
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|b| format!("{b:02x}")).collect()
}

fn by_resource(
    view: &View<'_>,
    out: &mut Groups,
    name: impl Fn(&crate::resources::ResourceInfo) -> Option<String>,
) -> Result<(), Halt> {
    let codes: Vec<Option<u32>> = view.resources()?.iter().map(|r| name(r).map(|n| out.code(n))).collect();
    by_code(&view.resource_codes()?, &codes, out);
    Ok(())
}

fn by_code(rows: &super::view::IntColumn, codes: &[Option<u32>], out: &mut Groups) {
    for (row, code) in rows.get().iter().enumerate() {
        if let Some(Some(code)) = codes.get(*code as usize) {
            out.set(row, *code);
        }
    }
}

fn ints(view: &View<'_>, id: u8, out: &mut Groups, name: impl Fn(i64) -> Option<String>) -> Result<(), Halt> {
    let column = view.ints(id)?;
    let mut known: HashMap<i64, Option<u32>, FxBuildHasher> = HashMap::default();
    for row in 0..view.rows() {
        let v = column.as_ref().map_or(0, |c| c.at(row));
        let code = *known.entry(v).or_insert_with(|| name(v).map(|n| out.code(n)));
        if let Some(code) = code {
            out.set(row, code);
        }
    }
    Ok(())
}

fn text(view: &View<'_>, id: u8, out: &mut Groups) -> Result<(), Halt> {
    match view.column(id)? {
        Some(column) => binary(&column, out, |out, s| (!s.is_empty()).then(|| out.code_of(s))),
        None => Ok(()),
    }
}

fn binary(column: &Loaded, out: &mut Groups, code: impl Fn(&mut Groups, &[u8]) -> Option<u32>) -> Result<(), Halt> {
    let Values::Binary(values) = &column.values else { return Ok(()) };
    match values {
        Binary::Dict { codes, entries } => {
            let named: Vec<Option<u32>> = (0..entries.len()).map(|i| code(out, entries.get(i))).collect();
            for (i, code) in codes.iter().enumerate() {
                if let Some(Some(code)) = named.get(*code as usize) {
                    out.set(column.presence.row(i), *code);
                }
            }
        }
        Binary::Const(v) => {
            let Some(code) = code(out, v) else { return Ok(()) };
            match &column.presence {
                crate::column::presence::Presence::All => out.codes.fill(code),
                crate::column::presence::Presence::Rows(rows) => rows.iter().for_each(|r| out.set(*r as usize, code)),
            }
        }
        Binary::Plain(texts) => {
            for i in 0..texts.len() {
                if let Some(code) = code(out, texts.get(i)) {
                    out.set(column.presence.row(i), code);
                }
            }
        }
    }
    Ok(())
}

fn keyed(view: &View<'_>, columns: impl Iterator<Item = (usize, ValueType)>, out: &mut Groups) -> Result<(), Halt> {
    for (place, value_type) in columns {
        let column = view.load(place)?;
        match (&column.values, value_type) {
            (Values::Ints(values), _) => {
                for (i, v) in values.iter().enumerate() {
                    let value = if value_type == ValueType::Bool { Value::Bool(*v != 0) } else { Value::Int(*v) };
                    let code = out.code(value_text(&value).unwrap_or_default());
                    out.set(column.presence.row(i), code);
                }
            }
            (Values::Doubles(values), _) => {
                for (i, v) in values.iter().enumerate() {
                    let code = out.code(v.to_string());
                    out.set(column.presence.row(i), code);
                }
            }
            (_, ValueType::Str) => binary(&column, out, |out, s| Some(out.code_of(s)))?,
            (_, ValueType::Array) => binary(&column, out, |out, s| {
                value_text(&Value::Array(wire::otlp::read_array(s))).map(|t| out.code(t))
            })?,
            (_, ValueType::Map) => {
                binary(&column, out, |out, s| value_text(&Value::Map(wire::otlp::read_map(s))).map(|t| out.code(t)))?
            }
            _ => {}
        }
    }
    Ok(())
}

fn ids(view: &View<'_>, field: &Field, out: &mut Groups) -> Result<(), Halt> {
    let id = if *field == Field::TraceId { TRACE_ID } else { SPAN_ID };
    let Some(column) = view.column(id)? else { return Ok(()) };
    for row in 0..view.rows() {
        let text = match &column.values {
            Values::Trace(ids) => Some(ids.get(row)).filter(|id| *id != [0; 16]).map(|id| hex(&id)),
            Values::Span(ids) => Some(ids.get(row)).filter(|id| *id != [0; 8]).map(|id| hex(&id)),
            _ => None,
        };
        if let Some(text) = text {
            let code = out.code(text);
            out.set(row, code);
        }
    }
    Ok(())
}
