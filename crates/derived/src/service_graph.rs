//! The service graph: which service calls which, how often, how badly, how long.
//!
//! A request is seen by two spans: the client's (or producer's) and the
//! server's (or consumer's), whose parent is the client's span. Halves wait
//! for each other in a bounded store (`pairs`); what waited too long becomes a
//! call of (or from) a virtual node, or is counted as unpaired.
//! Source of names, labels and rules: the OpenTelemetry Collector's
//! `servicegraph` connector. *Must not know* the time: it is that of the
//! requests in the log.

mod pairs;

use eventstore::{SpanColumns, SpanValues};
use wire::sink::ValueRef;

use crate::arrival::Arrival;
use crate::buckets::Buckets;
use crate::bytes::{Damaged, Reader, put_u64};
use crate::histograms::Histograms;
use crate::names::{Names, OTHER};
use crate::settings::ServiceGraphSettings;
use crate::table::Table;
use pairs::{Half, Key, Pairs, Side};

/// Whom requests from outside come from.
const USER: &str = "user";

/// How two nodes are connected: the label `connection_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Connection {
    Direct = 0,
    VirtualNode = 1,
    MessagingSystem = 2,
    Database = 3,
}

impl Connection {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Direct => "",
            Self::VirtualNode => "virtual_node",
            Self::MessagingSystem => "messaging_system",
            Self::Database => "database",
        }
    }

    fn from_u8(n: u8) -> Option<Self> {
        [Self::Direct, Self::VirtualNode, Self::MessagingSystem, Self::Database].into_iter().find(|c| *c as u8 == n)
    }
}

/// What an edge connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) client: u32,
    pub(crate) server: u32,
    pub(crate) connection: Connection,
}

impl Edge {
    fn key(self) -> [u8; 9] {
        let mut key = [0; 9];
        key[..4].copy_from_slice(&self.client.to_le_bytes());
        key[4..8].copy_from_slice(&self.server.to_le_bytes());
        key[8] = self.connection as u8;
        key
    }

    fn parse(key: &[u8]) -> Option<Self> {
        let mut r = Reader(key);
        let edge =
            Self { client: r.u32().ok()?, server: r.u32().ok()?, connection: Connection::from_u8(r.u8().ok()?)? };
        r.0.is_empty().then_some(edge)
    }
}

#[derive(Debug)]
pub(crate) struct ServiceGraph {
    settings: ServiceGraphSettings,
    pub(crate) table: Table,
    /// By row: requests in which a half failed.
    pub(crate) failed: Vec<u64>,
    pub(crate) client: Histograms,
    pub(crate) server: Histograms,
    pairs: Pairs,
    /// Halves whose other half did not come in time and that name no peer, by edge with one side open.
    pub(crate) unpaired: Table,
    pub(crate) unpaired_counts: Vec<u64>,
    /// Halves that there was no room for.
    pub(crate) dropped: u64,
    /// Requests of edges that there was no room for.
    pub(crate) overflowed: u64,
}

/// The attributes that may name the other side, for the rows of one batch.
struct Peers<'a> {
    database: Vec<SpanValues<'a>>,
    peer: Vec<SpanValues<'a>>,
    messaging: Option<SpanValues<'a>>,
}

impl<'a> Peers<'a> {
    fn of(spans: &'a SpanColumns, settings: &ServiceGraphSettings) -> Self {
        let all = |keys: &[String]| keys.iter().filter_map(|key| spans.attribute(key)).collect();
        Self {
            database: all(&settings.database_name_attributes),
            peer: all(&settings.virtual_node_peer_attributes),
            messaging: spans.attribute("messaging.system"),
        }
    }
}

/// The first text of a row. Numbers of databases (Redis) name nothing.
fn first<'a>(values: &mut [SpanValues<'a>], row: usize) -> Option<&'a str> {
    values.iter_mut().find_map(|v| match v.of(row) {
        Some(ValueRef::Str(text)) if !text.bytes().all(|b| b.is_ascii_digit()) => Some(text),
        _ => None,
    })
}

