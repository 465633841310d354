//! YAML text -> [`Node`]s, with anchors, aliases and merge keys (`<<`).
//!
//! Source: YAML 1.2.2; merge keys as in YAML 1.1, because configuration files use them.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use thiserror::Error;

use crate::node::{Key, Node, Value};
use crate::place::Place;

/// Deeper nesting is nothing that a person wrote. An alias is as deep as what it stands for.
const DEPTH_MAX: usize = 64;
/// Values of a text, those that aliases repeat included: an alias of aliases grows without bound.
const NODES_MAX: usize = 1_000_000;
/// Bytes of the texts in them: one long text has many aliases in few nodes.
const TEXT_BYTES_MAX: usize = 64 << 20;

/// A text that is not YAML, or is more of it than is read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {message}")]
pub struct ParseError {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
}

/// Reads the one document of `text`; an empty text is nothing.
///
/// # Errors
/// What is not YAML, a key that occurs twice, a second document, more values, levels or bytes than there may be.
pub fn parse(file: &str, text: &str) -> Result<Node, ParseError> {
    let mut reader = Reader::new(file, text);
    match reader.document()? {
        None => Ok(Node::null(Place { file: reader.file, line: 1, column: 1 })),
        Some(node) => reader.end().map(|()| node),
    }
}

/// Reads every document of `text`; one that is written and empty is nothing.
///
/// # Errors
/// As for [`parse`], except that there may be several documents.
pub fn parse_all(file: &str, text: &str) -> Result<Vec<Node>, ParseError> {
    let mut reader = Reader::new(file, text);
    std::iter::from_fn(|| reader.document().transpose()).collect()
}

struct Reader<'t> {
    file: Arc<str>,
    events: Parser<'t, StrInput<'t>>,
    /// A container that is still being read has none yet: an alias to it would be a circle.
    anchors: HashMap<usize, Anchored>,
    spent: Size,
}

/// What an anchor names.
struct Anchored {
    node: Node,
    size: Size,
}

/// How much there is of something.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    text_bytes: usize,
    /// Levels below it.
    levels: usize,
}

impl Size {
    fn of(node: &Node) -> Self {
        let mut size = Self { nodes: 1, ..Self::default() };
        let mut add = |below: Self| {
            size.nodes += below.nodes;
            size.text_bytes += below.text_bytes;
            size.levels = size.levels.max(below.levels + 1);
        };
        match &node.value {
            Value::Null => {}
            Value::Scalar { text, .. } => size.text_bytes = text.len(),
            Value::Sequence(items) => items.iter().map(Self::of).for_each(add),
            Value::Mapping(entries) => entries.iter().for_each(|(key, node)| {
                let below = Self::of(node);
                add(Self { text_bytes: below.text_bytes + key.text.len(), ..below });
            }),
        }
        size
    }
}

impl<'t> Reader<'t> {
    fn new(file: &str, text: &'t str) -> Self {
        let events = Parser::new_from_str(text);
        Self { file: file.into(), events, anchors: HashMap::new(), spent: Size::default() }
    }

    fn place(&self, span: &Span) -> Place {
        let at = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { file: self.file.clone(), line: at(span.start.line()), column: at(span.start.col()).saturating_add(1) }
    }

