//! The texts of rules: labels and annotations, expanded for one result.
//!
//! A template that fails never loses the alert: its error is the text.

use std::sync::Arc;

use foundation::UnixNanos;
use gotemplate::prometheus::{Scope, ScopeValue, Text, Uses, compile};
use model::Labels;
use promql::eval::Point;

use super::doors::RuleQuery;
use super::spec::{Expression, Promql, Rule, Texts};

/// What all texts of one evaluation share.
#[derive(Clone)]
pub(super) struct Expander {
    scope: Scope,
    rule: String,
}

/// What a server says of itself in every alert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct External {
    /// Added to what is sent to an Alertmanager, and `$externalLabels`.
    pub labels: Labels,
    /// Where the server is reached; `$externalURL`. Without a slash at its end.
    pub url: String,
}

/// Parses a text and says what it mentions.
pub(super) fn check(name: &str, text: &str) -> Result<Uses, String> {
    compile(name, text).map(|(_, uses)| uses).map_err(|e| e.to_string())
}

/// The texts of a rule, compiled once.
#[derive(Debug)]
pub(super) struct RuleTexts {
    /// Of its labels.
    pub(super) labels: Vec<(String, RuleText)>,
    /// Of its annotations.
    pub(super) annotations: Vec<(String, RuleText)>,
}

/// A text, or why it is none; reading a file refuses those.
pub(super) type RuleText = Result<Text, String>;

impl RuleTexts {
    pub(super) fn new(rule: &Rule) -> Self {
        let name = format!("__alert_{}", rule.name);
        let compiled = |texts: &Texts| {
            let one = |text: &str| compile(&name, text).map(|(text, _)| text).map_err(|e| e.to_string());
            texts.iter().map(|(label, text)| (label.clone(), one(text))).collect()
        };
        let annotations = rule.alerting.as_ref().map(|a| compiled(&a.annotations)).unwrap_or_default();
        Self { labels: compiled(&rule.labels), annotations }
    }
}

impl Expander {
    pub(super) fn new(rule: &str, external: &External, query: Arc<dyn RuleQuery>, at: UnixNanos) -> Self {
        let ask = move |text: &str| {
            let promql = Promql::parse(text).map_err(|e| e.to_string())?;
            let answer = query.instant(&Expression::Promql(promql), at).map_err(|e| e.to_string())?;
            Ok(answer.samples.into_iter().map(|s| (s.labels, float(&s.value))).collect())
        };
        let scope = Scope {
            labels: Labels::default(),
            external_labels: external.labels.clone(),
            external_url: external.url.clone(),
            value: ScopeValue::Float(f64::NAN),
            at_ms: at.as_millis(),
            query: Arc::new(ask),
        };
        Self { scope, rule: rule.to_owned() }
    }

    /// Of which result the texts are.
    pub(super) fn about(&mut self, labels: Labels, value: &Point) {
        self.scope.labels = labels;
        self.scope.value = match value {
            Point::Float(v) => ScopeValue::Float(*v),
            Point::Histogram(_) => ScopeValue::Histogram(value.to_string()),
        };
    }

    /// The text, or what is wrong with it.
    pub(super) fn expand(&self, text: &RuleText) -> String {
        let filled = match text {
            Ok(text) => text.fill(&self.scope).map_err(|e| e.to_string()),
            Err(e) => Err(e.clone()),
        };
        filled.unwrap_or_else(|e| {
            tracing::warn!(rule = self.rule, error = e, "a template of an alerting rule failed; its error is the text");
            format!("<error expanding template: {e}>")
        })
    }
}

/// A number for what is shown as one.
pub(super) fn float(value: &Point) -> f64 {
    match value {
        Point::Float(v) => *v,
        Point::Histogram(h) => h.sum,
    }
}
