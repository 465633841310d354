//! Blocks are the morsels of a query: each worker takes the next one until none is left.
//!
//! The calling thread is one of the workers. What they made is joined at the
//! end, so that a worker shares nothing while it works but the counters of
//! the query (memory held, whether it has ended).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::request::Partial;
use super::run::Run;
use crate::block::{Block, Columns};

/// A thread is made for at least so many blocks: it costs as much as looking into two or three, and more where it has to wait
/// for a core.
const BLOCKS_PER_THREAD_MIN: usize = 16;

/// So many blocks are looked at before further threads help a search that may end early.
const ALONE_BLOCKS: usize = 8;

/// After so many it is taken to go on beyond these.
const GOES_ON: usize = 2;

/// What is handed out.
pub(crate) trait Morsel: Sync {
    /// The block that is looked into, if it is one.
    fn block(&self) -> Option<&Arc<Block>>;

    /// About as many blocks are looked into in the same time.
    fn weight(&self) -> usize {
        1
    }
}

impl Morsel for Arc<Block> {
    fn block(&self) -> Option<&Arc<Block>> {
        Some(self)
    }
}

impl Morsel for (usize, &Arc<Block>) {
    fn block(&self) -> Option<&Arc<Block>> {
        Some(self.1)
    }
}

/// A search for the best so many rows, which ends when no block is wanted any more.
pub(crate) trait EndsEarly: Sync {
    /// Whether the block may have a row that is better than those that were found.
    fn wants(&self, block: &Block) -> bool;

    /// How many were found, of how many.
    fn found(&self) -> (usize, usize);

    /// How many more blocks it will want after so many, if these have as many rows each; all, when that is not known.
    fn ahead(&self, looked_at: usize) -> usize {
        match self.found() {
            (found, limit) if found > 0 && found < limit => {
                (limit - found).saturating_mul(looked_at).div_ceil(found).saturating_add(1)
            }
            _ => usize::MAX,
        }
    }
}

impl Run<'_> {
    /// Looks at every block with `look`, on as many threads as the limits allow. Each thread makes a
    /// state of its own; `join` puts them together. Blocks (`B` is one, or one with more to it) are handed out in order.
    pub(crate) fn fold<B: Morsel, S: Send>(
        &mut self,
        blocks: &[B],
        make: impl Fn() -> S + Sync,
        look: impl Fn(&mut S, &mut Run<'_>, &B) -> Result<(), Partial> + Sync,
        join: impl FnMut(&mut S, S),
    ) -> S {
        self.fold_wanted(blocks, |_| true, |_| usize::MAX, make, look, join)
    }

    /// The same of the blocks that are still `wanted` when their turn comes. From a place on, so many as `ahead` says are
    /// taken to be.
    fn fold_wanted<B: Morsel, S: Send>(
        &mut self,
        blocks: &[B],
        wanted: impl Fn(&B) -> bool + Sync,
        ahead: impl Fn(usize) -> usize + Sync,
        make: impl Fn() -> S + Sync,
        look: impl Fn(&mut S, &mut Run<'_>, &B) -> Result<(), Partial> + Sync,
        mut join: impl FnMut(&mut S, S),
    ) -> S {
        let next = AtomicUsize::new(0);
        let work = |run: &mut Run<'_>, state: &mut S| {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(block) = blocks.get(at).filter(|_| !run.ended()) else { break };
                if !wanted(block) {
                    run.skip();
                    continue;
                }
                let next = blocks.iter().skip(at).take_while(|block| wanted(block));
                run.read_ahead(next.filter_map(Morsel::block), ahead(at));
                if let Err(why) = look(state, run, block) {
                    run.stop(why);
                    break;
                }
            }
        };
        let mut weight: usize = blocks.iter().take(ahead(0)).map(Morsel::weight).sum();
        if self.is_cold() {
            // Those that the disk has to be waited for take longer.
            weight *= 2;
        }
        let others = self.limits().threads.min(blocks.len()).min(weight / BLOCKS_PER_THREAD_MIN).saturating_sub(1);
        let mut state = make();
        if others == 0 {
            work(self, &mut state);
            return state;
        }
        let forks: Vec<Run<'_>> = (0..others).map(|_| self.fork()).collect();
        let (work, make) = (&work, &make);
        let made = thread::scope(|scope| {
            let spawn = |mut run| {
                let body = move || {
                    let mut state = make();
                    work(&mut run, &mut state);
                    (run, state)
                };
                thread::Builder::new().name("query".to_owned()).spawn_scoped(scope, body)
            };
            // A thread that cannot be made is not needed: the others take its blocks.
            let workers: Vec<_> = forks.into_iter().map_while(|run| spawn(run).ok()).collect();
            work(self, &mut state);
            let done = workers.into_iter().map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            done.collect::<Vec<_>>()
        });
        for (run, other) in made {
            self.join(run);
            join(&mut state, other);
        }
        state
    }

    /// Looks at blocks in order until none is wanted any more: most such searches end after a few blocks, and only those
    /// that do not are worth further threads. `columns` are read of each; `look` is given the place of the block, too.
    pub(crate) fn fold_early<S: EndsEarly>(
        &mut self,
        blocks: &[Arc<Block>],
        columns: Columns,
        search: &S,
        look: impl Fn(&mut Run<'_>, usize, &Arc<Block>) -> Result<(), Partial> + Sync,
    ) {
        let (first, rest) = blocks.split_at(blocks.len().min(ALONE_BLOCKS));
        first.iter().for_each(|block| block.ask_for_header());
        for (place, block) in first.iter().enumerate() {
            if !search.wants(block) {
                self.skip();
                continue;
            }
            if place == 0 {
                self.ask_for(block, columns);
            } else {
                // A search that goes on will want more.
                let next = if place < GOES_ON { first } else { blocks };
                let next = next.iter().skip(place).take_while(|block| search.wants(block));
                self.read_ahead(next, search.ahead(place));
            }
            if let Err(why) = look(self, place, block) {
                return self.stop(why);
            }
        }
        if rest.first().is_some_and(|block| search.wants(block)) {
            let places: Vec<(usize, &Arc<Block>)> = blocks.iter().enumerate().skip(ALONE_BLOCKS).collect();
            let wanted = |(_, block): &(usize, &Arc<Block>)| search.wants(block);
            let ahead = |at| search.ahead(ALONE_BLOCKS + at);
            let look = |(): &mut (), run: &mut Run<'_>, (place, block): &(usize, &Arc<Block>)| look(run, *place, block);
            self.fold_wanted(&places, wanted, ahead, || (), look, |(), ()| ());
        } else {
            rest.iter().for_each(|_| self.skip());
        }
    }
}
