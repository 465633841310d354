//! What can be wrong with a filter, where it is, and what was probably meant.

use foundation::ErrorKind;
use thiserror::Error;

use super::ast::Position;

/// Longest filter, in bytes. Far above what is typed; generated filters with
/// thousands of values belong in a list of a few hundred.
pub const LENGTH_MAX: usize = 16 * 1024;

/// How deep parentheses and negations may nest. One level becomes at most two of the engine's
/// filter, which may be 64 deep, and a condition at the bottom at most four.
pub const DEPTH_MAX: usize = 24;

/// Regexes in one filter: each may take a megabyte and milliseconds to compile.
pub const REGEXES_MAX: usize = 32;

/// The stages, for error messages.
const STAGES: &str = "`stats`, `timeseries`, `top`, `where`, `sort`, `limit`, `fields`, `patterns`, `sample`";
/// The functions of `stats`, for error messages.
const FUNCTIONS: &str = "count, count_distinct, rate, min, max, sum, avg, median, p50 to p99, quantile, histogram, \
     count_adjusted, rate_adjusted and sum_adjusted";

/// A filter that cannot be understood.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{problem}")]
pub struct FilterError {
    /// What is wrong.
    pub problem: Problem,
    /// Where it is wrong.
    pub at: Position,
    /// Text that, put in the place of `at`, makes the filter better.
    pub suggestion: Option<String>,
}

impl FilterError {
    pub(super) fn new(problem: Problem, at: Position) -> Self {
        Self { problem, at, suggestion: None }
    }

    #[must_use]
    pub(super) fn suggest(mut self, text: impl Into<String>) -> Self {
        self.suggestion = Some(text.into());
        self
    }

    #[must_use]
    pub(super) fn suggest_if(mut self, text: Option<impl Into<String>>) -> Self {
        self.suggestion = text.map(Into::into);
        self
    }

