//! One evaluation of a group: its rules one after another, what they write, and whom they tell.

use std::sync::Arc;
use std::time::{Duration, Instant};

use foundation::UnixNanos;
use gotemplate::prometheus::table_link;
use model::labels::NAME;
use model::{Labels, STALE_NAN_BITS};
use promql::eval::Point;
use promql::matcher::MatchOp;
use rustc_hash::FxHashSet;
use serde_json::json;

use super::doors::{AlertSink, Answer, RuleAppender, RuleQuery, Written};
use super::element::Elements;
use super::restore;
use super::spec::{Expression, Group, Rule};
use super::state::{AlertState, Change, Instances, Motion};
use super::template::{Expander, External, RuleTexts};
use crate::alert::Fingerprint;
use crate::timeline::{Happened, Timeline};

/// The series of alerts, and of when they became active.
pub(super) const ALERTS: &str = "ALERTS";
pub(super) const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// What evaluations need and share.
#[derive(Clone)]
pub struct Surroundings {
    /// Answers expressions.
    pub query: Arc<dyn RuleQuery>,
    /// Takes series.
    pub appender: Arc<dyn RuleAppender>,
    /// Hears of alerts.
    pub sink: Arc<dyn AlertSink>,
    /// What the server says of itself.
    pub external: External,
    /// Where it is written down when an alert changes its state.
    pub timeline: Option<Timeline>,
    /// Defaults and limits.
    pub options: Options,
}

/// Defaults and limits. Prometheus's flags and `global` settings of the same meaning are named.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// `global.evaluation_interval`
    pub interval: Duration,
    /// `global.rule_query_offset`
    pub query_offset: Duration,
    /// `rules.alert.resend-delay`
    pub resend_delay: Duration,
    /// `rules.alert.for-outage-tolerance`
    pub outage_tolerance: Duration,
    /// `rules.alert.for-grace-period`
    pub grace_period: Duration,
    /// Alerts and series that one rule may make where its group sets no limit.
    pub results_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            query_offset: Duration::ZERO,
            resend_delay: Duration::from_secs(60),
            outage_tolerance: Duration::from_secs(3600),
            grace_period: Duration::from_secs(600),
            results_max: 100_000,
        }
    }
}

/// A group and where its rules stand.
pub(super) struct GroupRun {
    pub(super) spec: Group,
    pub(super) rules: Vec<RuleRun>,
    /// Of rules that were taken away by a reload; they end at the next evaluation.
    orphans: Vec<Labels>,
    /// Evaluations since the start that have to pass before alerts are restored; `None` once that is done.
    pub(super) restore_in: Option<u8>,
    pub(super) last: Option<LastEvaluation>,
    pub(super) counts: GroupCounts,
}

/// The last evaluation of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LastEvaluation {
    pub(super) at: UnixNanos,
    pub(super) took: Duration,
    /// The sum over its rules.
    pub(super) rules_took: Duration,
    /// Series that its rules gave.
    pub(super) samples: usize,
}

/// What is counted of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct GroupCounts {
    pub(super) iterations: u64,
    pub(super) missed: u64,
    pub(super) evaluations: u64,
    pub(super) failures: u64,
    pub(super) seconds: f64,
    pub(super) rule_seconds: f64,
}

/// A rule and where it stands.
pub(super) struct RuleRun {
    pub(super) spec: Rule,
    texts: RuleTexts,
    pub(super) instances: Instances,
    pub(super) elements: Elements,
    /// What it wrote at the last evaluation that succeeded.
    written: FxHashSet<Labels>,
    /// Whether what was active before a restart is known; until then nothing is written of its alerts.
    pub(super) restored: bool,
    pub(super) last: Option<LastRule>,
    /// What the last evaluation noticed.
    pub(super) warnings: Vec<String>,
}

/// The last evaluation of a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LastRule {
    pub(super) at: UnixNanos,
    pub(super) took: Duration,
    pub(super) error: Option<String>,
}

