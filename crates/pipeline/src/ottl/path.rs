//! Paths: what of the thing at hand a statement reads or writes.

use wire::otlp::tree::{Attributes, Value};

use super::Problem;
use super::ast;
use super::context::{Context, Item, Scene};
use super::eval::{EvalError, index};
use super::keys::{Key, Keys};
use super::paths::{EventField, ExemplarField, LinkField, LogField, MetricField, PointField, SpanField, names_of};
use super::value::Val;

/// A path whose meaning is known.
#[derive(Debug)]
pub(super) struct Path {
    field: Field,
    /// What stands in brackets.
    keys: Keys,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Cache,
    ResourceAttributes,
    ResourceDropped,
    ResourceSchema,
    ScopeName,
    ScopeVersion,
    ScopeAttributes,
    ScopeDropped,
    ScopeSchema,
    Span(SpanField),
    Event(EventField),
    Link(LinkField),
    Log(LogField),
    Metric(MetricField),
    Point(PointField),
    Exemplar(ExemplarField),
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
            ("schema_url", Context::Resource) => Some(Field::ResourceSchema),
            ("name", Context::Scope) => Some(Field::ScopeName),
            ("version", Context::Scope) => Some(Field::ScopeVersion),
            ("attributes", Context::Scope) => Some(Field::ScopeAttributes),
            ("dropped_attributes_count", Context::Scope) => Some(Field::ScopeDropped),
            ("schema_url", Context::Scope) => Some(Field::ScopeSchema),
            (name, Context::Span) => SpanField::of_name(name).map(Field::Span),
            (name, Context::SpanEvent) => EventField::of_name(name).map(Field::Event),
            (name, Context::SpanLink) => LinkField::of_name(name).map(Field::Link),
            (name, Context::Exemplar) => ExemplarField::of_name(name).map(Field::Exemplar),
            (name, Context::Log) => LogField::of_name(name).map(Field::Log),
            (name, Context::Metric) => MetricField::of_name(name).map(Field::Metric),
            (name, Context::DataPoint) => PointField::of_name(name).map(Field::Point),
            _ => None,
        };
        match field {
            Some(field) => Ok(Self { field, keys: Keys::of(&path.keys, context)? }),
            None => {
                let message =
                    format!("`{joined}` is not a path of a {}; there is {}", of.name(), names_of(of).join(", "));
                Err(Problem::new(path.at, message))
            }
        }
    }

    /// The value; `nil` when there is none.
    ///
    /// # Errors
    /// A key that is computed is none.
    pub(super) fn get(&self, scene: &Scene<'_>) -> Result<Val, EvalError> {
        Ok(self.get_at(scene, &self.keys.at(scene)?))
    }

    fn get_at(&self, scene: &Scene<'_>, keys: &[Key]) -> Val {
        // The usual path is an attribute: it is looked up in place, without a copy of all of them.
        if let Some(map) = self.map(scene) {
            return match keys.split_first() {
                None => map.clone().into(),
                Some((Key::Text(key), [])) => map.get(key).map_or(Val::NIL, |v| v.clone().into()),
                Some((Key::Text(key), rest)) => map.get(key).map_or(Val::NIL, |v| index(v.clone().into(), rest)),
                Some((Key::Index(_), _)) => Val::NIL,
            };
        }
        let value = match (self.field, &scene.item) {
            (Field::ResourceDropped, _) => scene.resource.dropped_attributes_count.into(),
            (Field::ResourceSchema, _) => scene.schema.resource.clone().into(),
            (Field::ScopeName, _) => scene.scope.name.clone().into(),
            (Field::ScopeVersion, _) => scene.scope.version.clone().into(),
            (Field::ScopeDropped, _) => scene.scope.dropped_attributes_count.into(),
            (Field::ScopeSchema, _) => scene.schema.scope.clone().into(),
            (Field::Span(field), Item::Span(span) | Item::Event { span, .. } | Item::Link { span, .. }) => {
                return field.get(span, keys);
            }
            (Field::Event(field), Item::Event { event, index, .. }) => field.get(event, *index),
            (Field::Link(field), Item::Link { link, .. }) => return field.get(link, keys),
            (Field::Log(field), Item::Log(log)) => field.get(log),
            (Field::Metric(field), Item::Metric(metric)) => field.get(metric),
            (Field::Metric(field), Item::Point { metric, head, .. } | Item::Exemplar { metric, head, .. }) => {
                field.get_with(metric, head)
            }
            (Field::Point(field), Item::Point { point, .. } | Item::Exemplar { point, .. }) => field.get(point),
            (Field::Exemplar(field), Item::Exemplar { exemplar, .. }) => field.get(exemplar),
            _ => Val::NIL,
        };
        index(value, keys)
    }

    /// Gives it a value.
    pub(super) fn set(&self, scene: &mut Scene<'_>, value: Val) -> Result<(), EvalError> {
        let keys = self.keys.at(scene)?;
        if let Some((last, before)) = keys.split_last()
            && self.has_map()
        {
            let Key::Text(key) = last else { return self.set_element(scene, &keys, value) };
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
            return set_in(&mut log.body, &keys, value);
        }
        match (self.field, &mut scene.item) {
            (Field::ResourceDropped, _) => scene.resource.dropped_attributes_count = count(&value)?,
            (Field::ResourceSchema, _) => *scene.schema.resource = text(&value)?.into(),
            (Field::ScopeName, _) => scene.scope.name = text(&value)?.into(),
            (Field::ScopeVersion, _) => scene.scope.version = text(&value)?.into(),
            (Field::ScopeDropped, _) => scene.scope.dropped_attributes_count = count(&value)?,
            (Field::ScopeSchema, _) => *scene.schema.scope = text(&value)?.into(),
            (Field::Span(field), Item::Span(span) | Item::Event { span, .. } | Item::Link { span, .. }) => {
                field.set(span, &keys, value)?;
            }
            (Field::Event(field), Item::Event { event, .. }) => field.set(event, value)?,
            (Field::Link(field), Item::Link { link, .. }) => field.set(link, &keys, value)?,
            (Field::Log(field), Item::Log(log)) => field.set(log, value)?,
            (Field::Metric(field), Item::Metric(metric)) => field.set(metric, value)?,
            (Field::Metric(field), Item::Point { metric, head, .. } | Item::Exemplar { metric, head, .. }) => {
                field.set_with(metric, head, value)?;
            }
            (Field::Point(field), Item::Point { point, .. } | Item::Exemplar { point, .. }) => {
                field.set(point, value)?;
            }
            (Field::Exemplar(field), Item::Exemplar { exemplar, .. }) => field.set(exemplar, value)?,
            _ => {}
        }
        Ok(())
    }

    /// The map that it names, for editors that change one in place; `None` when it is not a map.
    pub(super) fn map_mut<'s>(&self, scene: &'s mut Scene<'_>) -> Result<Option<&'s mut Attributes>, EvalError> {
        let keys = self.keys.at(scene)?;
        if let (Field::Log(LogField::Body), false) = (self.field, self.has_map()) {
            let Item::Log(log) = &mut scene.item else { return Ok(None) };
            let Value::Map(map) = &mut log.body else { return Ok(None) };
            return Ok(descend(Some(map), &keys, false));
        }
        Ok(descend(self.root_mut(scene), &keys, false))
    }

    fn has_map(&self) -> bool {
        matches!(
            self.field,
            Field::Cache
                | Field::ResourceAttributes
                | Field::ScopeAttributes
                | Field::Span(SpanField::Attributes)
                | Field::Event(EventField::Attributes)
                | Field::Link(LinkField::Attributes)
                | Field::Exemplar(ExemplarField::FilteredAttributes)
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
            (
                Field::Span(SpanField::Attributes),
                Item::Span(s) | Item::Event { span: s, .. } | Item::Link { span: s, .. },
            ) => &s.attributes,
            (Field::Link(LinkField::Attributes), Item::Link { link, .. }) => &link.attributes,
            (Field::Event(EventField::Attributes), Item::Event { event, .. }) => &event.attributes,
            (Field::Log(LogField::Attributes), Item::Log(log)) => &log.attributes,
            (
                Field::Metric(MetricField::Metadata),
                Item::Metric(m) | Item::Point { metric: m, .. } | Item::Exemplar { metric: m, .. },
            ) => &m.metadata,
            (Field::Point(PointField::Attributes), Item::Point { point, .. } | Item::Exemplar { point, .. }) => {
                point.attributes()
            }
            (Field::Exemplar(ExemplarField::FilteredAttributes), Item::Exemplar { exemplar, .. }) => {
                &exemplar.filtered_attributes
            }
            _ => return None,
        })
    }

    fn root_mut<'s>(&self, scene: &'s mut Scene<'_>) -> Option<&'s mut Attributes> {
        Some(match (self.field, &mut scene.item) {
            (Field::Cache, _) => scene.cache,
            (Field::ResourceAttributes, _) => &mut scene.resource.attributes,
            (Field::ScopeAttributes, _) => &mut scene.scope.attributes,
            (
                Field::Span(SpanField::Attributes),
                Item::Span(s) | Item::Event { span: s, .. } | Item::Link { span: s, .. },
            ) => &mut s.attributes,
            (Field::Link(LinkField::Attributes), Item::Link { link, .. }) => &mut link.attributes,
            (Field::Event(EventField::Attributes), Item::Event { event, .. }) => &mut event.attributes,
            (Field::Log(LogField::Attributes), Item::Log(log)) => &mut log.attributes,
            (
                Field::Metric(MetricField::Metadata),
                Item::Metric(m) | Item::Point { metric: m, .. } | Item::Exemplar { metric: m, .. },
            ) => &mut m.metadata,
            (Field::Point(PointField::Attributes), Item::Point { point, .. } | Item::Exemplar { point, .. }) => {
                point.attributes_mut()
            }
            (Field::Exemplar(ExemplarField::FilteredAttributes), Item::Exemplar { exemplar, .. }) => {
                &mut exemplar.filtered_attributes
            }
            _ => return None,
        })
    }

    /// An element of a list in a map.
    fn set_element(&self, scene: &mut Scene<'_>, keys: &[Key], value: Val) -> Result<(), EvalError> {
        let missing = || EvalError::new("there is no such element");
        let (Some(Key::Text(first)), rest) = (keys.first(), keys.get(1..).unwrap_or_default()) else {
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
