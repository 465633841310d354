//! What a filter says, before anyone knows which signal it is about.
//!
//! The tree keeps the user's words and where they stand, so that every later
//! complaint can point at them. It must not know fields, signals or storage:
//! [`lower`](super::lower) gives the words their meaning.
//! The grammar is specified in `docs/query-language.md`.

/// A stretch of the query text, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The first byte.
    pub offset: usize,
    /// How many bytes; 0 points between two bytes.
    pub length: usize,
}

impl Position {
    /// From `start` (inclusive) to `end` (exclusive).
    pub const fn between(start: usize, end: usize) -> Self {
        Self { offset: start, length: end.saturating_sub(start) }
    }

    /// The first byte after.
    pub const fn end(&self) -> usize {
        self.offset + self.length
    }
}

/// A whole filter. The empty filter matches every record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// `None` when the text held nothing but white space.
    pub expr: Option<Expr>,
}

/// A part of a filter that is true or false for a record.
///
/// Equality ignores positions: two trees are equal when they say the same.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it says.
    pub node: Node,
    /// Where it stands.
    pub at: Position,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

/// The forms of [`Expr`].
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// All of them; at least two.
    And(Vec<Expr>),
    /// Any of them; at least two.
    Or(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// `has(key)`: the record has the field.
    Has(Key),
    /// `{ .. }` or `root{ .. }`: the trace has a span, or a root span, for which this holds.
    Spans {
        /// Whether only spans without a parent are meant.
        root: bool,
        /// What holds for the span; `None` for any.
        inner: Option<Box<Expr>>,
    },
    /// `key op value`.
    Field {
        /// The field.
        key: Key,
        /// How it is compared.
        op: Op,
        /// What with.
        value: Value,
    },
    /// Text without a field: a word, a phrase, a pattern or a regex.
    Text(Value),
}

/// The name of a field. Equality ignores the position.
#[derive(Debug, Clone)]
pub struct Key {
    /// Where the name is looked up.
    pub scope: KeyScope,
    /// The name, without the prefix that `scope` stands for, never empty.
    pub name: String,
    /// Where it stands.
    pub at: Position,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (self.scope, &self.name) == (other.scope, &other.name)
    }
}

/// Where a key is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyScope {
    /// Written bare: a built-in name if there is one, otherwise an attribute.
    Auto,
    /// Written with quotes: always an attribute, of the record or of the resource.
    Attribute,
    /// Written `resource.key`: an attribute of the resource.
    Resource,
    /// Written `attr.key`: an attribute of the record itself.
    Record,
}

impl KeyScope {
    /// Takes the prefix off that names the scope: `resource.x` and `attr.x`; other names are looked up.
    pub fn split(name: &str) -> (Self, &str) {
        let prefixed = |prefix, scope| name.strip_prefix(prefix).map(|rest| (scope, rest));
        prefixed("resource.", Self::Resource).or_else(|| prefixed("attr.", Self::Record)).unwrap_or((Self::Auto, name))
    }
}

/// How a field and a value are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `:`, equality that also takes wildcards, lists and ranges.
    Match,
    /// `=`, exact equality.
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `~`, the regex matches somewhere.
    Regex,
    /// `!~`
    NotRegex,
}

impl Op {
    /// As it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Match => ":",
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Regex => "~",
            Self::NotRegex => "!~",
        }
    }
}

/// A value as it was written. Equality ignores the position.
#[derive(Debug, Clone)]
pub struct Value {
    /// What it is.
    pub form: Form,
    /// Where it stands, quotes included.
    pub at: Position,
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form
    }
}

/// The forms of [`Value`].
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// Written bare, escapes resolved; the field decides whether it is a number. Never empty.
    Word(String),
    /// Written with quotes, escapes resolved: always text.
    Quoted(String),
    /// Written bare with at least one `*`.
    Pattern(Vec<Piece>),
    /// A regex in the syntax of the `regex` crate, known to compile.
    Regex(String),
    /// `low..high`, both inclusive; at least one is there.
    Range {
        /// The smallest value that matches.
        low: Option<String>,
        /// The largest value that matches.
        high: Option<String>,
    },
    /// `(a, b, c)`, never empty, never nested.
    List(Vec<Value>),
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Exactly this text, never empty, never beside another text.
    Text(String),
    /// `*`: any text, also none. Never beside another star.
    Star,
}
