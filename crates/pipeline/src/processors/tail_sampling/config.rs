//! The settings of `tail_sampling`, and what is built from them.

use std::time::Duration;

use regex::Regex;
use serde::{Deserialize, Serialize};
use yaml::nearest;

use super::policy::{Policies, Policy, QUESTIONS_MAX, Question, Said, Window};
use super::pool::{Limits, Pool};
use crate::component::{Refused, Setup};
use crate::config::Interval;
use crate::ottl::{Condition, Conditions, Context, ErrorMode};
use wire::otlp::sampling::of_share;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    decision_wait: Interval,
    decision_wait_after_root_received: Interval,
    num_traces: usize,
    /// Taken and not used: maps grow as they need.
    expected_new_traces_per_sec: usize,
    decision_cache: CacheConfig,
    maximum_trace_size_bytes: usize,
    /// Ours: what traces that wait may take together.
    memory_limit_mib: usize,
    sample_on_first_match: bool,
    policies: Vec<PolicyConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            decision_wait: Interval::secs(30),
            decision_wait_after_root_received: Interval::default(),
            num_traces: 50_000,
            expected_new_traces_per_sec: 0,
            decision_cache: CacheConfig::default(),
            maximum_trace_size_bytes: 0,
            memory_limit_mib: 1024,
            sample_on_first_match: false,
            policies: vec![],
        }
    }
}

impl Config {
    pub(super) const fn memory_bytes(&self) -> usize {
        self.memory_limit_mib << 20
    }

