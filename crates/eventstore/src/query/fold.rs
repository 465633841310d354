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
use crate::block::Block;

/// A thread is made for at least so many blocks: it costs as much as looking into one.
const BLOCKS_PER_THREAD_MIN: usize = 8;

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
        self.fold_wanted(blocks, |_| true, make, look, join)
    }

    /// The same of the blocks that are still `wanted` when their turn comes.
    fn fold_wanted<B: Morsel, S: Send>(
        &mut self,
        blocks: &[B],
        wanted: impl Fn(&B) -> bool + Sync,
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
                run.read_ahead(blocks.iter().skip(at).filter_map(Morsel::block));
                if let Err(why) = look(state, run, block) {
                    run.stop(why);
                    break;
                }
            }
        };
        let weight: usize = blocks.iter().map(Morsel::weight).sum();
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

    /// Looks at blocks in order until none is `wanted` any more: most such searches end after a few blocks, and only those
    /// that do not are worth further threads. `look` is given the place of the block, too.
    pub(crate) fn fold_early(
        &mut self,
        blocks: &[Arc<Block>],
        wanted: impl Fn(&Arc<Block>) -> bool + Sync,
        look: impl Fn(&mut Run<'_>, usize, &Arc<Block>) -> Result<(), Partial> + Sync,
    ) {
        let (first, rest) = blocks.split_at(blocks.len().min(ALONE_BLOCKS));
        for (place, block) in first.iter().enumerate() {
            if !wanted(block) {
                self.skip();
                continue;
            }
            // A search that goes on will want more.
            let ahead = if place < GOES_ON { first } else { blocks };
            self.read_ahead(ahead.iter().skip(place));
            if let Err(why) = look(self, place, block) {
                return self.stop(why);
            }
        }
        if rest.first().is_some_and(&wanted) {
            let places: Vec<(usize, &Arc<Block>)> = blocks.iter().enumerate().skip(ALONE_BLOCKS).collect();
            let wanted = |(_, block): &(usize, &Arc<Block>)| wanted(block);
            self.fold_wanted(&places, wanted, || (), |(), run, (place, block)| look(run, *place, block), |(), ()| ());
        } else {
            rest.iter().for_each(|_| self.skip());
        }
    }
}
