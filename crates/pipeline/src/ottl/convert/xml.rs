//! Texts in XML as maps: with everything that was said, or as plain as JSON.

use roxmltree::{Document, Node, ParsingOptions};
use wire::otlp::tree::{Attributes, Value};

use super::{Converter, ones};
use crate::ottl::eval::EvalError;
use crate::ottl::path::text;
use crate::ottl::value::Val;

pub(super) const ONE: &[Converter] =
    ones!["ParseSimplifiedXML"("target") => simplified, "ParseXML"("target") => parsed];

/// Elements in each other; values of attributes do not nest deeper.
const DEPTH_MAX: usize = 60;
/// Elements, attributes and texts of a document.
const NODES_MAX: u32 = 100_000;

fn with_root(v: &Val, f: impl FnOnce(Node<'_, '_>) -> Result<Val, EvalError>) -> Result<Val, EvalError> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text(v)?, options);
    f(document.map_err(|e| EvalError::new(format!("it is not XML: {e}")))?.root_element())
}

fn deeper(depth: usize) -> Result<usize, EvalError> {
    if depth == DEPTH_MAX {
        return Err(EvalError::new(format!("its elements nest deeper than {DEPTH_MAX}")));
    }
    Ok(depth + 1)
}

/// The texts of an element itself, trimmed and joined.
fn content(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|t| t.text()).map(str::trim).collect()
}

fn parsed(v: &Val) -> Result<Val, EvalError> {
    with_root(v, |root| element(root, 0).map(Val::from))
}

fn element(node: Node<'_, '_>, depth: usize) -> Result<Attributes, EvalError> {
    let depth = deeper(depth)?;
    let mut out = Attributes::new();
    out.push("tag", node.tag_name().name());
    let attributes: Attributes = node.attributes().map(|a| (a.name(), a.value())).collect();
    if !attributes.is_empty() {
        out.push("attributes", attributes);
    }
    let content = content(node);
    if !content.is_empty() {
        out.push("content", content);
    }
    let children: Result<Vec<Value>, EvalError> =
        node.children().filter(Node::is_element).map(|child| element(child, depth).map(Value::from)).collect();
    let children = children?;
    if !children.is_empty() {
        out.push("children", children);
    }
    Ok(out)
}

fn simplified(v: &Val) -> Result<Val, EvalError> {
    with_root(v, |root| {
        let mut out = Attributes::new();
        if let Some(value) = plain(root, 0)? {
            out.push(root.tag_name().name(), value);
        }
        Ok(out.into())
    })
}

/// A map of the elements in it, or else its text; nothing when it is empty.
fn plain(node: Node<'_, '_>, depth: usize) -> Result<Option<Value>, EvalError> {
    let depth = deeper(depth)?;
    let (mut map, mut has_elements) = (Attributes::new(), false);
    for child in node.children().filter(Node::is_element) {
        has_elements = true;
        let name = child.tag_name().name();
        // An empty one counts, too: beside another it makes a list.
        let several = node.children().filter(|c| c.is_element() && c.tag_name().name() == name).nth(1).is_some();
        let value = plain(child, depth)?;
        match (map.get_mut(name), value) {
            (_, None) => {}
            (Some(Value::Array(items)), Some(value)) => items.push(value),
            (_, Some(value)) if several => map.push(name, vec![value]),
            (_, Some(value)) => map.push(name, value),
        }
    }
    if has_elements {
        return Ok((!map.is_empty()).then_some(map.into()));
    }
    let content = content(node);
    Ok((!content.is_empty()).then(|| content.into()))
}
