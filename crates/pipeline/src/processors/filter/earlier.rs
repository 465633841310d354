//! The forms of `filter` from before OTTL: `include` and `exclude` by names, attributes and severity.
//!
//! What `include` does not take is dropped, and what `exclude` takes. Source: filterprocessor, "Alternative config options".

use model::Signal;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::Attributes;

use crate::component::{Refused, Setup};
use crate::processors::selection::{AttributeConfig, MatchConfig, Selection, SeverityConfig, Subject};
use crate::telemetry::Tree;

/// `spans`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Spans {
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<MatchConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<MatchConfig>,
}

/// `metrics.include`, `metrics.exclude`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Metrics {
    match_type: String,
    metric_names: Vec<String>,
    resource_attributes: Vec<AttributeConfig>,
}

/// `logs.include`, `logs.exclude`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Logs {
    match_type: String,
    resource_attributes: Vec<AttributeConfig>,
    record_attributes: Vec<AttributeConfig>,
    severity_texts: Vec<String>,
    severity_number: Option<SeverityConfig>,
    bodies: Vec<String>,
}

impl From<Metrics> for MatchConfig {
    fn from(m: Metrics) -> Self {
        let Metrics { match_type, metric_names, resource_attributes: resources } = m;
        Self { match_type, metric_names, resources, ..Self::default() }
    }
}

impl From<Logs> for MatchConfig {
    fn from(l: Logs) -> Self {
        Self {
            match_type: l.match_type,
            resources: l.resource_attributes,
            attributes: l.record_attributes,
            log_severity_texts: l.severity_texts,
            log_severity_number: l.severity_number,
            log_bodies: l.bodies,
            ..Self::default()
        }
    }
}

/// What is kept of one signal.
#[derive(Debug)]
pub(super) struct Earlier {
    signal: Signal,
    include: Option<Selection>,
    exclude: Option<Selection>,
}

impl Earlier {
    /// Those under `setting` (`spans`); `None` when there are none.
    pub(super) fn build<M: Into<MatchConfig>>(
        setup: &mut Setup<'_>,
        signal: Signal,
        setting: &str,
        include: Option<M>,
        exclude: Option<M>,
    ) -> Result<Option<Self>, Refused> {
        let mut one = |name: &str, config: Option<M>| {
            config.map(|c| Selection::build(setup, &format!("{setting}.{name}"), &c.into())).transpose()
        };
        let (include, exclude) = (one("include", include)?, one("exclude", exclude)?);
        Ok((include.is_some() || exclude.is_some()).then_some(Self { signal, include, exclude }))
    }

    /// Both of `spans`.
    pub(super) fn of_spans(setup: &mut Setup<'_>, spans: Spans) -> Result<Option<Self>, Refused> {
        Self::build(setup, Signal::Traces, "spans", spans.include, spans.exclude)
    }

    pub(super) const fn signal(&self) -> Signal {
        self.signal
    }

    /// Drops what is not kept.
    pub(super) fn apply(&self, tree: &mut Tree) {
        let none = Attributes::default();
        match tree {
            Tree::Traces(tree) => tree.retain(|r, s, span| self.keeps(|of| of.takes(r, s, Subject::Span(span)))),
            Tree::Logs(tree) => tree.retain(|r, s, log| self.keeps(|of| of.takes(r, s, Subject::Log(log)))),
            Tree::Metrics(tree) => tree.retain(|r, s, metric| {
                self.keeps(|of| of.takes(r, s, Subject::Point { metric: &metric.name, attributes: &none }))
            }),
        }
    }

    fn keeps(&self, takes: impl Fn(&Selection) -> bool) -> bool {
        self.include.as_ref().is_none_or(&takes) && !self.exclude.as_ref().is_some_and(&takes)
    }
}
