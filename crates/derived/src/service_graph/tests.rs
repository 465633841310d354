//! Tests of the service graph: who is paired with whom, and what becomes of those who are not.

use foundation::UnixNanos;

use super::*;
use crate::sent::{Sent, columns_at};
use crate::settings::Settings;
use crate::state::State;

const AT: i64 = 1_001;

fn state() -> State {
    State::new(&Settings::default())
}

fn send(state: &mut State, spans: &[Sent], seconds: i64) {
    state.apply(&columns_at(spans, UnixNanos::from_secs(seconds)));
}

/// Edges as `client>server type requests/failed`, sorted.
fn edges(state: &State) -> Vec<String> {
    let g = &state.service_graph;
    let mut out: Vec<String> = (0..g.table.len() as u32)
        .map(|row| {
            let e = ServiceGraph::edge(&g.table, row);
            format!(
                "{}>{} {} {}/{}",
                state.names.get(e.client),
                state.names.get(e.server),
                e.connection.label(),
                g.client.count(row),
                g.failed[row as usize]
            )
        })
        .collect();
    out.sort();
    out
}

fn unpaired(state: &State) -> Vec<String> {
    let g = &state.service_graph;
    let rows = 0..g.unpaired.len() as u32;
    rows.map(|row| {
        let e = ServiceGraph::edge(&g.unpaired, row);
        format!("{}>{} {}", state.names.get(e.client), state.names.get(e.server), g.unpaired_counts[row as usize])
    })
    .collect()
}

fn client(id: u8) -> Sent {
    Sent { service: "web", kind: 3, id, parent: 99, nanos: 20_000_000, ..Sent::default() }
}

fn server(parent: u8) -> Sent {
    Sent { service: "api", kind: 2, id: 50, parent, nanos: 10_000_000, ..Sent::default() }
}

#[test]
fn halves_meet_in_any_order_and_across_requests() {
    let mut s = state();
    send(&mut s, &[client(1), server(1)], AT);
    send(&mut s, &[server(2)], AT);
    send(&mut s, &[Sent { status: 2, ..client(2) }], AT + 10);
    assert_eq!(edges(&s), ["web>api  2/1"]);
    assert_eq!((s.service_graph.client.sum(0), s.service_graph.server.sum(0)), (40_000_000, 20_000_000));
    assert_eq!(s.service_graph.server.take_exemplar(0).map(|e| e.span_id.0), Some([50; 8]));
}

#[test]
fn halves_of_other_traces_do_not_meet() {
    let mut s = state();
    send(&mut s, &[client(1), Sent { trace: 2, ..server(1) }], AT);
    assert_eq!((edges(&s).len(), s.service_graph.waiting()), (0, 2));
}

#[test]
fn who_waits_too_long_is_a_virtual_node_or_unpaired() {
    let mut s = state();
    send(&mut s, &[client(1).with("peer.service", "stripe"), client(2), server(3)], AT);
    send(&mut s, &[], AT + 14);
    s.advance((AT + 14) * 1000);
    assert_eq!(s.service_graph.waiting(), 3);
    s.advance((AT + 15) * 1000);
    assert_eq!(edges(&s), ["web>stripe virtual_node 1/0"]);
    assert_eq!(unpaired(&s), ["web> 1", ">api 1"]);
    // The other half of one that was given up waits in vain as well.
    send(&mut s, &[server(1)], AT + 16);
    send(&mut s, &[Sent::default()], AT + 60);
    assert_eq!(unpaired(&s), ["web> 1", ">api 2"]);
}

#[test]
fn databases_queues_and_users_are_nodes() {
    let mut s = state();
    let database = |key: &'static str, name: &'static str| client(1).with(key, name);
    send(
        &mut s,
        &[
            database("db.system.name", "postgresql").with("db.namespace", "shop"),
            database("db.namespace", "0").with("db.system.name", "redis"),
            Sent { parent: 0, ..server(0) },
            Sent { parent: 0, kind: 5, ..server(0) }.with("messaging.system", "kafka"),
            Sent { kind: 4, ..client(7) },
            Sent { kind: 5, service: "worker", ..server(7) },
        ],
        AT,
    );
    assert_eq!(
        edges(&s),
        [
            "kafka>api messaging_system 1/0",
            "user>api virtual_node 1/0",
            "web>redis database 1/0",
            "web>shop database 1/0",
            "web>worker messaging_system 1/0"
        ]
    );
}

#[test]
fn store_and_edges_are_bounded_and_what_is_left_out_is_counted() {
    let mut settings = Settings::default();
    settings.service_graph.store_items_max = 2;
    settings.service_graph.edges_max = 1;
    let mut s = State::new(&settings);
    send(&mut s, &[client(1), client(2), client(3)], AT);
    assert_eq!((s.service_graph.waiting(), s.service_graph.dropped), (2, 1));
    send(&mut s, &[server(1), Sent { service: "other", ..server(2) }], AT);
    assert_eq!((edges(&s).len(), s.service_graph.overflowed), (1, 1));
}

#[test]
fn the_order_of_deadlines_stays_small_when_halves_meet() {
    let mut s = state();
    for _ in 0..500 {
        send(&mut s, &[client(1), server(1)], AT);
    }
    assert!(s.service_graph.pairs.order_len() < 100, "{}", s.service_graph.pairs.order_len());
}
