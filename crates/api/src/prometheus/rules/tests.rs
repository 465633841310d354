//! What is shown of rules, with the shapes of Prometheus's documentation.

use std::time::Duration;

use foundation::UnixNanos;
use model::Labels;

use super::*;
use crate::sources::AlertState;

fn rule_of(name: &str, alerting: Option<Alerting>) -> Rule {
    Rule {
        name: name.into(),
        query: "up == 0".into(),
        labels: Labels::from_pairs([("severity", "page")]),
        last_error: None,
        evaluated: true,
        evaluation_time: Duration::from_micros(500),
        last_evaluation: Some(UnixNanos(1_795_357_800_500_000_000)),
        alerting,
    }
}

fn group(name: &str) -> RuleGroup {
    let alert = |state| Alert {
        labels: Labels::from_pairs([("alertname", "Down")]),
        annotations: Labels::default(),
        state,
        active_at: UnixNanos(1_795_357_800_000_000_000),
        keep_firing_since: None,
        value: 0.0,
    };
    let alerting = Alerting {
        hold: Duration::from_secs(300),
        keep_firing: Duration::ZERO,
        annotations: Labels::from_pairs([("summary", "down")]),
        alerts: vec![alert(AlertState::Pending), alert(AlertState::Firing)],
    };
    RuleGroup {
        name: name.into(),
        file: "rules.yml".into(),
        interval: Duration::from_secs(60),
        limit: 0,
        rules: vec![rule_of("Down", Some(alerting)), rule_of("job:up:sum", None)],
        evaluation_time: Duration::from_millis(1),
        last_evaluation: None,
    }
}

fn shown(query: &str, groups: &[RuleGroup]) -> Vec<Value> {
    let filter = Filter::read(&Params::of(query)).unwrap();
    groups.iter().filter_map(|g| filter.group(g)).collect()
}

#[test]
fn a_group_has_the_shape_of_prometheus() {
    let print = alerting::Fingerprint::of(&Labels::from_pairs([("alertname", "Down")])).to_string();
    let expected = json!([{
        "name": "g", "file": "rules.yml", "interval": 60.0, "limit": 0, "evaluationTime": 0.001,
        "lastEvaluation": "0001-01-01T00:00:00Z",
        "rules": [
            {
                "name": "Down", "query": "up == 0", "type": "alerting", "state": "firing", "health": "ok",
                "labels": {"severity": "page"}, "annotations": {"summary": "down"}, "duration": 300.0, "keepFiringFor": 0.0,
                "evaluationTime": 0.0005, "lastEvaluation": "2026-11-22T14:30:00.5Z",
                "alerts": [
                    {"labels": {"alertname": "Down"}, "annotations": {}, "state": "pending", "activeAt": "2026-11-22T14:30:00Z", "value": "0e+00", "fingerprint": print},
                    {"labels": {"alertname": "Down"}, "annotations": {}, "state": "firing", "activeAt": "2026-11-22T14:30:00Z", "value": "0e+00", "fingerprint": print},
                ],
            },
            {
                "name": "job:up:sum", "query": "up == 0", "type": "recording", "health": "ok", "labels": {"severity": "page"},
                "evaluationTime": 0.0005, "lastEvaluation": "2026-11-22T14:30:00.5Z",
            },
        ],
    }]);
    assert_eq!(json!(shown("", &[group("g")])), expected);
}

#[test]
fn rules_are_filtered() {
    let groups = [group("a"), group("b")];
    let names = |query: &str| -> Vec<String> {
        let rules = shown(query, &groups).into_iter().flat_map(|g| g["rules"].as_array().unwrap().clone());
        rules.map(|r| r["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("type=alert"), ["Down", "Down"]);
    assert_eq!(names("type=record&rule_group[]=b"), ["job:up:sum"]);
    assert_eq!(names("match[]={severity=\"none\"}"), [""; 0]);
    assert_eq!(shown("rule_name[]=none", &groups).len(), 0);
    assert_eq!(shown("file[]=other.yml", &groups).len(), 0);
    assert!(shown("exclude_alerts=true", &groups)[0]["rules"][0].get("alerts").is_none());
    for wrong in ["type=x", "exclude_alerts=perhaps", "match[]={"] {
        assert!(Filter::read(&Params::of(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn pages_follow_each_other() {
    let groups = [group("a"), group("b"), group("c")];
    let page = |query: &str| {
        let (page, next) = Page::read(&Params::of(query))?.of(groups.to_vec())?;
        Ok::<_, PromError>((page.iter().map(|g| g.name.clone()).collect::<Vec<_>>(), next))
    };
    let (first, next) = page("group_limit=2").unwrap();
    assert_eq!(first, ["a", "b"]);
    let (second, end) = page(&format!("group_limit=2&group_next_token={}", next.unwrap())).unwrap();
    assert_eq!((second, end), (vec!["c".to_owned()], None));
    assert!(page("group_next_token=x").is_err());
    assert!(page("group_limit=2&group_next_token=x").is_err());
}

#[test]
fn an_alert_of_many_is_written_as_one_of_a_rule() {
    let mut group = group("g");
    let alerting = group.rules[0].alerting.as_mut().unwrap();
    alerting.alerts[1].keep_firing_since = Some(UnixNanos(1_795_357_800_000_000_000));
    alerting.alerts[1].annotations = Labels::from_pairs([("summary", "a \"b\"\n")]);
    for a in &alerting.alerts {
        let mut text = Vec::new();
        write_alert(&mut text, a);
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), alert(a));
    }
}
