//! Points at field names that do not occur, and at what was probably meant.
//!
//! An unknown field is no error, because attributes are open: records that
//! have it may come later. It is a hint beside an empty result.

use super::ast::{Key, KeyScope, Position, Query};
use super::mentioned::collect;
use super::pipe::Pipe;
use super::{fields, printer};
use crate::EventSignal;

/// A field of a filter that does not occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Where the name stands.
    pub at: Position,
    /// The name, without its scope prefix.
    pub name: String,
    /// What to write there instead, when a known name is near.
    pub suggestion: Option<String>,
    /// The signal whose records have a field of this name.
    pub other: Option<EventSignal>,
}

/// The fields of `query` that are neither built in nor in `catalogue`, in the order of the text.
pub fn unknown_fields(query: &Query, signal: EventSignal, catalogue: &[String]) -> Vec<Hint> {
    let mut keys = Vec::new();
    query.expr.iter().for_each(|e| collect(e, &mut keys));
    unknown(keys, signal, catalogue)
}

/// The same for an analysis: the fields of its filter and of its stages.
pub fn unknown_fields_of_pipe(pipe: &Pipe, signal: EventSignal, catalogue: &[String]) -> Vec<Hint> {
    let mut keys = Vec::new();
    pipe.filter.expr.iter().for_each(|e| collect(e, &mut keys));
    keys.extend(pipe.stages.iter().flat_map(|s| s.keys()));
    unknown(keys, signal, catalogue)
}

fn unknown(keys: Vec<&Key>, signal: EventSignal, catalogue: &[String]) -> Vec<Hint> {
    keys.into_iter()
        .filter(|key| key.scope != KeyScope::Auto || fields::find(signal, &key.name).is_none())
        .filter(|key| !catalogue.contains(&key.name))
        .map(|key| Hint {
            at: key.at,
            name: key.name.clone(),
            suggestion: suggestion(key, signal, catalogue),
            other: other(key, signal),
        })
        .collect()
}

fn other(key: &Key, signal: EventSignal) -> Option<EventSignal> {
    let other = match signal {
        EventSignal::Logs => EventSignal::Traces,
        EventSignal::Traces => EventSignal::Logs,
    };
    (key.scope == KeyScope::Auto && fields::find(other, &key.name).is_some()).then_some(other)
}

fn suggestion(key: &Key, signal: EventSignal, catalogue: &[String]) -> Option<String> {
    let builtin: &[fields::Builtin] = if key.scope == KeyScope::Auto { fields::builtins(signal) } else { &[] };
    let builtin = builtin.iter().flat_map(|b| b.names.iter().copied());
    let name = nearest(&key.name, builtin.chain(catalogue.iter().map(String::as_str)))?;
    let prefix = match key.scope {
        KeyScope::Auto | KeyScope::Attribute => "",
        KeyScope::Resource => "resource.",
        KeyScope::Record => "attr.",
    };
    Some(format!("{prefix}{}", printer::bare_or_quoted(name)))
}

/// The known name that was probably meant: the same in another case or with other separators, then
/// one that ends with it (`route` for `http.route`), then the one with the fewest edits.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let plain = |s: &str| s.to_lowercase().replace(['_', '-'], ".");
    let wanted = plain(word);
    if let Some(same) = known.clone().find(|k| plain(k) == wanted) {
        return Some(same);
    }
    let edits_max = (wanted.chars().count() / 3).max(1);
    let by_edits = known
        .clone()
        .map(|k| (strsim::osa_distance(&wanted, &plain(k)), k))
        .filter(|(edits, _)| *edits <= edits_max)
        .min_by_key(|(edits, _)| *edits);
    let ends = || known.clone().find(|k| plain(k).strip_suffix(&wanted).is_some_and(|rest| rest.ends_with('.')));
    by_edits.map(|(_, k)| k).filter(|_| wanted.chars().count() > 1).or_else(ends)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expect: Expect) {
        let catalogue = ["http.route", "http.request.method", "user.id", "k8s.pod.name", "weird key"];
        let catalogue: Vec<String> = catalogue.into_iter().map(str::to_owned).collect();
        let hints = unknown_fields(&super::super::parse(text).unwrap(), EventSignal::Traces, &catalogue);
        let lines: Vec<_> = hints
            .iter()
            .map(|h| {
                format!(
                    "{} -> {}\n",
                    &text[h.at.offset..h.at.end()],
                    h.suggestion.as_deref().unwrap_or(h.other.map_or("?", EventSignal::name))
                )
            })
            .collect();
        expect.assert_eq(&lines.concat());
    }

    #[test]
    fn known_fields_need_no_hint() {
        check("service:a http.route:b has(user.id) \"weird key\":x -(status:ok)", expect![[r#""#]]);
    }

    #[test]
    fn near_names_are_suggested() {
        check(
            "servcie:a http.ruote:b HTTP_Route:c route:d",
            expect![[r#"
            servcie -> service
            http.ruote -> http.route
            HTTP_Route -> http.route
            route -> http.route
        "#]],
        );
        check(
            "resource.k8s.pod_name:x attr.\"weird kye\":x level:error zzz:1",
            expect![[r#"
            resource.k8s.pod_name -> resource.k8s.pod.name
            attr."weird kye" -> attr."weird key"
            level -> logs
            zzz -> ?
        "#]],
        );
        check(
            "a (b:c OR has(userid))",
            expect![[r#"
            b -> ?
            userid -> user.id
        "#]],
        );
    }
}
