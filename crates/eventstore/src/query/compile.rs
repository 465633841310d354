//! A filter made ready to run: operands spelled in every type, patterns compiled, cheap conditions first.

use memchr::memmem::Finder;
use model::{AccessScope, TraceId, Value};
use regex::bytes::Regex;

use super::filter::{AttributeScope, CompareOp, Field, Filter, Operand, Predicate};
use super::text::{self, TextSearch, value_text};
use crate::error::QueryError;
use crate::value_type::ValueType;

/// How deep a filter may nest; guards the stack.
const DEPTH_MAX: usize = 64;

/// A filter that runs on blocks.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) root: Node,
    /// Set when only rows of this trace can match.
    pub(crate) trace: Option<[u8; 16]>,
}

impl Plan {
    /// Whether every row matches.
    pub(crate) fn is_all(&self) -> bool {
        matches!(&self.root, Node::And(nodes) if nodes.is_empty())
    }
}

/// A node of the filter.
#[derive(Debug)]
pub(crate) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Test(Field, Test),
    Text(TextSearch),
}

/// A condition on one value.
#[derive(Debug)]
pub(crate) enum Test {
    Exists,
    /// Equals one of these.
    In(Vec<Spelled>),
    Order(CompareOp, Spelled),
    Prefix(String),
    Contains(Box<Finder<'static>>),
    Regex(Regex),
}

/// An operand in every type that it spells.
#[derive(Debug)]
pub(crate) struct Spelled {
    pub(crate) text: String,
    int: Option<i64>,
    number: Option<f64>,
    boolean: Option<bool>,
}

impl Spelled {
    fn new(operand: &Operand) -> Self {
        match operand {
            Operand::Str(s) => {
                Self { text: s.clone(), int: s.parse().ok(), number: s.parse().ok(), boolean: s.parse().ok() }
            }
            Operand::Int(i) => Self { text: i.to_string(), int: Some(*i), number: Some(*i as f64), boolean: None },
            Operand::Double(d) => Self {
                text: d.to_string(),
                int: (d.fract() == 0.0 && d.abs() < 9e15).then_some(*d as i64),
                number: Some(*d),
                boolean: None,
            },
            Operand::Bool(b) => Self { text: b.to_string(), int: None, number: None, boolean: Some(*b) },
        }
    }

    fn equals(&self, v: ValueView<'_>) -> bool {
        match v {
            ValueView::Int(i) => match self.int {
                Some(x) => x == i,
                None => self.number == Some(i as f64),
            },
            ValueView::Double(d) => self.number == Some(d),
            ValueView::Bool(b) => self.boolean == Some(b),
            ValueView::Binary(ValueType::Str, s) => s == self.text.as_bytes(),
            ValueView::Empty | ValueView::Binary(..) => false,
        }
    }

    /// How `v` stands to the operand, if the two have an order.
    fn order(&self, v: ValueView<'_>) -> Option<std::cmp::Ordering> {
        match v {
            ValueView::Int(i) => match self.int {
                Some(x) => Some(i.cmp(&x)),
                None => (i as f64).partial_cmp(&self.number?),
            },
            ValueView::Double(d) => d.partial_cmp(&self.number?),
            ValueView::Binary(ValueType::Str, s) => match self.number {
                Some(x) => std::str::from_utf8(s).ok()?.parse::<f64>().ok()?.partial_cmp(&x),
                None => Some(s.cmp(self.text.as_bytes())),
            },
            ValueView::Empty | ValueView::Bool(_) | ValueView::Binary(..) => None,
        }
    }
}

/// A value as it lies in a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ValueView<'a> {
    Empty,
    Bool(bool),
    Int(i64),
    Double(f64),
    /// Text, bytes, or the message of an array or map.
    Binary(ValueType, &'a [u8]),
}

impl<'a> ValueView<'a> {
    /// A value of a resource or scope; structures are passed as their JSON text in `json`.
    pub(crate) fn of(v: &'a Value) -> Self {
        match v {
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(i) => Self::Int(*i),
            Value::Double(d) => Self::Double(*d),
            Value::Str(s) => Self::Binary(ValueType::Str, s.as_bytes()),
            Value::Bytes(b) => Self::Binary(ValueType::Bytes, b),
            Value::Empty | Value::Array(_) | Value::Map(_) => Self::Empty,
        }
    }
}

impl Test {
    /// The smallest and the largest of the whole numbers that satisfy the condition, when these are all
    /// between; the smallest is the larger one when there are none.
    pub(crate) fn int_range(&self) -> Option<(i64, i64)> {
        let (op, operand) = match self {
            Self::Order(op, operand) => (*op, operand),
            Self::In(operands) => match operands.as_slice() {
                [one] => (CompareOp::Eq, one),
                _ => return None,
            },
            _ => return None,
        };
        let x = operand.int?;
        let none = (1, 0);
        Some(match op {
            CompareOp::Eq => (x, x),
            CompareOp::Lt => x.checked_sub(1).map_or(none, |x| (i64::MIN, x)),
            CompareOp::Le => (i64::MIN, x),
            CompareOp::Gt => x.checked_add(1).map_or(none, |x| (x, i64::MAX)),
            CompareOp::Ge => (x, i64::MAX),
            CompareOp::Ne => return None,
        })
    }

