//! The templates of texts: what is left of them when the words that vary are taken out.
//!
//! A word varies that has a digit in it, or that is at least four hexadecimal
//! letters: what the templates of a column leave out ([`template`]), so that a
//! column that is stored as templates is counted without its texts. Words that
//! vary become `<*>`; several of them with nothing but `.`, `-`, `:` or `_` between
//! them, as in addresses and UUIDs, become one. Log records are taken by
//! their body, spans by their name.

use std::sync::Arc;

use super::eval::matching;
use super::names::Interner;
use super::request::{Buckets, Outcome, Partial, RowId, Select};
use super::run::{Halt, Prepared, Run, prepare};
use super::view::{IntColumn, View};
use crate::block::{Block, Values};
use crate::column::binary::Binary;
use crate::column::bitmap::Bitmap;
use crate::column::presence::Presence;
use crate::column::{template, tokens};
use crate::engine::Engine;
use crate::error::QueryError;
use crate::schema::{BODY, NAME, SEVERITY, STATUS, Schema};
use crate::value_type::ValueType;
use model::UnixNanos;

/// Templates of one query; more are not listed and the outcome is partial.
const PATTERNS_MAX: usize = 10_000;
/// A template ends here; what follows is one more thing that varies.
const TEMPLATE_BYTES_MAX: usize = 1024;
/// What stands for a word that varies.
pub const WILDCARD: &str = "<*>";

/// A template and the records that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The text with [`WILDCARD`] for what varies.
    pub template: String,
    /// How many records have it.
    pub count: u64,
    /// How many in each bucket.
    pub counts: Vec<u64>,
    /// The largest severity number among them; for spans the largest status code.
    pub severity_max: u8,
    /// The newest of them.
    pub newest: RowId,
}

/// Templates, most frequent first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns {
    /// The buckets of [`Pattern::counts`].
    pub buckets: Buckets,
    /// The templates that are listed.
    pub patterns: Vec<Pattern>,
    /// How many templates there are, listed or not.
    pub distinct: u64,
    /// How many records have a text.
    pub records: u64,
}

/// See [`crate::LogStore::patterns`].
pub(crate) fn patterns(
    engine: &Engine,
    select: &Select,
    buckets: Buckets,
    limit: usize,
) -> Result<Outcome<Patterns>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let Prepared { plan, blocks } = prepare(engine, &mut run, select)?;
    let look = |found: &mut Found, run: &mut Run<'_>, block: &Arc<Block>| {
        run.visit(block, |view| {
            let rows = matching(view, &plan, view.in_range(select.range)?)?;
            found.take(view, &rows)
        })?;
        found.hold(run)
    };
    let mut found = run.fold(&blocks, || Found::new(buckets), look, Found::join);
    if let Err(why) = found.hold(&mut run) {
        run.stop(why);
    }
    let mut order: Vec<usize> = (0..found.of.len()).collect();
    order.sort_by(|a, b| {
        let of = |i: &usize| found.of.get(*i).map_or(0, |p| p.count);
        of(b).cmp(&of(a)).then_with(|| found.templates.get(*a as u32).cmp(found.templates.get(*b as u32)))
    });
    let listed = order.iter().take(limit).filter_map(|i| {
        let of = found.of.get(*i)?;
        Some(Pattern {
            template: String::from_utf8_lossy(found.templates.get(*i as u32)).into_owned(),
            count: of.count,
            counts: of.counts.clone(),
            severity_max: of.severity_max,
            newest: of.newest,
        })
    });
    let (patterns, distinct, records) = (listed.collect(), found.of.len() as u64, found.records);
    Ok(run.finish(Patterns { buckets, patterns, distinct, records }))
}

#[derive(Debug, Clone)]
struct Of {
    count: u64,
    counts: Vec<u64>,
    severity_max: u8,
    newest: RowId,
}