impl RuleRun {
    fn new(spec: Rule, restored: bool) -> Self {
        Self {
            texts: RuleTexts::new(&spec),
            spec,
            instances: Instances::default(),
            elements: Elements::default(),
            written: FxHashSet::default(),
            restored,
            last: None,
            warnings: Vec::new(),
        }
    }

    /// What one rule is told apart from others of its group by, across reloads.
    fn identity(&self) -> (&str, &super::spec::Texts) {
        (&self.spec.name, &self.spec.labels)
    }
}

impl GroupRun {
    /// A group that was never evaluated. `restore` says whether its alerts may go on from before a restart.
    pub(super) fn new(spec: Group, restore: bool) -> Self {
        let rules = spec.rules.iter().map(|rule| RuleRun::new(rule.clone(), !restore)).collect();
        let restore_in = restore.then_some(2);
        Self { spec, rules, orphans: Vec::new(), restore_in, last: None, counts: GroupCounts::default() }
    }

    pub(super) fn interval(&self, options: &Options) -> Duration {
        self.spec.interval.unwrap_or(options.interval)
    }

    /// Takes over what rules of the same name and labels had reached; what the others wrote ends.
    pub(super) fn take_over(&mut self, before: Self) {
        let mut old: Vec<Option<RuleRun>> = before.rules.into_iter().map(Some).collect();
        for rule in &mut self.rules {
            let same = old.iter_mut().find(|o| o.as_ref().is_some_and(|o| o.identity() == rule.identity()));
            if let Some(o) = same.and_then(Option::take) {
                let kept = rule.spec.alerting.is_some() == o.spec.alerting.is_some();
                let new = std::mem::replace(rule, o);
                (rule.spec, rule.texts) = (new.spec, new.texts);
                if !kept {
                    rule.instances = Instances::default();
                }
            }
        }
        self.orphans = before.orphans;
        self.orphans.extend(old.into_iter().flatten().flat_map(|o| o.written));
        self.counts = before.counts;
        self.restore_in = before.restore_in;
    }

    /// All series that the group writes.
    pub(super) fn series(&self) -> impl Iterator<Item = &Labels> {
        self.rules.iter().flat_map(|r| &r.written).chain(&self.orphans)
    }

    /// Evaluates all rules for the moment `at`. `unsettled_since` is set while the time of day cannot be trusted.
    pub(super) fn evaluate(&mut self, at: UnixNanos, unsettled_since: Option<UnixNanos>, s: &Surroundings) {
        let begin = Instant::now();
        let offset = self.spec.query_offset.unwrap_or(s.options.query_offset);
        let moment = Moment {
            at,
            data_at: at.minus(offset),
            interval: self.interval(&s.options),
            limit: self.spec.limit,
            unsettled_since,
        };
        let mut pending = Pending { names: FxHashSet::default(), samples: Vec::new() };
        let (mut samples, mut rules_took) = (0, Duration::ZERO);
        for rule in &mut self.rules {
            let begin = Instant::now();
            if pending.is_asked_by(&rule.spec.expression) {
                pending.write(s, true);
            }
            let outcome = rule.evaluate(&moment, s, &mut pending);
            let took = begin.elapsed();
            rules_took += took;
            self.counts.evaluations += 1;
            let error = match outcome {
                Ok(count) => {
                    samples += count;
                    None
                }
                Err(e) => {
                    self.counts.failures += 1;
                    tracing::warn!(
                        group = self.spec.name,
                        rule = rule.spec.name,
                        error = e,
                        "a rule could not be evaluated"
                    );
                    Some(e)
                }
            };
            rule.last = Some(LastRule { at, took, error });
        }
        let ended = std::mem::take(&mut self.orphans).into_iter();
        pending.samples.extend(ended.map(|labels| stale(labels, moment.data_at)));
        pending.write(s, false);
        let took = begin.elapsed();
        self.counts.iterations += 1;
        self.counts.seconds += took.as_secs_f64();
        self.counts.rule_seconds += rules_took.as_secs_f64();
        self.last = Some(LastEvaluation { at, took, rules_took, samples });
        self.restore(at, s);
    }

