//! The syntax tree of PromQL.
//!
//! Follows the grammar of Prometheus 3.14 with its experimental parts:
//! duration expressions, `anchored`/`smoothed`, `fill` modifiers, trim
//! operators. Every node carries the byte range it was read from; equality of
//! trees ignores these ranges, because a printed tree has other ones.

use crate::matcher::Matcher;
pub use crate::span::Span;
pub use crate::value_type::ValueType;

/// A node of the tree and where it was read.
#[derive(Debug, Clone)]
pub struct Expr {
    /// Where it was read; covers the modifiers of selectors too.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `1`, `0x1f`, `Inf`, `5m`.
    Number(Number),
    /// `"text"`.
    String(String),
    /// `up{job="api"} offset 5m`.
    Selector(VectorSelector),
    /// `up[5m]`.
    Range(RangeSelector),
    /// `expr[1h:5m]`.
    Subquery(Box<Subquery>),
    /// `-expr`, `+expr`; a sign before a number literal is part of the number.
    Unary {
        /// Whether the sign is `-`.
        negative: bool,
        /// The operand: a scalar or an instant vector.
        expr: Box<Expr>,
    },
    /// `(expr)`.
    Paren(Box<Expr>),
    /// `lhs + rhs`.
    Binary(Box<Binary>),
    /// `sum by (job) (expr)`.
    Aggregate(Box<Aggregate>),
    /// `rate(expr)`.
    Call(Box<Call>),
}

/// A number literal; a duration is a number of seconds.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    /// The value; seconds when it was written as a duration.
    pub value: f64,
    /// Written as a duration (`5m`), and printed as one.
    pub as_duration: bool,
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        // By bits, so that a literal NaN equals itself.
        self.value.to_bits() == other.value.to_bits() && self.as_duration == other.as_duration
    }
}

/// A duration inside brackets or after `offset`, in seconds when evaluated.
#[derive(Debug, Clone)]
pub struct DurationExpr {
    /// Where it was read.
    pub span: Span,
    /// What it is.
    pub kind: DurationKind,
}

impl PartialEq for DurationExpr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// What a duration expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum DurationKind {
    /// `5m` or `300`, also negative.
    Literal(Number),
    /// `step()`: the step of the query, 0 for an instant query.
    Step,
    /// `range()`: end minus start of the query.
    Range,
    /// `-expr`.
    Negative(Box<DurationExpr>),
    /// `+expr`.
    Positive(Box<DurationExpr>),
    /// `(expr)`.
    Paren(Box<DurationExpr>),
    /// `min_of(a, b)`.
    MinOf(Box<DurationExpr>, Box<DurationExpr>),
    /// `max_of(a, b)`.
    MaxOf(Box<DurationExpr>, Box<DurationExpr>),
    /// `a + b` and so on: only `+ - * / % ^`.
    Binary(BinaryOp, Box<DurationExpr>, Box<DurationExpr>),
}

/// The `@` modifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// `@ 1603774568`: unix milliseconds.
    UnixMillis(i64),
    /// `@ start()`.
    Start,
    /// `@ end()`.
    End,
}

/// `offset` and `@` of a selector or subquery.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TimeModifiers {
    /// How far back to look; negative looks forward.
    pub offset: Option<DurationExpr>,
    /// The fixed evaluation time.
    pub at: Option<At>,
}

/// How a range selector treats the samples around its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extended {
    /// `anchored`: the last sample before the range counts as its first.
    Anchored,
    /// `smoothed`: values at the edges are interpolated.
    Smoothed,
}

/// An instant vector selector. Those with the same matchers in another order are equal.
#[derive(Debug, Clone)]
pub struct VectorSelector {
    /// The metric name before the braces; not repeated in `matchers`.
    pub name: Option<String>,
    /// What stood inside the braces, in order.
    pub matchers: Vec<Matcher>,
    /// `offset` and `@`.
    pub modifiers: TimeModifiers,
    /// `anchored` or `smoothed`.
    pub extended: Option<Extended>,
}

impl PartialEq for VectorSelector {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |s: &Self| {
            let mut texts: Vec<String> = s.matchers.iter().map(ToString::to_string).collect();
            texts.sort_unstable();
            texts
        };
        let Self { name, matchers, modifiers, extended } = self;
        (name, modifiers, extended) == (&other.name, &other.modifiers, &other.extended)
            && (*matchers == other.matchers || sorted(self) == sorted(other))
    }
}

