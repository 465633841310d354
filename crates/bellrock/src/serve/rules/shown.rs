//! Groups of rules in the words of the faces.

use alerting::rules::{Engine, GroupView, Instance, RuleView};
use api::sources::{Alert, Alerting, Rule, RuleGroup};
use model::Labels;

/// All groups as they are now.
pub(crate) fn rule_groups(engine: &Engine) -> Vec<RuleGroup> {
    engine.groups().iter().map(|g| group(g)).collect()
}

fn group(g: &GroupView) -> RuleGroup {
    RuleGroup {
        name: g.group.name.clone(),
        file: g.file.clone(),
        interval: g.interval,
        limit: g.group.limit as u64,
        rules: g.rules.iter().map(rule).collect(),
        evaluation_time: g.last.map(|l| l.took).unwrap_or_default(),
        last_evaluation: g.last.map(|l| l.at),
    }
}

fn rule(r: &RuleView) -> Rule {
    let texts = |t: &alerting::rules::spec::Texts| t.iter().cloned().collect::<Labels>();
    Rule {
        name: r.rule.name.clone(),
        query: r.rule.expression.text().to_owned(),
        labels: texts(&r.rule.labels),
        last_error: r.error.clone(),
        evaluated: r.last.is_some(),
        evaluation_time: r.last.map(|(_, took)| took).unwrap_or_default(),
        last_evaluation: r.last.map(|(at, _)| at),
        alerting: r.rule.alerting.as_ref().map(|a| Alerting {
            hold: a.hold,
            keep_firing: a.keep_firing,
            annotations: texts(&a.annotations),
            alerts: r.alerts.iter().map(alert).collect(),
        }),
    }
}

fn alert(a: &Instance) -> Alert {
    Alert {
        labels: a.labels.clone(),
        annotations: a.annotations.clone(),
        state: a.state,
        active_at: a.active_at,
        keep_firing_since: a.keep_firing_since,
        value: a.value,
    }
}