    /// Whether a value satisfies the condition: an array does, too, when one of its elements does.
    pub(crate) fn matches(&self, v: ValueView<'_>) -> bool {
        match self {
            Self::Exists => true,
            _ if let ValueView::Binary(ValueType::Array, raw) = v => {
                self.matches_value(&Value::Array(wire::otlp::read_array(raw)))
            }
            Self::In(operands) => operands.iter().any(|o| o.equals(v)),
            Self::Order(op, operand) => operand.order(v).is_some_and(|o| match op {
                CompareOp::Lt => o.is_lt(),
                CompareOp::Le => o.is_le(),
                CompareOp::Gt => o.is_gt(),
                CompareOp::Ge => o.is_ge(),
                CompareOp::Eq => o.is_eq(),
                CompareOp::Ne => o.is_ne(),
            }),
            Self::Prefix(_) | Self::Contains(_) | Self::Regex(_) => match v {
                ValueView::Binary(ValueType::Str, s) => self.matches_text(s),
                ValueView::Int(i) => self.matches_text(i.to_string().as_bytes()),
                ValueView::Double(d) => self.matches_text(d.to_string().as_bytes()),
                ValueView::Bool(b) => self.matches_text(if b { b"true" } else { b"false" }),
                ValueView::Binary(ValueType::Map, raw) => self.matches_json(&Value::Map(wire::otlp::read_map(raw))),
                ValueView::Empty | ValueView::Binary(..) => false,
            },
        }
    }

    /// The same for a value that is no column's.
    pub(crate) fn matches_value(&self, v: &Value) -> bool {
        match v {
            Value::Array(elements) => self.matches_json(v) || elements.iter().any(|e| self.matches_value(e)),
            Value::Map(_) => self.matches_json(v),
            _ => self.matches(ValueView::of(v)),
        }
    }

    /// Whether a map or array does by its JSON text, or by being there; these have no order and equal nothing.
    fn matches_json(&self, v: &Value) -> bool {
        match self {
            Self::Exists => true,
            Self::In(_) | Self::Order(..) => false,
            Self::Prefix(_) | Self::Contains(_) | Self::Regex(_) => {
                value_text(v).is_some_and(|t| self.matches_text(t.as_bytes()))
            }
        }
    }

