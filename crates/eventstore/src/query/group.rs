//! The group of each row by the value of a field: a small code per row, and the name of each code.

use hashbrown::HashMap;
use model::Value;
use model::log::severity_range;
use rustc_hash::FxBuildHasher;
use std::sync::Arc;

use super::eval::{hex, parents};
use super::filter::{AttributeScope, Field};
use super::names::{Interner, Names};
use super::nested;
use super::request::GroupBy;
use super::run::Halt;
use super::text::value_text;
use super::view::{IntColumn, Rows, View};
use crate::block::{Coded, Loaded, Values};
use crate::column::binary::Binary;
use crate::column::ints;
use crate::column::presence::Presence;
use crate::schema::*;
use crate::value_type::ValueType;

/// The row has no value.
pub(crate) const NO_GROUP: u32 = u32::MAX;

/// Codes of rows and their names. Two codes may have the same name.
pub(crate) struct Groups {
    /// One per row that was asked for; [`NO_GROUP`] for rows without a value.
    pub(crate) codes: Vec<u32>,
    pub(crate) names: Names,
}

/// The groups of some rows of a block. Of few rows, most fields are read for these alone.
pub(crate) fn groups_of(view: &View<'_>, by: &GroupBy, rows: &Rows) -> Result<Groups, Halt> {
    let list = match rows {
        Rows::These(list) if view.are_few(list) => list,
        _ => {
            let Groups { codes, names } = groups(view, by)?;
            return Ok(Groups { codes: rows.pick(codes), names });
        }
    };
    let spans = view.schema() == Schema::Spans;
    let text = |id: u8| view.with_id(id).next().map(|(place, _)| place);
    let found = match by {
        GroupBy::SeverityRange if !spans => {
            Some(ints_of(view, SEVERITY, list, |v| Some(severity_range(v as u8).to_owned()))?)
        }
        GroupBy::Field(Field::Severity) if !spans => {
            Some(ints_of(view, SEVERITY, list, |v| (v != 0).then(|| v.to_string()))?)
        }
        GroupBy::Field(Field::Status) if spans => Some(ints_of(view, STATUS, list, |v| Some(v.to_string()))?),
        GroupBy::Field(Field::Kind) if spans => Some(ints_of(view, KIND, list, |v| Some(v.to_string()))?),
        GroupBy::Field(Field::Service) => {
            let mut out = Collected::new(list.len());
            let codes: Vec<u32> = view.resources()?.iter().map(|r| out.code_of(Some(r.service.clone()))).collect();
            for (to, place) in out.codes.iter_mut().zip(view.required_at(RESOURCE, list)?) {
                *to = codes.get(place as usize).copied().unwrap_or(NO_GROUP);
            }
            Some(out.groups())
        }
        GroupBy::Field(Field::Name) if spans => coded_of(view, text(NAME), list, true)?,
        GroupBy::Field(Field::Attribute { scope, key }) => match alone(view, *scope, key)? {
            Some(place) => coded_of(view, Some(place), list, false)?,
            None => None,
        },
        _ => None,
    };
    match found {
        Some(groups) => Ok(groups),
        None => {
            let Groups { codes, names } = groups(view, by)?;
            Ok(Groups { codes: rows.pick(codes), names })
        }
    }
}

/// The column of texts that alone has the values of an attribute.
fn alone(view: &View<'_>, scope: AttributeScope, key: &str) -> Result<Option<usize>, Halt> {
    let columns: Vec<(usize, ValueType)> = view.attribute(key).map(|(p, e)| (p, e.value_type)).collect();
    let [(place, ValueType::Str)] = *columns.as_slice() else { return Ok(None) };
    if scope == AttributeScope::Resource {
        return Ok(None);
    }
    let in_resource = |r: &crate::resources::ResourceInfo| nested::lookup(&r.resource.attributes, key).is_some();
    if scope == AttributeScope::Any && view.resources()?.iter().any(|r| in_resource(r)) {
        return Ok(None);
    }
    let mut beyond = false;
    nested::each_value(view, key, |_, _| beyond = true)?;
    Ok((!beyond).then_some(place))
}

/// The groups of `rows` by one column of texts, if it has a dictionary.
fn coded_of(
    view: &View<'_>,
    place: Option<usize>,
    rows: &[usize],
    empty_is_none: bool,
) -> Result<Option<Groups>, Halt> {
    let Some(place) = place else { return Ok(None) };
    let Some(Coded { presence, codes, entries }) = view.codes_of_rows(place, rows)? else { return Ok(None) };
    let mut out = vec![NO_GROUP; rows.len()];
    let mut values = codes.into_iter().enumerate().map(|(i, code)| (presence.row(i), code)).peekable();
    for (to, row) in out.iter_mut().zip(rows) {
        if let Some((_, code)) = values.next_if(|(of, _)| of == row) {
            let empty = empty_is_none && entries.get(code as usize).is_empty();
            *to = if empty { NO_GROUP } else { code };
        }
    }
    Ok(Some(Groups { codes: out, names: Names::Entries(entries) }))
}

