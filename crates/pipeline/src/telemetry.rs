//! One request on its way through the graph: what it carries and where it came from.
//!
//! A request that no processor touches stays the bytes that were received. The first that looks into it decodes it into a tree,
//! which those behind share; it becomes bytes again where it leaves. Clones share both, and copy the tree when they change it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use foundation::ErrorKind;
use model::Signal;
use wire::otlp::raw::EditedResources;
use wire::otlp::tree::{Logs, Metrics, Resource, Traces};
use wire::otlp::{DecodeError, raw};

use crate::body::TRAILER_BYTES;
use crate::refusal::Refusal;

/// A request of one signal: an OTLP `Export*ServiceRequest`.
///
/// At least one of `bytes` and `tree` is there, and where both are they say the same.
#[derive(Debug, Clone)]
pub struct Telemetry {
    signal: Signal,
    bytes: Option<Bytes>,
    tree: Option<Arc<Tree>>,
    /// How many items the bytes hold, once they were counted, and with that checked.
    items: Option<usize>,
    origin: Option<Arc<Origin>>,
}

/// A decoded request.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Spans.
    Traces(Traces),
    /// Metrics.
    Metrics(Metrics),
    /// Log records.
    Logs(Logs),
}

/// Who sent a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The other side of the connection.
    pub peer: Option<SocketAddr>,
    /// The port of this server that it came to.
    pub port: Option<u16>,
    /// Headers of the request, in lower case, where the receiver is told to include them (`include_metadata`).
    pub metadata: Vec<(String, String)>,
    /// What the authenticator knows of the sender: `subject`, `username`.
    pub auth: Vec<(String, String)>,
}

impl Origin {
    /// The values of a header.
    pub fn metadata(&self, name: &str) -> impl Iterator<Item = &str> {
        self.metadata.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl From<Traces> for Tree {
    fn from(tree: Traces) -> Self {
        Self::Traces(tree)
    }
}

impl From<Metrics> for Tree {
    fn from(tree: Metrics) -> Self {
        Self::Metrics(tree)
    }
}

impl From<Logs> for Tree {
    fn from(tree: Logs) -> Self {
        Self::Logs(tree)
    }
}

impl Tree {
    /// Reads a request.
    ///
    /// # Errors
    /// The bytes are not one.
    pub fn decode(signal: Signal, request: &[u8]) -> Result<Self, DecodeError> {
        Ok(match signal {
            Signal::Traces => Self::Traces(Traces::decode(request)?),
            Signal::Metrics => Self::Metrics(Metrics::decode(request)?),
            Signal::Logs => Self::Logs(Logs::decode(request)?),
        })
    }

    /// Writes the request.
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Traces(tree) => tree.encode(),
            Self::Metrics(tree) => tree.encode(),
            Self::Logs(tree) => tree.encode(),
        }
    }

    /// What it carries.
    pub fn signal(&self) -> Signal {
        match self {
            Self::Traces(_) => Signal::Traces,
            Self::Metrics(_) => Signal::Metrics,
            Self::Logs(_) => Signal::Logs,
        }
    }

    /// Spans, data points or log records.
    pub fn items(&self) -> usize {
        match self {
            Self::Traces(tree) => tree.items(),
            Self::Metrics(tree) => tree.items(),
            Self::Logs(tree) => tree.items(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Traces(tree) => tree.is_empty(),
            Self::Metrics(tree) => tree.is_empty(),
            Self::Logs(tree) => tree.is_empty(),
        }
    }

    /// About how many bytes it takes in memory.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Traces(tree) => tree.heap_bytes(),
            Self::Metrics(tree) => tree.heap_bytes(),
            Self::Logs(tree) => tree.heap_bytes(),
        }
    }
}

impl Telemetry {
    /// A request as it was received: an OTLP `Export*ServiceRequest` in protobuf, not yet checked.
    pub fn new(signal: Signal, request: Bytes) -> Self {
        Self { signal, bytes: Some(request), tree: None, items: None, origin: None }
    }

    /// A request that was made here.
    pub fn of(tree: impl Into<Tree>) -> Self {
        let tree = tree.into();
        Self { signal: tree.signal(), bytes: None, tree: Some(Arc::new(tree)), items: None, origin: None }
    }

    /// Several requests of one signal as one; their bytes stay as they are. `None`: one of them is no bytes any more.
    pub(crate) fn joined(signal: Signal, requests: &[&Self]) -> Option<Self> {
        let parts: Vec<&Bytes> = requests.iter().map(|r| r.bytes.as_ref()).collect::<Option<_>>()?;
        let items = requests.iter().map(|r| r.items).sum();
        // Repeated fields of messages that follow each other are merged: protobuf, "Last One Wins".
        let bytes = match parts[..] {
            [one] => one.clone(),
            _ => {
                let mut joined = BytesMut::with_capacity(parts.iter().map(|p| p.len()).sum::<usize>() + TRAILER_BYTES);
                parts.iter().for_each(|part| joined.extend_from_slice(part));
                joined.freeze()
            }
        };
        Some(Self { signal, bytes: Some(bytes), tree: None, items, origin: None })
    }

    /// The same, from `origin`.
    #[must_use]
    pub fn from(self, origin: Option<Arc<Origin>>) -> Self {
        Self { origin, ..self }
    }

    /// What it carries.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// Who sent it; nobody for what arose here.
    pub fn origin(&self) -> Option<&Arc<Origin>> {
        self.origin.as_ref()
    }

    /// About how many bytes it is, without looking into it: of a tree, what it takes in memory.
    pub fn size(&self) -> usize {
        match (&self.bytes, &self.tree) {
            (Some(bytes), _) => bytes.len(),
            (None, Some(tree)) => tree.heap_bytes(),
            (None, None) => 0,
        }
    }