    /// What a caller can do: a wrong filter stays wrong.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Problem {
    /// Longer than [`LENGTH_MAX`].
    #[error("the filter is {length} bytes long, the limit is {LENGTH_MAX}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("parentheses and negations nest deeper than {DEPTH_MAX}")]
    TooDeep,
    /// A `"` without its partner.
    #[error("this quote is not closed")]
    UnclosedQuote,
    /// A `(` without its partner.
    #[error("this parenthesis is not closed")]
    UnclosedParenthesis,
    /// A `)` without its partner.
    #[error("this parenthesis closes nothing")]
    UnopenedParenthesis,
    /// A regex without its closing `/`.
    #[error("this regex is not closed; text that begins with a slash is written in quotes")]
    UnclosedRegex,
    /// `()`, `""`, `//` or `has()`.
    #[error("there is nothing inside this {0}")]
    Empty(&'static str),
    /// `key:` with nothing after it.
    #[error("the value of `{key}` is missing; it stands directly after `{op}`")]
    EmptyValue {
        /// The field as written.
        key: String,
        /// The operator as written.
        op: &'static str,
    },
    /// `:value` with nothing before it.
    #[error("a field name is missing before `{0}`")]
    MissingKey(&'static str),
    /// `AND`, `OR`, `NOT` or `-` without an operand.
    #[error("`{word}` needs a condition {side} it")]
    MissingOperand {
        /// The operator as written.
        word: String,
        /// `before` or `after`.
        side: &'static str,
    },
    /// Two conditions without a space between them.
    #[error("`{0}` cannot stand directly here; put a space before it, or quote the text")]
    MissingSpace(char),
    /// A `|` in a filter.
    #[error(
        "`{0}` begins a stage of an analysis, and this is a filter; alternatives are written `a OR b` or `key:(a, b)`"
    )]
    Reserved(char),
    /// A `{` without its partner.
    #[error("this brace is not closed")]
    UnclosedSpans,
    /// `{ .. { .. } .. }`
    #[error("braces stand for a span and cannot stand in braces; text with a brace is written in quotes")]
    NestedSpans,
    /// `{ .. }` where records are searched.
    #[error("braces find whole traces; here {0} are searched, text with a brace is written in quotes")]
    MisplacedSpans(&'static str),
    /// `!x`, `&&`, `||`.
    #[error("`{0}` is written `{1}` here")]
    OtherSpelling(&'static str, &'static str),
    /// `exists(x)` and the like.
    #[error("there is no function `{0}`; the one function is `has(key)`")]
    UnknownFunction(String),
    /// A list where none can stand, or a list in a list.
    #[error("a list cannot stand here; it goes with `:`, `=` and `!=`")]
    MisplacedList,
    /// A range after another operator than `:`.
    #[error("a range goes with `:`")]
    MisplacedRange,
    /// `(a,)` or `(,a)`.
    #[error("a value is missing in this list")]
    MissingItem,
    /// A list without commas.
    #[error("the values of a list are separated by commas")]
    ListComma,
    /// `has(key:value)` and the like.
    #[error("`has` takes one field name")]
    HasTakesKey,
    /// A bare regex with a parenthesis, a quote or a `|` in it.
    #[error("a regex with parentheses, quotes or `|` in it is written in quotes")]
    UnquotedRegex,
    /// A regex that does not compile.
    #[error("bad regex: {reason}")]
    Regex {
        /// Why, in the words of the regex parser.
        reason: String,
    },
    /// More than [`REGEXES_MAX`].
    #[error("a filter has at most {REGEXES_MAX} regexes; join them with `|` into one")]
    TooManyRegexes,
    /// A value that the field does not have.
    #[error("`{value}` is not a {field}; it is one of {expected}")]
    UnknownName {
        /// The word as written.
        value: String,
        /// The field.
        field: &'static str,
        /// The words there are.
        expected: &'static str,
    },
    /// A number without a unit for a duration, or no number at all.
    #[error("`{0}` is not a duration; write a number and a unit, for example `500ms` or `1.5s`")]
    Duration(String),
    /// A duration compared with an attribute whose unit nobody knows.
    #[error("the unit of `{0}` is not known; compare it with a plain number")]
    UnknownUnit(String),
    /// The same of a name that spans have as a field.
    #[error(
        "`{0}` is a field of spans, and the unit of an attribute of that name is not known; look at spans, or compare it with a plain number"
    )]
    UnitOfSpans(String),
    /// An id of the wrong length or with other characters than hex digits.
    #[error("`{value}` is not a {field}: that is {digits} hex digits, or fewer and a `*`")]
    Id {
        /// The text as written.
        value: String,
        /// The field.
        field: String,
        /// How many digits an id of this kind has.
        digits: usize,
    },
    /// A `|` with nothing after it.
    #[error("a stage is missing after `|`: {STAGES}")]
    MissingStage,
    /// A word that is no stage.
    #[error("`{0}` is not a stage; there are {STAGES}")]
    UnknownStage(String),
    /// A stage behind one that comes after it.
    #[error("`{stage}` stands before `{before}`, and once")]
    StageOrder {
        /// The stage that is too late.
        stage: &'static str,
        /// The stage that it follows.
        before: &'static str,
    },
    /// A stage without what it needs.
    #[error("`{stage}` goes with {needs}")]
    StageNeeds {
        /// The stage.
        stage: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// Something else was expected in a stage.
    #[error("{0} is expected here")]
    Expected(&'static str),
    /// A word that is no function of `stats`.
    #[error("`{0}` is not a function; there are {FUNCTIONS}")]
    UnknownMeasure(String),
    /// A function with the wrong arguments.
    #[error("`{function}` takes {takes}")]
    Arguments {
        /// The function as written.
        function: String,
        /// What it takes.
        takes: &'static str,
    },
    /// A column that no stage makes.
    #[error("`{0}` is not a column of the result")]
    UnknownColumn(String),
    /// Two columns of one name.
    #[error("there are two columns `{0}`; name one with `as`")]
    SameColumn(String),
    /// More of something than an analysis may have.
    #[error("an analysis has at most {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many it may have.
        max: usize,
    },
    /// An operator that the field does not support.
    #[error("`{op}` does not work with `{field}`; use {expected}")]
    Operator {
        /// The field.
        field: String,
        /// The operator as written.
        op: &'static str,
        /// What works.
        expected: &'static str,
    },
    /// A form of value that the field does not support.
    #[error("`{field}` does not take {form}; use {expected}")]
    Form {
        /// The field.
        field: String,
        /// `a pattern`, `a range`, ...
        form: &'static str,
        /// What works.
        expected: &'static str,
    },
}
