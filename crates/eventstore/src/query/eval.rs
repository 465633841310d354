//! Runs a filter on a block: a set of rows per condition, combined.
//!
//! Conditions are tested once per distinct value: per entry of a dictionary,
//! per resource. Columns that no condition needs are never read.

use std::sync::Arc;

use model::Value;

use super::compile::{Node, Plan, Spelled, Test, ValueView};
use super::filter::{AttributeScope, Field};
use super::nested;
use super::run::Halt;
use super::text::{TextSearch, value_text};
use super::view::{Rows, View};
use crate::block::{Coded, Columns, Loaded, Values};
use crate::column::binary::{Binary, Entries};
use crate::column::bitmap::Bitmap;
use crate::column::bytes::unzigzag;
use crate::column::ids::Ids;
use crate::column::ints;
use crate::column::presence::Presence;
use crate::schema::*;
use crate::value_type::ValueType;

/// Columns that are read of a block which may have rows that match, as far as each has a number of its own.
pub(crate) fn tested_columns(plan: &Plan, schema: Schema) -> Columns {
    fn of(node: &Node, schema: Schema) -> Columns {
        match node {
            Node::And(nodes) | Node::Or(nodes) => nodes.iter().fold(Columns::default(), |all, n| all.or(of(n, schema))),
            Node::Not(inner) => of(inner, schema),
            Node::Test(Field::Service, _) => Columns::numbered(&[RESOURCE, RESOURCES]),
            Node::Test(field, _) => number(field, schema).map_or(Columns::default(), |id| Columns::numbered(&[id])),
            Node::Text(_) => Columns::default(),
        }
    }
    of(&plan.root, schema)
}

/// The column of a field that is one number per row.
fn number(field: &Field, schema: Schema) -> Option<u8> {
    match (field, schema) {
        (Field::Kind, Schema::Spans) => Some(KIND),
        (Field::Status, Schema::Spans) => Some(STATUS),
        (Field::Duration, Schema::Spans) => Some(DURATION),
        (Field::Severity, Schema::Logs) => Some(SEVERITY),
        _ => None,
    }
}

/// Rows on which single conditions can be tested.
pub(super) trait Conditions {
    /// Why a condition could not be tested.
    type Error;
    /// How many there are.
    fn rows(&self) -> usize;
    /// Those whose field passes.
    fn test(&self, field: &Field, test: &Test) -> Result<Bitmap, Self::Error>;
    /// Leaves of `rows` those whose field passes.
    fn keep(&self, field: &Field, test: &Test, rows: &mut Bitmap) -> Result<(), Self::Error> {
        rows.and(&self.test(field, test)?);
        Ok(())
    }
    /// Those in which the text is found.
    fn text(&self, search: &TextSearch) -> Result<Bitmap, Self::Error>;
}

impl Conditions for View<'_> {
    type Error = Halt;

    fn rows(&self) -> usize {
        self.rows()
    }

    fn test(&self, field: &Field, test: &Test) -> Result<Bitmap, Halt> {
        field_rows(self, field, test)
    }

    /// Of few rows, numbers and services are read for these alone.
    fn keep(&self, field: &Field, test: &Test, rows: &mut Bitmap) -> Result<(), Halt> {
        let number = number(field, self.schema());
        let list: Vec<usize> = rows.iter().collect();
        if !self.are_few(&list) || number.is_none() && *field != Field::Service {
            rows.and(&self.test(field, test)?);
            return Ok(());
        }
        *rows = Bitmap::none(self.rows());
        let mut set = |row: usize, hit: bool| {
            if hit {
                rows.set(row);
            }
        };
        match number {
            Some(id) => {
                // A log record without severity has no such field.
                let passes = |v| !(id == SEVERITY && v == 0) && test.matches(ValueView::Int(v));
                let values = self.ints_at(id, &list)?;
                list.iter().zip(values).for_each(|(row, value)| set(*row, passes(value)));
            }
            None => {
                let hits: Vec<bool> = self.resources()?.iter().map(|r| test.matches(text_view(&r.service))).collect();
                let codes = self.required_at(RESOURCE, &list)?;
                list.iter().zip(codes).for_each(|(row, code)| set(*row, hits.get(code as usize) == Some(&true)));
            }
        }
        Ok(())
    }

    fn text(&self, search: &TextSearch) -> Result<Bitmap, Halt> {
        text_rows(self, search)
    }
}