    /// Four generations of the log in the time of a decision.
    pub(super) fn rotate_every(&self) -> Duration {
        (self.decision_wait.0 / 4).clamp(Duration::from_secs(1), Duration::from_secs(60))
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct CacheConfig {
    /// 0: four times `num_traces`.
    sampled_cache_size: usize,
    /// 0: four times `num_traces`.
    non_sampled_cache_size: usize,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct PolicyConfig {
    name: String,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numeric_attribute: Option<Numeric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilistic: Option<Probabilistic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<StatusCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    string_attribute: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boolean_attribute: Option<Boolean>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_state: Option<TraceState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limiting: Option<SpanRate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_limiting: Option<ByteRate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_count: Option<SpanCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ottl_condition: Option<Ottl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    and: Option<And>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not: Option<Not>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<Drop>,
    #[serde(skip_serializing_if = "Option::is_none")]
    composite: Option<Composite>,
}

macro_rules! sections {
    ($($name:ident { $($field:ident: $type:ty,)* })*) => {$(
        #[derive(Debug, Clone, Default, Serialize, Deserialize)]
        #[serde(default)]
        struct $name { $($field: $type,)* }
    )*};
}

sections! {
    Latency { threshold_ms: u64, upper_threshold_ms: u64, }
    Numeric { key: String, min_value: Option<i64>, max_value: Option<i64>, invert_match: bool, }
    Probabilistic { sampling_percentage: f64, hash_salt: String, }
    StatusCode { status_codes: Vec<String>, }
    Text { key: String, values: Vec<String>, enabled_regex_matching: bool, cache_max_size: usize, invert_match: bool, }
    Boolean { key: String, value: bool, invert_match: bool, }
    TraceState { key: String, values: Vec<String>, }
    SpanRate { spans_per_second: u64, burst_capacity: u64, }
    ByteRate { bytes_per_second: u64, burst_capacity: u64, }
    SpanCount { min_spans: u64, max_spans: u64, }
    Ottl { error_mode: ErrorMode, span: Vec<String>, spanevent: Vec<String>, }
    And { and_sub_policy: Vec<PolicyConfig>, }
    Not { not_sub_policy: Option<Box<PolicyConfig>>, }
    Drop { drop_sub_policy: Vec<PolicyConfig>, }
    Composite {
        max_total_spans_per_second: u64,
        policy_order: Vec<String>,
        composite_sub_policy: Vec<PolicyConfig>,
        rate_allocation: Vec<Allocation>,
    }
    Allocation { policy: String, percent: u64, }
}

const TYPES: [&str; 17] = [
    "always_sample",
    "latency",
    "numeric_attribute",
    "probabilistic",
    "status_code",
    "string_attribute",
    "boolean_attribute",
    "trace_state",
    "trace_flags",
    "rate_limiting",
    "bytes_limiting",
    "span_count",
    "ottl_condition",
    "and",
    "not",
    "drop",
    "composite",
];

/// Policies in policies.
const DEPTH_MAX: usize = 8;

pub(super) fn pool(setup: &mut Setup<'_>, c: &Config) -> Result<Pool, Refused> {
    if c.num_traces == 0 {
        return Err(setup.error("num_traces", "it must be at least 1"));
    }
    if c.memory_limit_mib == 0 {
        return Err(setup.error("memory_limit_mib", "it must be at least 1"));
    }
    if c.policies.is_empty() {
        return Err(setup.error(
            "policies",
            "no policies: every trace would be dropped; `{name: all, type: always_sample}` keeps all",
        ));
    }
    let mut policies = Policies { first_match: c.sample_on_first_match, ..Policies::default() };
    for (n, p) in c.policies.iter().enumerate() {
        let at = format!("policies[{n}]");
        if p.name.is_empty() || c.policies[..n].iter().any(|other| other.name == p.name) {
            return Err(setup.error(&format!("{at}.name"), "every policy needs a name of its own"));
        }
        let policy = Builder { setup, questions: &mut policies.questions }.policy(&at, p, 0)?;
        policies.policies.push(policy);
        policies.said.push(Said { policy: p.name.clone(), ..Said::default() });
    }
    let cache = |n: usize| if n == 0 { c.num_traces.saturating_mul(4) } else { n };
    let limits = Limits {
        decision_wait: c.decision_wait.0,
        wait_after_root: c.decision_wait_after_root_received.0,
        traces: c.num_traces,
        bytes: c.memory_bytes(),
        trace_bytes: c.maximum_trace_size_bytes,
        sampled_cache: cache(c.decision_cache.sampled_cache_size),
        dropped_cache: cache(c.decision_cache.non_sampled_cache_size),
        marks: setup.marks_rejected(),
    };
    Ok(Pool::new(policies, limits))
}

struct Builder<'b, 's> {
    setup: &'b mut Setup<'s>,
    questions: &'b mut Vec<Question>,
}

impl Builder<'_, '_> {
    fn error(&mut self, at: &str, message: impl Into<String>) -> Refused {
        self.setup.error(at, message)
    }

    fn section<'c, T>(&mut self, at: &str, kind: &str, section: &'c Option<T>) -> Result<&'c T, Refused> {
        section.as_ref().ok_or_else(|| self.error(at, format!("a policy of type `{kind}` needs a section `{kind}`")))
    }

    fn key(&mut self, at: &str, kind: &str, key: &str) -> Result<String, Refused> {
        if key.is_empty() {
            return Err(self.error(&format!("{at}.{kind}"), "`key` is missing; name the attribute"));
        }
        Ok(key.to_owned())
    }

    fn ask(&mut self, at: &str, question: Question, invert: bool) -> Result<Policy, Refused> {
        if self.questions.len() == QUESTIONS_MAX {
            return Err(
                self.error(at, format!("more than {QUESTIONS_MAX} policies ask for attributes, status or conditions"))
            );
        }
        self.questions.push(question);
        Ok(Policy::Answered { question: self.questions.len() - 1, invert })
    }

    fn policy(&mut self, at: &str, p: &PolicyConfig, depth: usize) -> Result<Policy, Refused> {
        if depth > DEPTH_MAX {
            return Err(self.error(at, format!("policies nest deeper than {DEPTH_MAX}")));
        }
        match &*p.r#type {
            "always_sample" => Ok(Policy::Always),
            "latency" => {
                let c = self.section(at, "latency", &p.latency)?;
                if c.upper_threshold_ms != 0 && c.upper_threshold_ms < c.threshold_ms {
                    return Err(
                        self.error(&format!("{at}.latency.upper_threshold_ms"), "it is less than `threshold_ms`")
                    );
                }
                Ok(Policy::Latency { min_ms: c.threshold_ms, max_ms: c.upper_threshold_ms })
            }
            "probabilistic" => {
                let c = self.section(at, "probabilistic", &p.probabilistic)?;
                if !(0.0..=100.0).contains(&c.sampling_percentage) {
                    return Err(
                        self.error(&format!("{at}.probabilistic.sampling_percentage"), "it must be from 0 to 100")
                    );
                }
                Ok(Policy::Probabilistic {
                    threshold: of_share(c.sampling_percentage / 100.0, 4),
                    salt: c.hash_salt.clone(),
                })
            }
            "span_count" => {
                let c = self.section(at, "span_count", &p.span_count)?;
                Ok(Policy::SpanCount { min: c.min_spans, max: c.max_spans })
            }
            "rate_limiting" => {
                let c = self.section(at, "rate_limiting", &p.rate_limiting)?;
                Ok(Policy::SpanRate(Window::new(c.spans_per_second.max(c.burst_capacity))))
            }
            "bytes_limiting" => {
                let c = self.section(at, "bytes_limiting", &p.bytes_limiting)?;
                Ok(Policy::ByteRate(Window::new(c.bytes_per_second.max(c.burst_capacity))))
            }
            "and" => {
                let c = self.section(at, "and", &p.and)?;
                self.parts(&format!("{at}.and.and_sub_policy"), &c.and_sub_policy, depth).map(Policy::And)
            }
            "drop" => {
                let c = self.section(at, "drop", &p.drop)?;
                self.parts(&format!("{at}.drop.drop_sub_policy"), &c.drop_sub_policy, depth).map(Policy::Drop)
            }
            "not" => {
                let c = self.section(at, "not", &p.not)?;
                let inner = self.section(&format!("{at}.not"), "not_sub_policy", &c.not_sub_policy)?;
                Ok(Policy::Not(Box::new(self.policy(&format!("{at}.not.not_sub_policy"), inner, depth + 1)?)))
            }
            "composite" => {
                let c = self.section(at, "composite", &p.composite)?;
                self.composite(&format!("{at}.composite"), c, depth)
            }
            _ => self.question(at, p),
        }
    }

