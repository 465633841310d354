//! Which series belong together: found by the labels that a grouping keeps, without copying them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hashbrown::HashTable;
use model::labels::{self, Labels};
use rustc_hash::FxHasher;

use crate::ast::Aggregate;

/// The labels that name a group.
pub(super) struct Grouping<'a> {
    names: &'a [String],
    without: bool,
}

impl<'a> Grouping<'a> {
    pub(super) fn of(a: &'a Aggregate) -> Self {
        Self { names: &a.grouping, without: a.without }
    }

    fn keeps(&self, name: &str) -> bool {
        let listed = self.names.iter().any(|n| n == name);
        if self.without { !listed && name != labels::NAME } else { listed }
    }

    fn kept<'l>(&self, labels: &'l Labels) -> impl Iterator<Item = (&'l str, &'l str)> {
        // All series are one group: none of their labels is looked at.
        let looked_at = if self.without || !self.names.is_empty() { labels.len() } else { 0 };
        labels.iter().take(looked_at).filter(|(name, _)| self.keeps(name))
    }

    /// The labels of the group of a series.
    pub(super) fn labels(&self, labels: &Labels) -> Labels {
        let mut out = labels.clone();
        out.retain(|name, _| self.keeps(name));
        out
    }

    fn hash(&self, labels: &Labels) -> u64 {
        let mut hasher = FxHasher::default();
        self.kept(labels).for_each(|label| label.hash(&mut hasher));
        hasher.finish()
    }
}

/// Groups in the order of their first series, each with a state.
pub(super) struct Groups<'a, S> {
    grouping: Grouping<'a>,
    table: HashTable<(u64, usize)>,
    pub(super) groups: Vec<(Arc<Labels>, S)>,
}

impl<'a, S> Groups<'a, S> {
    pub(super) fn new(a: &'a Aggregate) -> Self {
        Self { grouping: Grouping::of(a), table: HashTable::new(), groups: Vec::new() }
    }

    /// The place of the group of a series; `new` makes the state of a new group.
    pub(super) fn find<E>(&mut self, labels: &Labels, new: impl FnOnce() -> Result<S, E>) -> Result<usize, E> {
        let hash = self.grouping.hash(labels);
        let same = |(h, at): &(u64, usize)| {
            *h == hash && self.groups.get(*at).is_some_and(|(group, _)| group.iter().eq(self.grouping.kept(labels)))
        };
        if let Some((_, at)) = self.table.find(hash, same) {
            return Ok(*at);
        }
        let at = self.groups.len();
        self.groups.push((Arc::new(self.grouping.labels(labels)), new()?));
        self.table.insert_unique(hash, (hash, at), |(h, _)| *h);
        Ok(at)
    }

    /// The state at this place.
    pub(super) fn state(&mut self, at: usize) -> Option<&mut S> {
        self.groups.get_mut(at).map(|(_, state)| state)
    }
}