/// The groups of `rows` by a column of integers.
fn ints_of(view: &View<'_>, id: u8, rows: &[usize], name: impl Fn(i64) -> Option<String>) -> Result<Groups, Halt> {
    let mut out = Collected::new(rows.len());
    let mut known: HashMap<i64, u32, FxBuildHasher> = HashMap::default();
    for (i, value) in view.ints_at(id, rows)?.into_iter().enumerate() {
        let code = *known.entry(value).or_insert_with(|| out.code_of(name(value)));
        out.set(i, code);
    }
    Ok(out.groups())
}

/// The groups of all rows of a block.
pub(crate) fn groups(view: &View<'_>, by: &GroupBy) -> Result<Groups, Halt> {
    let spans = view.schema() == Schema::Spans;
    let field = match by {
        GroupBy::SeverityRange if spans => return Ok(none(view)),
        GroupBy::SeverityRange => {
            return ints(view, SEVERITY, |v| Some(severity_range(v as u8).to_owned()));
        }
        GroupBy::Field(field) => field,
    };
    match field {
        Field::Service => by_resource(view, |r| Some(r.service.clone())),
        Field::ScopeName => {
            let mut out = Collected::new(view.rows());
            let names = view.scopes()?.iter().map(|s| Some(s.scope.name.clone()).filter(|n| !n.is_empty()));
            let codes: Vec<u32> = names.map(|n| out.code_of(n)).collect();
            out.by_code(&view.scope_codes()?, &codes);
            Ok(out.groups())
        }
        Field::Name if spans => text(view, NAME),
        Field::StatusMessage if spans => text(view, STATUS_MESSAGE),
        Field::Kind if spans => ints(view, KIND, |v| Some(v.to_string())),
        Field::Status if spans => ints(view, STATUS, |v| Some(v.to_string())),
        Field::Duration if spans => ints(view, DURATION, |v| Some(v.to_string())),
        Field::Severity if !spans => ints(view, SEVERITY, |v| (v != 0).then(|| v.to_string())),
        Field::SeverityText if !spans => text(view, SEVERITY_TEXT),
        Field::EventName if !spans => text(view, EVENT_NAME),
        Field::Body if !spans => keyed(view, None, None, view.with_id(BODY).map(|(p, e)| (p, e.value_type)).collect()),
        Field::TraceId | Field::SpanId => ids(view, field),
        Field::ParentSpanId if spans => {
            let mut out = Collected::new(view.rows());
            for (row, id) in parents(view)?.into_iter().enumerate() {
                if id != [0; 8] {
                    let code = out.code(hex(&id).as_bytes());
                    out.set(row, code);
                }
            }
            Ok(out.groups())
        }
        Field::Attribute { scope, key } => {
            let resource = (*scope != AttributeScope::Record).then_some(key.as_str());
            let record = (*scope != AttributeScope::Resource).then_some(key.as_str());
            let columns = record.into_iter().flat_map(|key| view.attribute(key)).map(|(p, e)| (p, e.value_type));
            keyed(view, resource, record, columns.collect())
        }
        _ => Ok(none(view)),
    }
}

fn none(view: &View<'_>) -> Groups {
    Collected::new(view.rows()).groups()
}

/// Codes of rows, with names that are collected on the way.
struct Collected {
    codes: Vec<u32>,
    names: Interner,
}

impl Collected {
    fn new(rows: usize) -> Self {
        Self { codes: vec![NO_GROUP; rows], names: Interner::default() }
    }

    fn groups(self) -> Groups {
        Groups { codes: self.codes, names: Names::Own(self.names) }
    }

    /// A block's names are shorter than the 4 GiB that an interner holds: it is decoded within the memory cap.
    fn code(&mut self, name: &[u8]) -> u32 {
        self.names.code(name).unwrap_or(NO_GROUP)
    }

    fn code_of(&mut self, name: Option<String>) -> u32 {
        name.map_or(NO_GROUP, |n| self.code(n.as_bytes()))
    }

    fn set(&mut self, row: usize, code: u32) {
        if let Some(c) = self.codes.get_mut(row) {
            *c = code;
        }
    }

    /// Gives each row what its code stands for.
    fn by_code(&mut self, rows: &IntColumn, codes: &[u32]) {
        for (out, code) in self.codes.iter_mut().zip(rows.get()) {
            *out = codes.get(*code as usize).copied().unwrap_or(NO_GROUP);
        }
    }

