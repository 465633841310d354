//! As many alerts and groups as there may be.

use super::*;

const MANY: &str = "
route: {receiver: team, group_by: [group], group_wait: 10s, group_interval: 5m}
receivers: [{name: team, webhook_configs: [{url: 'http://team'}]}]
inhibit_rules:
- {source_matchers: ['severity=critical'], target_matchers: ['severity=warning'], equal: [group]}
";

/// 50,000 alerts in 1,000 groups; prints what they cost. Times are those of an unoptimised build.
#[tokio::test]
async fn fifty_thousand_alerts_in_a_thousand_groups() {
    let b = Bench::new(MANY);
    for n in 0..100 {
        b.silence(&format!("group=g{n},instance=~\"i1.*\""), 10_000);
    }
    let alert = |n: u32| {
        let labels = [
            ("alertname", format!("Alert{}", n % 50)),
            ("group", format!("g{}", n % 1000)),
            ("instance", format!("i{n}")),
            ("severity", if n % 100 == 7 { "critical" } else { "warning" }.to_owned()),
        ];
        let labels = Labels::from_pairs(labels.iter().map(|(k, v)| (*k, v.as_str())));
        PostedAlert { labels, ..Default::default() }
    };
    let begin = Instant::now();
    for from in (0..50_000).step_by(1000) {
        let posted = b.manager.post((from..from + 1000).map(alert).collect()).unwrap();
        assert_eq!(posted.accepted, 1000);
    }
    let taken = begin.elapsed();
    assert_eq!((b.manager.stats().alerts, b.manager.stats().groups), (50_000, 1000));
    b.clock.advance(Duration::from_secs(10));
    let begin = Instant::now();
    b.manager.step().await;
    let told = begin.elapsed();
    assert_eq!(b.desk.told.lock().len(), 1000, "every group has something to say");
    let begin = Instant::now();
    assert_eq!(b.manager.alerts(|_| true).len(), 50_000);
    let shown = begin.elapsed();
    println!("50,000 alerts: taken in {taken:?}; 1,000 groups told in {told:?}; all shown in {shown:?}");
}