/// The templates that one worker found.
struct Found {
    buckets: Buckets,
    templates: Interner,
    of: Vec<Of>,
    records: u64,
    full: bool,
    /// Bytes that the query knows of.
    held: usize,
    /// The templates that are being made.
    raw: Vec<u8>,
    shown: Vec<u8>,
}

/// What a row adds to its template.
struct Row<'a> {
    times: &'a IntColumn,
    seqs: &'a IntColumn,
    severities: Option<&'a IntColumn>,
}

impl Found {
    fn new(buckets: Buckets) -> Self {
        let templates = Interner::default();
        let (raw, shown) = (Vec::new(), Vec::new());
        Self { buckets, templates, of: Vec::new(), records: 0, full: false, held: 0, raw, shown }
    }

    /// The number of the template of a text.
    fn of_text(&mut self, text: &[u8]) -> Option<usize> {
        let mut raw = std::mem::take(&mut self.raw);
        raw.clear();
        take_out(text, &mut raw);
        let place = self.of_template(&raw);
        self.raw = raw;
        place
    }

    /// The number of a template in which [`template::VARIABLE`] stands for what varies.
    fn of_template(&mut self, raw: &[u8]) -> Option<usize> {
        let mut shown = std::mem::take(&mut self.shown);
        shown.clear();
        show(raw, &mut shown);
        let place = self.place(&shown);
        self.shown = shown;
        place
    }

    /// The number of a template as it is shown.
    fn place(&mut self, shown: &[u8]) -> Option<usize> {
        if self.templates.len() >= PATTERNS_MAX && self.templates.find(shown).is_none() {
            self.full = true;
            return None;
        }
        let code = self.templates.code(shown)? as usize;
        if code == self.of.len() {
            let counts = vec![0; self.buckets.count];
            self.of.push(Of { count: 0, counts, severity_max: 0, newest: RowId { time: UnixNanos::MIN, seq: 0 } });
        }
        Some(code)
    }

    fn add(&mut self, template: Option<usize>, row: usize, of: &Row<'_>) {
        self.records += 1;
        let Some(p) = template.and_then(|t| self.of.get_mut(t)) else { return };
        let id = RowId { time: UnixNanos(of.times.at(row)), seq: of.seqs.at(row) as u64 };
        p.count += 1;
        p.newest = p.newest.max(id);
        p.severity_max = p.severity_max.max(of.severities.map_or(0, |s| s.at(row)) as u8);
        if let Some(c) = self.buckets.index(id.time).and_then(|b| p.counts.get_mut(b)) {
            *c += 1;
        }
    }

