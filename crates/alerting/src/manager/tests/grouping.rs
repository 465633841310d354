//! Groups: waits, intervals, repetition, ends, keys, and a configuration that changes meanwhile.

use super::*;

#[tokio::test]
async fn a_group_waits_then_tells_what_is_new_then_repeats() {
    let b = Bench::new(PLAIN);
    b.fire(&[("alertname", "A"), ("i", "1")]);
    b.pass(9).await;
    assert_eq!(b.told(), Vec::<String>::new());
    b.pass(1).await;
    assert_eq!(b.told(), ["http://team first notification: A=firing"]);
    b.fire(&[("alertname", "A"), ("i", "2")]);
    b.pass(59).await;
    assert_eq!(b.told(), Vec::<String>::new(), "not before the interval");
    b.pass(1).await;
    assert_eq!(b.told(), ["http://team new alerts in group: A=firing A=firing"]);
    for _ in 0..60 {
        b.pass(60).await;
        b.fire(&[("alertname", "A"), ("i", "1")]);
        b.fire(&[("alertname", "A"), ("i", "2")]);
    }
    assert_eq!(b.told(), Vec::<String>::new(), "an hour is not over before the tick after it");
    b.pass(60).await;
    assert_eq!(b.told(), ["http://team repeat interval elapsed: A=firing A=firing"]);
    b.resolve(&[("alertname", "A"), ("i", "1")]);
    b.pass(60).await;
    assert_eq!(b.told(), ["http://team new resolved alerts in group: A=resolved A=firing"]);
    b.resolve(&[("alertname", "A"), ("i", "2")]);
    b.pass(60).await;
    assert_eq!(b.told(), ["http://team all alerts resolved: A=resolved"]);
    assert_eq!(b.manager.stats().groups, 0);
    b.manager.clean();
    assert_eq!((b.manager.stats().alerts, b.store.alerts().unwrap().len()), (0, 0));
}

#[tokio::test]
async fn what_ends_before_the_first_message_is_never_told() {
    let b = Bench::new(PLAIN);
    b.fire(&[("alertname", "A")]);
    b.pass(5).await;
    b.resolve(&[("alertname", "A")]);
    b.pass(120).await;
    assert_eq!((b.told().len(), b.manager.stats().groups), (0, 0));
    let why = b.why(&[("alertname", "A")]);
    assert!(why.answer.starts_with("Nobody was notified: it ended at "), "{}", why.answer);
    assert!(!why.notified);
}

#[tokio::test]
async fn what_is_not_sent_again_ends_by_time() {
    let b = Bench::new(PLAIN);
    b.fire(&[("alertname", "A")]);
    b.pass(299).await;
    assert_eq!(b.told().len(), 1);
    b.pass(20).await;
    assert_eq!(b.told(), ["http://team all alerts resolved: A=resolved"]);
    let story = b.why(&[("alertname", "A")]).story.join("\n");
    assert!(story.contains("said by time: the sender did not repeat it"), "{story}");
}

#[tokio::test]
async fn an_alert_that_fires_for_long_does_not_wait() {
    let b = Bench::new(PLAIN);
    let labels = Labels::from_pairs([("alertname", "A")]);
    let starts_at = Some(b.clock.now().minus(Duration::from_secs(60)));
    b.manager.post(vec![PostedAlert { labels, starts_at, ..Default::default() }]).unwrap();
    b.manager.step().await;
    assert_eq!(b.told().len(), 1);
}

const ROUTED: &str = "
route:
  receiver: all
  group_by: [alertname]
  group_wait: 1s
  routes:
  - matchers: ['severity=\"critical\"']
    receiver: pager
    continue: true
  - match_re: {team: 'a|b'}
    group_by: ['...']
    receiver: team
    routes:
    - matchers: ['team=b']
      receiver: b
receivers:
- {name: all, webhook_configs: [{url: 'http://all'}]}
- {name: pager, webhook_configs: [{url: 'http://pager', send_resolved: false}]}
- {name: team, webhook_configs: [{url: 'http://team'}, {url: 'http://team2'}]}
- {name: b, webhook_configs: [{url: 'http://b'}]}
";

#[tokio::test]
async fn routes_are_walked_depth_first_and_name_the_group() {
    let b = Bench::new(ROUTED);
    b.fire(&[("alertname", "A"), ("severity", "critical"), ("team", "a")]);
    b.fire(&[("alertname", "B"), ("team", "b")]);
    b.fire(&[("alertname", "C")]);
    b.pass(1).await;
    let keys: Vec<_> = b.desk.told.lock().iter().map(|(url, n)| (url.clone(), n.group_key.clone())).collect();
    assert!(
        keys.contains(&("http://pager".to_owned(), r#"{}/{severity="critical"}:{alertname="A"}"#.to_owned())),
        "{keys:?}"
    );
    let team = r#"{}/{team=~"^(?:a|b)$"}:{alertname="A", severity="critical", team="a"}"#.to_owned();
    assert!(keys.contains(&("http://team".to_owned(), team.clone())), "{keys:?}");
    assert!(keys.contains(&("http://team2".to_owned(), team)), "{keys:?}");
    let nested = r#"{}/{team=~"^(?:a|b)$"}/{team="b"}:{alertname="B", team="b"}"#.to_owned();
    assert!(keys.contains(&("http://b".to_owned(), nested)), "{keys:?}");
    assert!(keys.contains(&("http://all".to_owned(), r#"{}:{alertname="C"}"#.to_owned())), "{keys:?}");
    assert_eq!(keys.len(), 5);
    b.told();
    b.resolve(&[("alertname", "A"), ("severity", "critical"), ("team", "a")]);
    b.pass(300).await;
    let told = b.told();
    assert!(!told.iter().any(|t| t.starts_with("http://pager")), "it does not want to hear of ends: {told:?}");
    assert!(told.contains(&"http://team all alerts resolved: A=resolved".to_owned()), "{told:?}");
}

#[tokio::test]
async fn a_reload_keeps_groups_and_what_was_told() {
    let b = Bench::new(PLAIN);
    b.fire(&[("alertname", "A")]);
    b.pass(10).await;
    assert_eq!(b.told().len(), 1);
    b.fire(&[("alertname", "B")]);
    b.pass(5).await;
    b.manager.reload(config(&PLAIN.replace("group_interval: 1m", "group_interval: 2m"), &b.desk));
    b.pass(4).await;
    assert_eq!(b.told(), Vec::<String>::new());
    b.pass(1).await;
    assert_eq!(b.told(), ["http://team first notification: B=firing"], "its wait went on");
    b.pass(200).await;
    assert_eq!(b.told(), Vec::<String>::new(), "nobody is told twice");
    assert_eq!(b.manager.stats().groups, 2);
}

#[tokio::test]
async fn a_clock_that_jumps_pages_nobody() {
    let b = Bench::new(PLAIN);
    b.fire(&[("alertname", "A")]);
    b.pass(10).await;
    assert_eq!(b.told().len(), 1);
    for by in [3600_i64, -3600] {
        b.clock.set(UnixNanos(b.clock.now().0 + by * 1_000_000_000));
        b.manager.shift(by * 1_000_000_000);
        b.pass(70).await;
        assert_eq!(b.told(), Vec::<String>::new(), "{by}");
        b.fire(&[("alertname", "A")]);
    }
    b.pass(400).await;
    assert_eq!(b.told(), ["http://team all alerts resolved: A=resolved"]);
}
