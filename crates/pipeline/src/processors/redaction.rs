//! `redaction`: takes out attributes that are not allowed, and masks or hashes what must not be stored in values, bodies and names.
//!
//! Lists of keys and values as in the Collector's processor; the detectors (`detectors.rs`) are ours.

mod detectors;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use md5::Md5;
use model::Signal;
use regex::Regex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wire::otlp::tree::{Attributes, Text, Value};

use self::detectors::Detector;
use crate::component::{Processor, ProcessorFactory, Refused, SIGNALS, Setup, Step};
use crate::meters::{Labels, Reading};
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};

pub(super) const FACTORY: ProcessorFactory = ProcessorFactory { names: &["redaction"], signals: SIGNALS, build };

const MASK: &str = "****";

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    /// Keeps attributes whatever their keys are.
    allow_all_keys: bool,
    allowed_keys: Vec<String>,
    /// Kept, and their values are not looked at.
    ignored_keys: Vec<String>,
    ignored_key_patterns: Vec<String>,
    /// Values of such keys are masked as a whole.
    blocked_key_patterns: Vec<String>,
    blocked_values: Vec<String>,
    /// A value that one of these matches is left alone.
    allowed_values: Vec<String>,
    /// Numbers, lists and maps are looked into as well.
    redact_all_types: bool,
    /// `sha256` or `md5` instead of a mask.
    hash_function: String,
    summary: Summary,
    /// What is looked for besides the patterns: `email`, `card`, `token`, `ip`.
    detectors: Vec<String>,
}

/// What is said in attributes of a record about what was taken from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Summary {
    #[default]
    Silent,
    /// How many.
    Info,
    /// How many, and the keys.
    Debug,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Mask,
    Sha256,
    Md5,
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let c: Config = setup.read()?;
    let mut patterns = |setting: &str, list: &[String]| {
        let mut out = vec![];
        for (n, text) in list.iter().enumerate() {
            let wrong = |e: regex::Error| format!("it is not a pattern: {e}");
            out.push(Regex::new(text).map_err(|e| setup.error(&format!("{setting}[{n}]"), wrong(e)))?);
        }
        Ok(out)
    };
    let ignored_patterns = patterns("ignored_key_patterns", &c.ignored_key_patterns)?;
    let blocked_keys = patterns("blocked_key_patterns", &c.blocked_key_patterns)?;
    let blocked_values = patterns("blocked_values", &c.blocked_values)?;
    let allowed_values = patterns("allowed_values", &c.allowed_values)?;
    let hash = match &*c.hash_function {
        "" => Hash::Mask,
        "sha256" => Hash::Sha256,
        "md5" => Hash::Md5,
        other => {
            return Err(setup.error(
                "hash_function",
                format!("`{other}` is not known; write `sha256` or `md5`, or nothing to mask"),
            ));
        }
    };
    let mut detectors = vec![];
    for (n, name) in c.detectors.iter().enumerate() {
        let Some(detector) = Detector::of_name(name) else {
            let message = format!("`{name}` is not known; there is {}", Detector::NAMES.join(", "));
            return Err(setup.error(&format!("detectors[{n}]"), message));
        };
        detectors.push(detector);
    }
    let of_detectors = detectors.iter().map(|_| AtomicU64::new(0)).collect();
    Ok(Step::Each(Arc::new(Redaction {
        allow_all: c.allow_all_keys,
        allowed: c.allowed_keys,
        ignored: c.ignored_keys,
        ignored_patterns,
        blocked_keys,
        blocked_values,
        allowed_values,
        detectors,
        all_types: c.redact_all_types,
        hash,
        summary: c.summary,
        removed: AtomicU64::new(0),
        masked: AtomicU64::new(0),
        of_patterns: AtomicU64::new(0),
        of_keys: AtomicU64::new(0),
        of_detectors,
    })))
}