    /// After the second evaluation, when recording rules and scrapes have had their turn, alerts go on from before the restart.
    fn restore(&mut self, at: UnixNanos, s: &Surroundings) {
        match self.restore_in {
            None => {}
            Some(n) if n > 1 => self.restore_in = Some(n - 1),
            Some(_) => {
                self.restore_in = None;
                self.rules.iter_mut().for_each(|rule| restore::restore(rule, at, s));
            }
        }
    }

    /// The time of day was moved.
    pub(super) fn shift(&mut self, nanos: i64, now: UnixNanos) {
        for rule in &mut self.rules {
            rule.instances.shift(nanos, now);
            rule.elements.shift(nanos);
        }
    }
}

/// When a group is evaluated, and by which bounds.
struct Moment {
    at: UnixNanos,
    data_at: UnixNanos,
    interval: Duration,
    limit: usize,
    unsettled_since: Option<UnixNanos>,
}

/// What rules of this evaluation wrote and is not in the store yet: one write per group, unless a later rule asks for it.
struct Pending {
    names: FxHashSet<String>,
    samples: Vec<Written>,
}

impl Pending {
    /// Whether the answer to an expression may depend on what is not in the store yet.
    fn is_asked_by(&self, expression: &Expression) -> bool {
        let Expression::Promql(p) = expression else { return false };
        if self.samples.is_empty() {
            return false;
        }
        let mut asked = false;
        p.tree.for_each_selector(&mut |selector| {
            let named = selector.name.as_deref().or_else(|| {
                let equal = selector.matchers.iter().find(|m| m.name() == NAME && m.op() == MatchOp::Equal);
                equal.map(promql::matcher::Matcher::value)
            });
            asked |= named.is_none_or(|name| self.names.contains(name));
        });
        asked
    }

    fn add(&mut self, sample: Written) {
        let name = sample.labels.metric_name();
        if !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
        self.samples.push(sample);
    }

    fn write(&mut self, s: &Surroundings, wait: bool) {
        self.names.clear();
        let samples = std::mem::take(&mut self.samples);
        if !samples.is_empty()
            && let Err(e) = s.appender.append(samples, wait)
        {
            tracing::warn!(error = e, "results of rules could not be stored");
        }
    }
}

/// Writes down that an alert changed its state.
fn record(timeline: &Timeline, rule: &Rule, at: UnixNanos, change: &Change) {
    let happened = match change.to {
        AlertState::Pending => Happened::Pending,
        AlertState::Firing => Happened::Firing,
        AlertState::Inactive => Happened::Inactive,
    };
    // JSON has no infinities.
    let value = number_or_text(change.value);
    let body = json!({"rule": rule.name, "value": value, "expression": rule.expression.text()});
    timeline.record(Fingerprint::of(&change.labels), at, happened, body);
}

fn number_or_text(v: f64) -> serde_json::Value {
    if v.is_finite() { v.into() } else { gotemplate::prometheus::four_digits(v).into() }
}

fn stale(labels: Labels, at: UnixNanos) -> Written {
    Written { labels, at, value: Point::Float(f64::from_bits(STALE_NAN_BITS)) }
}

impl RuleRun {
    /// Evaluates the rule; answers with how many series it gave.
    fn evaluate(&mut self, m: &Moment, s: &Surroundings, pending: &mut Pending) -> Result<usize, String> {
        if !self.restored && self.last.is_none() {
            restore::recall(self, m.data_at, m.interval, s);
        }
        let answer = s.query.instant(&self.spec.expression, m.data_at).map_err(|e| e.to_string())?;
        self.warnings.clone_from(&answer.warnings);
        let written = match &self.spec.alerting {
            Some(_) => self.alerts(answer, m, s)?,
            None => self.recorded(answer, m, &s.options)?,
        };
        let now: FxHashSet<Labels> = written.iter().map(|w| w.labels.clone()).collect();
        let count = written.len();
        written.into_iter().for_each(|w| pending.add(w));
        let ended: Vec<Labels> = self.written.difference(&now).cloned().collect();
        ended.into_iter().for_each(|labels| pending.add(stale(labels, m.data_at)));
        self.written = now;
        if self.spec.alerting.is_some() {
            self.tell(m, s);
        }
        Ok(count)
    }