impl VectorSelector {
    /// All matchers, the one for the metric name before the braces included.
    pub fn all_matchers(&self) -> Vec<Matcher> {
        let mut all = self.matchers.clone();
        if let Some(name) = &self.name {
            all.push(Matcher::equal(model::labels::NAME, name));
        }
        all
    }
}

/// A range vector selector; offset, `@` and the extension are the selector's.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeSelector {
    /// What is selected.
    pub selector: VectorSelector,
    /// How far back; positive.
    pub range: DurationExpr,
}

/// `expr[range:step]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Subquery {
    /// The inner expression: an instant vector.
    pub expr: Expr,
    /// How far back; positive.
    pub range: DurationExpr,
    /// The step; the default step of the engine when it is left out.
    pub step: Option<DurationExpr>,
    /// `offset` and `@`.
    pub modifiers: TimeModifiers,
}

/// A binary operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the operators")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    /// `</`: keeps the observations below, histograms only.
    TrimUpper,
    /// `>/`: keeps the observations above, histograms only.
    TrimLower,
    And,
    Or,
    Unless,
}

impl BinaryOp {
    /// How it is written.
    pub fn text(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Mod => "%",
            BinaryOp::Pow => "^",
            BinaryOp::Atan2 => "atan2",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Gt => ">",
            BinaryOp::Lt => "<",
            BinaryOp::Ge => ">=",
            BinaryOp::Le => "<=",
            BinaryOp::TrimUpper => "</",
            BinaryOp::TrimLower => ">/",
            BinaryOp::And => "and",
            BinaryOp::Or => "or",
            BinaryOp::Unless => "unless",
        }
    }

    /// `== != > < >= <=`.
    pub fn is_comparison(self) -> bool {
        matches!(self, BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Gt | BinaryOp::Lt | BinaryOp::Ge | BinaryOp::Le)
    }

    /// `</ >/`.
    pub fn is_trim(self) -> bool {
        matches!(self, BinaryOp::TrimUpper | BinaryOp::TrimLower)
    }

    /// `+ - * / % ^ atan2`: what they give is another metric.
    pub fn is_arithmetic(self) -> bool {
        !self.is_comparison() && !self.is_set() && !self.is_trim()
    }

    /// `and or unless`.
    pub fn is_set(self) -> bool {
        matches!(self, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless)
    }

    /// Binding strength, higher binds tighter; all but `^` associate to the left.
    pub(crate) fn precedence(self) -> u8 {
        match self {
            BinaryOp::Or => 1,
            BinaryOp::And | BinaryOp::Unless => 2,
            op if op.is_comparison() => 3,
            op if op.is_trim() => 3,
            BinaryOp::Add | BinaryOp::Sub => 4,
            BinaryOp::Pow => 6,
            _ => 5,
        }
    }
}

/// Which side of a vector operation may have several series per group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// No `group_` modifier.
    OneToOne,
    /// `group_left`.
    ManyToOne,
    /// `group_right`.
    OneToMany,
    /// Set operators.
    ManyToMany,
}

/// Values that stand in for missing series: `fill_left(0)`, `fill_right(0)`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fill {
    /// For a missing series on the left.
    pub left: Option<f64>,
    /// For a missing series on the right.
    pub right: Option<f64>,
}

impl PartialEq for Fill {
    fn eq(&self, other: &Self) -> bool {
        let bits = |v: Option<f64>| v.map(f64::to_bits);
        bits(self.left) == bits(other.left) && bits(self.right) == bits(other.right)
    }
}

/// How the series of two vectors find each other.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorMatching {
    /// Which side may have several.
    pub card: Cardinality,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// Whether `labels` came from `on`.
    pub on: bool,
    /// Labels that `group_left`/`group_right` copies from the one side.
    pub include: Vec<String>,
    /// Stand-ins for missing series.
    pub fill: Fill,
}

/// A binary operation.
#[derive(Debug, Clone)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Where the operator and its modifiers stand.
    pub op_span: Span,
    /// Left operand.
    pub lhs: Expr,
    /// Right operand.
    pub rhs: Expr,
    /// `bool` was given: comparisons return 0 or 1.
    pub return_bool: bool,
    /// Only between two instant vectors.
    pub matching: Option<VectorMatching>,
}