struct Redaction {
    allow_all: bool,
    allowed: Vec<String>,
    ignored: Vec<String>,
    ignored_patterns: Vec<Regex>,
    blocked_keys: Vec<Regex>,
    blocked_values: Vec<Regex>,
    allowed_values: Vec<Regex>,
    detectors: Vec<Detector>,
    all_types: bool,
    hash: Hash,
    summary: Summary,
    /// Attributes taken out since the start.
    removed: AtomicU64,
    /// Values masked since the start.
    masked: AtomicU64,
    /// Of these, texts that a blocked pattern was found in, values of blocked keys, and by detector; a text may have several.
    of_patterns: AtomicU64,
    of_keys: AtomicU64,
    of_detectors: Vec<AtomicU64>,
}

/// The keys of one map of attributes that something happened to.
#[derive(Default)]
struct Found {
    removed: Vec<Text>,
    masked: Vec<Text>,
    ignored: u64,
}

impl Redaction {
    fn attributes(&self, a: &mut Attributes) {
        let mut found = Found::default();
        a.retain(|key, value| {
            if self.ignored.iter().any(|k| k == key) || self.ignored_patterns.iter().any(|p| p.is_match(key)) {
                found.ignored += 1;
                return true;
            }
            if !self.allow_all && !self.allowed.iter().any(|k| k == key) {
                found.removed.push(key.into());
                return false;
            }
            if self.blocked_keys.iter().any(|p| p.is_match(key)) {
                *value = Value::from(self.replacement(&value.to_text()));
                self.of_keys.fetch_add(1, Ordering::Relaxed);
                found.masked.push(key.into());
            } else if self.value(value) {
                found.masked.push(key.into());
            }
            true
        });
        self.removed.fetch_add(found.removed.len() as u64, Ordering::Relaxed);
        self.masked.fetch_add(found.masked.len() as u64, Ordering::Relaxed);
        self.summarise(a, found);
    }

    fn summarise(&self, a: &mut Attributes, mut found: Found) {
        if self.summary == Summary::Silent {
            return;
        }
        for (what, keys) in [("redacted", &mut found.removed), ("masked", &mut found.masked)] {
            if keys.is_empty() {
                continue;
            }
            if self.summary == Summary::Debug {
                keys.sort();
                a.set(&format!("redaction.{what}.keys"), keys.join(","));
            }
            a.set(&format!("redaction.{what}.count"), keys.len() as i64);
        }
        if found.ignored > 0 {
            a.set("redaction.ignored.count", found.ignored as i64);
        }
    }

