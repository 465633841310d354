//! YAML as a tree in which every node knows its line and column.
//!
//! Configuration files of other systems are checked as a whole, and each finding says where it is; a derived reader
//! stops at the first error. [`Node::read`] fills types that derive `Deserialize`, and notes what they do not know.
//! *Invariant:* knows no file format above YAML.

mod read;

pub use read::did_you_mean;

use granit_parser::{Event, Parser, ScalarStyle, Span};
use rustc_hash::FxHashMap;
use thiserror::Error;

pub use crate::finding::Place;

/// More nodes than any file that is meant so; aliases count with what they stand for.
const NODES_MAX: usize = 500_000;
/// Deeper than any file that is meant so.
const DEPTH_MAX: usize = 64;

/// One node of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, a number, a truth value or nothing: what is asked for decides.
    Scalar {
        /// After escapes.
        text: String,
        /// Without quotes, so that `null` and `~` mean nothing.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys in the order of the file; no key twice.
    Mapping(Vec<(Key, Node)>),
}

/// The key of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it is.
    pub place: Place,
    /// Its text.
    pub text: String,
}

/// A text that is not YAML, or does not fit into what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {message}")]
pub struct YamlError {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
}

impl YamlError {
    fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }
}

impl Node {
    /// Reads the first document of a text; an empty text is an empty node.
    ///
    /// # Errors
    /// What is not YAML, a key that occurs twice, an unknown alias, more nodes or levels than there may be.
    pub fn parse(text: &str) -> Result<Self, YamlError> {
        let mut tree = Tree { parser: Parser::new_from_str(text), anchors: FxHashMap::default(), nodes: 0 };
        tree.document()
    }

    /// Reads every document of a text that is not empty.
    ///
    /// # Errors
    /// As for [`Node::parse`], except that there may be several documents.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, YamlError> {
        let mut tree = Tree { parser: Parser::new_from_str(text), anchors: FxHashMap::default(), nodes: 0 };
        let mut documents = Vec::new();
        loop {
            match tree.next()? {
                (Event::StreamEnd, _) => return Ok(documents),
                (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
                (event, span) => documents.push(tree.node(event, span, 0)?),
            }
        }
    }

    /// Whether nothing is written: `~`, `null`, or a key without a value.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(&**text, "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The text of a scalar.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }

    /// How many nodes there are, this one included.
    fn count(&self) -> usize {
        match &self.value {
            Value::Scalar { .. } => 1,
            Value::Sequence(items) => 1 + items.iter().map(Self::count).sum::<usize>(),
            Value::Mapping(entries) => 1 + entries.iter().map(|(_, node)| node.count()).sum::<usize>(),
        }
    }
}

struct Tree<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: FxHashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Tree<'a> {
    fn document(&mut self) -> Result<Node, YamlError> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    let value = Value::Scalar { text: String::new(), plain: true };
                    return Ok(Node { place: Place { line: 1, column: 1 }, value });
                }
                event => {
                    let root = self.node(event, span, 0)?;
                    self.rest()?;
                    return Ok(root);
                }
            }
        }
    }

    /// What follows must be YAML too, and not a second document, which nobody would see.
    fn rest(&mut self) -> Result<(), YamlError> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentEnd, _) => {}
                (_, span) => return Err(YamlError::new(place(span), "a second document begins; one is read")),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        loop {
            match self.parser.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(found)) => return Ok(found),
                Some(Err(e)) => {
                    let at = e.marker();
                    let place = Place { line: at.line() as u32, column: at.col() as u32 + 1 };
                    let message = e.to_string();
                    let message = message.split(" at byte").next().unwrap_or(&message);
                    let message = message.split(" at char").next().unwrap_or(message);
                    return Err(YamlError::new(place, message));
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, YamlError> {
        let place = place(span);
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(YamlError::new(place, format!("more than {NODES_MAX} values")));
        }
        if depth > DEPTH_MAX {
            return Err(YamlError::new(place, format!("more than {DEPTH_MAX} levels")));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                (Value::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (Value::Sequence(self.sequence(depth)?), anchor),
            Event::MappingStart(_, anchor, _) => (Value::Mapping(self.mapping(depth)?), anchor),
            Event::Alias(anchor) => {
                let node =
                    self.anchors.get(&anchor).ok_or_else(|| YamlError::new(place, "this alias is not defined"))?;
                let node = node.clone();
                self.nodes += node.count();
                return Ok(node);
            }
            _ => return Err(YamlError::new(place, "a value was expected")),
        };
        let node = Node { place, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn sequence(&mut self, depth: usize) -> Result<Vec<Node>, YamlError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Vec<(Key, Node)>, YamlError> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, span, depth + 1)?;
            let Value::Scalar { text, plain } = key.value else {
                return Err(YamlError::new(key.place, "a key must be a text"));
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if plain && text == "<<" {
                merge(value, &mut merged)?;
            } else if entries.iter().any(|(k, _)| k.text == text) {
                return Err(YamlError::new(key.place, format!("the key `{text}` occurs twice")));
            } else {
                entries.push((Key { place: key.place, text }, value));
            }
        }
        for (key, value) in merged {
            if !entries.iter().any(|(k, _)| k.text == key.text) {
                entries.push((key, value));
            }
        }
        Ok(entries)
    }
}

/// What `<<` brings in: a mapping, or several of which the first wins.
fn merge(node: Node, into: &mut Vec<(Key, Node)>) -> Result<(), YamlError> {
    match node.value {
        Value::Mapping(entries) => into.extend(entries),
        Value::Sequence(items) => items.into_iter().try_for_each(|item| merge(item, into))?,
        Value::Scalar { .. } => return Err(YamlError::new(node.place, "`<<` takes a mapping")),
    }
    Ok(())
}

fn place(span: Span) -> Place {
    Place { line: span.start.line() as u32, column: span.start.col() as u32 + 1 }
}

#[cfg(test)]
mod tests;
