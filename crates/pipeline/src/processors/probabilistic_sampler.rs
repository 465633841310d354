//! `probabilistic_sampler`: keeps a share of all traces, or of log records, and writes down how many each stands for.
//!
//! The decision is a function of the trace id, so that all spans of a trace are
//! kept or none, everywhere. Source: opentelemetry-collector-contrib, `probabilisticsamplerprocessor`.

use std::sync::Arc;

use model::Signal;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{LogRecord, Span, Value};

use crate::component::{Processor, ProcessorFactory, Refused, Setup, Step};
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};
use wire::otlp::sampling::{MAX, Sampling, is_rejected, of_share, randomness_of, rejected};

pub(super) const FACTORY: ProcessorFactory =
    ProcessorFactory { names: &["probabilistic_sampler"], signals: &[Signal::Traces, Signal::Logs], build };

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    sampling_percentage: f64,
    hash_seed: u32,
    mode: Option<Mode>,
    /// Records without randomness are dropped.
    fail_closed: bool,
    /// Hex digits of the threshold.
    sampling_precision: u32,
    attribute_source: Source,
    from_attribute: String,
    sampling_priority: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sampling_percentage: 0.0,
            hash_seed: 0,
            mode: None,
            fail_closed: true,
            sampling_precision: 4,
            attribute_source: Source::TraceId,
            from_attribute: String::new(),
            sampling_priority: String::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// By a hash of the trace id with a seed, as before there were thresholds.
    HashSeed,
    /// A share of what arrives.
    Proportional,
    /// At least so much is taken away in all, with what samplers before have taken.
    Equalizing,
}

/// What a log record is sampled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Source {
    #[serde(rename = "traceID")]
    TraceId,
    #[serde(rename = "record")]
    Record,
}

fn build(setup: &mut Setup<'_>, signal: Signal) -> Result<Step, Refused> {
    let c: Config = setup.read()?;
    if !(0.0..=100.0).contains(&c.sampling_percentage) {
        return Err(setup.error("sampling_percentage", format!("{} is not from 0 to 100", c.sampling_percentage)));
    }
    if !(1..=14).contains(&c.sampling_precision) {
        return Err(setup.error("sampling_precision", "it must be from 1 to 14"));
    }
    if c.attribute_source == Source::Record && c.from_attribute.is_empty() {
        return Err(setup.error("from_attribute", "`attribute_source: record` needs the name of the attribute"));
    }
    let marks = signal == Signal::Traces && setup.marks_rejected();
    let default = if c.hash_seed == 0 { Mode::Proportional } else { Mode::HashSeed };
    Ok(Step::Each(Arc::new(Sampler { mode: c.mode.unwrap_or(default), marks, config: c })))
}

struct Sampler {
    mode: Mode,
    /// Rejected spans go on with their mark, to be counted by the engines.
    marks: bool,
    config: Config,
}

impl Sampler {
    /// Whether a record is kept, and what is then said about it. `randomness` is that of its trace id.
    fn decide(
        &self,
        percentage: f64,
        id: Option<&[u8]>,
        randomness: Option<u64>,
        before: Sampling,
    ) -> Option<Sampling> {
        let share = percentage / 100.0;
        if self.mode == Mode::HashSeed {
            let Some(id) = id else { return (!self.config.fail_closed).then_some(before) };
            // 14 bits of the hash are compared with the share, as the Collector does.
            let hash = u64::from(fnv1a(self.config.hash_seed, id) & 0x3fff);
            let kept = (share * 16384.0) as u64;
            let state = Sampling { threshold: Some((16384 - kept) << 42), randomness: Some((0x3fff - hash) << 42) };
            return (hash < kept).then_some(state);
        }
        let Some(r) = before.randomness.or(randomness) else { return (!self.config.fail_closed).then_some(before) };
        let so_far = before.threshold.unwrap_or(0);
        // A threshold that its own randomness contradicts was not set by a sampler.
        let so_far = if so_far > r { 0 } else { so_far };
        let threshold = match self.mode {
            Mode::Equalizing => of_share(share, self.config.sampling_precision).max(so_far),
            _ => {
                let kept = (MAX - so_far) as f64 / MAX as f64;
                of_share(share * kept, self.config.sampling_precision)
            }
        };
        (threshold < MAX && r >= threshold).then_some(Sampling { threshold: Some(threshold), ..before })
    }

