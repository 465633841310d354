//! The file as a whole: opened again, damaged, newer; and what the tables give back.

use foundation::UnixNanos;
use foundation::clock::ManualClock;
use serde_json::json;

use super::*;
use crate::{Delivery, DeliveryQuery, LogEntry, LogKey, Origin, StoredAlert, StoredSilence, TimelineEvent};

fn open(dir: &Path) -> Result<Metastore, MetaError> {
    Metastore::open(dir, Arc::new(ManualClock::new(UnixNanos::from_secs(1))))
}

#[test]
fn what_was_written_is_there_when_it_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    store.documents().create("view", "a", &json!([1]), Origin::File).unwrap();
    let (starts_at, ends_at, updated_at) = (UnixNanos(1), UnixNanos(20), UnixNanos(3));
    let silence = StoredSilence { id: "s".to_owned(), starts_at, ends_at, updated_at, body: json!({"comment": "x"}) };
    store.put_silences(vec![silence.clone()]).unwrap();
    let alert = StoredAlert {
        fingerprint: u64::MAX - 1,
        labels: json!({"alertname": "A"}),
        annotations: json!({}),
        starts_at,
        ends_at,
        updated_at,
        timeout: true,
        generator_url: "http://x".to_owned(),
    };
    store.put_alerts(vec![alert.clone()]).unwrap();
    let key = LogKey {
        group_key: "{}:{}".to_owned(),
        receiver: "r".to_owned(),
        integration: "webhook".to_owned(),
        position: 1,
    };
    let entry = LogEntry { at: UnixNanos(5), expires_at: UnixNanos(50), firing: vec![u64::MAX, 2], resolved: vec![] };
    let delivery = Delivery {
        id: 0,
        at: UnixNanos(5),
        receiver: "r".to_owned(),
        outcome: "delivered".to_owned(),
        group_key: "{}:{}".to_owned(),
        body: json!({"attempts": [], "reason": "Kein Weg nach KÖLN"}),
    };
    store.log_notification(Some((key.clone(), entry.clone())), Some(delivery.clone())).unwrap();
    let event = |at| TimelineEvent { fingerprint: 7, at: UnixNanos(at), kind: "fired".to_owned(), body: json!(at) };
    store.add_to_timeline(vec![event(1), event(2), event(3)]).unwrap();
    store.close();
    assert!(matches!(store.put_alerts(vec![]), Err(MetaError::Closed)));

    let store = open(dir.path()).unwrap();
    assert_eq!(store.documents().get("view", "a").unwrap().unwrap().body, json!([1]));
    assert_eq!(store.silences().unwrap(), [silence]);
    assert_eq!(store.alerts().unwrap(), [alert]);
    assert_eq!(store.notification_log(UnixNanos(49)).unwrap(), [(key, entry)]);
    assert_eq!(store.notification_log(UnixNanos(50)).unwrap(), []);
    let found = store.deliveries(&DeliveryQuery { receiver: Some("r".to_owned()), ..Default::default() }).unwrap();
    assert_eq!(found, [Delivery { id: 1, ..delivery }]);
    let with =
        |text: &str| store.deliveries(&DeliveryQuery { text: Some(text.to_owned()), ..Default::default() }).unwrap();
    for (text, count) in [("weg NACH", 1), ("KÖLN", 1), ("kÖln", 1), ("Bonn", 0)] {
        assert_eq!(with(text).len(), count, "{text}");
    }
    let none = DeliveryQuery { outcome: Some("failed".to_owned()), ..Default::default() };
    assert_eq!(store.deliveries(&none).unwrap(), []);
    assert_eq!(store.timeline(7, 2).unwrap(), [event(2), event(3)]);
    assert_eq!(store.prune_timeline(UnixNanos(3)).unwrap(), 2);
    store.delete_alerts(vec![u64::MAX - 1], UnixNanos(2)).unwrap();
    assert_eq!(store.alerts().unwrap().len(), 1, "it was changed later");
    store.delete_alerts(vec![u64::MAX - 1], UnixNanos(3)).unwrap();
    assert_eq!(store.alerts().unwrap(), []);
    assert_eq!(store.prune_notifications(UnixNanos(50), UnixNanos(6)).unwrap(), 2);
    assert_eq!(store.prune_silences(UnixNanos(21)).unwrap(), 1);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "damage is what this test makes")]
fn a_damaged_file_is_said_to_be_so_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(FILE), "this is not a database, whatever its name says, and long enough").unwrap();
    let e = open(dir.path()).err().unwrap();
    assert!(matches!(e, MetaError::Damaged { .. }), "{e}");
    assert!(e.to_string().contains("meta.db is damaged"), "{e}");

    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for n in 0..200 {
        store.documents().create("view", &n.to_string(), &json!("x".repeat(500)), Origin::Api).unwrap();
    }
    store.close();
    drop(store);
    let path = dir.path().join(FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let e = open(dir.path()).err().unwrap();
    assert!(matches!(e, MetaError::Damaged { .. }), "{e}");
}

#[test]
fn a_file_of_a_later_version_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let connection = Connection::open(dir.path().join(FILE)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(open(dir.path()).err().unwrap(), MetaError::Newer { found: 99, .. }));
}

#[test]
fn ids_are_uuids_of_version_4() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let [a, b] = [store.new_id().unwrap(), store.new_id().unwrap()];
    assert_ne!(a, b);
    assert_eq!((a.len(), &a[14..15]), (36, "4"));
    assert!("89ab".contains(&a[19..20]), "{a}");
}
