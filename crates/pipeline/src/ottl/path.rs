//! Paths: what of the thing at hand a statement reads or writes.

use wire::otlp::tree::{Attributes, Value};

use super::Problem;
use super::ast::{self, Key};
use super::context::{Context, Item, Scene};
use super::eval::{EvalError, index};
use super::paths::{EventField, LogField, MetricField, PointField, SpanField, names_of};
use super::value::Val;

/// A path whose meaning is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    field: Field,
    /// What stands in brackets.
    keys: Vec<Key>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Cache,
    ResourceAttributes,
    ResourceDropped,
    ScopeName,
    ScopeVersion,
    ScopeAttributes,
    ScopeDropped,
    Span(SpanField),
    Event(EventField),
    Log(LogField),
    Metric(MetricField),
    Point(PointField),
}

impl Path {
    /// What `path` means in `context`.
    pub(super) fn resolve(path: &ast::Path, context: Context) -> Result<Self, Problem> {
        let (of, names) = split(path, context);
        if !context.sees(of) {
            let message = format!("a {} is not in reach in the context `{}`", of.name(), context.name());
            return Err(Problem::new(path.at, message));
        }
        let joined = names.join(".");
        let field = match (&*joined, of) {
            ("cache", _) => Some(Field::Cache),
            ("attributes", Context::Resource) => Some(Field::ResourceAttributes),
            ("dropped_attributes_count", Context::Resource) => Some(Field::ResourceDropped),
            ("name", Context::Scope) => Some(Field::ScopeName),
            ("version", Context::Scope) => Some(Field::ScopeVersion),
            ("attributes", Context::Scope) => Some(Field::ScopeAttributes),
            ("dropped_attributes_count", Context::Scope) => Some(Field::ScopeDropped),
            (name, Context::Span) => SpanField::of_name(name).map(Field::Span),
            (name, Context::SpanEvent) => EventField::of_name(name).map(Field::Event),
            (name, Context::Log) => LogField::of_name(name).map(Field::Log),
            (name, Context::Metric) => MetricField::of_name(name).map(Field::Metric),
            (name, Context::DataPoint) => PointField::of_name(name).map(Field::Point),
            _ => None,
        };
        match field {
            Some(field) => Ok(Self { field, keys: path.keys.clone() }),
            None => {
                let message =
                    format!("`{joined}` is not a path of a {}; there is {}", of.name(), names_of(of).join(", "));
                Err(Problem::new(path.at, message))
            }
        }
    }

    /// The value; `nil` when there is none.
    pub(super) fn get(&self, scene: &Scene<'_>) -> Val {
        // The usual path is an attribute: it is looked up in place, without a copy of all of them.
        if let Some(map) = self.map(scene) {
            return match self.keys.split_first() {
                None => map.clone().into(),
                Some((Key::Text(key), [])) => map.get(key).map_or(Val::NIL, |v| v.clone().into()),
                Some((Key::Text(key), rest)) => map.get(key).map_or(Val::NIL, |v| index(v.clone().into(), rest)),
                Some((Key::Index(_), _)) => Val::NIL,
            };
        }
        let (value, keys) = match (self.field, &scene.item) {
            (Field::ResourceDropped, _) => (scene.resource.dropped_attributes_count.into(), &*self.keys),
            (Field::ScopeName, _) => (scene.scope.name.clone().into(), &*self.keys),
            (Field::ScopeVersion, _) => (scene.scope.version.clone().into(), &*self.keys),
            (Field::ScopeDropped, _) => (scene.scope.dropped_attributes_count.into(), &*self.keys),
            (Field::Span(field), Item::Span(span) | Item::Event { span, .. }) => return field.get(span, &self.keys),
            (Field::Event(field), Item::Event { event, index, .. }) => (field.get(event, *index), &*self.keys),
            (Field::Log(field), Item::Log(log)) => (field.get(log), &*self.keys),
            (Field::Metric(field), Item::Metric(metric)) => (field.get(metric), &*self.keys),
            (Field::Metric(field), Item::Point { metric, head, .. }) => (field.get_with(metric, head), &*self.keys),
            (Field::Point(field), Item::Point { point, .. }) => (field.get(point), &*self.keys),
            _ => (Val::NIL, &*self.keys),
        };
        index(value, keys)
    }