    fn parts(&mut self, at: &str, list: &[PolicyConfig], depth: usize) -> Result<Vec<Policy>, Refused> {
        if list.is_empty() {
            return Err(self.error(at, "it must list at least one policy"));
        }
        list.iter().enumerate().map(|(n, p)| self.policy(&format!("{at}[{n}]"), p, depth + 1)).collect()
    }

    fn composite(&mut self, at: &str, c: &Composite, depth: usize) -> Result<Policy, Refused> {
        let mut parts = Vec::new();
        for (n, name) in c.policy_order.iter().enumerate() {
            let Some(found) = c.composite_sub_policy.iter().position(|p| p.name == *name) else {
                return Err(self
                    .error(&format!("{at}.policy_order[{n}]"), format!("`{name}` is not in `composite_sub_policy`")));
            };
            let place = format!("{at}.composite_sub_policy[{found}]");
            let policy = self.policy(&place, &c.composite_sub_policy[found], depth + 1)?;
            // Who is given no share gets an equal part, as in the Collector.
            let percent = c.rate_allocation.iter().find(|a| a.policy == *name).map(|a| a.percent);
            let share = match percent {
                Some(percent) => c.max_total_spans_per_second * percent / 100,
                None => c.max_total_spans_per_second / c.policy_order.len() as u64,
            };
            parts.push((policy, Window::new(share)));
        }
        if parts.is_empty() {
            return Err(
                self.error(&format!("{at}.policy_order"), "it must name at least one policy of `composite_sub_policy`")
            );
        }
        Ok(Policy::Composite { total: Window::new(c.max_total_spans_per_second), parts })
    }

