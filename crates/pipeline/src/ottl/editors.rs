//! Editors: the functions that change the thing at hand, and statements made of them.

use regex::Regex;
use wire::otlp::tree::{Attributes, Text, Value};

use super::arguments::{Arguments, Function};
use super::compile::{self, Check};
use super::context::{Context, Scene};
use super::eval::{EvalError, Getter};
use super::path::{mismatch, text};
use super::value::Val;
use super::{OttlError, Problem, parse};

type Edit = Box<dyn Fn(&mut Scene<'_>) -> Result<(), EvalError> + Send + Sync>;

struct Editor {
    name: &'static str,
    parameters: &'static [&'static str],
    required: usize,
    build: fn(&Arguments<'_>) -> Result<Edit, Problem>,
}

const EDITORS: &[Editor] = &[
    Editor { name: "append", parameters: &["target", "value", "values"], required: 1, build: append },
    Editor { name: "delete_index", parameters: &["target", "start", "end"], required: 2, build: delete_index },
    Editor { name: "delete_key", parameters: &["target", "key"], required: 2, build: delete_key },
    Editor {
        name: "delete_matching_keys",
        parameters: &["target", "pattern"],
        required: 2,
        build: delete_matching_keys,
    },
    Editor {
        name: "flatten",
        parameters: &["target", "prefix", "depth", "resolveConflicts"],
        required: 1,
        build: flatten,
    },
    Editor { name: "keep_keys", parameters: &["target", "keys"], required: 2, build: keep_keys },
    Editor { name: "keep_matching_keys", parameters: &["target", "pattern"], required: 2, build: keep_matching_keys },
    Editor { name: "limit", parameters: &["target", "limit", "priority_keys"], required: 3, build: limit },
    Editor { name: "merge_maps", parameters: &["target", "source", "strategy"], required: 2, build: merge_maps },
    Editor {
        name: "replace_all_matches",
        parameters: &["target", "pattern", "replacement", "function"],
        required: 3,
        build: replace_all_matches,
    },
    Editor {
        name: "replace_all_patterns",
        parameters: &["target", "mode", "regex", "replacement", "function"],
        required: 4,
        build: replace_all_patterns,
    },
    Editor {
        name: "replace_match",
        parameters: &["target", "pattern", "replacement", "function"],
        required: 3,
        build: replace_match,
    },
    Editor {
        name: "replace_pattern",
        parameters: &["target", "regex", "replacement", "function"],
        required: 3,
        build: replace_pattern,
    },
    Editor { name: "set", parameters: &["target", "value"], required: 2, build: set },
    Editor { name: "truncate_all", parameters: &["target", "limit"], required: 2, build: truncate_all },
];

pub(super) fn names() -> Vec<&'static str> {
    EDITORS.iter().map(|e| e.name).collect()
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
        let Some(editor) = EDITORS.iter().find(|e| e.name == parsed.editor.name) else {
            return Err(compile::unknown(&parsed.editor, &names()));
        };
        let arguments = Arguments::new(&parsed.editor, editor.parameters, editor.required, context)?;
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
    Ok(Box::new(move |s| target.map_mut(s).map_or(Ok(()), &f)))
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
        let mut items = match target.get(s) {
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
    let (target, start) = (a.path(0)?, a.count(1)?);
    let end = if a.has(2) { a.count(2)? } else { start + 1 };
    if end < start {
        return Err(a.problem(2, "must not be before `start`"));
    }
    Ok(Box::new(move |s| {
        let Val::Plain(Value::Array(mut items)) = target.get(s) else { return Ok(()) };
        items.drain(start.min(items.len())..end.min(items.len()));
        target.set(s, items.into())
    }))
}

fn delete_key(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (target, key) = (a.path(0)?, a.value(1)?);
    Ok(Box::new(move |s| {
        let key = key.get(s)?;
        let key = text(&key)?;
        if let Some(map) = target.map_mut(s) {
            map.remove(key);
        }
        Ok(())
    }))
}

fn delete_matching_keys(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let pattern = a.pattern(1)?;
    on_map(a, move |map| {
        map.retain(|k, _| !pattern.is_match(k));
        Ok(())
    })
}

fn keep_keys(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let keys = a.texts(1)?;
    on_map(a, move |map| {
        map.retain(|k, _| keys.iter().any(|kept| kept == k));
        Ok(())
    })
}

fn keep_matching_keys(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let pattern = a.pattern(1)?;
    on_map(a, move |map| {
        map.retain(|k, _| pattern.is_match(k));
        Ok(())
    })
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
    let limit = a.count(1)?;
    on_map(a, move |map| {
        for (_, v) in map.iter_mut() {
            if let Value::Str(s) = v
                && s.len() > limit
            {
                let end = (0..=limit).rev().find(|at| s.is_char_boundary(*at)).unwrap_or(0);
                s.truncate(end);
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
        if target.get(s).is_nil() && insert {
            return target.set(s, new.into());
        }
        let Some(map) = target.map_mut(s) else { return Err(EvalError::new("the target is not a map")) };
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

/// What is put in place of a match: groups filled in, and changed by a function if there is one.
struct Replacement {
    with: Getter,
    function: Option<Function>,
}

impl Replacement {
    fn of(a: &Arguments<'_>, with: usize) -> Result<Self, Problem> {
        Ok(Self { with: a.value(with)?, function: a.function(with + 1)? })
    }

    fn apply(&self, v: Val) -> Result<Text, EvalError> {
        match &self.function {
            Some(f) => Ok(f(v)?.to_text()),
            None => Ok(v.to_text()),
        }
    }

    /// Replaces each match of `pattern` in `text`; `None` when there is none.
    fn in_text(&self, pattern: &Regex, text: &str, with: &str) -> Result<Option<Text>, EvalError> {
        if !pattern.is_match(text) {
            return Ok(None);
        }
        let (mut out, mut end) = (String::with_capacity(text.len()), 0);
        for groups in pattern.captures_iter(text) {
            let Some(whole) = groups.get(0) else { continue };
            out.push_str(&text[end..whole.start()]);
            let mut filled = String::new();
            groups.expand(with, &mut filled);
            out.push_str(&self.apply(filled.into())?);
            end = whole.end();
        }
        out.push_str(&text[end..]);
        Ok(Some(out.into()))
    }
}

/// `$$` is how Collector files write `$`, because `$` alone begins a variable there.
fn unescaped(with: &Val) -> String {
    with.to_text().replace("$$", "$")
}

fn replace_pattern(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (target, pattern, replacement) = (a.path(0)?, a.pattern(1)?, Replacement::of(a, 2)?);
    Ok(Box::new(move |s| {
        let old = target.get(s);
        let Some(old) = old.as_str() else { return Ok(()) };
        let with = unescaped(&replacement.with.get(s)?);
        match replacement.in_text(&pattern, old, &with)? {
            Some(new) => target.set(s, new.into()),
            None => Ok(()),
        }
    }))
}

fn replace_all_patterns(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (target, pattern, replacement) = (a.path(0)?, a.pattern(2)?, Replacement::of(a, 3)?);
    let keys = match &*a.text(1)? {
        "key" => true,
        "value" => false,
        _ => return Err(a.problem(1, "must be \"key\" or \"value\"")),
    };
    Ok(Box::new(move |s| {
        let with = unescaped(&replacement.with.get(s)?);
        let Some(map) = target.map_mut(s) else { return Ok(()) };
        for (k, v) in map.iter_mut() {
            match v {
                _ if keys => {
                    if let Some(new) = replacement.in_text(&pattern, k, &with)? {
                        *k = new;
                    }
                }
                Value::Str(text) => {
                    if let Some(new) = replacement.in_text(&pattern, text, &with)? {
                        *text = new;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }))
}

fn replace_match(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (target, glob, replacement) = (a.path(0)?, glob(a, 1)?, Replacement::of(a, 2)?);
    Ok(Box::new(move |s| {
        let old = target.get(s);
        if !old.as_str().is_some_and(|old| glob.is_match(old)) {
            return Ok(());
        }
        let with = replacement.with.get(s)?;
        let new = replacement.apply(with)?;
        target.set(s, new.into())
    }))
}

fn replace_all_matches(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (target, glob, replacement) = (a.path(0)?, glob(a, 1)?, Replacement::of(a, 2)?);
    Ok(Box::new(move |s| {
        let with = replacement.with.get(s)?;
        let Some(map) = target.map_mut(s) else { return Ok(()) };
        for (_, v) in map.iter_mut() {
            if v.as_str().is_some_and(|old| glob.is_match(old)) {
                *v = replacement.apply(with.clone())?.into();
            }
        }
        Ok(())
    }))
}

/// A pattern of `*` and `?`.
fn glob(a: &Arguments<'_>, n: usize) -> Result<Regex, Problem> {
    let mut pattern = String::from("(?s)^");
    for c in a.text(n)?.chars() {
        match c {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            c => pattern.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    pattern.push('$');
    Regex::new(&pattern).map_err(|e| a.problem(n, &format!("is not a pattern: {e}")))
}