/// The rows of `within` that match.
pub(crate) fn matching<C: Conditions>(of: &C, plan: &Plan, within: Bitmap) -> Result<Bitmap, C::Error> {
    if within.is_empty() || plan.is_all() {
        return Ok(within);
    }
    let mut rows = within;
    and(of, std::slice::from_ref(&plan.root), &mut rows)?;
    Ok(rows)
}

fn and<C: Conditions>(of: &C, nodes: &[Node], rows: &mut Bitmap) -> Result<(), C::Error> {
    for n in nodes {
        if rows.is_empty() {
            break;
        }
        match n {
            Node::And(inner) => and(of, inner, rows)?,
            Node::Test(field, test) => of.keep(field, test, rows)?,
            other => rows.and(&node(of, other)?),
        }
    }
    Ok(())
}

fn node<C: Conditions>(of: &C, n: &Node) -> Result<Bitmap, C::Error> {
    Ok(match n {
        Node::And(nodes) => {
            let mut rows = Bitmap::all(of.rows());
            and(of, nodes, &mut rows)?;
            rows
        }
        Node::Or(nodes) => {
            let mut rows = Bitmap::none(of.rows());
            for n in nodes {
                rows.or(&node(of, n)?);
            }
            rows
        }
        Node::Not(inner) => {
            let mut rows = node(of, inner)?;
            rows.not();
            rows
        }
        Node::Test(field, test) => of.test(field, test)?,
        Node::Text(search) => of.text(search)?,
    })
}

fn constant(view: &View<'_>, matches: bool) -> Bitmap {
    if matches { Bitmap::all(view.rows()) } else { Bitmap::none(view.rows()) }
}

fn field_rows(view: &View<'_>, field: &Field, test: &Test) -> Result<Bitmap, Halt> {
    let spans = view.schema() == Schema::Spans;
    match field {
        Field::Service => by_resource(view, |r| test.matches(text_view(&r.service))),
        Field::ScopeName => {
            let scopes = view.scopes()?;
            let hit: Vec<bool> =
                scopes.iter().map(|s| !s.scope.name.is_empty() && test.matches(text_view(&s.scope.name))).collect();
            by_place(view, SCOPE, &hit)
        }
        Field::Name if spans => text_column(view, NAME, test),
        Field::StatusMessage if spans => text_column(view, STATUS_MESSAGE, test),
        Field::Kind if spans => int_column(view, KIND, test, false),
        Field::Status if spans => int_column(view, STATUS, test, false),
        Field::Duration if spans => int_column(view, DURATION, test, false),
        Field::Severity if !spans => int_column(view, SEVERITY, test, true),
        Field::SeverityText if !spans => text_column(view, SEVERITY_TEXT, test),
        Field::EventName if !spans => text_column(view, EVENT_NAME, test),
        Field::Body if !spans => keyed_columns(view, view.with_id(BODY).map(|(p, e)| (p, e.value_type)), test),
        Field::TraceId => match view.column(TRACE_ID)?.as_deref() {
            Some(Loaded { values: Values::Trace(ids), .. }) => Ok(id_rows(view, ids, test)),
            _ => Ok(constant(view, false)),
        },
        Field::SpanId => match view.column(SPAN_ID)?.as_deref() {
            Some(Loaded { values: Values::Span(ids), .. }) => Ok(id_rows(view, ids, test)),
            _ => Ok(constant(view, false)),
        },
        Field::ParentSpanId if spans => parent_rows(view, test),
        Field::Attribute { scope, key } => {
            let mut rows = constant(view, false);
            if *scope != AttributeScope::Resource {
                rows.or(&keyed_columns(view, view.attribute(key).map(|(p, e)| (p, e.value_type)), test)?);
                nested::each_value(view, key, |row, v| {
                    if test.matches_value(v) {
                        rows.set(row);
                    }
                })?;
            }
            if *scope != AttributeScope::Record {
                rows.or(&by_resource(view, |r| {
                    nested::any_at(&r.resource.attributes, key, |v| test.matches_value(v))
                })?);
            }
            Ok(rows)
        }
        _ => Ok(constant(view, false)),
    }
}