    fn question(&mut self, at: &str, p: &PolicyConfig) -> Result<Policy, Refused> {
        match &*p.r#type {
            "status_code" => {
                let c = self.section(at, "status_code", &p.status_code)?;
                let mut codes = vec![];
                for (n, code) in c.status_codes.iter().enumerate() {
                    codes.push(match &*code.to_ascii_uppercase() {
                        "UNSET" => 0,
                        "OK" => 1,
                        "ERROR" => 2,
                        _ => {
                            let place = format!("{at}.status_code.status_codes[{n}]");
                            return Err(self.error(&place, format!("`{code}` is no status; there is OK, ERROR, UNSET")));
                        }
                    });
                }
                if codes.is_empty() {
                    return Err(self.error(
                        &format!("{at}.status_code"),
                        "list at least one of OK, ERROR, UNSET under `status_codes`",
                    ));
                }
                self.ask(at, Question::Status(codes), false)
            }
            "numeric_attribute" => {
                let c = self.section(at, "numeric_attribute", &p.numeric_attribute)?;
                let key = self.key(at, "numeric_attribute", &c.key)?;
                let (min, max) = (c.min_value.unwrap_or(i64::MIN), c.max_value.unwrap_or(i64::MAX));
                self.ask(at, Question::Numeric { key, min, max }, c.invert_match)
            }
            "string_attribute" => {
                let c = self.section(at, "string_attribute", &p.string_attribute)?;
                let key = self.key(at, "string_attribute", &c.key)?;
                let mut question = (c.values.clone(), vec![]);
                if c.enabled_regex_matching {
                    question.0.clear();
                    for (n, text) in c.values.iter().enumerate() {
                        let place = format!("{at}.string_attribute.values[{n}]");
                        question.1.push(
                            Regex::new(text).map_err(|e| self.error(&place, format!("it is not a pattern: {e}")))?,
                        );
                    }
                }
                self.ask(at, Question::Text { key, values: question.0, patterns: question.1 }, c.invert_match)
            }
            "boolean_attribute" => {
                let c = self.section(at, "boolean_attribute", &p.boolean_attribute)?;
                let key = self.key(at, "boolean_attribute", &c.key)?;
                self.ask(at, Question::Boolean { key, value: c.value }, c.invert_match)
            }
            "trace_state" => {
                let c = self.section(at, "trace_state", &p.trace_state)?;
                let key = self.key(at, "trace_state", &c.key)?;
                self.ask(at, Question::TraceState { key, values: c.values.clone() }, false)
            }
            "trace_flags" => self.ask(at, Question::Flagged, false),
            "ottl_condition" => {
                let c = self.section(at, "ottl_condition", &p.ottl_condition)?;
                let spans = self.conditions(&format!("{at}.ottl_condition.span"), &c.span, Context::Span)?;
                let events =
                    self.conditions(&format!("{at}.ottl_condition.spanevent"), &c.spanevent, Context::SpanEvent)?;
                let (spans, events) = (Conditions::any(spans, c.error_mode), Conditions::any(events, c.error_mode));
                if spans.is_empty() && events.is_empty() {
                    return Err(
                        self.error(&format!("{at}.ottl_condition"), "write conditions under `span` or `spanevent`")
                    );
                }
                self.ask(at, Question::Ottl { spans, events }, false)
            }
            other => {
                let hint = nearest(other, TYPES).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
                let message = format!("`{other}` is no type of policy; {hint}there is {}", TYPES.join(", "));
                Err(self.error(&format!("{at}.type"), message))
            }
        }
    }

    fn conditions(&mut self, at: &str, texts: &[String], context: Context) -> Result<Vec<Condition>, Refused> {
        let mut out = vec![];
        for (n, text) in texts.iter().enumerate() {
            out.push(Condition::parse(text, context).map_err(|e| self.error(&format!("{at}[{n}]"), e.to_string()))?);
        }
        Ok(out)
    }
}