    fn take(&mut self, view: &View<'_>, rows: &Bitmap) -> Result<(), Halt> {
        if rows.is_empty() {
            return Ok(());
        }
        let (text, severity) = match view.schema() {
            Schema::Logs => (BODY, SEVERITY),
            Schema::Spans => (NAME, STATUS),
        };
        let (times, seqs, severities) = (view.times()?, view.seqs()?, view.ints(severity)?);
        let of = Row { times: &times, seqs: &seqs, severities: severities.as_ref() };
        let places: Vec<usize> =
            view.with_id(text).filter(|(_, e)| e.value_type == ValueType::Str).map(|(p, _)| p).collect();
        for place in places {
            if let Some((presence, templates)) = view.templates(place)? {
                self.coded(rows, &presence, &templates.codes, templates.texts.len(), &of, |found, code| {
                    found.of_template(templates.texts.get(code))
                });
                continue;
            }
            let column = view.load(place)?;
            let presence = &column.presence;
            match &column.values {
                Values::Binary(Binary::Dict { codes, entries }) => {
                    self.coded(rows, presence, codes, entries.len(), &of, |found, code| {
                        found.of_text(entries.get(code))
                    });
                }
                Values::Binary(Binary::Const(text)) => {
                    let mut template = None;
                    for row in rows.iter().filter(|row| presence.value(*row).is_some()) {
                        let place = *template.get_or_insert_with(|| self.of_text(text));
                        self.add(place, row, &of);
                    }
                }
                Values::Binary(Binary::Plain(texts)) => {
                    for row in rows.iter() {
                        if let Some(i) = presence.value(row) {
                            let template = self.of_text(texts.get(i));
                            self.add(template, row, &of);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes the rows of a column of codes; the template of each code is made when it first occurs.
    fn coded(
        &mut self,
        rows: &Bitmap,
        presence: &Presence,
        codes: &[u32],
        distinct: usize,
        of: &Row<'_>,
        mut template: impl FnMut(&mut Self, usize) -> Option<usize>,
    ) {
        let mut known: Vec<Option<Option<usize>>> = vec![None; distinct];
        for row in rows.iter() {
            let code = presence.value(row).and_then(|i| codes.get(i)).map(|c| *c as usize);
            let Some(slot) = code.and_then(|c| known.get(c)) else { continue };
            let place = match *slot {
                Some(place) => place,
                None => {
                    let code = code.unwrap_or_default();
                    let place = template(self, code);
                    if let Some(slot) = known.get_mut(code) {
                        *slot = Some(place);
                    }
                    place
                }
            };
            self.add(place, row, of);
        }
    }

    fn hold(&mut self, run: &mut Run<'_>) -> Result<(), Partial> {
        if self.full {
            run.note(Partial::Groups { max: PATTERNS_MAX });
        }
        let bytes = self.templates.heap_bytes() + self.of.len() * (size_of::<Of>() + self.buckets.count * 8);
        let more = bytes.saturating_sub(self.held);
        self.held += more;
        run.hold(more)
    }

    fn join(&mut self, other: Self) {
        self.full |= other.full;
        self.records += other.records;
        for (code, theirs) in other.of.into_iter().enumerate() {
            let Some(mine) = self.place(other.templates.get(code as u32)).and_then(|t| self.of.get_mut(t)) else {
                continue;
            };
            mine.count += theirs.count;
            mine.counts.iter_mut().zip(&theirs.counts).for_each(|(a, b)| *a += b);
            mine.severity_max = mine.severity_max.max(theirs.severity_max);
            mine.newest = mine.newest.max(theirs.newest);
        }
    }
}

/// Appends a text with [`template::VARIABLE`] in the place of the words that vary.
fn take_out(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    tokens::tokens(text, |t| {
        if template::is_variable(text.get(t.from..t.to).unwrap_or_default(), t.digit) {
            out.extend_from_slice(text.get(at..t.from).unwrap_or_default());
            out.push(template::VARIABLE);
            at = t.to;
        }
    });
    out.extend_from_slice(text.get(at..).unwrap_or_default());
}

/// Appends a template as it is shown.
fn show(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some((first, after)) = rest.split_first() {
        // Never inside of a character.
        if out.len() >= TEMPLATE_BYTES_MAX && first & 0xc0 != 0x80 {
            if !out.ends_with(WILDCARD.as_bytes()) {
                out.extend_from_slice(WILDCARD.as_bytes());
            }
            return;
        }
        rest = after;
        if *first != template::VARIABLE {
            out.push(*first);
            continue;
        }
        out.extend_from_slice(WILDCARD.as_bytes());
        while let [b'.' | b'-' | b':' | b'_', template::VARIABLE, after @ ..] = rest {
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> String {
        let (mut raw, mut out) = (Vec::new(), Vec::new());
        take_out(text.as_bytes(), &mut raw);
        show(&raw, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn words_that_vary_are_taken_out() {
        assert_eq!(template("user 42 got GET /v1/users/17?x=y in 1.5ms"), "user <*> got GET /<*>/users/<*>?x=y in <*>");
        assert_eq!(template("id=7f3a-22b4-beef für Größe, pool-a 10.0.3.17:80"), "id=<*> für Größe, pool-a <*>");
        assert_eq!(template(""), "");
    }

    #[test]
    fn templates_are_bounded() {
        let long = template(&"word ".repeat(1000));
        assert!(long.len() < TEMPLATE_BYTES_MAX + 16 && long.ends_with(WILDCARD));
    }
}
