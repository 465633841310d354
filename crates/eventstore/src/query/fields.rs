//! Which attribute keys occur, and which values.

use std::sync::Arc;

use hashbrown::HashMap;
use model::Value;
use rustc_hash::FxBuildHasher;

use super::eval::matching;
use super::filter::Field;
use super::group::groups;
use super::request::{AttributeOwner, FieldKey, FieldValue, GroupBy, Outcome, Partial, Select};
use super::run::{Prepared, Run, prepare};
use crate::engine::Engine;
use crate::error::QueryError;
use crate::resources::ResourceInfo;
use crate::schema::ATTRIBUTE;
use crate::value_type::ValueType;

/// Distinct values that are counted; more make the outcome partial.
const VALUES_MAX: usize = 100_000;

fn type_of(v: &Value) -> ValueType {
    match v {
        Value::Empty => ValueType::Empty,
        Value::Str(_) => ValueType::Str,
        Value::Bool(_) => ValueType::Bool,
        Value::Int(_) => ValueType::Int,
        Value::Double(_) => ValueType::Double,
        Value::Bytes(_) => ValueType::Bytes,
        Value::Array(_) => ValueType::Array,
        Value::Map(_) => ValueType::Map,
    }
}

/// See [`crate::LogStore::field_keys`].
pub(crate) fn field_keys(engine: &Engine, select: &Select) -> Result<Outcome<Vec<FieldKey>>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let access = select.access.clone();
    let Prepared { blocks, .. } = prepare(engine, &mut run, select)?;
    let mut counts: HashMap<(AttributeOwner, Box<str>, ValueType), u64, FxBuildHasher> = HashMap::default();
    for block in &blocks {
        let counted = run.visit(block, |view| {
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
            }
            Ok(())
        });
        if let Err(why) = counted {
            run.stop(why);
            break;
        }
    }
    let mut out: Vec<FieldKey> = counts
        .into_iter()
        .map(|((scope, name, value_type), count)| FieldKey { name: name.into(), scope, value_type, count })
        .collect();
    out.sort_by(|a, b| (b.count, &a.name, a.scope, a.value_type).cmp(&(a.count, &b.name, b.scope, b.value_type)));
    Ok(run.finish(out))
}

/// See [`crate::LogStore::field_values`].
pub(crate) fn field_values(
    engine: &Engine,
    select: &Select,
    field: &Field,
    limit: usize,
) -> Result<Outcome<Vec<FieldValue>>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let Prepared { plan, blocks } = prepare(engine, &mut run, select)?;
    let by = GroupBy::Field(field.clone());
    let mut counts: HashMap<String, u64, FxBuildHasher> = HashMap::default();
    let mut full = false;
    for block in &blocks {
        let counted = run.visit(block, |view| {
            let rows = matching(view, &plan, view.in_range(select.range)?)?;
            if rows.is_empty() {
                return Ok(0);
            }
            let groups = groups(view, &by)?;
            let mut by_code = vec![0u64; groups.names.len()];
            for row in rows.iter() {
                if let Some(n) = groups.codes.get(row).and_then(|c| by_code.get_mut(*c as usize)) {
                    *n += 1;
                }
            }
            let mut grown = 0;
            for (name, n) in groups.names.into_iter().zip(by_code).filter(|(_, n)| *n > 0) {
                if let Some(c) = counts.get_mut(&name) {
                    *c += n;
                } else if counts.len() < VALUES_MAX {
                    grown += name.len() + 64;
                    counts.insert(name, n);
                } else {
                    full = true;
                }
            }
            Ok(grown)
        });
        if full {
            run.stop(Partial::Groups { max: VALUES_MAX });
        }
        if let Err(why) = counted.and_then(|grown| run.hold(grown.unwrap_or_default())) {
            run.stop(why);
            break;
        }
    }
    let mut out: Vec<FieldValue> = counts.into_iter().map(|(value, count)| FieldValue { value, count }).collect();
    out.sort_by(|a, b| (b.count, &a.value).cmp(&(a.count, &b.value)));
    out.truncate(limit);
    Ok(run.finish(out))
}
