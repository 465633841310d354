//! The types of values, which both the tree and the table of functions speak of.

/// The four types of values in PromQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// One number per step.
    Scalar,
    /// A text; only as a literal.
    String,
    /// Per step at most one sample of each series.
    Vector,
    /// Per step a range of samples of each series.
    Matrix,
}

impl ValueType {
    /// The name that error messages use.
    pub fn documented(self) -> &'static str {
        match self {
            ValueType::Scalar => "scalar",
            ValueType::String => "string",
            ValueType::Vector => "instant vector",
            ValueType::Matrix => "range vector",
        }
    }
}