    fn matches_text(&self, s: &[u8]) -> bool {
        match self {
            Self::Prefix(p) => s.starts_with(p.as_bytes()),
            Self::Contains(f) => f.find(s).is_some(),
            Self::Regex(r) => r.is_match(s),
            Self::Exists | Self::In(_) | Self::Order(..) => false,
        }
    }
}

/// Compiles a filter, ANDed with what the reader may see.
///
/// # Errors
/// When a pattern is not valid, or the filter nests too deep.
pub(crate) fn compile(filter: &Filter, access: &AccessScope) -> Result<Plan, QueryError> {
    let mut nodes = Vec::new();
    if let Some(services) = &access.services {
        let operands = services.iter().map(|s| exact(s)).collect();
        nodes.push(Node::Test(Field::Service, Test::In(operands)));
    }
    match node(filter, 0)? {
        Node::And(inner) => nodes.extend(inner),
        other => nodes.push(other),
    }
    nodes.sort_by_key(Node::cost);
    let trace = nodes.iter().find_map(Node::required_trace);
    Ok(Plan { root: Node::And(nodes), trace })
}

/// Text that is only text: a service named `5` is not the number.
fn exact(text: &str) -> Spelled {
    Spelled { text: text.to_owned(), int: None, number: None, boolean: None }
}

fn node(filter: &Filter, depth: usize) -> Result<Node, QueryError> {
    if depth > DEPTH_MAX {
        return Err(QueryError::TooDeep { max: DEPTH_MAX });
    }
    let all = |filters: &[Filter]| -> Result<Vec<Node>, QueryError> {
        let mut nodes = filters.iter().map(|f| node(f, depth + 1)).collect::<Result<Vec<_>, _>>()?;
        nodes.sort_by_key(Node::cost);
        Ok(nodes)
    };
    Ok(match filter {
        Filter::All => Node::And(Vec::new()),
        Filter::And(filters) => Node::And(all(filters)?),
        Filter::Or(filters) => Node::Or(all(filters)?),
        Filter::Not(f) => Node::Not(Box::new(node(f, depth + 1)?)),
        Filter::Is(p) => predicate(p)?,
    })
}

fn predicate(p: &Predicate) -> Result<Node, QueryError> {
    let (field, test) = match p {
        Predicate::Compare { field, op: CompareOp::Eq, value } => (field, Test::In(vec![Spelled::new(value)])),
        Predicate::Compare { field, op: CompareOp::Ne, value } => {
            let equal = Node::Test(field.clone(), Test::In(vec![Spelled::new(value)]));
            return Ok(Node::Not(Box::new(equal)));
        }
        Predicate::Compare { field, op, value } => (field, Test::Order(*op, Spelled::new(value))),
        Predicate::In { field, values } => (field, Test::In(values.iter().map(Spelled::new).collect())),
        Predicate::Exists { field } => (field, Test::Exists),
        Predicate::Prefix { field, text } => (field, Test::Prefix(text.clone())),
        Predicate::Contains { field, text, ignore_case: false } => {
            (field, Test::Contains(Box::new(Finder::new(text).into_owned())))
        }
        Predicate::Contains { field, text, ignore_case: true } => (field, Test::Regex(text::ignoring_case(text)?)),
        Predicate::Regex { field, pattern } => (field, Test::Regex(text::pattern(pattern)?)),
        Predicate::Text { text, mode } => return Ok(Node::Text(TextSearch::new(text, *mode)?)),
    };
    Ok(Node::Test(field.clone(), test))
}

impl Node {
    /// Rough order of what it costs to evaluate, so that the cheap ones empty the set first.
    fn cost(&self) -> u32 {
        match self {
            Self::Test(field, _) => match field {
                // Most searches are for few of the rows by these, and the others are then looked at in few rows.
                Field::Status | Field::Severity => 0,
                Field::Service | Field::ScopeName => 1,
                Field::Attribute { scope: AttributeScope::Resource, .. } | Field::Kind | Field::Duration => 2,
                Field::TraceId | Field::SpanId | Field::ParentSpanId => 3,
                Field::Name | Field::StatusMessage | Field::SeverityText | Field::EventName => 4,
                Field::Attribute { .. } => 5,
                Field::Body => 20,
            },
            Self::Text(_) => 30,
            Self::Not(n) => n.cost(),
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().map(Self::cost).sum::<u32>() + 1,
        }
    }

    fn required_trace(&self) -> Option<[u8; 16]> {
        match self {
            Self::Test(Field::TraceId, Test::In(operands)) => match operands.as_slice() {
                [one] => one.text.parse::<TraceId>().ok().map(|id| id.0),
                _ => None,
            },
            Self::And(nodes) => nodes.iter().find_map(Self::required_trace),
            _ => None,
        }
    }
}
