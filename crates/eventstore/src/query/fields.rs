//! Which attribute keys occur, and which values.

use std::sync::Arc;

use hashbrown::HashMap;
use model::TimeRange;
use rustc_hash::FxBuildHasher;

use super::aggregate::{Aggregation, TableRow, aggregate};
use super::filter::{Field, Filter, Predicate};
use super::measure::{Cell, Measure};
use super::nested;
use super::request::{AttributeOwner, AttributeUsage, FieldKey, FieldValue, FieldValues, GroupBy, Outcome, Select};
use super::run::{self, Run};
use crate::block::Block;
use crate::catalogue::{Attribute, AttributeRef, Catalogue, type_of};
use crate::engine::Engine;
use crate::error::QueryError;
use crate::resources::ResourceInfo;
use crate::schema::ATTRIBUTE;
use crate::value_type::ValueType;

/// Distinct values that are counted; more make the outcome partial.
const VALUES_MAX: usize = 100_000;

/// How many records have an attribute.
type Keys = HashMap<(AttributeOwner, Box<str>, ValueType), u64, FxBuildHasher>;

/// See [`crate::LogStore::field_keys`].
pub(crate) fn field_keys(engine: &Engine, select: &Select) -> Result<Outcome<Vec<FieldKey>>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let access = select.access.clone();
    super::compile::compile(&select.filter, &select.access)?;
    let mut snapshot = engine.snapshot(select.range);
    let mut counts = Keys::default();
    if access.services.is_none() {
        // What the catalogues of segments say need not be read in blocks: those know all services, and all of their time.
        snapshot.segments.retain(|segment| match &segment.catalogue {
            Some(c) if c.rows_beyond == 0 && segment.lies_in(select.range) => {
                for ((of_resource, value_type, key), a) in &c.attributes {
                    *counts.entry((owner(*of_resource), key.clone(), *value_type)).or_default() += a.rows;
                }
                segment.blocks.iter().for_each(|_| run.skip());
                false
            }
            _ => true,
        });
    }
    let blocks = run::blocks(&snapshot, &mut run, select.range, None);
    let look = |counts: &mut Keys, run: &mut Run<'_>, block: &Arc<Block>| {
        run.visit(block, |view| {
            let resources: &[Arc<ResourceInfo>] = view.resources()?;
            let mut rows = vec![0u64; resources.len()];
            for code in view.resource_codes()?.get() {
                if let Some(n) = rows.get_mut(*code as usize) {
                    *n += 1;
                }
            }
            let visible = |r: &ResourceInfo| access.allows_service(&r.service);
            for (r, n) in resources.iter().zip(rows).filter(|(r, _)| visible(r)) {
                for (key, value) in &r.resource.attributes {
                    *counts.entry((AttributeOwner::Resource, key.as_str().into(), type_of(value))).or_default() += n;
                }
            }
            // The header counts rows of all services: a block with one that may not be seen is left out.
            if resources.iter().all(|r| visible(r)) {
                for (_, e) in view.with_id(ATTRIBUTE) {
                    let key = (AttributeOwner::Record, e.key.clone(), e.value_type);
                    *counts.entry(key).or_default() += u64::from(e.present);
                }
                nested::each(view, |_, rest| {
                    for (key, value) in rest {
                        *counts.entry((AttributeOwner::Record, key.into(), type_of(&value))).or_default() += 1;
                    }
                })?;
            }
            Ok(())
        })?;
        Ok(())
    };
    let join = |mine: &mut Keys, theirs: Keys| theirs.into_iter().for_each(|(k, n)| *mine.entry(k).or_default() += n);
    join(&mut counts, run.fold(&blocks, Keys::default, look, join));
    let mut out: Vec<FieldKey> = counts
        .into_iter()
        .map(|((scope, name, value_type), count)| FieldKey { name: name.into(), scope, value_type, count })
        .collect();
    out.sort_by(|a, b| (b.count, &a.name, a.scope, a.value_type).cmp(&(a.count, &b.name, b.scope, b.value_type)));
    Ok(run.finish(out))
}

fn owner(of_resource: bool) -> AttributeOwner {
    if of_resource { AttributeOwner::Resource } else { AttributeOwner::Record }
}

/// See [`crate::LogStore::catalogue`].
pub(crate) fn catalogue(engine: &Engine, range: TimeRange) -> Vec<AttributeUsage> {
    let mut sum = Catalogue::default();
    for segment in engine.snapshot(range).segments {
        if let Some(c) =
            segment.catalogue.as_ref().filter(|_| range.overlaps(segment.info.min_time, segment.info.max_time))
        {
            sum.join(c);
        }
    }
    let usage = |((of_resource, value_type, key), a): (AttributeRef, Attribute)| {
        let (distinct, exact) = a.distinct.count();
        let (key, owner) = (key.into(), owner(of_resource));
        AttributeUsage { key, owner, value_type, records: a.rows, bytes: a.bytes, distinct, exact }
    };
    let mut out: Vec<AttributeUsage> = sum.attributes.into_iter().map(usage).collect();
    out.sort_by_key(|a| std::cmp::Reverse(a.records));
    out
}

/// See [`crate::LogStore::field_values`].
pub(crate) fn field_values(
    engine: &Engine,
    select: &Select,
    field: &Field,
    limit: usize,
) -> Result<Outcome<FieldValues>, QueryError> {
    let by = vec![GroupBy::Field(field.clone())];
    // Records without the field are a group, too, and no value.
    let mut aggregation = Aggregation::top(by, Measure::Rows, limit.saturating_add(1));
    aggregation.groups_max = VALUES_MAX;
    let Outcome { value: table, mut partial, mut stats } = aggregate(engine, select, &aggregation)?;
    let (all, listed) = (table.groups, table.rows.len() as u64);
    let value = |row: TableRow| match (row.key.into_iter().next().flatten(), row.cells.into_iter().next()) {
        (Some(value), Some(Cell::Count(count))) => Some(FieldValue { value, count }),
        _ => None,
    };
    let mut values: Vec<FieldValue> = table.rows.into_iter().filter_map(value).collect();
    let mut without = (values.len() as u64) < listed;
    if all > listed && !without {
        // Behind the listed groups there may be that of the records without the field.
        let found = lacks(engine, select, field)?;
        without = found.value;
        partial = partial.or(found.partial);
        stats.add(&found.stats);
    }
    values.truncate(limit);
    Ok(Outcome { value: FieldValues { values, distinct: all - u64::from(without) }, partial, stats })
}

/// Whether a matching record is in the group without a value: a value has a text, and each text begins with nothing.
fn lacks(engine: &Engine, select: &Select, field: &Field) -> Result<Outcome<bool>, QueryError> {
    let has_text = Filter::Is(Predicate::Prefix { field: field.clone(), text: String::new() });
    let without = Filter::And(vec![Filter::Not(Box::new(has_text)), select.filter.clone()]);
    let found = aggregate(engine, &select.clone().filter(without), &Aggregation::top(Vec::new(), Measure::Rows, 1))?;
    let some = |row: &TableRow| row.cells.iter().any(|cell| matches!(cell, Cell::Count(n) if *n > 0));
    Ok(found.map(|table| table.rows.iter().any(some)))
}