impl ServiceGraph {
    pub(crate) fn new(settings: &ServiceGraphSettings) -> Self {
        let buckets = Buckets::new(&settings.buckets);
        Self {
            settings: settings.clone(),
            table: Table::default(),
            failed: Vec::new(),
            client: Histograms::new(buckets.clone()),
            server: Histograms::new(buckets),
            pairs: Pairs::default(),
            unpaired: Table::default(),
            unpaired_counts: Vec::new(),
            dropped: 0,
            overflowed: 0,
        }
    }

    /// Halves that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.pairs.len()
    }

    pub(crate) fn apply(&mut self, spans: &SpanColumns, at: &Arrival<'_>, names: &mut Names) {
        let mut peers = Peers::of(spans, &self.settings);
        for (row, kind) in spans.kinds().iter().enumerate() {
            let half = match kind {
                2 | 5 => Half::of(spans, row, at, Side::Server),
                3 | 4 => Half::of(spans, row, at, Side::Client),
                _ => continue,
            };
            let half = Half { messaging: *kind >= 4, ..half };
            match half.side {
                Side::Client => self.client_half(spans, row, half, &mut peers, names, at.ms),
                Side::Server => self.server_half(spans, row, half, &mut peers, names, at.ms),
            }
        }
    }

    fn client_half(
        &mut self,
        spans: &SpanColumns,
        row: usize,
        half: Half,
        peers: &mut Peers<'_>,
        names: &mut Names,
        now: i64,
    ) {
        // A database sends no spans: the client's is all there is.
        if let Some(name) = first(&mut peers.database, row) {
            let edge = Edge { client: half.service, server: names.intern(name), connection: Connection::Database };
            return self.count(edge, &half, &half, now);
        }
        let peer = first(&mut peers.peer, row).map_or(OTHER, |name| names.intern(name));
        self.pair(Key::new(spans.trace_ids(), spans.span_ids(), row), Half { peer, ..half }, now);
    }

    fn server_half(
        &mut self,
        spans: &SpanColumns,
        row: usize,
        half: Half,
        peers: &mut Peers<'_>,
        names: &mut Names,
        now: i64,
    ) {
        if spans.parent_ids().get(row).is_some_and(|parent| *parent != [0; 8]) {
            return self.pair(Key::new(spans.trace_ids(), spans.parent_ids(), row), half, now);
        }
        // A root: what comes from outside, or from a queue whose sender is not traced.
        let queue = peers.messaging.as_mut().filter(|_| half.messaging).and_then(|v| v.of(row));
        let edge = match queue {
            Some(ValueRef::Str(system)) => {
                Edge { client: names.intern(system), server: half.service, connection: Connection::MessagingSystem }
            }
            _ => Edge { client: names.intern(USER), server: half.service, connection: Connection::VirtualNode },
        };
        self.count(edge, &half, &half, now);
    }

    fn pair(&mut self, key: Key, half: Half, now: i64) {
        if let Some(other) = self.pairs.take_other(&key, half.side) {
            let (client, server) = match half.side {
                Side::Client => (half, other),
                Side::Server => (other, half),
            };
            let connection =
                if client.messaging || server.messaging { Connection::MessagingSystem } else { Connection::Direct };
            return self.count(
                Edge { client: client.service, server: server.service, connection },
                &client,
                &server,
                now,
            );
        }
        if self.pairs.len() >= self.settings.store_items_max {
            self.advance(now);
        }
        if self.pairs.len() >= self.settings.store_items_max {
            self.dropped += 1;
            return;
        }
        let ttl = i64::try_from(self.settings.store_ttl.as_millis()).unwrap_or(i64::MAX);
        self.pairs.wait(key, half, now.saturating_add(ttl));
    }

    /// Decides about the halves that waited until `now`.
    pub(crate) fn advance(&mut self, now: i64) {
        while let Some((half, deadline)) = self.pairs.expired(now) {
            match half.side {
                Side::Client if half.peer != OTHER => {
                    let edge = Edge { client: half.service, server: half.peer, connection: Connection::VirtualNode };
                    self.count(edge, &half, &half, deadline);
                }
                Side::Client => self.count_unpaired(half.service, OTHER, deadline),
                Side::Server => self.count_unpaired(OTHER, half.service, deadline),
            }
        }
    }

    fn count(&mut self, edge: Edge, client: &Half, server: &Half, now: i64) {
        let key = edge.key();
        let row = match self.table.find(&key, now) {
            Some(row) => row,
            None if self.table.len() >= self.settings.edges_max => {
                self.overflowed += 1;
                return;
            }
            None => {
                let row = self.table.insert(&key, now);
                self.failed.resize(self.table.len(), 0);
                self.client.grow(self.table.len());
                self.server.grow(self.table.len());
                row
            }
        };
        self.failed[row as usize] += u64::from(client.failed || server.failed);
        self.client.observe(row, client.nanos);
        self.server.observe(row, server.nanos);
        self.client.example(row, client.nanos, || client.exemplar());
        self.server.example(row, server.nanos, || server.exemplar());
    }

    fn count_unpaired(&mut self, client: u32, server: u32, now: i64) {
        let key = Edge { client, server, connection: Connection::Direct }.key();
        let row = match self.unpaired.find(&key, now) {
            Some(row) => row,
            None if self.unpaired.len() >= self.settings.edges_max => {
                self.overflowed += 1;
                return;
            }
            None => self.unpaired.insert(&key, now),
        };
        self.unpaired_counts.resize(self.unpaired.len(), 0);
        self.unpaired_counts[row as usize] += 1;
    }

    /// What the edge of a row of `table` or `unpaired` connects.
    pub(crate) fn edge(table: &Table, row: u32) -> Edge {
        // Keys are written here, and checked when they are read from a checkpoint.
        Edge::parse(table.key(row)).unwrap_or(Edge { client: OTHER, server: OTHER, connection: Connection::Direct })
    }

    /// Ends the edges that no request touched since.
    pub(crate) fn expire(&mut self, before_ms: i64) {
        let kept = self.table.retain(|t, row| t.touched(row) >= before_ms);
        self.failed = kept.iter().map(|row| self.failed[*row as usize]).collect();
        self.client.keep(&kept);
        self.server.keep(&kept);
        let kept = self.unpaired.retain(|t, row| t.touched(row) >= before_ms);
        self.unpaired_counts = kept.iter().map(|row| self.unpaired_counts[*row as usize]).collect();
    }

    /// What the totals mean; a checkpoint made with other settings does not fit.
    pub(crate) fn signature(settings: &ServiceGraphSettings) -> String {
        format!("{:?}", Buckets::new(&settings.buckets).bounds())
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.dropped);
        put_u64(out, self.overflowed);
        self.table.encode(out);
        self.failed.iter().for_each(|n| put_u64(out, *n));
        self.client.encode(out);
        self.server.encode(out);
        self.unpaired.encode(out);
        self.unpaired_counts.iter().for_each(|n| put_u64(out, *n));
        self.pairs.encode(out);
    }

    pub(crate) fn decode(r: &mut Reader<'_>, settings: &ServiceGraphSettings) -> Result<Self, Damaged> {
        let mut graph = Self::new(settings);
        let buckets = Buckets::new(&settings.buckets);
        (graph.dropped, graph.overflowed) = (r.u64()?, r.u64()?);
        graph.table = edges(r)?;
        graph.failed = counts(r, graph.table.len())?;
        graph.client = Histograms::decode(r, buckets.clone(), graph.table.len())?;
        graph.server = Histograms::decode(r, buckets, graph.table.len())?;
        graph.unpaired = edges(r)?;
        graph.unpaired_counts = counts(r, graph.unpaired.len())?;
        graph.pairs = Pairs::decode(r)?;
        Ok(graph)
    }
}

fn counts(r: &mut Reader<'_>, n: usize) -> Result<Vec<u64>, Damaged> {
    (0..n).map(|_| r.u64()).collect()
}

fn edges(r: &mut Reader<'_>) -> Result<Table, Damaged> {
    let table = Table::decode(r)?;
    let whole = (0..table.len() as u32).all(|row| Edge::parse(table.key(row)).is_some());
    if whole { Ok(table) } else { Err(Damaged("the key of an edge")) }
}

#[cfg(test)]
mod tests;
