//! AND, OR and NOT of filters are intersection, union and complement of what they find.
//!
//! Random expressions over conditions of every kind; the conditions are asked
//! alone first, then the expression as a whole, in several spellings.

use std::collections::BTreeSet;

use eventstore::query::{Order, RowId};
use model::{LogRecord, Value};
use proptest::prelude::*;
use query::{lang, logs};

use super::*;

/// At least one of each kind of predicate, some that hold for all records and some for none.
const CONDITIONS: [&str; 22] = [
    "service:api",
    "service!=api",
    "level>=warn",
    "level:unspecified",
    "level<error",
    "code:200",
    "code!=200",
    "code:400..599",
    "code:(200, \"404\")",
    "code<300",
    "has(code)",
    "user:u1*",
    "user:*2*",
    "user~\"[13]$\"",
    "user!~\"[13]$\"",
    "resource.host.name:db-1",
    "slow",
    "\"cache miss\"",
    "*iss*",
    "/re(ad|ply)/",
    "body:re*",
    "nothing:here",
];

/// 120 records in which the conditions meet in many ways.
fn records() -> Vec<LogRecord> {
    let words = ["slow read", "cache miss", "reply sent", "slow reply of the cache", "misspelled", "slowly"];
    (0..120_usize)
        .map(|n| {
            let mut attributes = Vec::new();
            match n % 7 {
                0 | 1 => attributes.push(("code".to_owned(), Value::Int(200))),
                2 => attributes.push(("code".to_owned(), "404".into())),
                3 => attributes.push(("code".to_owned(), Value::Double(500.0))),
                _ => {}
            }
            if n % 3 != 0 {
                attributes.push(("user".to_owned(), Value::Str(format!("u{}", n % 25))));
            }
            LogRecord {
                // Some share a moment.
                time: at(n as i64 / 2),
                observed_time: at(n as i64),
                severity_number: [0, 5, 9, 13, 17, 21][n % 6],
                body: words[n % words.len()].into(),
                attributes,
                resource: service(["api", "bot", "db"][n % 3]),
                ..LogRecord::default()
            }
        })
        .collect()
}

#[derive(Debug, Clone)]
enum Tree {
    Is(usize),
    Not(Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Self::Is(n) => CONDITIONS[*n].to_owned(),
            Self::Not(a) => format!("NOT ({})", a.text()),
            Self::And(a, b) => format!("({}) ({})", a.text(), b.text()),
            Self::Or(a, b) => format!("({}) OR {}", a.text(), b.text()),
        }
    }

    fn ids(&self, known: &[BTreeSet<RowId>], all: &BTreeSet<RowId>) -> BTreeSet<RowId> {
        match self {
            Self::Is(n) => known[*n].clone(),
            Self::Not(a) => all - &a.ids(known, all),
            Self::And(a, b) => &a.ids(known, all) & &b.ids(known, all),
            Self::Or(a, b) => &a.ids(known, all) | &b.ids(known, all),
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    (0..CONDITIONS.len()).prop_map(Tree::Is).prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| Tree::Not(Box::new(a))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Tree::And(Box::new(a), Box::new(b))),
            (inner.clone(), inner).prop_map(|(a, b)| Tree::Or(Box::new(a), Box::new(b))),
        ]
    })
}

fn found(store: &EventStore, filter: &str) -> BTreeSet<RowId> {
    let page = logs::search(store, &ask(filter), Order::Descending, logs::LIMIT_MAX, None).unwrap();
    assert_eq!(page.partial, None);
    page.value.records.iter().map(|r| r.id).collect()
}

#[test]
fn filters_combine_as_sets_do() {
    let store = store();
    let records = records();
    // Three requests, one of them in a segment, so that memory and disk both answer.
    put_logs(&store, &records[..50]);
    store.logs().flush();
    put_logs(&store, &records[50..80]);
    put_logs(&store, &records[80..]);

    let all = found(&store, "");
    assert_eq!(all.len(), records.len());
    let known: Vec<_> = CONDITIONS.iter().map(|c| found(&store, c)).collect();
    let telling = known.iter().filter(|ids| !ids.is_empty() && ids.len() < all.len()).count();
    assert!(telling >= CONDITIONS.len() - 2, "only {telling} conditions tell records apart");

    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(tree in tree())| {
        let text = tree.text();
        prop_assert_eq!(found(&store, &text), tree.ids(&known, &all), "{}", text);
        let printed = lang::parse(&text).unwrap().to_string();
        prop_assert_eq!(found(&store, &printed), tree.ids(&known, &all), "{} from {}", printed, text);
    });
}
