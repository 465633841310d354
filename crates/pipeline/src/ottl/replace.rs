//! Editors that put something in the place of a text or of parts of it.

use regex::Regex;
use wire::otlp::tree::{Text, Value};

use super::Problem;
use super::arguments::{Arguments, Function};
use super::editors::{Edit, Editor};
use super::eval::{EvalError, Getter};
use super::value::Val;

pub(super) const ALL: &[Editor] = &[
    Editor {
        name: "replace_all_matches",
        parameters: &["target", "pattern", "replacement", "function", "replacementFormat"],
        required: 3,
        build: replace_all_matches,
        of: None,
    },
    Editor {
        name: "replace_all_patterns",
        parameters: &["target", "mode", "regex", "replacement", "function", "replacementFormat"],
        required: 4,
        build: replace_all_patterns,
        of: None,
    },
    Editor {
        name: "replace_match",
        parameters: &["target", "pattern", "replacement", "function", "replacementFormat"],
        required: 3,
        build: replace_match,
        of: None,
    },
    Editor {
        name: "replace_pattern",
        parameters: &["target", "regex", "replacement", "function", "replacementFormat"],
        required: 3,
        build: replace_pattern,
        of: None,
    },
];

/// What is put in place of a match: groups filled in, and changed by a function if there is one.
struct Replacement {
    with: Getter,
    function: Option<Function>,
    /// What stands before and behind it.
    around: Option<(String, String)>,
}

impl Replacement {
    fn of(a: &Arguments<'_>, with: usize) -> Result<Self, Problem> {
        let around = match a.has(with + 2).then(|| a.text(with + 2)).transpose()? {
            None => None,
            Some(format) => match format.split_once("%s") {
                Some((before, behind)) if !before.contains('%') && !behind.contains('%') => {
                    Some((before.to_owned(), behind.to_owned()))
                }
                _ => return Err(a.problem(with + 2, "must have `%s` in it, once, and no other `%`")),
            },
        };
        Ok(Self { with: a.value(with)?, function: a.function(with + 1)?, around })
    }

    fn apply(&self, v: Val) -> Result<Text, EvalError> {
        let text = match &self.function {
            Some(f) => f(v)?.to_text(),
            None => v.to_text(),
        };
        Ok(match &self.around {
            Some((before, behind)) => format!("{before}{text}{behind}").into(),
            None => text,
        })
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
        let old = target.get(s)?;
        let Some(old) = old.as_str() else { return Ok(()) };
        let with = unescaped(&replacement.with.get(s)?);
        let new = replacement.in_text(&*pattern.at(s)?, old, &with)?;
        match new {
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
        let pattern = pattern.at(s)?;
        let Some(map) = target.map_mut(s)? else { return Ok(()) };
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
        let old = target.get(s)?;
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
        let Some(map) = target.map_mut(s)? else { return Ok(()) };
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