    fn error<T>(&self, span: &Span, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { place: self.place(span), message: message.into() })
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), ParseError> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(next)) => return Ok(next),
                Some(Err(e)) => {
                    let mark = *e.marker();
                    return self.error(&Span::new(mark, mark), format!("this is not YAML: {}", e.info()));
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    /// The next document; `None` behind the last.
    fn document(&mut self) -> Result<Option<Node>, ParseError> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(None),
                (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
                (event, span) => return self.node(event, span, 0).map(Some),
            }
        }
    }

    /// Nothing but the end may follow: nobody would see it.
    fn end(&mut self) -> Result<(), ParseError> {
        loop {
            match self.next()? {
                (Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => return Ok(()),
                (_, span) => return self.error(&span, "a second document begins here; write one per file"),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, ParseError> {
        self.spend(&span, depth, Size { nodes: 1, ..Size::default() })?;
        let (anchor, value) = match event {
            Event::Alias(id) => return self.alias(id, &span, depth),
            Event::Scalar(text, style, anchor, _) => {
                self.spend(&span, depth, Size { text_bytes: text.len(), ..Size::default() })?;
                (anchor, scalar(text.into_owned(), style))
            }
            Event::SequenceStart(_, anchor, _) => (anchor, Value::Sequence(self.sequence(depth)?)),
            Event::MappingStart(_, anchor, _) => (anchor, Value::Mapping(self.mapping(depth)?)),
            _ => return self.error(&span, "a value was expected"),
        };
        let node = Node { place: self.place(&span), value };
        if anchor != 0 {
            let size = Size::of(&node);
            self.spend(&span, depth, Size { levels: 0, ..size })?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size });
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, span: &Span, depth: usize) -> Result<Node, ParseError> {
        let Some(Anchored { node, size }) = self.anchors.get(&id) else {
            return self.error(span, "the alias lies inside of what it names");
        };
        let (node, size) = (node.clone(), *size);
        self.spend(span, depth, size)?;
        Ok(node)
    }

    /// Counts what is about to be kept, which begins at `depth`.
    fn spend(&mut self, span: &Span, depth: usize, more: Size) -> Result<(), ParseError> {
        self.spent.nodes += more.nodes;
        self.spent.text_bytes += more.text_bytes;
        if depth + more.levels > DEPTH_MAX {
            return self.error(span, format!("nested deeper than {DEPTH_MAX} levels"));
        }
        if self.spent.nodes > NODES_MAX {
            return self.error(span, format!("more than {NODES_MAX} values; do aliases repeat each other?"));
        }
        if self.spent.text_bytes > TEXT_BYTES_MAX {
            let message = format!("more than {} MiB of texts; do aliases repeat a long one?", TEXT_BYTES_MAX >> 20);
            return self.error(span, message);
        }
        Ok(())
    }

    fn sequence(&mut self, depth: usize) -> Result<Vec<Node>, ParseError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Vec<(Key, Node)>, ParseError> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut lines: HashMap<String, u32> = HashMap::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let (text, plain) = self.key(event, &span, depth)?;
            let place = self.place(&span);
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if plain && text == "<<" {
                self.merge(value, &mut merged)?;
                continue;
            }
            if let Some(first) = lines.insert(text.clone(), place.line) {
                let message = format!("`{text}` stands here a second time; the first is in line {first}");
                return Err(ParseError { place, message });
            }
            entries.push((Key { text, place }, value));
        }
        for (key, value) in merged {
            if !lines.contains_key(&key.text) {
                lines.insert(key.text.clone(), key.place.line);
                entries.push((key, value));
            }
        }
        Ok(entries)
    }

    /// The text of a key, and whether it stood without quotes.
    fn key(&mut self, event: Event<'t>, span: &Span, depth: usize) -> Result<(String, bool), ParseError> {
        let found = match event {
            Event::Scalar(text, style, 0, _) => {
                self.spend(span, depth, Size { text_bytes: text.len(), ..Size::default() })?;
                return Ok((text.into_owned(), style == ScalarStyle::Plain));
            }
            event => self.node(event, *span, depth + 1)?,
        };
        match found.value {
            Value::Scalar { text, plain } => Ok((text, plain)),
            _ => self.error(span, "a key must be a single word"),
        }
    }

    /// What `<<` brings in: a mapping, or several of which the first wins.
    fn merge(&self, node: Node, into: &mut Vec<(Key, Node)>) -> Result<(), ParseError> {
        match node.value {
            Value::Mapping(entries) => into.extend(entries),
            Value::Sequence(items) => items.into_iter().try_for_each(|item| self.merge(item, into))?,
            _ => return Err(ParseError { place: node.place, message: "`<<` takes a mapping, as `*name`".to_owned() }),
        }
        Ok(())
    }
}

fn scalar(text: String, style: ScalarStyle) -> Value {
    let plain = style == ScalarStyle::Plain;
    match plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL") {
        true => Value::Null,
        false => Value::Scalar { text, plain },
    }
}

#[cfg(test)]
mod tests;