    /// Masks what has to be masked in a value; returns whether there was any.
    fn value(&self, value: &mut Value) -> bool {
        match value {
            Value::Str(text) => match self.text(text) {
                Some(new) => {
                    *text = new;
                    true
                }
                None => false,
            },
            Value::Array(items) if self.all_types => items.iter_mut().fold(false, |any, v| self.value(v) | any),
            Value::Map(map) if self.all_types => map.iter_mut().fold(false, |any, (_, v)| self.value(v) | any),
            Value::Int(_) | Value::Double(_) if self.all_types => match self.text(&value.to_text()) {
                Some(new) => {
                    *value = Value::Str(new);
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    /// The text with what has to be masked masked; `None` when there is nothing.
    fn text(&self, text: &str) -> Option<Text> {
        if self.allowed_values.iter().any(|p| p.is_match(text)) {
            return None;
        }
        let mut out: Option<String> = None;
        for pattern in &self.blocked_values {
            let now = out.as_deref().unwrap_or(text);
            if pattern.is_match(now) {
                self.of_patterns.fetch_add(1, Ordering::Relaxed);
                out = Some(pattern.replace_all(now, |m: &regex::Captures<'_>| self.replacement(&m[0])).into_owned());
            }
        }
        for (detector, count) in self.detectors.iter().zip(&self.of_detectors) {
            if let Some(new) = detector.replaced(out.as_deref().unwrap_or(text), |found| self.replacement(found)) {
                count.fetch_add(1, Ordering::Relaxed);
                out = Some(new);
            }
        }
        out.map(Text::from)
    }

    fn replacement(&self, found: &str) -> String {
        let hex = |digest: &[u8]| digest.iter().map(|b| format!("{b:02x}")).collect();
        match self.hash {
            Hash::Mask => MASK.to_owned(),
            Hash::Sha256 => hex(&Sha256::digest(found.as_bytes())),
            Hash::Md5 => hex(&Md5::digest(found.as_bytes())),
        }
    }

    fn in_place(&self, text: &mut Text) {
        if let Some(new) = self.text(text) {
            *text = new;
            self.masked.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Processor for Redaction {
    fn readings(&self, processor: &str) -> Vec<Reading> {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let labels = |more: Option<&str>| -> Labels {
            let by = more.map(|by| ("by", by.to_owned()));
            std::iter::once(("processor", processor.to_owned())).chain(by).collect()
        };
        let found = "bellrock_processor_redaction_found";
        let detectors = self.detectors.iter().zip(&self.of_detectors);
        let mut all = vec![
            Reading::counter("bellrock_processor_redaction_removed", labels(None), of(&self.removed)),
            Reading::counter("bellrock_processor_redaction_masked", labels(None), of(&self.masked)),
            Reading::counter(found, labels(Some("blocked_key_patterns")), of(&self.of_keys)),
            Reading::counter(found, labels(Some("blocked_values")), of(&self.of_patterns)),
        ];
        all.extend(detectors.map(|(d, n)| Reading::counter(found, labels(Some(d.name())), of(n))));
        all
    }

    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        match telemetry.tree_mut()? {
            Tree::Traces(t) => {
                for r in &mut t.resources {
                    self.attributes(&mut r.resource.attributes);
                    r.scopes.iter_mut().for_each(|s| self.attributes(&mut s.scope.attributes));
                }
                for span in t.records_mut() {
                    self.attributes(&mut span.attributes);
                    self.in_place(&mut span.name);
                    self.in_place(&mut span.status.message);
                    span.events.iter_mut().for_each(|e| self.attributes(&mut e.attributes));
                    span.links.iter_mut().for_each(|l| self.attributes(&mut l.attributes));
                }
            }
            Tree::Logs(t) => {
                for r in &mut t.resources {
                    self.attributes(&mut r.resource.attributes);
                    r.scopes.iter_mut().for_each(|s| self.attributes(&mut s.scope.attributes));
                }
                for log in t.records_mut() {
                    self.attributes(&mut log.attributes);
                    match &mut log.body {
                        // The keys of a body are no attributes: only values that are blocked are masked, at any depth.
                        body @ (Value::Map(_) | Value::Array(_)) => {
                            self.masked.fetch_add(u64::from(self.nested(body)), Ordering::Relaxed);
                        }
                        body => {
                            self.masked.fetch_add(u64::from(self.value(body)), Ordering::Relaxed);
                        }
                    }
                }
            }
            Tree::Metrics(t) => {
                for r in &mut t.resources {
                    self.attributes(&mut r.resource.attributes);
                    r.scopes.iter_mut().for_each(|s| self.attributes(&mut s.scope.attributes));
                }
                for metric in t.records_mut() {
                    metric.data.attributes_mut().into_iter().for_each(|a| self.attributes(a));
                }
            }
        }
        Ok(Some(telemetry))
    }
}

impl Redaction {
    fn nested(&self, value: &mut Value) -> bool {
        match value {
            Value::Array(items) => items.iter_mut().fold(false, |any, v| self.nested(v) | any),
            Value::Map(map) => map.iter_mut().fold(false, |any, (k, v)| {
                if self.blocked_keys.iter().any(|p| p.is_match(k)) {
                    *v = Value::from(self.replacement(&v.to_text()));
                    return true;
                }
                self.nested(v) | any
            }),
            other => self.value(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::otlp::tree::{Event, LogRecord};

    use super::super::testing::{attributes, built, log, of_service, process, processor, shown, span};
    use super::*;

    fn redacted(yaml: &str, record: LogRecord) -> LogRecord {
        let p = processor(&FACTORY, Signal::Logs, yaml);
        let Some(Tree::Logs(t)) = process(&*p, of_service("s", vec![record])) else { panic!() };
        t.records().next().unwrap().clone()
    }

    fn record() -> LogRecord {
        let a = [
            ("user", "ann@example.com".into()),
            ("n", Value::Int(4_111_111_111_111_111)),
            ("password", "x".into()),
            ("id", "7".into()),
        ];
        LogRecord { attributes: attributes(a), ..log("mail to ann@example.com from 10.1.2.3") }
    }

    #[test]
    fn keys_that_are_not_allowed_go_and_blocked_ones_are_masked() {
        let yaml = "allowed_keys: [user, password, service.name]\nignored_keys: [id]\nblocked_key_patterns: [pass]\nsummary: debug";
        assert_eq!(
            shown(&redacted(yaml, record()).attributes),
            "user=ann@example.com password=**** id=7 redaction.redacted.keys=n redaction.redacted.count=1 redaction.masked.keys=password redaction.masked.count=1 redaction.ignored.count=1"
        );
    }

    #[test]
    fn values_are_masked_or_hashed_in_attributes_and_bodies() {
        let yaml = "allow_all_keys: true\ndetectors: [email, card, ip]\nredact_all_types: true\nsummary: info";
        let log = redacted(yaml, record());
        assert_eq!(shown(&log.attributes), "user=**** n=**** password=x id=7 redaction.masked.count=2");
        assert_eq!(log.body.as_str(), Some("mail to **** from ****"));
        let yaml = "allow_all_keys: true\nblocked_values: ['[a-z]+@example.com']\nallowed_values: ['^ann@']\nhash_function: md5";
        let log = redacted(yaml, record());
        assert_eq!(log.attributes.text("user"), Some("ann@example.com"));
        let hashed = format!("mail to {:x} from 10.1.2.3", Md5::digest(b"ann@example.com"));
        assert_eq!(log.body.as_str(), Some(&*hashed));
        let mut nested = record();
        nested.body = Value::from_json(&serde_json::json!({"a": ["x", {"password": 1, "to": "bob@example.com"}]}));
        let yaml = "allow_all_keys: true\ndetectors: [email]\nblocked_key_patterns: [password]";
        assert_eq!(redacted(yaml, nested).body.to_text(), r#"{"a":["x",{"password":"****","to":"****"}]}"#);
    }

    #[test]
    fn spans_have_names_messages_and_events() {
        let p = processor(&FACTORY, Signal::Traces, "allow_all_keys: true\ndetectors: [email]");
        let mut s = span(1, 1, "send ann@example.com");
        s.status.message = "no such user: ann@example.com".into();
        s.events = vec![Event {
            attributes: attributes([("exception.message", "ann@example.com".into())]),
            ..Event::default()
        }];
        let Some(Tree::Traces(t)) = process(&*p, of_service("s", vec![s])) else { panic!() };
        let s = t.records().next().unwrap();
        assert_eq!(
            (&*s.name, &*s.status.message, shown(&s.events[0].attributes)),
            ("send ****", "no such user: ****", "exception.message=****".to_owned())
        );
    }

    #[test]
    fn what_was_found_is_counted_by_what_found_it() {
        use super::super::testing::{log, of_service, process, processor};
        let yaml = "{allow_all_keys: true, detectors: [email, ip], blocked_values: ['4711']}";
        let p = processor(&FACTORY, Signal::Logs, yaml);
        let logs =
            vec![log("from ann@example.com at 10.0.0.1"), log("bob@example.com"), log("nothing"), log("no. 4711")];
        process(&*p, of_service("s", logs));
        let readings = p.readings("redaction/x").into_iter();
        let shown: Vec<String> =
            readings.map(|r| format!("{} {} {}", r.name, r.labels.last().unwrap().1, r.value)).collect();
        let found = "bellrock_processor_redaction_found";
        let expected = [
            "bellrock_processor_redaction_removed redaction/x 0".to_owned(),
            "bellrock_processor_redaction_masked redaction/x 3".to_owned(),
            format!("{found} blocked_key_patterns 0"),
            format!("{found} blocked_values 1"),
            format!("{found} email 2"),
            format!("{found} ip 1"),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn mistakes_are_told() {
        for (yaml, message) in [
            ("blocked_values: ['(']", "not a pattern"),
            ("detectors: [phone]", "there is email, card, token, ip"),
            ("hash_function: crc", "`sha256` or `md5`"),
        ] {
            let Err(said) = built(&FACTORY, Signal::Logs, yaml) else { panic!("{yaml}") };
            assert!(said.contains(message), "{said}");
        }
    }
}
