//! The process ends at any moment: what was acknowledged is told, and what was told is not told again.

use super::*;

#[tokio::test]
async fn alerts_silences_and_the_log_survive() {
    let b = Bench::new(PLAIN);
    b.fire(&[("alertname", "A")]);
    b.fire(&[("alertname", "B")]);
    b.silence("alertname=B", 10_000);
    b.pass(10).await;
    assert_eq!(b.told(), ["http://team first notification: A=firing"]);
    let b = b.restart(PLAIN);
    b.pass(60).await;
    assert_eq!(b.told(), Vec::<String>::new(), "told before, or silenced");
    assert_eq!(b.manager.stats().alerts, 2);
    b.resolve(&[("alertname", "A")]);
    let b = b.restart(PLAIN);
    b.pass(60).await;
    assert_eq!(b.told(), ["http://team all alerts resolved: A=resolved"], "the end is told by the next process");
}

#[tokio::test]
async fn a_long_stop_does_not_end_what_fires() {
    let b = Bench::new(PLAIN);
    b.fire(&[("alertname", "A")]);
    b.pass(10).await;
    assert_eq!(b.told().len(), 1);
    b.clock.advance(Duration::from_secs(3000));
    let b = b.restart(PLAIN);
    b.pass(60).await;
    b.fire(&[("alertname", "A")]);
    b.pass(120).await;
    assert_eq!(b.told(), Vec::<String>::new(), "its sender said in time that it still fires");
}

/// At every second of its life the process may end. Each alert is told once that it fires and once that it ended.
#[tokio::test]
async fn at_whatever_second_it_ends_each_alert_is_told_once() {
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    for _ in 0..12 {
        let mut b = Bench::new(PLAIN);
        let mut told = Vec::new();
        let names: Vec<String> = (0..5).map(|n| format!("N{n}")).collect();
        for second in 0..200 {
            if let Some(name) = names.get(second / 10).filter(|_| second % 10 == 0 && second < 50) {
                b.fire(&[("alertname", name)]);
            }
            if second == 120 {
                names.iter().for_each(|name| b.resolve(&[("alertname", name)]));
            }
            if next(7) == 0 {
                b = b.restart(PLAIN);
            }
            b.pass(1).await;
            told.extend(b.told());
        }
        told.sort();
        let mut expected: Vec<String> = names
            .iter()
            .flat_map(|n| {
                [
                    format!("http://team all alerts resolved: {n}=resolved"),
                    format!("http://team first notification: {n}=firing"),
                ]
            })
            .collect();
        expected.sort();
        assert_eq!(told, expected);
    }
}