    /// Takes the rows of a column of texts; a row without text keeps its group.
    fn take(&mut self, column: &Loaded, mut code: impl FnMut(&mut Self, &[u8]) -> u32) {
        let Values::Binary(values) = &column.values else { return };
        let put = |out: &mut Self, i: usize, code: u32| {
            if code != NO_GROUP {
                out.set(column.presence.row(i), code);
            }
        };
        match values {
            Binary::Const(v) => {
                let code = code(self, v);
                match &column.presence {
                    Presence::All => (0..self.codes.len()).for_each(|row| put(self, row, code)),
                    Presence::Rows(rows) => (0..rows.len()).for_each(|i| put(self, i, code)),
                }
            }
            Binary::Dict { codes, entries } => {
                let named: Vec<u32> = (0..entries.len()).map(|i| code(self, entries.get(i))).collect();
                for (i, c) in codes.iter().enumerate() {
                    put(self, i, named.get(*c as usize).copied().unwrap_or(NO_GROUP));
                }
            }
            Binary::Plain(texts) => {
                for i in 0..texts.len() {
                    let code = code(self, texts.get(i));
                    put(self, i, code);
                }
            }
        }
    }
}

fn by_resource(
    view: &View<'_>,
    name: impl Fn(&crate::resources::ResourceInfo) -> Option<String>,
) -> Result<Groups, Halt> {
    let mut out = Collected::new(view.rows());
    let codes: Vec<u32> = view.resources()?.iter().map(|r| out.code_of(name(r))).collect();
    out.by_code(&view.resource_codes()?, &codes);
    Ok(out.groups())
}

fn ints(view: &View<'_>, id: u8, name: impl Fn(i64) -> Option<String>) -> Result<Groups, Halt> {
    let mut out = Collected::new(view.rows());
    if let Some(ints::Dictionary { mut codes, entries }) = view.int_codes(id)? {
        let named: Vec<u32> = entries.into_iter().map(|v| out.code_of(name(v))).collect();
        // Names come in the order of the entries, so most often a code is that of its name already.
        if !named.iter().enumerate().all(|(code, name)| code as u32 == *name) {
            codes.iter_mut().for_each(|c| *c = named.get(*c as usize).copied().unwrap_or(NO_GROUP));
        }
        out.codes = codes;
        return Ok(out.groups());
    }
    let Some(column) = view.ints(id)? else {
        let code = out.code_of(name(0));
        out.codes.fill(code);
        return Ok(out.groups());
    };
    let mut known: HashMap<i64, u32, FxBuildHasher> = HashMap::default();
    // Severities, kinds and states are small numbers: their codes are found by place.
    let mut small: [Option<u32>; 32] = [None; 32];
    let mut codes = std::mem::take(&mut out.codes);
    for (to, v) in codes.iter_mut().zip(column.get()) {
        *to = match usize::try_from(*v).ok().and_then(|v| small.get_mut(v)) {
            Some(code) => *code.get_or_insert_with(|| out.code_of(name(*v))),
            None => *known.entry(*v).or_insert_with(|| out.code_of(name(*v))),
        };
    }
    out.codes = codes;
    Ok(out.groups())
}

/// A text column that every row has, where empty means no value.
fn text(view: &View<'_>, id: u8) -> Result<Groups, Halt> {
    match view.with_id(id).next() {
        Some((place, _)) => coded(view, place, true),
        None => Ok(none(view)),
    }
}

/// The groups by one column of texts: codes of its dictionary if it has one, else numbers if its texts differ in
/// nothing else, else its own.
fn coded(view: &View<'_>, place: usize, empty_is_none: bool) -> Result<Groups, Halt> {
    let (presence, codes, names) = if let Some(coded) = view.codes(place, |_| true)? {
        (coded.presence, coded.codes, Names::Entries(coded.entries))
    } else if let Some((presence, texts)) = view.numbered(place)? {
        // Texts with a number are not empty.
        let codes = (0..texts.numbers.len() as u32).collect();
        (presence, codes, Names::Numbered(texts))
    } else {
        return Ok(texts(view, view.load(place)?, empty_is_none));
    };
    let of_dictionary = matches!(names, Names::Entries(_));
    let empty = (0..names.len() as u32).find(|c| empty_is_none && of_dictionary && names.get(*c).is_empty());
    if presence == Presence::All && empty.is_none() {
        return Ok(Groups { codes, names });
    }
    let mut of_rows = vec![NO_GROUP; view.rows()];
    for (i, code) in codes.into_iter().enumerate().filter(|(_, c)| Some(*c) != empty) {
        if let Some(c) = of_rows.get_mut(presence.row(i)) {
            *c = code;
        }
    }
    Ok(Groups { codes: of_rows, names })
}