    fn recorded(&self, answer: Answer, m: &Moment, options: &Options) -> Result<Vec<Written>, String> {
        let limit = if m.limit > 0 { m.limit } else { options.results_max };
        let count = answer.samples.len();
        let mut seen = FxHashSet::default();
        let mut out = Vec::with_capacity(count);
        for sample in answer.samples {
            let set = self.spec.labels.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            let labels = sample.labels.iter().chain([(NAME, self.spec.name.as_str())]).chain(set);
            let labels = Labels::from_pairs(labels.collect::<Vec<_>>());
            if !seen.insert(labels.clone()) {
                return Err("vector contains metrics with the same labelset after applying rule labels".to_owned());
            }
            out.push(Written { labels, at: m.data_at, value: sample.value });
        }
        if count > limit {
            return Err(format!("exceeded limit of {limit} with {count} series"));
        }
        Ok(out)
    }

    /// Moves the alerts and answers with their series.
    fn alerts(&mut self, answer: Answer, m: &Moment, s: &Surroundings) -> Result<Vec<Written>, String> {
        let Some(alerting) = &self.spec.alerting else { return Ok(Vec::new()) };
        let mut expander = Expander::new(&self.spec.name, &s.external, s.query.clone(), m.at);
        let found = self.elements.candidates(&self.spec, (alerting, &self.texts), m.at, &answer.samples, &mut expander);
        let motion = Motion {
            keep_firing: alerting.keep_firing,
            limit: if m.limit > 0 { m.limit } else { s.options.results_max },
            unsettled_since: m.unsettled_since,
        };
        let changes =
            self.instances.step(m.at, found.map_err(|e| e.to_string())?, motion).map_err(|e| e.to_string())?;
        if let Some(timeline) = &s.timeline {
            changes.iter().for_each(|change| record(timeline, &self.spec, m.at, change));
        }
        if self.elements.unwatched > 0 {
            self.warnings.push(format!(
                "more than {} sets of labels: missing data of {} results were not watched",
                super::element::WATCHED_MAX,
                std::mem::take(&mut self.elements.unwatched)
            ));
        }
        if !self.restored {
            return Ok(Vec::new());
        }
        let mut out = Vec::new();
        for a in self.instances.iter().filter(|a| a.is_active() && !a.covered) {
            let of = |extra: &[(&str, &str)]| {
                Labels::from_pairs(a.labels.iter().chain(extra.iter().copied()).collect::<Vec<_>>())
            };
            let state = if a.state == AlertState::Firing { "firing" } else { "pending" };
            let alerts = of(&[(NAME, ALERTS), ("alertstate", state)]);
            out.push(Written { labels: alerts, at: m.data_at, value: Point::Float(1.0) });
            let active_s = a.active_at.0.div_euclid(1_000_000_000) as f64;
            out.push(Written { labels: of(&[(NAME, ALERTS_FOR_STATE)]), at: m.data_at, value: Point::Float(active_s) });
        }
        Ok(out)
    }

    fn tell(&mut self, m: &Moment, s: &Surroundings) {
        let mut due = self.instances.due(m.at, s.options.resend_delay, m.interval);
        if due.is_empty() {
            return;
        }
        let url = match &self.spec.expression {
            Expression::Promql(p) => format!("{}{}", s.external.url, table_link(&p.printed)),
            Expression::Events(e) => {
                let text = gotemplate::prometheus::query_escape(&e.text);
                format!("{}/{}?q={text}", s.external.url, e.source.name())
            }
        };
        for alert in &mut due {
            alert.generator_url.clone_from(&url);
        }
        s.sink.send(&due);
    }
}
