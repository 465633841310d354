//! What keeps alerts from being told: inhibition, silences, times, maintenance, acknowledgement; and how that is explained.

use serde_json::json;

use super::*;
use crate::manager::Acknowledgement;

const INHIBITING: &str = "
route: {receiver: team, group_by: [alertname, severity], group_wait: 1s, group_interval: 1m, repeat_interval: 1h}
receivers: [{name: team, webhook_configs: [{url: 'http://team'}]}]
inhibit_rules:
- source_matchers: ['severity=critical']
  target_matchers: ['severity=~\"warning|critical\"']
  equal: [service]
";

#[tokio::test]
async fn a_warning_is_quiet_while_the_critical_alert_fires() {
    let b = Bench::new(INHIBITING);
    let warning = [("alertname", "Slow"), ("severity", "warning"), ("service", "api")];
    let critical = [("alertname", "Down"), ("severity", "critical"), ("service", "api")];
    b.fire(&critical);
    b.fire(&[("alertname", "Down2"), ("severity", "critical"), ("service", "api")]);
    b.fire(&warning);
    b.fire(&[("alertname", "Slow"), ("severity", "warning"), ("service", "bot")]);
    b.pass(1).await;
    let told = b.told();
    assert_eq!(
        told,
        [
            "http://team first notification: Down2=firing",
            "http://team first notification: Down=firing",
            "http://team first notification: Slow=firing"
        ],
        "both criticals, though both fit both sides; and the warning of another service"
    );
    let why = b.why(&warning);
    assert!(why.answer.starts_with("Nobody was notified: it is inhibited by alert "), "{}", why.answer);
    assert_eq!(why.alert.unwrap().status.state(), "suppressed");
    b.resolve(&critical);
    b.resolve(&[("alertname", "Down2"), ("severity", "critical"), ("service", "api")]);
    b.pass(60).await;
    assert!(b.told().contains(&"http://team new alerts in group: Slow=firing Slow=firing".to_owned()));
    assert!(b.why(&warning).answer.starts_with("Somebody was notified: `team` by webhook[0] (http://team) was told"));
}

#[tokio::test]
async fn a_silence_hides_and_its_end_shows() {
    let b = Bench::new(PLAIN);
    let id = b.silence("alertname=A", 100);
    b.fire(&[("alertname", "A")]);
    b.pass(95).await;
    assert_eq!(b.told(), Vec::<String>::new());
    let why = b.why(&[("alertname", "A")]);
    assert_eq!(why.answer, format!("Nobody was notified: it is silenced by {id}."));
    assert_eq!(why.timeline.iter().filter(|e| e.kind == "silenced").count(), 1, "said once, not at every flush");
    let preview = b.manager.preview(&crate::manager::matchers::parse("alertname=~\".+\"").unwrap().matchers);
    assert_eq!((preview.alerts.len(), preview.quiet_already), (1, 1));
    b.pass(60).await;
    assert_eq!(b.told(), ["http://team first notification: A=firing"]);
}

const TIMED: &str = "
route:
  receiver: team
  group_wait: 1s
  group_interval: 1m
  routes:
  - {matchers: ['a=1'], receiver: team, mute_time_intervals: [weekend]}
  - {matchers: ['a=2'], receiver: team, active_time_intervals: [workdays]}
  - {matchers: ['a=3'], receiver: team, active_time_intervals: [weekend]}
receivers: [{name: team, webhook_configs: [{url: 'http://team'}]}]
time_intervals:
- {name: weekend, time_intervals: [{weekdays: [saturday, sunday]}]}
- {name: workdays, time_intervals: [{weekdays: ['monday:friday']}]}
maintenance_windows:
- {name: database, matchers: ['service=db'], times: [{times: [{start_time: '00:00', end_time: '23:00'}]}]}
";

#[tokio::test]
async fn routes_speak_at_their_times() {
    let b = Bench::new(TIMED);
    for a in ["1", "2", "3"] {
        b.fire(&[("alertname", "A"), ("a", a)]);
    }
    b.fire(&[("alertname", "M"), ("service", "db")]);
    b.pass(2).await;
    assert_eq!(b.told(), ["http://team first notification: A=firing"], "only the third, on a Saturday");
    let why = |labels| b.why(labels).answer;
    assert_eq!(
        why(&[("alertname", "A"), ("a", "1")]),
        "Nobody was notified: its route is muted by the time interval weekend."
    );
    assert_eq!(
        why(&[("alertname", "A"), ("a", "2")]),
        "Nobody was notified: its route speaks only within workdays, and now is outside."
    );
    assert_eq!(
        why(&[("alertname", "M"), ("service", "db")]),
        "Nobody was notified: the maintenance window database is open."
    );
    let muted: Vec<_> =
        b.manager.alerts(|_| true).into_iter().map(|v| v.status.muted_by).filter(|m| !m.is_empty()).collect();
    assert_eq!(muted.len(), 3, "{muted:?}");
}

#[tokio::test]
async fn maintenance_windows_are_made_and_removed() {
    let b = Bench::new(PLAIN);
    let refused = b.manager.set_window(&json!({"name": "w", "matchers": ["alertname=A"]})).err().unwrap();
    assert!(refused.to_string().contains("the window would never end"), "{refused}");
    let day = json!({"name": "w", "matchers": ["alertname=A"], "times": [{"weekdays": ["saturday"]}]});
    b.manager.set_window(&day).unwrap();
    b.fire(&[("alertname", "A")]);
    b.pass(20).await;
    assert_eq!(b.told(), Vec::<String>::new());
    let b = b.restart(PLAIN);
    assert_eq!(
        b.manager.windows().iter().map(|(w, _, open)| (w.name.as_str(), *open)).collect::<Vec<_>>(),
        [("w", true)]
    );
    b.manager.delete_window("w").unwrap();
    b.pass(60).await;
    assert_eq!(b.told().len(), 1);
}

#[tokio::test]
async fn what_somebody_takes_care_of_is_not_repeated() {
    let b = Bench::new(&PLAIN.replace("repeat_interval: 1h", "repeat_interval: 1m"));
    let labels = [("alertname", "A")];
    b.fire(&labels);
    b.pass(131).await;
    assert_eq!(b.told().len(), 2, "first and a repetition");
    let fingerprint = crate::Fingerprint::of(&Labels::from_pairs(labels));
    let by = Acknowledgement { by: "ann".to_owned(), comment: "on it".to_owned(), at: b.clock.now(), until: None };
    assert!(b.manager.acknowledge(fingerprint, Some(by)).unwrap());
    assert!(!b.manager.acknowledge(crate::Fingerprint(1), None).unwrap());
    let b = b.restart(&PLAIN.replace("repeat_interval: 1h", "repeat_interval: 1m"));
    b.pass(120).await;
    assert_eq!(b.told(), Vec::<String>::new());
    b.fire(&[("alertname", "A"), ("i", "2")]);
    b.pass(60).await;
    assert_eq!(b.told(), ["http://team new alerts in group: A=firing A=firing"], "what is new is told");
    b.resolve(&labels);
    b.pass(60).await;
    assert_eq!(b.told(), ["http://team new resolved alerts in group: A=resolved A=firing"]);
    b.manager.clean();
    assert_eq!(b.store.documents().list("acknowledgement").unwrap().len(), 0);
}
