//! The series of a head by id, in pages that never move, each with a lock of its own.
//!
//! The one writer keeps the lock of a page while neighbouring series get their
//! samples: a host's series are made together and lie in one page. A reader
//! holds it while it copies what it needs of the page. New pages appear
//! without a lock, so that neither waits for a head that grows.

use std::sync::OnceLock;

use parking_lot::{Mutex, MutexGuard};

use super::series::MemSeries;

/// Series of a page. Few, so that nobody waits long for its lock.
const PAGE_SERIES: u32 = 256;
/// Group `n` has `2^n` pages: together they hold more than all 32-bit ids.
const GROUPS: usize = 25;

type Page = Mutex<Vec<MemSeries>>;

#[derive(Debug, Default)]
pub(crate) struct Pages {
    groups: [OnceLock<Box<[Page]>>; GROUPS],
}

/// The page of a series and its place there.
pub(crate) fn place(id: u32) -> (u32, usize) {
    (id / PAGE_SERIES, (id % PAGE_SERIES) as usize)
}

/// The group of a page and its place there.
fn group(page: u32) -> (usize, usize) {
    let n = u64::from(page) + 1;
    let group = n.ilog2();
    (group as usize, (n - (1 << group)) as usize)
}

impl Pages {
    /// The page, if it was made.
    pub(crate) fn get(&self, page: u32) -> Option<&Page> {
        let (group, at) = group(page);
        self.groups.get(group)?.get()?.get(at)
    }

    /// The page, made if need be.
    fn get_or_make(&self, page: u32) -> Option<&Page> {
        let (group, at) = group(page);
        self.groups.get(group)?.get_or_init(|| (0..1usize << group).map(|_| Page::default()).collect()).get(at)
    }
}

/// The writer's way through the pages.
pub(crate) struct Cursor<'a> {
    pages: &'a Pages,
    held: Option<(u32, MutexGuard<'a, Vec<MemSeries>>)>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(pages: &'a Pages) -> Self {
        Self { pages, held: None }
    }

    /// The series with this id, if it was made.
    pub(crate) fn series(&mut self, id: u32) -> Option<&mut MemSeries> {
        let (page, at) = place(id);
        if self.held.as_ref().is_none_or(|(held, _)| *held != page) {
            self.hold(page, self.pages.get(page)?);
        }
        self.held.as_mut()?.1.get_mut(at)
    }

    /// Makes the series with this id, the next one behind all others.
    pub(crate) fn push(&mut self, id: u32) -> Option<&mut MemSeries> {
        let (page, at) = place(id);
        self.hold(page, self.pages.get_or_make(page)?);
        let series = &mut *self.held.as_mut()?.1;
        debug_assert_eq!(series.len(), at);
        if series.capacity() == 0 {
            series.reserve_exact(PAGE_SERIES as usize);
        }
        series.push(MemSeries::default());
        series.get_mut(at)
    }

    fn hold(&mut self, page: u32, lock: &'a Page) {
        // Before the next one is waited for: no two are held together.
        self.held = None;
        self.held = Some((page, lock.lock()));
    }

    /// Gives back the lock, which must not be held while one of the index is waited for.
    pub(crate) fn release(&mut self) {
        self.held = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_its_place() {
        assert_eq!((group(0), group(1), group(2), group(3)), ((0, 0), (1, 0), (1, 1), (2, 0)));
        let last = place(u32::MAX).0;
        assert!(group(last).0 < GROUPS);
        let pages = Pages::default();
        let mut cursor = Cursor::new(&pages);
        for id in 0..1000 {
            assert!(cursor.series(id).is_none());
            assert!(cursor.push(id).is_some());
        }
        assert!(cursor.series(999).is_some() && cursor.series(0).is_some());
        cursor.release();
        assert_eq!(pages.get(3).map(|p| p.lock().len()), Some(1000 - 3 * 256));
        assert!(pages.get(7).is_none());
    }
}