    /// The request, to be read.
    ///
    /// # Errors
    /// The bytes are not a request.
    pub fn tree(&mut self) -> Result<&Tree, Refusal> {
        self.decoded().map(|tree| &**tree)
    }

    /// The request, to be changed.
    ///
    /// # Errors
    /// The bytes are not a request.
    pub fn tree_mut(&mut self) -> Result<&mut Tree, Refusal> {
        self.decoded()?;
        self.bytes = None;
        self.decoded().map(Arc::make_mut)
    }

    /// Changes the resources, and nothing else: a request that is not decoded stays bytes, and what `known` has of them is taken
    /// from there.
    ///
    /// # Errors
    /// The bytes are not a request.
    pub fn edit_resources(
        &mut self,
        mut change: impl FnMut(&mut Resource),
        known: Option<&mut EditedResources>,
    ) -> Result<(), Refusal> {
        if let (Some(bytes), None) = (&self.bytes, &self.tree) {
            self.bytes = Some(raw::edit_resources(self.signal, bytes, change, known).map_err(broken)?);
            return Ok(());
        }
        match self.tree_mut()? {
            Tree::Traces(t) => t.resources.iter_mut().for_each(|r| change(&mut r.resource)),
            Tree::Metrics(t) => t.resources.iter_mut().for_each(|r| change(&mut r.resource)),
            Tree::Logs(t) => t.resources.iter_mut().for_each(|r| change(&mut r.resource)),
        }
        Ok(())
    }

    /// Decodes what was not yet.
    fn decoded(&mut self) -> Result<&mut Arc<Tree>, Refusal> {
        if self.tree.is_none() {
            let bytes = self.bytes.as_deref().unwrap_or_default();
            self.tree = Some(Arc::new(Tree::decode(self.signal, bytes).map_err(broken)?));
        }
        self.tree.as_mut().ok_or_else(|| Refusal::new(ErrorKind::Internal, "a request without content"))
    }

    /// The spans, to be changed; `None` of another signal.
    ///
    /// # Errors
    /// The bytes are not a request.
    pub fn traces_mut(&mut self) -> Result<Option<&mut Traces>, Refusal> {
        Ok(match self.tree_mut()? {
            Tree::Traces(tree) => Some(tree),
            _ => None,
        })
    }

    /// The metrics, to be changed; `None` of another signal.
    ///
    /// # Errors
    /// The bytes are not a request.
    pub fn metrics_mut(&mut self) -> Result<Option<&mut Metrics>, Refusal> {
        Ok(match self.tree_mut()? {
            Tree::Metrics(tree) => Some(tree),
            _ => None,
        })
    }

    /// The log records, to be changed; `None` of another signal.
    ///
    /// # Errors
    /// The bytes are not a request.
    pub fn logs_mut(&mut self) -> Result<Option<&mut Logs>, Refusal> {
        Ok(match self.tree_mut()? {
            Tree::Logs(tree) => Some(tree),
            _ => None,
        })
    }

    /// Spans, data points or log records. What is bytes is checked to the last one, and not decoded.
    ///
    /// # Errors
    /// The bytes are not a request.
    pub fn items(&mut self) -> Result<usize, Refusal> {
        if let Some(tree) = &self.tree {
            return Ok(tree.items());
        }
        let items = match self.items {
            Some(items) => items,
            None => raw::count(self.signal, self.bytes.as_deref().unwrap_or_default()).map_err(broken)?,
        };
        self.items = Some(items);
        Ok(items)
    }

    /// As [`Self::items`]; 0 of what is not a request.
    pub fn count(&mut self) -> u64 {
        self.items().map_or(0, |items| items as u64)
    }

    /// The request itself, to be taken apart.
    ///
    /// # Errors
    /// The bytes are not a request.
    pub fn into_tree(mut self) -> Result<Tree, Refusal> {
        self.decoded()?;
        match self.tree {
            Some(tree) => Ok(Arc::unwrap_or_clone(tree)),
            None => Err(Refusal::new(ErrorKind::Internal, "a request without content")),
        }
    }

    /// The request in protobuf.
    pub fn into_bytes(self) -> Bytes {
        match (self.bytes, self.tree) {
            (Some(bytes), _) => bytes,
            (None, Some(tree)) => tree.encode(),
            (None, None) => Bytes::new(),
        }
    }
}

fn broken(e: DecodeError) -> Refusal {
    Refusal::new(ErrorKind::InvalidInput, e.to_string())
}

#[cfg(test)]
mod tests {
    use wire::otlp::tree::{LogRecord, OfResource, OfScope};

    use super::*;

    fn logs(records: usize) -> Logs {
        let scope = OfScope { records: vec![LogRecord::default(); records], ..OfScope::default() };
        Logs { resources: vec![OfResource { scopes: vec![scope], ..OfResource::default() }] }
    }

    #[test]
    fn bytes_stay_until_something_changes_and_clones_do_not_see_it() {
        let request = logs(3).encode();
        let mut t = Telemetry::new(Signal::Logs, request.clone());
        assert_eq!(t.items().unwrap(), 3);
        let kept = t.clone();
        t.logs_mut().unwrap().unwrap().retain(|_, _, _| false);
        assert!(t.tree().unwrap().is_empty());
        assert_eq!(kept.into_bytes().as_ptr(), request.as_ptr(), "what was only read is the same bytes");
        assert_eq!(t.into_bytes(), Bytes::new());
    }

    #[test]
    fn what_is_not_a_request_is_refused() {
        let mut t = Telemetry::new(Signal::Traces, Bytes::from_static(b"\xff"));
        assert_eq!(t.tree().unwrap_err().kind, ErrorKind::InvalidInput);
    }
}
