//! The operators there are: one file each, and one line here.

mod add;
mod assign_keys;
mod container;
mod copy;
mod csv_parser;
mod filter;
mod flatten;
mod json_array_parser;
mod json_parser;
mod key_value_parser;
mod move_;
mod parser;
mod recombine;
mod regex_parser;
mod regex_replace;
mod remove;
mod retain;
mod router;
mod scope_name_parser;
mod severity_parser;
mod syslog_parser;
mod time_parser;
mod trace_parser;
mod unquote;
mod uri_parser;

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::chain::{Blueprint, OnError, Operator, Place, Step};
use super::expr::Condition;
pub(crate) use json_parser::JsonLines;

/// How many operators one receiver may have.
const OPERATORS_MAX: usize = 256;

/// What every operator has.
#[derive(Deserialize)]
struct Common {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    #[serde(default)]
    output: Option<OneOrMany>,
    #[serde(rename = "if")]
    condition: Option<Condition>,
    #[serde(default)]
    on_error: OnError,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Ids of operators, for those that send to others.
struct Ids<'a>(&'a [String]);

impl Ids<'_> {
    /// The place of `id`, which has to be behind `from`, so that no entry runs in a circle.
    fn find(&self, id: &str, from: usize) -> Result<usize, String> {
        match self.0.iter().position(|known| known == id) {
            Some(at) if at > from => Ok(at),
            Some(_) => Err(format!("`{id}` stands before this operator; send to one that stands behind it")),
            None if id == "end" => Ok(self.0.len()),
            None => Err(format!("there is no operator with the id `{id}`; there is {}", self.0.join(", "))),
        }
    }
}

/// Makes the operator of one element of the list.
type Build = fn(&Json, &Ids<'_>, usize) -> Result<Step, String>;

const ALL: &[(&str, Build)] = &[
    ("add", |s, _, _| each(read::<add::Add>(s)?)),
    ("assign_keys", |s, _, _| each(read::<assign_keys::AssignKeys>(s)?)),
    ("container", |s, _, _| container::build(read(s)?)),
    ("copy", |s, _, _| each(read::<copy::Copy>(s)?)),
    ("csv_parser", |s, _, _| each(csv_parser::CsvParser::new(read(s)?)?)),
    ("filter", |s, _, _| each(read::<filter::Filter>(s)?.checked()?)),
    ("flatten", |s, _, _| each(read::<flatten::Flatten>(s)?)),
    ("json_array_parser", |s, _, _| each(json_array_parser::JsonArrayParser::new(read(s)?)?)),
    ("json_parser", |s, _, _| each(json_parser::JsonParser::new(read(s)?)?)),
    ("key_value_parser", |s, _, _| each(key_value_parser::KeyValueParser::new(read(s)?)?)),
    ("move", |s, _, _| each(read::<move_::Move>(s)?)),
    ("noop", |_, _, _| each(Noop)),
    ("recombine", |s, _, _| recombine::build(read(s)?)),
    ("regex_parser", |s, _, _| each(regex_parser::RegexParser::new(read(s)?)?)),
    ("regex_replace", |s, _, _| each(regex_replace::RegexReplace::new(read(s)?)?)),
    ("remove", |s, _, _| each(read::<remove::Remove>(s)?)),
    ("retain", |s, _, _| each(read::<retain::Retain>(s)?)),
    ("router", |s, ids, at| each(router::Router::new(read(s)?, ids, at)?)),
    ("scope_name_parser", |s, _, _| each(read::<scope_name_parser::ScopeNameParser>(s)?)),
    ("severity_parser", |s, _, _| each(severity_parser::SeverityParser::new(read(s)?)?)),
    ("syslog_parser", |s, _, _| each(syslog_parser::SyslogParser::new(read(s)?)?)),
    ("time_parser", |s, _, _| each(time_parser::TimeParser::new(read(s)?)?)),
    ("trace_parser", |s, _, _| each(read::<trace_parser::TraceParser>(s)?)),
    ("unquote", |s, _, _| each(read::<unquote::Unquote>(s)?)),
    ("uri_parser", |s, _, _| each(uri_parser::UriParser::new(read(s)?)?)),
];

struct Noop;

impl Operator for Noop {
    fn apply(&self, _: &mut super::Entry, _: foundation::UnixNanos) -> Result<super::chain::Verdict, String> {
        Ok(super::chain::Verdict::Next)
    }
}

fn each(operator: impl Operator + 'static) -> Result<Step, String> {
    Ok(Step::Each(Arc::new(operator)))
}

/// The settings of one operator, without what every operator has.
fn read<T: DeserializeOwned>(settings: &Json) -> Result<T, String> {
    let mut own = settings.clone();
    if let Some(map) = own.as_object_mut() {
        ["type", "id", "output", "if", "on_error"].iter().for_each(|common| drop(map.shift_remove(*common)));
    }
    T::deserialize(own).map_err(|e| e.to_string())
}

/// Makes the operators of a list.
///
/// # Errors
/// The index of each operator that is wrong, and what is wrong with it.
pub(crate) fn build(list: &[Json]) -> Result<Blueprint, Vec<(usize, String)>> {
    if list.len() > OPERATORS_MAX {
        return Err(vec![(OPERATORS_MAX, format!("there are more than {OPERATORS_MAX} operators"))]);
    }
    let id = |settings: &Json| {
        let text = |key| settings.get(key).and_then(Json::as_str);
        text("id").or(text("type")).unwrap_or_default().to_owned()
    };
    let names: Vec<_> = list.iter().map(id).collect();
    let (mut places, mut wrong) = (Vec::new(), Vec::new());
    for (at, settings) in list.iter().enumerate() {
        match place(settings, &Ids(&names), at) {
            Ok(place) => places.push(place),
            Err(message) => wrong.push((at, message)),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let json = match (list, places.as_slice()) {
        ([only], [place])
            if place.condition.is_none() && only.get("type").and_then(Json::as_str) == Some("json_parser") =>
        {
            JsonLines::new(only).map(Arc::new)
        }
        _ => None,
    };
    Ok(Blueprint { places: places.into(), json })
}

fn place(settings: &Json, ids: &Ids<'_>, at: usize) -> Result<Place, String> {
    let common = Common::deserialize(settings).map_err(|e| e.to_string())?;
    let id = common.id.unwrap_or_else(|| common.kind.clone());
    if ids.0.iter().filter(|other| **other == id).count() > 1 {
        return Err(format!("several operators are called `{id}`; give each an `id` of its own"));
    }
    let Some((_, build)) = ALL.iter().find(|(name, _)| *name == common.kind) else {
        let names: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
        let near = yaml::nearest(&common.kind, names.iter().copied());
        let near = near.map(|n| format!(", did you mean `{n}`?")).unwrap_or_default();
        return Err(format!("there is no operator `{}`{near}; there is {}", common.kind, names.join(", ")));
    };
    let outputs = match common.output {
        None => vec![at + 1],
        Some(OneOrMany::One(id)) => vec![ids.find(&id, at)?],
        Some(OneOrMany::Many(many)) => many.iter().map(|id| ids.find(id, at)).collect::<Result<_, _>>()?,
    };
    Ok(Place {
        id,
        condition: common.condition,
        on_error: common.on_error,
        step: build(settings, ids, at)?,
        outputs: outputs.into(),
    })
}

#[cfg(test)]
mod tests;