pub(super) fn text_view(s: &str) -> ValueView<'_> {
    ValueView::Binary(ValueType::Str, s.as_bytes())
}

fn by_resource(view: &View<'_>, matches: impl Fn(&crate::resources::ResourceInfo) -> bool) -> Result<Bitmap, Halt> {
    let hit: Vec<bool> = view.resources()?.iter().map(|r| matches(r)).collect();
    if hit.iter().all(|h| *h == hit[0]) {
        return Ok(constant(view, hit.first() == Some(&true)));
    }
    by_place(view, RESOURCE, &hit)
}

/// The rows whose place in a table of the block, which is the column `id`, is a hit.
fn by_place(view: &View<'_>, id: u8, hit: &[bool]) -> Result<Bitmap, Halt> {
    let is_hit = |place: &i64| hit.get(*place as usize) == Some(&true);
    if let Some(rows) = coded_ints(view, id, is_hit)? {
        return Ok(rows);
    }
    let places = view.required(id)?;
    Ok(Bitmap::filled(view.rows(), |row| places.get().get(row).is_some_and(is_hit)))
}

/// The rows whose integer in the column `id` passes, asked once per distinct one; `None` when it has no dictionary.
fn coded_ints(view: &View<'_>, id: u8, passes: impl Fn(&i64) -> bool) -> Result<Option<Bitmap>, Halt> {
    Ok(view.int_codes(id)?.map(|ints::Dictionary { codes, entries }| {
        let hits: Vec<bool> = entries.iter().map(passes).collect();
        code_rows(view, &Presence::All, &codes, &hits)
    }))
}

fn int_column(view: &View<'_>, id: u8, test: &Test, zero_is_absent: bool) -> Result<Bitmap, Halt> {
    // Severities, kinds and states are few numbers: each is tested once.
    if matches!(id, SEVERITY | KIND | STATUS)
        && let Some(rows) = coded_ints(view, id, |v| !(zero_is_absent && *v == 0) && test.matches(ValueView::Int(*v)))?
    {
        return Ok(rows);
    }
    let Some(column) = view.ints(id)? else {
        return Ok(constant(view, !zero_is_absent && test.matches(ValueView::Int(0))));
    };
    if let Some((low, high)) = test.int_range() {
        let mut rows = constant(view, false);
        if low <= high {
            let values = column.get();
            rows = Bitmap::filled(view.rows(), |row| values.get(row).is_some_and(|v| low <= *v && *v <= high));
            if zero_is_absent && low <= 0 && high >= 0 {
                rows.and(&Bitmap::filled(view.rows(), |row| values.get(row) != Some(&0)));
            }
        }
        return Ok(rows);
    }
    let mut rows = constant(view, false);
    // Severities, kinds and states are few: most rows repeat the answer of the row before.
    let mut last = None;
    for (row, v) in column.get().iter().enumerate() {
        let hit = match last {
            Some((value, hit)) if value == *v => hit,
            _ => !(zero_is_absent && *v == 0) && test.matches(ValueView::Int(*v)),
        };
        last = Some((*v, hit));
        if hit {
            rows.set(row);
        }
    }
    Ok(rows)
}

/// A text column that every row has, where empty means absent.
fn text_column(view: &View<'_>, id: u8, test: &Test) -> Result<Bitmap, Halt> {
    match view.with_id(id).next() {
        Some((place, _)) => {
            texts_at(view, place, |s| !s.is_empty() && test.matches(ValueView::Binary(ValueType::Str, s)))
        }
        None => Ok(constant(view, false)),
    }
}

