//! Editors: the functions that change the thing at hand, and statements made of them.

use foundation::text::beginning;
use wire::otlp::tree::{Attributes, Value};

use super::arguments::Arguments;
use super::compile::{self, Check};
use super::context::{Context, Scene};
use super::convert;
use super::eval::EvalError;
use super::path::{int, mismatch, text};
use super::value::Val;
use super::{OttlError, Problem, metrics, parse, replace, span_name};

/// Changes the thing at hand.
pub(super) type Edit = Box<dyn Fn(&mut Scene<'_>) -> Result<(), EvalError> + Send + Sync>;

/// An editor.
pub(super) struct Editor {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [&'static str],
    /// How many of them must be given.
    pub(super) required: usize,
    pub(super) build: fn(&Arguments<'_>) -> Result<Edit, Problem>,
    /// The context that it works in, if it is not for all.
    pub(super) of: Option<Context>,
}

/// An editor for all contexts.
const fn any(
    name: &'static str,
    parameters: &'static [&'static str],
    required: usize,
    build: fn(&Arguments<'_>) -> Result<Edit, Problem>,
) -> Editor {
    Editor { name, parameters, required, build, of: None }
}

const EDITORS: &[Editor] = &[
    any("append", &["target", "value", "values"], 1, append),
    any("delete_index", &["target", "start", "end"], 2, delete_index),
    any("delete_key", &["target", "key"], 2, delete_key),
    any("delete_matching_keys", &["target", "pattern"], 2, delete_matching_keys),
    any("flatten", &["target", "prefix", "depth", "resolveConflicts"], 1, flatten),
    any("keep_keys", &["target", "keys"], 2, keep_keys),
    any("keep_matching_keys", &["target", "pattern"], 2, keep_matching_keys),
    any("limit", &["target", "limit", "priority_keys"], 3, limit),
    any("merge_maps", &["target", "source", "strategy"], 2, merge_maps),
    any("set", &["target", "value"], 2, set),
    any("stringify_all", &["target"], 1, stringify_all),
    any("truncate_all", &["target", "limit", "utf8_safe", "truncation_marker"], 2, truncate_all),
];

const FAMILIES: [&[Editor]; 4] = [EDITORS, replace::ALL, metrics::ALL, span_name::ALL];

fn all() -> impl Iterator<Item = &'static Editor> {
    FAMILIES.into_iter().flatten()
}

/// The names of all, sorted.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = all().map(|e| e.name).collect();
    names.sort_unstable();
    names
}

/// The context that the editor of this name works in, if it is not for all.
pub(super) fn context_of(name: &str) -> Option<Context> {
    all().find(|e| e.name == name).and_then(|e| e.of)
}

/// A statement: an editor, and when it runs.
pub struct Statement {
    text: String,
    edit: Edit,
    check: Option<Check>,
}

impl std::fmt::Debug for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Statement {
    /// Parses `text` for things of `context`.
    ///
    /// # Errors
    /// It is not a statement, or asks for what there is not.
    pub fn parse(text: &str, context: Context) -> Result<Self, OttlError> {
        Self::compile(text, context).map_err(|p| p.of(text))
    }

    fn compile(text: &str, context: Context) -> Result<Self, Problem> {
        let parsed = parse::statement(text)?;
        let Some(editor) = all().find(|e| e.name == parsed.editor.name) else {
            if convert::find(&parsed.editor.name).is_some() {
                let name = &parsed.editor.name;
                let message = format!("`{name}` has a value and changes nothing; write `set(..., {name}(...))`");
                return Err(Problem::new(parsed.editor.at, message));
            }
            // Those of other contexts would not help.
            let mut names: Vec<_> = all().filter(|e| e.of.is_none_or(|of| of == context)).map(|e| e.name).collect();
            names.sort_unstable();
            return Err(compile::unknown(&parsed.editor, &names));
        };
        let arguments = Arguments::new(&parsed.editor, editor.parameters, editor.required, context)?;
        editor.of.map_or(Ok(()), |only| arguments.only_in(only))?;
        let edit = (editor.build)(&arguments)?;
        let check = parsed.test.map(|test| compile::check(&test, context)).transpose()?;
        Ok(Self { text: text.to_owned(), edit, check })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Runs it, if its condition holds; returns whether it did.
    ///
    /// # Errors
    /// The data is not what the statement works with.
    pub fn run(&self, scene: &mut Scene<'_>) -> Result<bool, EvalError> {
        if let Some(check) = &self.check
            && !check(scene)?
        {
            return Ok(false);
        }
        (self.edit)(scene).map(|()| true)
    }
}

/// An editor of the map that the first argument names; what is no map is left alone.
fn on_map(
    a: &Arguments<'_>,
    f: impl Fn(&mut Attributes) -> Result<(), EvalError> + Send + Sync + 'static,
) -> Result<Edit, Problem> {
    let target = a.path(0)?;
    Ok(Box::new(move |s| target.map_mut(s)?.map_or(Ok(()), &f)))
}

fn set(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (target, value) = (a.path(0)?, a.value(1)?);
    Ok(Box::new(move |s| match value.get(s)? {
        // What is not there is not copied.
        v if v.is_nil() => Ok(()),
        v => target.set(s, v),
    }))
}

fn append(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let target = a.path(0)?;
    let values = match (a.optional(1)?, a.has(2)) {
        (Some(one), false) => vec![one],
        (None, true) => a.values(2)?,
        _ => return Err(a.problem(1, "or `values` must be given, one of both")),
    };
    Ok(Box::new(move |s| {
        let mut items = match target.get(s)? {
            v if v.is_nil() => vec![],
            Val::Plain(Value::Array(items)) => items,
            other => vec![other.into_value()],
        };
        for v in &values {
            items.push(v.get(s)?.into_value());
        }
        target.set(s, items.into())
    }))
}

fn delete_index(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (target, start, end) = (a.path(0)?, a.value(1)?, a.optional(2)?);
    let at = |v: Val| {
        let i = int(&v)?;
        usize::try_from(i).map_err(|_| EvalError::new(format!("{i} is no index; the first is 0")))
    };
    Ok(Box::new(move |s| {
        let Val::Plain(Value::Array(mut items)) = target.get(s)? else { return Ok(()) };
        let start = at(start.get(s)?)?;
        let end = end.as_ref().map_or(Ok(start.saturating_add(1)), |end| at(end.get(s)?))?;
        if end < start || end > items.len() {
            return Err(EvalError::new(format!("{start} to {end} is not in a list of {}", items.len())));
        }
        items.drain(start..end);
        target.set(s, items.into())
    }))
}

fn delete_key(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (target, key) = (a.path(0)?, a.value(1)?);
    Ok(Box::new(move |s| {
        let key = key.get(s)?;
        let key = text(&key)?;
        if let Some(map) = target.map_mut(s)? {
            map.remove(key);
        }
        Ok(())
    }))
}

fn delete_matching_keys(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (target, pattern) = (a.path(0)?, a.pattern(1)?);
    Ok(Box::new(move |s| {
        let pattern = pattern.at(s)?;
        if let Some(map) = target.map_mut(s)? {
            map.retain(|k, _| !pattern.is_match(k));
        }
        Ok(())
    }))
}

fn keep_keys(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let keys = a.texts(1)?;
    on_map(a, move |map| {
        map.retain(|k, _| keys.iter().any(|kept| kept == k));
        Ok(())
    })
}

fn keep_matching_keys(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (target, pattern) = (a.path(0)?, a.pattern(1)?);
    Ok(Box::new(move |s| {
        let pattern = pattern.at(s)?;
        if let Some(map) = target.map_mut(s)? {
            map.retain(|k, _| pattern.is_match(k));
        }
        Ok(())
    }))
}

fn limit(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (limit, priority) = (a.count(1)?, a.texts(2)?);
    if priority.len() > limit {
        return Err(a.problem(2, "must not be more than `limit`"));
    }
    on_map(a, move |map| {
        if map.len() <= limit {
            return Ok(());
        }
        let mut others = limit - map.iter().filter(|(k, _)| priority.iter().any(|p| p == k)).count().min(limit);
        map.retain(|k, _| {
            if priority.iter().any(|p| p == k) {
                return true;
            }
            let keep = others > 0;
            others = others.saturating_sub(1);
            keep
        });
        Ok(())
    })
}

fn truncate_all(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (limit, marker) = (a.count(1)?, a.text_or(3, "")?);
    // Texts here are always UTF-8: a cut in the middle of a character is made before it in either case.
    a.flag(2, true)?;
    if marker.len() > limit {
        return Err(a.problem(3, "must not be longer than `limit`"));
    }
    on_map(a, move |map| {
        for (_, v) in map.iter_mut() {
            if let Value::Str(s) = v
                && s.len() > limit
            {
                let room = limit - marker.len();
                s.truncate(beginning(s, room).len());
                s.push_str(&marker);
            }
        }
        Ok(())
    })
}

fn stringify_all(a: &Arguments<'_>) -> Result<Edit, Problem> {
    on_map(a, |map| {
        for (_, v) in map.iter_mut() {
            if !matches!(v, Value::Str(_)) {
                *v = Value::Str(v.to_text());
            }
        }
        Ok(())
    })
}

fn merge_maps(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (target, source) = (a.path(0)?, a.value(1)?);
    let strategy = if a.has(2) { a.text(2)? } else { "upsert".to_owned() };
    let (insert, update) = match &*strategy {
        "insert" => (true, false),
        "update" => (false, true),
        "upsert" => (true, true),
        _ => return Err(a.problem(2, "must be \"insert\", \"update\" or \"upsert\"")),
    };
    Ok(Box::new(move |s| {
        let new = match source.get(s)? {
            Val::Plain(Value::Map(map)) => map,
            v if v.is_nil() => return Ok(()),
            other => return Err(mismatch("a map", &other)),
        };
        if insert && target.get(s)?.is_nil() {
            return target.set(s, new.into());
        }
        let Some(map) = target.map_mut(s)? else { return Err(EvalError::new("the target is not a map")) };
        for (k, v) in new {
            if if map.contains(&k) { update } else { insert } {
                map.set(&k, v);
            }
        }
        Ok(())
    }))
}

fn flatten(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let prefix = if a.has(1) { a.text(1)? } else { String::new() };
    let depth = if a.has(2) { a.count(2)? } else { usize::MAX };
    let number = a.flag(3, false)?;
    on_map(a, move |map| {
        let mut out = Attributes::new();
        for (k, v) in std::mem::take(map) {
            let key = if prefix.is_empty() { k.to_string() } else { format!("{prefix}.{k}") };
            flatten_into(&mut out, key, v, depth, number);
        }
        *map = out;
        Ok(())
    })
}

fn flatten_into(out: &mut Attributes, key: String, value: Value, depth: usize, number: bool) {
    match value {
        Value::Map(map) if depth > 0 && !map.is_empty() => {
            for (k, v) in map {
                flatten_into(out, format!("{key}.{k}"), v, depth - 1, number);
            }
        }
        Value::Array(items) if depth > 0 && !items.is_empty() => {
            for (n, v) in items.into_iter().enumerate() {
                flatten_into(out, format!("{key}.{n}"), v, depth - 1, number);
            }
        }
        v if number && out.contains(&key) => {
            let free = (0..).map(|n| format!("{key}.{n}")).find(|k| !out.contains(k));
            out.push(free.unwrap_or(key), v);
        }
        v => out.set(&key, v),
    }
}
