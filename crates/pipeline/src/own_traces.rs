//! What this process did lately: spans of its own, by name and by how long they took, the latest of each kept.
//!
//! The idea and the steps of time are those of OpenCensus' tracez, which the Collector's zpages show.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{Arguments, Write as _};
use std::time::Duration;

use foundation::UnixNanos;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

/// Each step holds what took at least this, and less than the next.
const STEPS: [(&str, Duration); 8] = [
    (">0us", Duration::ZERO),
    (">10us", Duration::from_micros(10)),
    (">100us", Duration::from_micros(100)),
    (">1ms", Duration::from_millis(1)),
    (">10ms", Duration::from_millis(10)),
    (">100ms", Duration::from_millis(100)),
    (">1s", Duration::from_secs(1)),
    (">10s", Duration::from_secs(10)),
];
/// Spans that are kept of a step, and of those that failed.
const LATEST_MAX: usize = 8;
/// Names; beyond, spans of new names are not kept. A name is a component and a signal.
const NAMES_MAX: usize = 256;
/// Bytes of a text that are kept.
const TEXT_BYTES_MAX: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct OwnTraces(Mutex<BTreeMap<String, Of>>);

/// The spans of one name.
#[derive(Debug, Default)]
struct Of {
    steps: [Latest; STEPS.len()],
    failed: Latest,
}

#[derive(Debug, Default)]
struct Latest {
    count: u64,
    /// Newest last.
    spans: VecDeque<Span>,
}

#[derive(Debug)]
struct Span {
    end: UnixNanos,
    took: Duration,
    text: String,
}

impl OwnTraces {
    /// Keeps a span that ends now; `failed` says why it did, `detail` what it was about.
    pub(crate) fn record(
        &self,
        name: &str,
        end: UnixNanos,
        took: Duration,
        detail: Arguments<'_>,
        failed: Option<&str>,
    ) {
        let mut names = self.0.lock();
        if !names.contains_key(name) {
            if names.len() >= NAMES_MAX {
                return;
            }
            names.insert(name.to_owned(), Of::default());
        }
        let Some(of) = names.get_mut(name) else { return };
        let step = STEPS.iter().rposition(|(_, least)| took >= *least).unwrap_or(0);
        let latest = if failed.is_some() { &mut of.failed } else { &mut of.steps[step] };
        latest.count += 1;
        // The text that goes leaves its memory to the one that comes.
        let oldest = if latest.spans.len() == LATEST_MAX { latest.spans.pop_front() } else { None };
        let mut text = oldest.map_or_else(String::new, |span| span.text);
        text.clear();
        let _ = match failed {
            Some(why) => write!(text, "{detail}: {why}"),
            None => write!(text, "{detail}"),
        };
        text.truncate(foundation::text::beginning(&text, TEXT_BYTES_MAX).len());
        latest.spans.push_back(Span { end, took, text });
    }

    /// All of them, as JSON.
    pub(crate) fn shown(&self) -> Value {
        let latest = |latest: &Latest| {
            let span = |s: &Span| json!({"end_ms": s.end.as_millis(), "took_us": s.took.as_micros(), "what": s.text});
            json!({"count": latest.count, "latest": latest.spans.iter().rev().map(span).collect::<Vec<_>>()})
        };
        let of = |(name, of): (&String, &Of)| {
            let mut steps: Map<String, Value> = Map::new();
            for ((name, _), step) in STEPS.iter().zip(&of.steps).filter(|(_, step)| step.count > 0) {
                steps.insert((*name).to_owned(), latest(step));
            }
            if of.failed.count > 0 {
                steps.insert("failed".to_owned(), latest(&of.failed));
            }
            (name.clone(), Value::Object(steps))
        };
        Value::Object(self.0.lock().iter().map(of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_of_every_step_are_kept() {
        let traces = OwnTraces::default();
        for n in 0..20 {
            traces.record("receive", UnixNanos::from_secs(n), Duration::from_millis(2), format_args!("{n}"), None);
        }
        traces.record("receive", UnixNanos::from_secs(50), Duration::from_secs(700), format_args!("slow"), None);
        traces.record("receive", UnixNanos::from_secs(60), Duration::ZERO, format_args!("503"), Some("full"));
        let shown = traces.shown();
        let of = &shown["receive"];
        assert_eq!((&of[">1ms"]["count"], of[">1ms"]["latest"].as_array().unwrap().len()), (&json!(20), LATEST_MAX));
        assert_eq!(of[">1ms"]["latest"][0]["what"], "19");
        assert_eq!(of[">10s"]["latest"][0]["took_us"], 700_000_000);
        assert_eq!(of["failed"]["latest"][0]["what"], "503: full");
        traces.record("long", UnixNanos(0), Duration::ZERO, format_args!("{}", "ü".repeat(TEXT_BYTES_MAX)), None);
        let shown = traces.shown();
        assert_eq!(shown["long"][">0us"]["latest"][0]["what"].as_str().unwrap().len(), TEXT_BYTES_MAX);
        (0..2 * NAMES_MAX)
            .for_each(|n| traces.record(&n.to_string(), UnixNanos(0), Duration::ZERO, format_args!(""), None));
        assert_eq!(traces.shown().as_object().unwrap().len(), NAMES_MAX);
    }
}