/// The rows whose text in the column at `place` satisfies `hit`.
fn texts_at(view: &View<'_>, place: usize, hit: impl Fn(&[u8]) -> bool) -> Result<Bitmap, Halt> {
    let of_entries = |texts: &Entries| (0..texts.len()).map(|i| hit(texts.get(i))).collect();
    match coded_at(view, place, of_entries)? {
        Some(rows) => Ok(rows),
        None => Ok(binary_rows(view, &*view.load(place)?, hit)),
    }
}

/// The rows whose entry in the dictionary of the column at `place` is a hit; `None` when it has no dictionary.
fn coded_at(view: &View<'_>, place: usize, hits: impl FnOnce(&Entries) -> Vec<bool>) -> Result<Option<Bitmap>, Halt> {
    let mut hit = Vec::new();
    let coded = view.codes(place, |texts| {
        hit = hits(texts);
        hit.contains(&true)
    })?;
    Ok(coded.map(|Coded { presence, codes, .. }| code_rows(view, &presence, &codes, &hit)))
}

/// The rows whose code is a hit.
fn code_rows(view: &View<'_>, presence: &Presence, codes: &[u32], hit: &[bool]) -> Bitmap {
    let is_hit = |code: &u32| hit.get(*code as usize) == Some(&true);
    if *presence == Presence::All {
        return Bitmap::filled(view.rows(), |row| codes.get(row).is_some_and(is_hit));
    }
    let mut rows = constant(view, false);
    for (i, _) in codes.iter().enumerate().filter(|(_, code)| is_hit(code)) {
        rows.set(presence.row(i));
    }
    rows
}

/// The rows of a text column whose text satisfies `hit`, asked once per distinct text where there is a dictionary.
fn binary_rows(view: &View<'_>, column: &Loaded, hit: impl Fn(&[u8]) -> bool) -> Bitmap {
    let Values::Binary(values) = &column.values else { return constant(view, false) };
    let mut rows = constant(view, false);
    match values {
        Binary::Const(v) => {
            if hit(v) {
                present_rows(view, column, &mut rows);
            }
        }
        Binary::Dict { codes, entries } => {
            let hits: Vec<bool> = (0..entries.len()).map(|i| hit(entries.get(i))).collect();
            if hits.contains(&true) {
                rows = code_rows(view, &column.presence, codes, &hits);
            }
        }
        Binary::Plain(texts) => {
            for i in 0..texts.len() {
                if hit(texts.get(i)) {
                    rows.set(column.presence.row(i));
                }
            }
        }
    }
    rows
}

fn present_rows(view: &View<'_>, column: &Loaded, rows: &mut Bitmap) {
    match &column.presence {
        Presence::All => *rows = constant(view, true),
        Presence::Rows(list) => list.iter().for_each(|r| rows.set(*r as usize)),
    }
}

/// The rows that have a value in one of the columns that satisfies the test.
fn keyed_columns(
    view: &View<'_>,
    columns: impl Iterator<Item = (usize, ValueType)>,
    test: &Test,
) -> Result<Bitmap, Halt> {
    let mut rows = constant(view, false);
    for (place, value_type) in columns {
        if matches!(test, Test::Exists) {
            rows.or(&view.present(place)?);
            continue;
        }
        if value_type.is_binary() {
            rows.or(&texts_at(view, place, |s| test.matches(ValueView::Binary(value_type, s)))?);
            continue;
        }
        let column = view.load(place)?;
        match &column.values {
            Values::Empty | Values::Binary(_) => {}
            Values::Ints(values) => {
                let as_view = |v: i64| match value_type {
                    ValueType::Bool => ValueView::Bool(v != 0),
                    _ => ValueView::Int(v),
                };
                set_where(&column, values, &mut rows, |v| test.matches(as_view(*v)));
            }
            Values::Doubles(values) => {
                set_where(&column, values, &mut rows, |v| test.matches(ValueView::Double(*v)));
            }
            Values::Trace(_) | Values::Span(_) => {}
        }
    }
    Ok(rows)
}

