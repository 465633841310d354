//! What an objective without an indicator could count, from the metrics that are there.
//!
//! Names say what is meant (`api_latency`, `bot_processing`): a metric is proposed when its name, or the service it is
//! of, shares words with the objective. Nothing is counted until a person confirms.

use std::time::Duration;

use foundation::UnixNanos;
use promql::matcher::{MatchOp, Matcher};

use super::budgets_file::{Promise, promise};
use super::config::in_unit_of;
use super::selector::Selector;
use super::source::Source;
use super::spec::{Counted, Indicator, Latency, Slo};
use crate::rules::QueryError;

/// How far back a metric must have been seen.
const SEEN_WITHIN: Duration = Duration::from_secs(24 * 3_600);
const PROPOSALS_MAX: usize = 5;
/// Metrics that are looked at more closely.
const CANDIDATES_MAX: usize = 40;

/// Something that could be counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// What.
    pub indicator: Indicator,
    /// Why, for people.
    pub reason: String,
    /// Higher fits better.
    pub score: u32,
}

/// Labels that tell bad events from good ones, with the values that are bad.
const OUTCOMES: [(&str, &str); 6] = [
    ("status", "5..|error|failed|failure"),
    ("status_code", "5..|STATUS_CODE_ERROR"),
    ("code", "5.."),
    ("http_status_code", "5.."),
    ("http_response_status_code", "5.."),
    ("result", "error|failed|failure"),
];

/// Words of names that say nothing.
const EMPTY_WORDS: [&str; 12] = [
    "total",
    "seconds",
    "duration",
    "count",
    "bucket",
    "milliseconds",
    "slo",
    "the",
    "of",
    "meetsmatch",
    "service",
    "ms",
];
/// Words that mean the same.
const SYNONYMS: [(&str, &[&str]); 7] = [
    ("api", &["http", "request", "requests"]),
    ("bot", &["telegram", "message", "messages"]),
    ("processing", &["process", "processed", "message", "messages"]),
    ("database", &["db", "postgres", "postgresql", "query"]),
    ("db", &["database", "postgres", "postgresql", "query"]),
    ("cache", &["redis"]),
    ("web", &["http", "nginx"]),
];

/// What `slo` could count; the best first, none when it says what it counts.
///
/// # Errors
/// The metrics engine does not answer.
pub fn propose(source: &dyn Source, slo: &Slo, now: UnixNanos) -> Result<Vec<Proposal>, QueryError> {
    let Some(promise) = slo.written.as_deref().and_then(|w| promise(w).ok()).filter(|_| slo.indicator.is_none()) else {
        return Ok(Vec::new());
    };
    let words = wanted(slo);
    let seen = Seen { source, start: now.minus(SEEN_WITHIN), end: now };
    let mut proposals = match promise {
        Promise::Share(_) => seen.availability(&words)?,
        Promise::Quantile(_, limit) | Promise::Within(_, limit) => seen.latency(&words, limit)?,
    };
    proposals.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.reason.cmp(&b.reason)));
    proposals.truncate(PROPOSALS_MAX);
    Ok(proposals)
}

struct Seen<'a> {
    source: &'a dyn Source,
    start: UnixNanos,
    end: UnixNanos,
}

impl Seen<'_> {
    fn names(&self, pattern: &str) -> Result<Vec<String>, QueryError> {
        self.values(&format!("{{__name__=~{pattern:?}}}"), "__name__")
    }

    fn values(&self, selector: &str, label: &str) -> Result<Vec<String>, QueryError> {
        self.source.label_values(selector, label, self.start, self.end)
    }

    /// Metrics by how well their names fit, without those that share no word unless their service does.
    fn ranked(&self, words: &[String], names: Vec<String>) -> Result<Vec<(u32, Selector, String)>, QueryError> {
        let mut ranked = Vec::new();
        for name in names.into_iter().take(CANDIDATES_MAX) {
            let shared = common(words, &split(&name));
            let services = self.values(&Selector::of_metric(&name).to_string(), "service")?;
            let service = services.into_iter().find(|s| common(&words[..words.len().min(1)], &split(s)) > 0);
            if shared == 0 && service.is_none() {
                continue;
            }
            let selector = Selector::of_metric(&name);
            ranked.push(match service {
                Some(s) => (shared * 2 + 3, selector.with_label("service", &s), format!("{name} of {s}")),
                None => (shared * 2, selector, name),
            });
        }
        Ok(ranked)
    }

    fn availability(&self, words: &[String]) -> Result<Vec<Proposal>, QueryError> {
        let mut proposals = Vec::new();
        for (score, selector, what) in self.ranked(words, self.names(".+_total")?)? {
            let Some((label, bad)) = self.outcome(&selector)? else { continue };
            let Ok(matcher) = Matcher::new(MatchOp::Regex, label, bad) else { continue };
            proposals.push(Proposal {
                indicator: Indicator::Counters {
                    counted: Counted::Bad(vec![selector.with(matcher)]),
                    total: vec![selector],
                },
                reason: format!("{what}: bad where {label} is {bad}"),
                score: score + 2,
            });
        }
        for (score, selector, what) in self.ranked(words, self.names(".+_up")?)? {
            proposals.push(Proposal {
                indicator: Indicator::Up(vec![selector]),
                reason: format!("{what}: bad while it is 0"),
                score: score + 1,
            });
        }
        Ok(proposals)
    }

    /// The label that says how an event ended.
    fn outcome(&self, selector: &Selector) -> Result<Option<(&'static str, &'static str)>, QueryError> {
        for (label, bad) in OUTCOMES {
            if !self.values(&selector.to_string(), label)?.is_empty() {
                return Ok(Some((label, bad)));
            }
        }
        Ok(None)
    }

    fn latency(&self, words: &[String], limit: Duration) -> Result<Vec<Proposal>, QueryError> {
        let names = self.names(".+_(seconds|milliseconds|ms|duration|latency)_bucket")?;
        let ranked = self.ranked(words, names)?;
        let proposals = ranked.into_iter().filter_map(|(score, buckets, what)| {
            let histogram = buckets.without_suffix("_bucket")?;
            let threshold = in_unit_of(histogram.name(), limit);
            Some(Proposal {
                reason: format!("{}: good up to {threshold}", what.replacen("_bucket", "", 1)),
                indicator: Indicator::Latency(Latency { histogram, threshold }),
                score,
            })
        });
        Ok(proposals.collect())
    }
}

/// The words of the objective, the name of whose promise it is first.
fn wanted(slo: &Slo) -> Vec<String> {
    split(&slo.service).into_iter().chain(split(&slo.id)).collect()
}

fn split(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase);
    words.filter(|w| !w.is_empty() && !EMPTY_WORDS.contains(&w.as_str())).collect()
}

/// How many of the wanted words, or words that mean the same, a name has.
fn common(wanted: &[String], name: &[String]) -> u32 {
    let means = |w: &String, n: &String| {
        w == n || SYNONYMS.iter().any(|(word, others)| word == w && others.contains(&n.as_str()))
    };
    wanted.iter().filter(|w| name.iter().any(|n| means(w, n))).count() as u32
}
