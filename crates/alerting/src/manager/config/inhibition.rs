//! `inhibit_rules`, and which of them can never do anything.

use std::collections::BTreeMap;

use model::Labels;
use serde::Deserialize;
use yaml::{Findings, Node, Place};

use super::route::read_matchers;
use crate::alert::ALERTNAME;
use crate::manager::matchers::{Matchers, Op};

/// While an alert of the source fires, those of the target that agree with it in `equal` are quiet.
#[derive(Debug, Clone)]
pub struct InhibitRule {
    /// May be empty.
    pub name: String,
    /// What keeps others quiet.
    pub source: Matchers,
    /// What is kept quiet.
    pub target: Matchers,
    /// Labels in which both agree; missing is empty.
    pub equal: Vec<String>,
    /// Where it is written.
    pub place: Place,
    /// `inhibit_rules[0]`.
    pub path: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    name: String,
    source_match: BTreeMap<String, String>,
    source_match_re: BTreeMap<String, String>,
    source_matchers: Vec<String>,
    target_match: BTreeMap<String, String>,
    target_match_re: BTreeMap<String, String>,
    target_matchers: Vec<String>,
    equal: Vec<String>,
}

pub(super) fn read(node: Option<&Node>, findings: &mut Findings) -> Vec<InhibitRule> {
    let items = node.map(Node::items).unwrap_or_default();
    let mut rules = Vec::new();
    for (at, node) in items.iter().enumerate() {
        let path = format!("inhibit_rules[{at}]");
        let Some(raw) = node.read::<Raw>(&path, findings) else { continue };
        let source = [("source_match", &raw.source_match), ("source_match_re", &raw.source_match_re)];
        let target = [("target_match", &raw.target_match), ("target_match_re", &raw.target_match_re)];
        let rule = InhibitRule {
            name: raw.name,
            source: read_matchers(node, &path, source, ("source_matchers", &raw.source_matchers), findings),
            target: read_matchers(node, &path, target, ("target_matchers", &raw.target_matchers), findings),
            equal: raw.equal,
            place: node.place.clone(),
            path,
        };
        without_rules(&rule, findings);
        rules.push(rule);
    }
    rules
}

/// What can be said without knowing the alerts.
fn without_rules(rule: &InhibitRule, findings: &mut Findings) {
    let InhibitRule { place, path, .. } = rule;
    if let Some((label, [source, target])) = contradiction(rule) {
        let message = format!(
            "can never match: `equal` has `{label}`, which is `{source}` in the source and `{target}` in the target"
        );
        findings.warning(place, path, message, format!("take `{label}` out of `equal`"), None);
        return;
    }
    let named = rule.source.0.iter().any(|m| m.name == ALERTNAME);
    if rule.equal.iter().any(|l| l == ALERTNAME) && !named && rule.source != rule.target {
        let message = format!(
            "acts only between alerts of one and the same name: one that fits {} and one that fits {}; where every alert \
             name has one severity it can never match",
            rule.source, rule.target
        );
        let others: Vec<_> = rule.equal.iter().filter(|l| *l != ALERTNAME).map(String::as_str).collect();
        findings.warning(
            place,
            path,
            message,
            format!("write `equal: [{}]`, if alerts of other names are meant", others.join(", ")),
            None,
        );
    }
}

/// A label of `equal` that is fixed to different values on both sides.
fn contradiction(rule: &InhibitRule) -> Option<(&str, [&str; 2])> {
    rule.equal.iter().find_map(|label| {
        let [source, target] = [&rule.source, &rule.target].map(|of| fixed(of, label));
        source.zip(target).filter(|(s, t)| s != t).map(|(s, t)| (label.as_str(), [s, t]))
    })
}

/// The only value that a label can have.
fn fixed<'a>(of: &'a Matchers, label: &str) -> Option<&'a str> {
    of.0.iter().find(|m| m.name == label && m.op == Op::Equal).map(|m| m.value.as_str())
}

/// What can be said when the labels of all alerts are known, as far as rules fix them. A label that a rule does not fix
/// may have any value.
pub(super) fn check(rules: &[InhibitRule], alerts: &[Labels], findings: &mut Findings) {
    for rule in rules {
        if contradiction(rule).is_some() || alerts.is_empty() {
            continue;
        }
        let fits = |of: &Matchers, labels: &Labels| {
            of.0.iter().all(|m| labels.get(&m.name).is_empty() || m.matches_value(labels.get(&m.name)))
        };
        let sources: Vec<_> = alerts.iter().filter(|a| fits(&rule.source, a)).collect();
        let targets: Vec<_> = alerts.iter().filter(|a| fits(&rule.target, a)).collect();
        let agree = |a: &Labels, b: &Labels| {
            rule.equal.iter().all(|l| a.get(l).is_empty() || b.get(l).is_empty() || a.get(l) == b.get(l))
        };
        if !targets.iter().any(|t| sources.iter().any(|s| agree(s, t))) {
            let message = format!(
                "can never match: no two of the {} alert rules fit {} and {} and agree in {}",
                alerts.len(),
                rule.source,
                rule.target,
                rule.equal.join(", ")
            );
            findings.warning(
                &rule.place,
                &rule.path,
                message,
                "look at `equal`: `alertname` belongs there only when one name has both",
                None,
            );
        }
    }
}