impl PartialEq for Binary {
    fn eq(&self, other: &Self) -> bool {
        self.op == other.op
            && self.lhs == other.lhs
            && self.rhs == other.rhs
            && self.return_bool == other.return_bool
            && self.matching == other.matching
    }
}

/// An aggregation operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the operators")]
pub enum AggregateOp {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    CountValues,
    Quantile,
    Limitk,
    LimitRatio,
}

impl AggregateOp {
    /// All of them with their names.
    pub const ALL: [(&'static str, AggregateOp); 14] = [
        ("sum", AggregateOp::Sum),
        ("avg", AggregateOp::Avg),
        ("count", AggregateOp::Count),
        ("min", AggregateOp::Min),
        ("max", AggregateOp::Max),
        ("group", AggregateOp::Group),
        ("stddev", AggregateOp::Stddev),
        ("stdvar", AggregateOp::Stdvar),
        ("topk", AggregateOp::Topk),
        ("bottomk", AggregateOp::Bottomk),
        ("count_values", AggregateOp::CountValues),
        ("quantile", AggregateOp::Quantile),
        ("limitk", AggregateOp::Limitk),
        ("limit_ratio", AggregateOp::LimitRatio),
    ];

    /// The operator of this name in any letter case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, op)| *op)
    }

    /// How it is written.
    pub fn text(self) -> &'static str {
        Self::ALL.iter().find(|(_, op)| *op == self).map_or("", |(n, _)| n)
    }

    /// The type of the first of two arguments, when there are two.
    pub fn param_type(self) -> Option<ValueType> {
        match self {
            AggregateOp::Topk
            | AggregateOp::Bottomk
            | AggregateOp::Quantile
            | AggregateOp::Limitk
            | AggregateOp::LimitRatio => Some(ValueType::Scalar),
            AggregateOp::CountValues => Some(ValueType::String),
            _ => None,
        }
    }
}

/// An aggregation.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// The operator.
    pub op: AggregateOp,
    /// What is aggregated: an instant vector.
    pub expr: Expr,
    /// The first argument of `topk`, `quantile`, `count_values` and so on.
    pub param: Option<Expr>,
    /// The labels of `by` or `without`.
    pub grouping: Vec<String>,
    /// Whether `grouping` came from `without`.
    pub without: bool,
}

/// A function call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The function.
    pub function: &'static crate::functions::Function,
    /// The arguments, checked against the signature.
    pub args: Vec<Expr>,
}

impl Expr {
    /// Calls `found` for every vector selector in the expression, those of range selectors included, in reading order.
    pub fn for_each_selector<'a>(&'a self, found: &mut impl FnMut(&'a VectorSelector)) {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::String(_) => {}
            ExprKind::Selector(s) => found(s),
            ExprKind::Range(r) => found(&r.selector),
            ExprKind::Subquery(s) => s.expr.for_each_selector(found),
            ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => expr.for_each_selector(found),
            ExprKind::Call(call) => call.args.iter().for_each(|a| a.for_each_selector(found)),
            ExprKind::Binary(b) => {
                b.lhs.for_each_selector(found);
                b.rhs.for_each_selector(found);
            }
            ExprKind::Aggregate(a) => {
                a.param.iter().for_each(|p| p.for_each_selector(found));
                a.expr.for_each_selector(found);
            }
        }
    }

    /// The type of the value of this expression.
    pub fn value_type(&self) -> ValueType {
        match &self.kind {
            ExprKind::Number(_) => ValueType::Scalar,
            ExprKind::String(_) => ValueType::String,
            ExprKind::Selector(_) | ExprKind::Aggregate(_) => ValueType::Vector,
            ExprKind::Range(_) | ExprKind::Subquery(_) => ValueType::Matrix,
            ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => expr.value_type(),
            ExprKind::Call(call) => call.function.returns,
            ExprKind::Binary(b) => {
                if b.lhs.value_type() == ValueType::Scalar && b.rhs.value_type() == ValueType::Scalar {
                    ValueType::Scalar
                } else {
                    ValueType::Vector
                }
            }
        }
    }

    /// The expression inside any parentheses.
    pub fn unwrap_parens(&self) -> &Expr {
        let mut e = self;
        while let ExprKind::Paren(inner) = &e.kind {
            e = inner;
        }
        e
    }
}