    /// Gives it a value.
    pub(super) fn set(&self, scene: &mut Scene<'_>, value: Val) -> Result<(), EvalError> {
        if let Some((last, before)) = self.keys.split_last()
            && self.has_map()
        {
            let Key::Text(key) = last else { return self.set_element(scene, value) };
            let Some(map) = descend(self.root_mut(scene), before, true) else {
                return Err(EvalError::new(format!("a key of it is not a map, so that `{key}` cannot be set")));
            };
            map.set(key, value.into_value());
            return Ok(());
        }
        if self.has_map() {
            let Val::Plain(Value::Map(new)) = value else { return Err(mismatch("a map", &value)) };
            if let Some(map) = self.root_mut(scene) {
                *map = new;
            }
            return Ok(());
        }
        if let (Field::Log(LogField::Body), Item::Log(log)) = (self.field, &mut scene.item) {
            return set_in(&mut log.body, &self.keys, value);
        }
        match (self.field, &mut scene.item) {
            (Field::ResourceDropped, _) => scene.resource.dropped_attributes_count = count(&value)?,
            (Field::ScopeName, _) => scene.scope.name = text(&value)?.into(),
            (Field::ScopeVersion, _) => scene.scope.version = text(&value)?.into(),
            (Field::ScopeDropped, _) => scene.scope.dropped_attributes_count = count(&value)?,
            (Field::Span(field), Item::Span(span) | Item::Event { span, .. }) => field.set(span, &self.keys, value)?,
            (Field::Event(field), Item::Event { event, .. }) => field.set(event, value)?,
            (Field::Log(field), Item::Log(log)) => field.set(log, value)?,
            (Field::Metric(field), Item::Metric(metric)) => field.set(metric, value)?,
            (Field::Metric(field), Item::Point { metric, head, .. }) => field.set_with(metric, head, value)?,
            (Field::Point(field), Item::Point { point, .. }) => field.set(point, value)?,
            _ => {}
        }
        Ok(())
    }

    /// The map that it names, for editors that change one in place; `None` when it is not a map.
    pub(super) fn map_mut<'s>(&self, scene: &'s mut Scene<'_>) -> Option<&'s mut Attributes> {
        if let (Field::Log(LogField::Body), false) = (self.field, self.has_map()) {
            let Item::Log(log) = &mut scene.item else { return None };
            let Value::Map(map) = &mut log.body else { return None };
            return descend(Some(map), &self.keys, false);
        }
        descend(self.root_mut(scene), &self.keys, false)
    }

    fn has_map(&self) -> bool {
        matches!(
            self.field,
            Field::Cache
                | Field::ResourceAttributes
                | Field::ScopeAttributes
                | Field::Span(SpanField::Attributes)
                | Field::Event(EventField::Attributes)
                | Field::Log(LogField::Attributes)
                | Field::Metric(MetricField::Metadata)
                | Field::Point(PointField::Attributes)
        )
    }

    fn map<'s>(&self, scene: &'s Scene<'_>) -> Option<&'s Attributes> {
        Some(match (self.field, &scene.item) {
            (Field::Cache, _) => scene.cache,
            (Field::ResourceAttributes, _) => &scene.resource.attributes,
            (Field::ScopeAttributes, _) => &scene.scope.attributes,
            (Field::Span(SpanField::Attributes), Item::Span(s) | Item::Event { span: s, .. }) => &s.attributes,
            (Field::Event(EventField::Attributes), Item::Event { event, .. }) => &event.attributes,
            (Field::Log(LogField::Attributes), Item::Log(log)) => &log.attributes,
            (Field::Metric(MetricField::Metadata), Item::Metric(m) | Item::Point { metric: m, .. }) => &m.metadata,
            (Field::Point(PointField::Attributes), Item::Point { point, .. }) => point.attributes(),
            _ => return None,
        })
    }

