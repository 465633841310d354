//! What is written, before it is known what it means.

use super::value::Val;

/// Something that has a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expr {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Literal(Val),
    Path(Path),
    Call(Call),
    /// A name in capitals, or of a function that is handed over.
    Name(String),
    Math(char, Box<Expr>, Box<Expr>),
    List(Vec<Expr>),
    Map(Vec<(String, Expr)>),
}

/// `span.attributes["http.route"]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub(super) at: usize,
    /// Names between points.
    pub(super) names: Vec<String>,
    /// What stands in brackets behind the last name.
    pub(super) keys: Vec<Key>,
}

/// What stands in brackets.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    Text(String),
    Index(usize),
    /// A path, a call or arithmetic: `attributes[resource.attributes["key"]]`.
    Computed(Expr),
}

/// `Concat([a, b], delimiter="-")["x"]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) arguments: Vec<(Option<String>, Expr)>,
    pub(super) keys: Vec<Key>,
}

/// Something that is true or false.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    Or(Vec<Test>),
    And(Vec<Test>),
    Not(Box<Test>),
    Compare(&'static str, Expr, Expr),
    Value(Expr),
}

/// `set(name, "x") where kind == 2`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) editor: Call,
    pub(super) test: Option<Test>,
}