fn set_where<T>(column: &Loaded, values: &[T], rows: &mut Bitmap, hit: impl Fn(&T) -> bool) {
    for (i, v) in values.iter().enumerate() {
        if hit(v) {
            rows.set(column.presence.row(i));
        }
    }
}

pub(super) fn hex(id: &[u8]) -> String {
    id.iter().map(|b| format!("{b:02x}")).collect()
}

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut out = [0; N];
    for (i, b) in out.iter_mut().enumerate() {
        *b = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(out)
}

/// Whether an id satisfies a test; ids are compared without regard to case.
pub(super) fn id_test<const N: usize>(test: &Test) -> impl Fn(&[u8; N]) -> bool + '_ {
    let wanted: Option<Vec<[u8; N]>> = match test {
        Test::In(operands) => Some(operands.iter().filter_map(|o: &Spelled| parse_hex(&o.text)).collect()),
        _ => None,
    };
    move |id| {
        *id != [0; N]
            && match &wanted {
                Some(ids) => ids.contains(id),
                None => test.matches(text_view(&hex(id))),
            }
    }
}

fn id_rows<const N: usize>(view: &View<'_>, ids: &Ids<N>, test: &Test) -> Bitmap {
    let mut rows = constant(view, false);
    ids.rows(id_test(test), |row| rows.set(row));
    rows
}

/// The parent of each row: zero for none.
pub(crate) fn parents(view: &View<'_>) -> Result<Vec<[u8; 8]>, Halt> {
    parents_where(view, &Rows::All(view.rows()))
}

/// The parent of each of `rows`, which rise.
pub(crate) fn parents_of(view: &View<'_>, rows: &[usize]) -> Result<Vec<[u8; 8]>, Halt> {
    parents_where(view, &Rows::These(rows.to_vec()))
}

/// Where the id of a parent lies.
enum ParentAt {
    Nowhere,
    /// Among the ids that lie in no row.
    Elsewhere(usize),
    Row(usize),
}

fn parents_where(view: &View<'_>, rows: &Rows) -> Result<Vec<[u8; 8]>, Halt> {
    let Some(codes) = view.ints(PARENT)? else { return Ok(vec![[0; 8]; rows.len()]) };
    let codes = codes.get();
    let (mut at, mut elsewhere) = (0, 0);
    let places: Vec<ParentAt> = (0..rows.len())
        .map(|i| {
            let row = rows.at(i);
            let before = codes.get(at..row).unwrap_or_default();
            elsewhere += before.iter().filter(|code| **code == 1).count();
            at = row;
            match codes.get(row) {
                None | Some(0) => ParentAt::Nowhere,
                Some(1) => ParentAt::Elsewhere(elsewhere),
                Some(code) => {
                    let place = (row as i64).wrapping_add(unzigzag(code.wrapping_sub(2) as u64));
                    usize::try_from(place).map_or(ParentAt::Nowhere, ParentAt::Row)
                }
            }
        })
        .collect();
    let mut wanted: Vec<usize> = places
        .iter()
        .filter_map(|p| match p {
            ParentAt::Row(row) => Some(*row).filter(|row| *row < view.rows()),
            _ => None,
        })
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let spans = view.column_of_rows(SPAN_ID, &wanted)?;
    let others =
        if places.iter().any(|p| matches!(p, ParentAt::Elsewhere(_))) { view.column(PARENT_ID)? } else { None };
    let id = |column: &Option<Arc<Loaded>>, i: usize| match column.as_deref() {
        Some(Loaded { values: Values::Span(ids), .. }) => ids.get(i),
        _ => [0; 8],
    };
    let of_row = |row: usize| spans.as_ref().and_then(|c| c.presence.value(row)).map_or([0; 8], |i| id(&spans, i));
    let parents = places.into_iter().map(|place| match place {
        ParentAt::Nowhere => [0; 8],
        ParentAt::Elsewhere(i) => id(&others, i),
        ParentAt::Row(row) => of_row(row),
    });
    Ok(parents.collect())
}