    fn root_mut<'s>(&self, scene: &'s mut Scene<'_>) -> Option<&'s mut Attributes> {
        Some(match (self.field, &mut scene.item) {
            (Field::Cache, _) => scene.cache,
            (Field::ResourceAttributes, _) => &mut scene.resource.attributes,
            (Field::ScopeAttributes, _) => &mut scene.scope.attributes,
            (Field::Span(SpanField::Attributes), Item::Span(s) | Item::Event { span: s, .. }) => &mut s.attributes,
            (Field::Event(EventField::Attributes), Item::Event { event, .. }) => &mut event.attributes,
            (Field::Log(LogField::Attributes), Item::Log(log)) => &mut log.attributes,
            (Field::Metric(MetricField::Metadata), Item::Metric(m) | Item::Point { metric: m, .. }) => &mut m.metadata,
            (Field::Point(PointField::Attributes), Item::Point { point, .. }) => point.attributes_mut(),
            _ => return None,
        })
    }

    /// An element of a list in a map.
    fn set_element(&self, scene: &mut Scene<'_>, value: Val) -> Result<(), EvalError> {
        let missing = || EvalError::new("there is no such element");
        let (Some(Key::Text(first)), rest) = (self.keys.first(), self.keys.get(1..).unwrap_or_default()) else {
            return Err(missing());
        };
        let slot = self.root_mut(scene).and_then(|map| map.get_mut(first)).ok_or_else(missing)?;
        set_in(slot, rest, value)
    }
}

/// The context that a path is of, and what of it: the first name can be a context's.
fn split(path: &ast::Path, context: Context) -> (Context, &[String]) {
    match path.names.split_first() {
        Some((first, rest)) if !rest.is_empty() => match Context::of_name(first) {
            Some(of) => (of, rest),
            None => (context, &path.names),
        },
        _ => (context, &path.names),
    }
}

/// Goes down the maps that `keys` name; makes those that are missing, if it may.
fn descend<'m>(map: Option<&'m mut Attributes>, keys: &[Key], make: bool) -> Option<&'m mut Attributes> {
    let mut map = map?;
    for key in keys {
        let Key::Text(key) = key else { return None };
        if make && !map.contains(key) {
            map.push(key, Attributes::new());
        }
        let Value::Map(inner) = map.get_mut(key)? else { return None };
        map = inner;
    }
    Some(map)
}

fn set_in(slot: &mut Value, keys: &[Key], value: Val) -> Result<(), EvalError> {
    let Some((key, rest)) = keys.split_first() else {
        *slot = value.into_value();
        return Ok(());
    };
    if *slot == Value::Empty {
        *slot = Value::Map(Attributes::new());
    }
    match (slot, key) {
        (Value::Map(map), Key::Text(key)) => {
            if !map.contains(key) {
                map.push(key, Value::Empty);
            }
            map.get_mut(key).map_or(Ok(()), |inner| set_in(inner, rest, value))
        }
        (Value::Array(items), Key::Index(i)) if *i < items.len() => set_in(&mut items[*i], rest, value),
        _ => Err(EvalError::new("there is no such key or element")),
    }
}

pub(super) fn mismatch(wanted: &str, found: &Val) -> EvalError {
    EvalError::new(format!("{wanted} is wanted, not {}", found.type_name()))
}

pub(super) fn text(v: &Val) -> Result<&str, EvalError> {
    v.as_str().ok_or_else(|| mismatch("a text", v))
}

pub(super) fn int(v: &Val) -> Result<i64, EvalError> {
    v.as_int().ok_or_else(|| mismatch("an integer", v))
}

pub(super) fn double(v: &Val) -> Result<f64, EvalError> {
    v.as_f64().ok_or_else(|| mismatch("a number", v))
}

pub(super) fn count(v: &Val) -> Result<u32, EvalError> {
    let i = int(v)?;
    u32::try_from(i).map_err(|_| EvalError::new(format!("{i} is not a count")))
}

/// Nanoseconds since 1970, as an integer or a time.
pub(super) fn nanos(v: &Val) -> Result<u64, EvalError> {
    let t = if let Val::Time(t) = v { *t } else { int(v)? };
    u64::try_from(t).map_err(|_| EvalError::new("the time is before 1970"))
}