    fn span(&self, span: &mut Span) -> bool {
        match span.attributes.get("sampling.priority") {
            Some(Value::Int(0)) => return false,
            Some(Value::Int(p)) if *p > 0 => return true,
            _ => {}
        }
        let before = Sampling::of_state(&span.trace_state);
        let id = span.trace_id.valid().map(|id| &id[..]);
        match self.decide(self.config.sampling_percentage, id, randomness_of(&span.trace_id), before) {
            None => false,
            Some(after) if after == before => true,
            Some(after) => {
                span.trace_state = after.into_state(&span.trace_state);
                true
            }
        }
    }

    fn log(&self, log: &mut LogRecord) -> bool {
        let priority = match log.attributes.get(&self.config.sampling_priority) {
            Some(Value::Int(p)) if !self.config.sampling_priority.is_empty() => Some(*p as f64),
            Some(Value::Double(p)) if !self.config.sampling_priority.is_empty() => Some(*p),
            _ => None,
        };
        let percentage = priority.unwrap_or(self.config.sampling_percentage).clamp(0.0, 100.0);
        let attribute = match self.config.attribute_source {
            Source::Record => log.attributes.get(&self.config.from_attribute).map(Value::to_text),
            Source::TraceId => None,
        };
        let (id, randomness) = match (&attribute, self.config.attribute_source) {
            (Some(text), _) => (Some(text.as_bytes()), Some(wide_hash(text.as_bytes()))),
            (None, Source::Record) => (None, None),
            (None, Source::TraceId) => (log.trace_id.valid().map(|id| &id[..]), randomness_of(&log.trace_id)),
        };
        let hex = |key: &str| log.attributes.text(key).map(str::to_owned);
        let before = Sampling::of_state(&match (hex("sampling.threshold"), hex("sampling.randomness")) {
            (Some(t), Some(r)) => format!("ot=th:{t};rv:{r}"),
            (Some(t), None) => format!("ot=th:{t}"),
            (None, Some(r)) => format!("ot=rv:{r}"),
            (None, None) => String::new(),
        });
        let Some(after) = self.decide(percentage, id, randomness, before) else { return false };
        let state = after.into_state("");
        for part in state.trim_start_matches("ot=").split(';') {
            match part.split_once(':') {
                Some(("th", t)) => log.attributes.set("sampling.threshold", t),
                Some(("rv", r)) => log.attributes.set("sampling.randomness", r),
                _ => {}
            }
        }
        true
    }
}

/// FNV-1a of 32 bits of the seed and the id.
fn fnv1a(seed: u32, id: &[u8]) -> u32 {
    let step = |hash: u32, b: u8| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193);
    let seeded = seed.to_be_bytes().into_iter().fold(0x811c_9dc5, step);
    id.iter().copied().fold(seeded, step)
}

