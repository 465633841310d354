//! Converters: the functions that have a value. Each family is a file with its list; this is where they are found.

mod collections;
mod format;
mod grok;
mod hashes;
mod ids;
mod log_formats;
mod murmur3;
mod network;
mod numbers;
mod parsing;
mod texts;
mod times;
mod types;
mod xml;

use super::Problem;
use super::arguments::{Arguments, Function};
use super::eval::{EvalError, Getter};
use super::value::Val;

/// A converter.
pub(super) struct Converter {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [&'static str],
    /// How many of them must be given.
    pub(super) required: usize,
    pub(super) build: fn(&Arguments<'_>) -> Result<Getter, Problem>,
    /// What it does, if it is made of one value only and can be handed over by its name.
    unary: Option<Unary>,
}

type Unary = fn(&Val) -> Result<Val, EvalError>;

/// A converter of one value.
const fn one(name: &'static str, parameters: &'static [&'static str], unary: Unary, build: Build) -> Converter {
    Converter { name, parameters, required: 1, build, unary: Some(unary) }
}

/// A converter of several values.
const fn many(name: &'static str, parameters: &'static [&'static str], required: usize, build: Build) -> Converter {
    Converter { name, parameters, required, build, unary: None }
}

type Build = fn(&Arguments<'_>) -> Result<Getter, Problem>;

/// Lists converters of one value: `"Name"(parameter) => function`.
macro_rules! ones {
    ($($name:literal($parameter:literal) => $f:path),* $(,)?) => {
        &[$($crate::ottl::convert::one($name, &[$parameter], $f, |a| {
            let v = a.value(0)?;
            Ok(match v {
                $crate::ottl::eval::Getter::Literal(v) => $crate::ottl::eval::Getter::Literal($f(&v).map_err(|e| a.problem(0, &e.to_string()))?),
                v => $crate::ottl::eval::Getter::computed(move |s| v.with(s, $f)?),
            })
        })),*]
    };
}
use ones;

const FAMILIES: [&[Converter]; 17] = [
    types::ONE,
    types::MANY,
    texts::ONE,
    texts::MANY,
    numbers::ONE,
    hashes::ONE,
    parsing::ONE,
    parsing::MANY,
    times::ONE,
    times::MANY,
    collections::ALL,
    grok::ALL,
    ids::ALL,
    log_formats::ONE,
    log_formats::MANY,
    network::ALL,
    xml::ONE,
];

fn all() -> impl Iterator<Item = &'static Converter> {
    FAMILIES.into_iter().flatten()
}

pub(super) fn find(name: &str) -> Option<&'static Converter> {
    all().find(|c| c.name == name)
}

/// The names of all, sorted.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = all().map(|c| c.name).collect();
    names.sort_unstable();
    names
}

/// A converter of one value, to be handed over.
pub(super) fn unary(name: &str) -> Option<Function> {
    let f = find(name)?.unary?;
    Some(Box::new(move |v| f(&v)))
}

pub(super) fn unary_names() -> Vec<&'static str> {
    let mut names: Vec<_> = all().filter(|c| c.unary.is_some()).map(|c| c.name).collect();
    names.sort_unstable();
    names
}
