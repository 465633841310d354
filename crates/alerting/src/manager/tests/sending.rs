//! Attempts: repeated until delivered, given up when nothing helps, never in the way of others, always on record.

use metastore::DeliveryQuery;

use super::*;

const TWO: &str = "
route: {receiver: both, group_by: [alertname], group_wait: 1s, group_interval: 1m}
receivers: [{name: both, webhook_configs: [{url: 'http://good'}, {url: 'http://bad'}]}]
";

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_and_does_not_hold_back_others() {
    let b = Bench::new(TWO);
    b.fails("http://bad", Outcome::Retry { after: None }, 3);
    b.fire(&[("alertname", "A")]);
    b.pass(1).await;
    assert_eq!(b.told(), ["http://bad first notification: A=firing", "http://good first notification: A=firing"]);
    let log = b.store.deliveries(&DeliveryQuery::default()).unwrap();
    assert_eq!(log.iter().map(|d| d.body["attempt_count"].as_u64().unwrap()).collect::<Vec<_>>(), [4, 1]);
    assert_eq!(log[0].body["attempts"][0]["reason"], "the other side is busy");
    assert_eq!(b.manager.stats().retried, 3);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_kept() {
    let b = Bench::new(TWO);
    b.fails("http://bad", Outcome::Retry { after: Some(Duration::from_secs(7)) }, 1);
    b.fire(&[("alertname", "A")]);
    let begin = tokio::time::Instant::now();
    b.pass(1).await;
    assert!(begin.elapsed() >= Duration::from_secs(7), "{:?}", begin.elapsed());
    assert_eq!(b.told().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_never_works_is_given_up_and_tried_at_the_next_flush() {
    let b = Bench::new(TWO);
    b.fails("http://bad", Outcome::Failed, 2);
    b.fire(&[("alertname", "A")]);
    b.pass(1).await;
    assert_eq!(b.told(), ["http://good first notification: A=firing"]);
    b.pass(60).await;
    assert_eq!(b.told(), Vec::<String>::new(), "the good one knows it");
    b.pass(60).await;
    assert_eq!(b.told(), ["http://bad first notification: A=firing"]);
    assert_eq!(b.manager.stats().failed, 2);
    let story = b.why(&[("alertname", "A")]).story.join("\n");
    assert!(
        story.contains(
            "`both` by webhook[1] (http://bad) could not be told after one attempt, answer 503: the other side is busy"
        ),
        "{story}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_end_that_could_not_be_told_is_told_later() {
    let b = Bench::new(TWO);
    b.fire(&[("alertname", "A")]);
    b.pass(1).await;
    b.told();
    b.resolve(&[("alertname", "A")]);
    b.fails("http://bad", Outcome::Retry { after: Some(Duration::from_secs(1000)) }, 1);
    b.pass(60).await;
    assert_eq!(b.told(), ["http://good all alerts resolved: A=resolved"]);
    b.manager.clean();
    let b = b.restart(TWO);
    b.pass(60).await;
    assert_eq!(b.told(), ["http://bad all alerts resolved: A=resolved"]);
}

#[tokio::test]
async fn a_receiver_without_a_channel_is_said_to_be_so() {
    let text = "
route: {receiver: none, group_wait: 1s}
receivers: [{name: none, wechat_configs: [{to_user: x}], slack_configs: [{api_url: 'YOUR_SLACK_WEBHOOK_URL'}]}]
";
    let b = Bench::new(text);
    b.fire(&[("alertname", "A")]);
    b.pass(1).await;
    let answer = b.why(&[("alertname", "A")]).answer;
    assert!(
        answer.starts_with("Nobody was notified: the receiver `none` has no channel that can be used: "),
        "{answer}"
    );
    assert!(answer.contains("api_url is not filled in"), "{answer}");
}

/// One channel of the group does not answer for ever; the other hears of everything in its time.
#[tokio::test(start_paused = true)]
async fn a_channel_that_hangs_holds_up_nobody_else_of_its_group() {
    let b = Bench::new(TWO);
    b.desk.hangs.lock().insert("http://bad".to_owned());
    let (manager, (stop, stopped)) = (b.manager.clone(), tokio::sync::watch::channel(false));
    let running = tokio::spawn(async move { manager.run(stopped, Duration::from_secs(1)).await });
    b.fire(&[("alertname", "A"), ("i", "1")]);
    b.live(2).await;
    assert_eq!(b.told(), ["http://good first notification: A=firing"]);
    let (bad, good) = (b.manager.condition("both", "webhook[1]"), b.manager.condition("both", "webhook[0]"));
    assert!(bad.failure.is_none() && good.delivered_at.is_some() && good.failing_since.is_none());
    assert_eq!(b.manager.on_the_way().iter().map(|m| m.channel.as_str()).collect::<Vec<_>>(), ["webhook[1]"]);
    b.fire(&[("alertname", "A"), ("i", "2")]);
    b.live(61).await;
    assert_eq!(b.told(), ["http://good new alerts in group: A=firing A=firing"], "the interval, and not the channel");
    let bad = b.manager.condition("both", "webhook[1]");
    assert!(bad.failure.unwrap().reason.starts_with("no answer within "));
    assert!(bad.failing_since.is_some());
    b.resolve(&[("alertname", "A"), ("i", "1")]);
    b.live(60).await;
    assert_eq!(b.told(), ["http://good new resolved alerts in group: A=resolved A=firing"]);
    assert_eq!(b.manager.stats().groups, 1);
    b.desk.hangs.lock().clear();
    b.live(70).await;
    let told = b.told();
    assert_eq!(told.len(), 1, "what it missed is one message: {told:?}");
    assert!(told[0].starts_with("http://bad first notification: "), "{told:?}");
    b.resolve(&[("alertname", "A"), ("i", "2")]);
    b.live(130).await;
    assert_eq!(b.told(), ["http://bad all alerts resolved: A=resolved", "http://good all alerts resolved: A=resolved"]);
    assert_eq!((b.manager.stats().groups, b.manager.on_the_way().len()), (0, 0));
    stop.send(true).unwrap();
    running.await.unwrap();
}

/// Asked to wait for longer than the group's interval: no other group asks it before, and all of it is on record.
#[tokio::test(start_paused = true)]
async fn who_asks_for_a_pause_is_left_alone_by_all_groups() {
    let b = Bench::new(TWO);
    b.fails("http://bad", Outcome::Retry { after: Some(Duration::from_secs(100)) }, 1);
    b.fire(&[("alertname", "A")]);
    b.pass(1).await;
    assert_eq!(b.told(), ["http://good first notification: A=firing"]);
    b.fire(&[("alertname", "B")]);
    b.pass(1).await;
    assert_eq!(b.told(), ["http://good first notification: B=firing"]);
    let log = b.store.deliveries(&DeliveryQuery::default()).unwrap();
    let reasons: Vec<&str> = log.iter().filter_map(|d| d.body["reason"].as_str()).filter(|r| !r.is_empty()).collect();
    assert_eq!(
        reasons,
        ["the other side asked to be left alone for 100 s more (Retry-After)", "the other side is busy"]
    );
    tokio::time::advance(Duration::from_secs(100)).await;
    b.pass(60).await;
    assert_eq!(b.told(), ["http://bad first notification: A=firing", "http://bad first notification: B=firing"]);
}