/// 56 bits of a hash of any bytes, spread evenly (FNV-1a, then the finaliser of SplitMix64).
pub(crate) fn wide_hash(bytes: &[u8]) -> u64 {
    let h = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
    let h = (h ^ h >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let h = (h ^ h >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (h ^ h >> 31) & (MAX - 1)
}

impl Processor for Sampler {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        let tree = telemetry.tree_mut()?;
        match tree {
            Tree::Traces(t) => t.retain(|_, _, span| {
                if self.marks && is_rejected(&span.trace_state) {
                    return true;
                }
                let kept = self.span(span);
                if !kept && self.marks {
                    span.trace_state = rejected(&span.trace_state);
                }
                kept || self.marks
            }),
            Tree::Logs(t) => t.retain(|_, _, log| self.log(log)),
            Tree::Metrics(_) => {}
        }
        Ok((!tree.is_empty()).then_some(telemetry))
    }
}

#[cfg(test)]
mod tests {
    use wire::otlp::tree::TraceId;

    use super::super::testing::{built, log, of_service, process, processor, span};
    use super::*;
    use wire::otlp::sampling::count_of;

    /// Spans of `n` traces with ids that look random.
    fn spans(n: u64) -> Vec<Span> {
        let of = |i: u64| {
            let mut id = [7; 16];
            id[8..].copy_from_slice(&wide_hash(&i.to_be_bytes()).rotate_left(3).to_be_bytes());
            Span { trace_id: TraceId::from(id), ..span(1, 1, "a") }
        };
        (0..n).map(of).collect()
    }

    fn kept(yaml: &str, spans: Vec<Span>) -> Vec<Span> {
        let p = processor(&FACTORY, Signal::Traces, yaml);
        match process(&*p, of_service("s", spans)) {
            Some(Tree::Traces(t)) => t.records().cloned().collect(),
            _ => vec![],
        }
    }

    #[test]
    fn kept_spans_stand_for_all() {
        for yaml in [
            "sampling_percentage: 25",
            "{sampling_percentage: 25, hash_seed: 22}",
            "{sampling_percentage: 25, mode: equalizing}",
        ] {
            let kept = kept(yaml, spans(8000));
            assert!((1800..2200).contains(&kept.len()), "{yaml}: {}", kept.len());
            let stand_for: f64 = kept.iter().map(count_of).sum();
            assert!((7200.0..8800.0).contains(&stand_for), "{yaml}: {stand_for}");
        }
        assert_eq!(kept("sampling_percentage: 100", spans(100)).len(), 100);
        assert_eq!(kept("sampling_percentage: 0", spans(100)).len(), 0);
    }

    #[test]
    fn a_second_sampler_takes_its_share_or_nothing_more() {
        let first = kept("sampling_percentage: 50", spans(8000));
        let proportional = kept("sampling_percentage: 50", first.clone());
        assert!((1800..2200).contains(&proportional.len()) && count_of(&proportional[0]) == 4.0);
        let equalizing = kept("{sampling_percentage: 50, mode: equalizing}", first.clone());
        assert_eq!(equalizing.len(), first.len());
        assert!((count_of(&equalizing[0]) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn priorities_and_missing_ids() {
        let mut always = span(1, 1, "a");
        always.attributes.set("sampling.priority", 1);
        let mut never = span(2, 1, "b");
        never.attributes.set("sampling.priority", 0);
        let without = Span { trace_id: TraceId::default(), ..span(3, 1, "c") };
        let all = vec![always, never, without];
        let names = |yaml| kept(yaml, all.clone()).iter().map(|s| s.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names("sampling_percentage: 0"), ["a"]);
        assert_eq!(names("{sampling_percentage: 100, fail_closed: false}"), ["a", "c"]);
        assert_eq!(names("sampling_percentage: 100"), ["a"]);
    }

    #[test]
    fn logs_are_sampled_by_an_attribute() {
        let p = processor(
            &FACTORY,
            Signal::Logs,
            "{sampling_percentage: 25, attribute_source: record, from_attribute: user, sampling_priority: p}",
        );
        let logs = (0..4000).map(|i: i64| {
            let mut l = log("x");
            l.attributes.set("user", i);
            if i == 0 {
                l.attributes.set("p", 100);
            }
            l
        });
        let Some(Tree::Logs(t)) = process(&*p, of_service("s", logs.collect())) else { panic!() };
        assert!((850..1150).contains(&t.items()), "{}", t.items());
        let thresholds: Vec<_> =
            t.records().take(2).map(|l| l.attributes.text("sampling.threshold").unwrap().to_owned()).collect();
        assert_eq!(thresholds, ["0", "c"]);
    }

    #[test]
    fn in_front_of_the_engines_rejected_spans_go_on_marked() {
        let c = Config { sampling_percentage: 25.0, ..Config::default() };
        let p = Sampler { mode: Mode::Proportional, marks: true, config: c };
        let Some(Tree::Traces(t)) = process(&p, of_service("s", spans(4000))) else { panic!() };
        assert_eq!(t.items(), 4000);
        let kept: Vec<Span> = t.records().filter(|s| !is_rejected(&s.trace_state)).cloned().collect();
        assert_eq!(kept, super::tests::kept("sampling_percentage: 25", spans(4000)));
        let Some(Tree::Traces(again)) = process(&p, t) else { panic!() };
        let twice = again.records().filter(|s| !is_rejected(&s.trace_state)).count();
        assert_eq!((again.items(), twice < kept.len() / 3), (4000, true), "a second sampler leaves marked spans alone");
    }

    #[test]
    fn mistakes_are_told() {
        for (yaml, message) in [
            ("sampling_percentage: 101", "not from 0 to 100"),
            ("mode: random", "mode"),
            ("attribute_source: record", "needs the name"),
            ("sampling_precision: 0", "from 1 to 14"),
        ] {
            let Err(said) = built(&FACTORY, Signal::Traces, yaml) else { panic!("{yaml}") };
            assert!(said.contains(message), "{said}");
        }
    }
}
