//! A test file as it is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use promql::number::parse_duration;
use serde::Deserialize;
use serde::de::Error as _;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct TestFile {
    pub(super) rule_files: Vec<PathBuf>,
    pub(super) evaluation_interval: Millis,
    pub(super) group_eval_order: Vec<String>,
    pub(super) fuzzy_compare: bool,
    pub(super) tests: Vec<TestGroup>,
}

impl Default for TestFile {
    fn default() -> Self {
        let (rule_files, group_eval_order, tests) = Default::default();
        Self { rule_files, evaluation_interval: Millis(60_000), group_eval_order, fuzzy_compare: false, tests }
    }
}

/// One test.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TestGroup {
    pub(super) name: String,
    /// Between two values of input series; that of the file when it is not given.
    pub(super) interval: Option<Millis>,
    pub(super) start_timestamp: Option<String>,
    pub(super) input_series: Vec<InputSeries>,
    pub(super) alert_rule_test: Vec<AlertTest>,
    pub(super) promql_expr_test: Vec<ExprTest>,
    pub(super) external_labels: BTreeMap<String, String>,
    pub(super) external_url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InputSeries {
    pub(super) series: String,
    pub(super) values: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AlertTest {
    pub(super) eval_time: Millis,
    pub(super) alertname: String,
    pub(super) exp_alerts: Vec<ExpectedAlert>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ExpectedAlert {
    pub(super) exp_labels: BTreeMap<String, String>,
    pub(super) exp_annotations: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ExprTest {
    pub(super) expr: String,
    pub(super) eval_time: Millis,
    pub(super) exp_samples: Vec<ExpectedSample>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ExpectedSample {
    pub(super) labels: String,
    /// A number as YAML writes it: `.inf` and `.nan` too.
    pub(super) value: String,
    pub(super) histogram: String,
}

/// Milliseconds, written as a duration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Millis(pub(super) i64);

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = parse_duration(&text).map(Self);
        found.ok_or_else(|| D::Error::custom(format!("`{text}` is not a duration; write for example `15s` or `1h30m`")))
    }
}