/// The groups by one column of texts: its own codes.
fn texts(view: &View<'_>, column: Arc<Loaded>, empty_is_none: bool) -> Groups {
    let mut codes = vec![NO_GROUP; view.rows()];
    let mut put = |i: usize, code: u32| {
        if let Some(c) = codes.get_mut(column.presence.row(i)) {
            *c = code;
        }
    };
    match &column.values {
        Values::Binary(Binary::Const(v)) => {
            let n = match &column.presence {
                Presence::All => view.rows(),
                Presence::Rows(rows) => rows.len(),
            };
            if !(empty_is_none && v.is_empty()) {
                (0..n).for_each(|i| put(i, 0));
            }
        }
        Values::Binary(Binary::Dict { codes, entries }) => {
            let empty = (0..entries.len() as u32).find(|c| empty_is_none && entries.get(*c as usize).is_empty());
            for (i, code) in codes.iter().enumerate().filter(|(_, c)| Some(**c) != empty) {
                put(i, *code);
            }
        }
        Values::Binary(Binary::Plain(texts)) => {
            (0..texts.len()).filter(|i| !(empty_is_none && texts.get(*i).is_empty())).for_each(|i| put(i, i as u32));
        }
        _ => {}
    }
    Groups { codes, names: Names::Column(column) }
}

/// By an attribute: the record's own value wins over that of the resource.
/// Of columns, where there is none of attributes without one, and where there is none of resources.
fn keyed(
    view: &View<'_>,
    resource: Option<&str>,
    record: Option<&str>,
    columns: Vec<(usize, ValueType)>,
) -> Result<Groups, Halt> {
    let of_resource = |r: &crate::resources::ResourceInfo| {
        resource.and_then(|key| nested::find_at(&r.resource.attributes, key, value_text))
    };
    let in_resources = resource.is_some() && view.resources()?.iter().any(|r| of_resource(r).is_some());
    let mut beyond = Vec::new();
    if let Some(key) = record {
        nested::each_value(view, key, |row, v| beyond.push((row, value_text(v))))?;
    }
    if let ([(place, ValueType::Str)], false, true) = (columns.as_slice(), in_resources, beyond.is_empty()) {
        return coded(view, *place, false);
    }
    let mut out = Collected::new(view.rows());
    if in_resources {
        let codes: Vec<u32> = view.resources()?.iter().map(|r| out.code_of(of_resource(r))).collect();
        out.by_code(&view.resource_codes()?, &codes);
    }
    // Of several values the first counts.
    for (row, text) in beyond.into_iter().rev() {
        if let Some(text) = text {
            let code = out.code(text.as_bytes());
            out.set(row, code);
        }
    }
    for (place, value_type) in columns {
        let column = view.load(place)?;
        match (&column.values, value_type) {
            (Values::Ints(values), _) => {
                let mut known: HashMap<i64, u32, FxBuildHasher> = HashMap::default();
                for (i, v) in values.iter().enumerate() {
                    let text = || if value_type == ValueType::Bool { (*v != 0).to_string() } else { v.to_string() };
                    let code = *known.entry(*v).or_insert_with(|| out.code(text().as_bytes()));
                    out.set(column.presence.row(i), code);
                }
            }
            (Values::Doubles(values), _) => {
                for (i, v) in values.iter().enumerate() {
                    let code = out.code(v.to_string().as_bytes());
                    out.set(column.presence.row(i), code);
                }
            }
            (_, ValueType::Str) => out.take(&column, |out, s| out.code(s)),
            (_, ValueType::Array) => {
                out.take(&column, |out, s| out.code_of(value_text(&Value::Array(wire::otlp::read_array(s)))));
            }
            (_, ValueType::Map) => {
                out.take(&column, |out, s| out.code_of(value_text(&Value::Map(wire::otlp::read_map(s)))));
            }
            _ => {}
        }
    }
    Ok(out.groups())
}

fn ids(view: &View<'_>, field: &Field) -> Result<Groups, Halt> {
    let id = if *field == Field::TraceId { TRACE_ID } else { SPAN_ID };
    let mut out = Collected::new(view.rows());
    let Some(column) = view.column(id)? else { return Ok(out.groups()) };
    for row in 0..view.rows() {
        let text = match &column.values {
            Values::Trace(ids) => Some(ids.get(row)).filter(|id| *id != [0; 16]).map(|id| hex(&id)),
            Values::Span(ids) => Some(ids.get(row)).filter(|id| *id != [0; 8]).map(|id| hex(&id)),
            _ => None,
        };
        if let Some(text) = text {
            let code = out.code(text.as_bytes());
            out.set(row, code);
        }
    }
    Ok(out.groups())
}