fn parent_rows(view: &View<'_>, test: &Test) -> Result<Bitmap, Halt> {
    if matches!(test, Test::Exists) {
        // Where the parent is says that there is one; its id is not needed.
        let mut rows = constant(view, false);
        if let Some(places) = view.ints(PARENT)? {
            let with_parent = places.get().iter().enumerate().filter(|(_, place)| **place != 0);
            with_parent.for_each(|(row, _)| rows.set(row));
        }
        return Ok(rows);
    }
    let hit = id_test::<8>(test);
    let mut rows = constant(view, false);
    for (row, id) in parents(view)?.iter().enumerate() {
        if hit(id) {
            rows.set(row);
        }
    }
    Ok(rows)
}

fn text_rows(view: &View<'_>, search: &TextSearch) -> Result<Bitmap, Halt> {
    let mut rows = constant(view, false);
    let filter = if search.uses_tokens() { view.token_filter()? } else { None };
    let without = filter.filter(|f| !search.may_match(f));
    let mut look = |id: u8, every_type: bool| -> Result<(), Halt> {
        for (place, entry) in view.with_id(id) {
            let value_type = entry.value_type;
            if !every_type && value_type != ValueType::Str || without.as_ref().is_some_and(|f| f.covers(place)) {
                continue;
            }
            if search.is_in_templates()
                && let Some((presence, templates)) = view.templates(place)?
            {
                let hits = search.hits(&templates.texts);
                if hits.contains(&true) {
                    rows.or(&code_rows(view, &presence, &templates.codes, &hits));
                }
                continue;
            }
            if value_type == ValueType::Str
                && let Some(found) = coded_at(view, place, |texts| search.hits(texts))?
            {
                rows.or(&found);
                continue;
            }
            let column = view.load(place)?;
            let found = match value_type {
                ValueType::Str => match &column.values {
                    Values::Binary(Binary::Plain(texts)) => {
                        let mut rows = constant(view, false);
                        search.scan(texts, |i| rows.set(column.presence.row(i)));
                        rows
                    }
                    _ => binary_rows(view, &column, |s| search.matches(s)),
                },
                ValueType::Array => binary_rows(view, &column, |raw| {
                    value_text(&model::Value::Array(wire::otlp::read_array(raw)))
                        .is_some_and(|t| search.matches(t.as_bytes()))
                }),
                ValueType::Map => binary_rows(view, &column, |raw| {
                    value_text(&model::Value::Map(wire::otlp::read_map(raw)))
                        .is_some_and(|t| search.matches(t.as_bytes()))
                }),
                _ => scalar_text_rows(view, &column, value_type, search),
            };
            rows.or(&found);
        }
        Ok(())
    };
    match view.schema() {
        Schema::Logs => look(BODY, true)?,
        Schema::Spans => {
            look(NAME, false)?;
            look(STATUS_MESSAGE, false)?;
            look(ATTRIBUTE, false)?;
            nested::each(view, |row, rest| {
                if rest.iter().any(|(_, v)| matches!(v, Value::Str(s) if search.matches(s.as_bytes()))) {
                    rows.set(row);
                }
            })?;
        }
    }
    Ok(rows)
}

fn scalar_text_rows(view: &View<'_>, column: &Loaded, value_type: ValueType, search: &TextSearch) -> Bitmap {
    let mut rows = constant(view, false);
    match &column.values {
        Values::Ints(values) => set_where(column, values, &mut rows, |v| match value_type {
            ValueType::Bool => search.matches(if *v != 0 { b"true" } else { b"false" }),
            _ => search.matches(v.to_string().as_bytes()),
        }),
        Values::Doubles(values) => set_where(column, values, &mut rows, |v| search.matches(v.to_string().as_bytes())),
        _ => {}
    }
    rows
}
