//! Small segments into larger ones, so that files (each held open) stay few.
//!
//! Blocks are self-contained: a merge copies their bytes and builds the footer
//! anew. Segments of one day are merged with others of about their size, so a
//! row is copied about once per size class; the days before the newest
//! one are brought down to one segment per class.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::Shared;
use super::commit::{self, Pending};
use crate::block::Block;
use crate::manifest::{Manifest, SegmentInfo};
use crate::partition::Day;
use crate::segment::Segment;

/// Upper bounds of the size classes in bytes; larger segments are not merged.
const CLASSES: [u64; 3] = [1 << 20, 8 << 20, 64 << 20];
/// So many segments of a class of the newest day are merged into one.
const MERGE_MIN: usize = 8;

/// Merges what is due. A failure leaves everything as it was and is reported.
pub(super) fn merge(shared: &Shared, manifest: &mut Manifest) {
    // A segment that could not be opened is not touched, and does not hold up the others.
    let opened: Vec<SegmentInfo> = shared.state.lock().segments.iter().map(|s| s.info.clone()).collect();
    for (day, ids) in due(&opened) {
        if let Err(error) = merge_one(shared, manifest, day, &ids) {
            tracing::error!(store = shared.schema.dir(), day = %day, %error, "cannot merge segments; they stay as they are");
        }
    }
}

/// The segments that are to become one, by day and class.
fn due(segments: &[SegmentInfo]) -> Vec<(Day, Vec<u64>)> {
    let Some(newest) = segments.iter().map(|s| s.day).max() else { return Vec::new() };
    let mut classes: BTreeMap<(Day, usize), Vec<u64>> = BTreeMap::new();
    for s in segments {
        if let Some(class) = CLASSES.iter().position(|max| s.bytes < *max) {
            classes.entry((s.day, class)).or_default().push(s.id);
        }
    }
    let enough = |day: Day, n: usize| n >= if day == newest { MERGE_MIN } else { 2 };
    classes.into_iter().filter(|((day, _), ids)| enough(*day, ids.len())).map(|((day, _), ids)| (day, ids)).collect()
}

fn merge_one(shared: &Shared, manifest: &mut Manifest, day: Day, ids: &[u64]) -> std::io::Result<()> {
    let parts: Vec<Arc<Segment>> =
        shared.state.lock().segments.iter().filter(|s| ids.contains(&s.info.id)).cloned().collect();
    let blocks: Vec<Arc<Block>> = parts.iter().flat_map(|s| s.blocks.iter().cloned()).collect();
    commit::settle(shared, manifest)?;
    let mut pending = Pending::default();
    if let Err(error) = pending.write(shared, manifest, day, &blocks) {
        pending.discard(shared);
        return Err(error);
    }
    let mut next = manifest.clone();
    next.segments.retain(|s| !ids.contains(&s.id));
    let merged = pending.commit(shared, manifest, next)?;
    {
        let mut state = shared.state.lock();
        state.segments.retain(|s| !ids.contains(&s.info.id));
        state.segments.extend(merged);
    }
    let files: Vec<PathBuf> = parts.iter().map(|s| s.info.path(&shared.dir)).collect();
    commit::remove(shared, &files);
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::UnixNanos;

    use super::*;

    #[test]
    fn segments_of_one_size_and_day_are_merged() {
        let segment = |id, days: i64, bytes| SegmentInfo {
            id,
            day: Day::of(UnixNanos::from_secs(days * 86_400)),
            rows: 1,
            min_time: UnixNanos(0),
            max_time: UnixNanos(0),
            bytes,
        };
        let mut segments: Vec<SegmentInfo> = (0..7).map(|id| segment(id, 1, 1000)).collect();
        assert!(due(&segments).is_empty());
        segments.push(segment(7, 1, 2 << 20));
        assert!(due(&segments).is_empty());
        segments.push(segment(8, 1, 2000));
        assert_eq!(due(&segments).iter().map(|(_, ids)| ids.len()).collect::<Vec<_>>(), [8]);
        // A newer day begins: the older one is closed.
        segments.truncate(3);
        segments.extend([segment(9, 2, 1000), segment(10, 0, 100 << 20), segment(11, 0, 100 << 20)]);
        assert_eq!(due(&segments).iter().map(|(_, ids)| ids.clone()).collect::<Vec<_>>(), [[0, 1, 2]]);
    }
}
