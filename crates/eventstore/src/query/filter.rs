//! What a query looks for: fields, predicates and their combination.
//!
//! These types are the seam to whatever writes filters (the filter language,
//! the faces). They hold no compiled state; `query::compile` turns a
//! [`Filter`] into something that runs on blocks.
//!
//! A field of a record has zero, one or two values (two only for
//! [`AttributeScope::Any`], where the record and its resource may both have
//! the key). A predicate holds when one of the values satisfies it; `Ne` is
//! the negation of `Eq`, so a record without the field satisfies `Ne`.

/// Something of a record that can be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// `service.name` of the resource, or `unknown_service`.
    Service,
    /// The name of a span; logs have none.
    Name,
    /// The kind of a span, 0-5; logs have none.
    Kind,
    /// The status code of a span, 0 unset, 1 ok, 2 error; logs have none.
    Status,
    /// The status message of a span, when not empty.
    StatusMessage,
    /// The duration of a span in nanoseconds.
    Duration,
    /// The trace id as 32 hex digits, when not zero. Compared without regard to case.
    TraceId,
    /// The span id as 16 hex digits, when not zero. Compared without regard to case.
    SpanId,
    /// The parent's span id as 16 hex digits, when not zero. Compared without regard to case.
    ParentSpanId,
    /// The severity number of a log record, when not zero.
    Severity,
    /// The severity as the source spelled it, when not empty.
    SeverityText,
    /// The body of a log record; arrays and maps are looked at as JSON text.
    Body,
    /// The event name of a log record, when not empty.
    EventName,
    /// The name of the instrumentation scope, when not empty.
    ScopeName,
    /// An attribute.
    Attribute {
        /// Whose attribute.
        scope: AttributeScope,
        /// Its whole name.
        key: String,
    },
}

impl Field {
    /// The attribute `key` of the record or its resource.
    pub fn attribute(key: impl Into<String>) -> Self {
        Self::Attribute { scope: AttributeScope::Any, key: key.into() }
    }
}

/// Whose attribute is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AttributeScope {
    /// The record's or the resource's.
    #[default]
    Any,
    /// The resource's.
    Resource,
    /// The record's own.
    Record,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Text; text that spells a number or truth value also equals that value.
    Str(String),
    /// An integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// A truth value.
    Bool(bool),
}

impl From<&str> for Operand {
    fn from(s: &str) -> Self {
        Self::Str(s.to_owned())
    }
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// Equal by value, whatever the type it was sent with.
    Eq,
    /// Not equal; holds for records without the field.
    Ne,
    /// Less. Numbers as numbers (text that spells a number included), other text bytewise.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

/// How a text is looked for. All modes ignore case.
///
/// A token is a longest run of letters, digits and `_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextMatch {
    /// Every token of the text occurs as a whole token, in any order.
    Token,
    /// The text occurs, and does not begin or end inside a token.
    Phrase,
    /// The text occurs anywhere.
    Substring,
}

/// One condition on a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// A value of the field compares so.
    Compare {
        /// What is compared.
        field: Field,
        /// How.
        op: CompareOp,
        /// With what.
        value: Operand,
    },
    /// A value of the field equals one of these.
    In {
        /// What is compared.
        field: Field,
        /// With what.
        values: Vec<Operand>,
    },
    /// The field has a value.
    Exists {
        /// Which field.
        field: Field,
    },
    /// A value of the field, as text, begins with this (with regard to case).
    Prefix {
        /// Which field.
        field: Field,
        /// With what it begins.
        text: String,
    },
    /// A value of the field, as text, contains this.
    Contains {
        /// Which field.
        field: Field,
        /// What it contains.
        text: String,
        /// Whether case is ignored.
        ignore_case: bool,
    },
    /// A value of the field, as text, matches this somewhere.
    Regex {
        /// Which field.
        field: Field,
        /// In the syntax of the `regex` crate, not anchored.
        pattern: String,
    },
    /// The record's text has this: the body of a log record; the name, the status message or a
    /// text attribute of a span.
    Text {
        /// What is looked for.
        text: String,
        /// How.
        mode: TextMatch,
    },
}

/// Conditions combined.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Filter {
    /// Every record.
    #[default]
    All,
    /// Records for which all hold; every record when there are none.
    And(Vec<Filter>),
    /// Records for which one holds; no record when there are none.
    Or(Vec<Filter>),
    /// Records for which it does not hold.
    Not(Box<Filter>),
    /// Records for which the predicate holds.
    Is(Predicate),
}

impl Filter {
    /// `field op value`.
    pub fn compare(field: Field, op: CompareOp, value: Operand) -> Self {
        Self::Is(Predicate::Compare { field, op, value })
    }

    /// `field = value`.
    pub fn eq(field: Field, value: impl Into<Operand>) -> Self {
        Self::compare(field, CompareOp::Eq, value.into())
    }
}

impl From<Predicate> for Filter {
    fn from(p: Predicate) -> Self {
        Self::Is(p)
    }
}

impl From<i64> for Operand {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}

impl From<f64> for Operand {
    fn from(v: f64) -> Self {
        Self::Double(v)
    }
}

impl From<bool> for Operand {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}
