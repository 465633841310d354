//! YAML text -> [`Node`]s, with anchors, aliases and merge keys (`<<`).
//!
//! Source: YAML 1.2.2; merge keys as in YAML 1.1, because configuration files use them.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::node::{Key, Node, Place, Value};

/// Deeper nesting is not a configuration.
const DEPTH_MAX: usize = 64;
/// Values of a file, those that aliases repeat included: an alias of aliases grows without bound.
const NODES_MAX: usize = 1_000_000;

/// Reads the one document of `text`; an empty file is an empty mapping.
///
/// # Errors
/// Where it is not YAML, and why.
pub fn parse(file: &str, text: &str) -> Result<Node, (Place, String)> {
    let file: Arc<str> = file.into();
    let start = Place { file: file.clone(), line: 1, column: 1 };
    let mut reader = Reader { file, events: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (Event::StreamEnd | Event::DocumentEnd, _) => return Ok(Node::empty_map(start)),
            (event, span) => {
                let node = reader.node(event, span, 0)?;
                reader.end()?;
                return Ok(match node.value {
                    Value::Null => Node::empty_map(start),
                    _ => node,
                });
            }
        }
    }
}

struct Reader<'t> {
    file: Arc<str>,
    events: Parser<'t, granit_parser::StrInput<'t>>,
    /// A container that is still being read has none yet: an alias to it would be a circle.
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

type Failure = (Place, String);

impl<'t> Reader<'t> {
    fn place(&self, span: &Span) -> Place {
        let at = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { file: self.file.clone(), line: at(span.start.line()), column: at(span.start.col()).saturating_add(1) }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Failure> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(next)) => return Ok(next),
                Some(Err(e)) => {
                    let mark = *e.marker();
                    return Err((self.place(&Span::new(mark, mark)), format!("this is not YAML: {}", e.info())));
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    /// Nothing but the end may follow.
    fn end(&mut self) -> Result<(), Failure> {
        loop {
            match self.next()? {
                (Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => return Ok(()),
                (_, span) => {
                    return Err((self.place(&span), "a second document begins here; write one per file".to_owned()));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Failure> {
        let place = self.place(&span);
        self.nodes += 1;
        if depth > DEPTH_MAX {
            return Err((place, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        if self.nodes > NODES_MAX {
            return Err((place, format!("more than {NODES_MAX} values; do aliases repeat each other?")));
        }
        let (anchor, value) = match event {
            Event::Alias(id) => {
                let known = self.anchors.get(&id).cloned();
                let node = known.ok_or_else(|| (place, "the alias lies inside of what it names".to_owned()))?;
                self.nodes += count(&node);
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, _) => (anchor, scalar(text.into_owned(), style)),
            Event::SequenceStart(_, anchor, _) => (anchor, Value::List(self.list(depth)?)),
            Event::MappingStart(_, anchor, _) => (anchor, Value::Map(self.map(depth)?)),
            _ => return Err((place, "a value was expected".to_owned())),
        };
        let node = Node { place, value };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Failure> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Key, Node)>, Failure> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let place = self.place(&span);
            let Event::Scalar(text, ..) = event else {
                return Err((place, "a key must be a single word".to_owned()));
            };
            let text = text.into_owned();
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if text == "<<" {
                merged.push(value);
                continue;
            }
            if let Some((earlier, _)) = entries.iter().find(|(key, _)| key.text == text) {
                let message =
                    format!("`{text}` stands here a second time; the first is in line {}", earlier.place.line);
                return Err((place, message));
            }
            entries.push((Key { text, place }, value));
        }
        for node in merged {
            let sources = if matches!(node.value, Value::List(_)) { node.items() } else { std::slice::from_ref(&node) };
            for (key, value) in sources.iter().flat_map(Node::entries) {
                if !entries.iter().any(|(k, _)| k.text == key.text) {
                    entries.push((key.clone(), value.clone()));
                }
            }
        }
        Ok(entries)
    }
}

fn count(node: &Node) -> usize {
    node.items().iter().map(count).sum::<usize>() + node.entries().iter().map(|(_, n)| count(n)).sum::<usize>() + 1
}

fn scalar(text: String, style: ScalarStyle) -> Value {
    let plain = style == ScalarStyle::Plain;
    match plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL") {
        true => Value::Null,
        false => Value::Scalar { text, plain },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_place() {
        let node = parse("a.yaml", "x:\n  y: [1, two]\n  z: 'three'\n").unwrap();
        assert_eq!(node.place_of("x.y[1]").to_string(), "a.yaml:2:10");
        assert_eq!(node.place_of("x.z").to_string(), "a.yaml:3:3");
        assert_eq!(node.place_of("x.missing.deeper").to_string(), "a.yaml:1:1");
        assert_eq!(node.get("x").and_then(|x| x.get("z")).and_then(Node::text), Some("three"));
    }

    #[test]
    fn aliases_and_merge_keys() {
        let node = parse("a.yaml", "base: &b {a: 1, b: 2}\nnew: {<<: *b, b: 3}\n").unwrap();
        let new = node.get("new").unwrap();
        assert_eq!((new.get("a").and_then(Node::text), new.get("b").and_then(Node::text)), (Some("1"), Some("3")));
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        for (text, at, message) in [
            ("a: 1\nb: [1, 2\nc: 3\n", "f:", "this is not YAML"),
            ("a: 1\nb: 2\na: 3\n", "f:3:1", "`a` stands here a second time; the first is in line 1"),
            ("a: 1\n---\nb: 2\n", "f:2:1", "a second document begins here"),
            ("a: &x\n  b: *x\n", "f:2:6", "the alias lies inside of what it names"),
        ] {
            let (place, said) = parse("f", text).unwrap_err();
            assert!(place.to_string().starts_with(at) && said.starts_with(message), "{text:?}: {place}: {said}");
        }
        assert_eq!(parse("f", "# nothing\n").unwrap().entries(), []);
    }

    #[test]
    fn aliases_of_aliases_have_an_end() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let items = vec![format!("*a{}", n - 1); 10].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{items}]\n"));
        }
        assert!(parse("f", &text).unwrap_err().1.starts_with("more than"));
    }
}
