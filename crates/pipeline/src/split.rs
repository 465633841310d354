//! Requests put together into one, and cut where it would be too large.

use std::ops::Range;

use wire::otlp::tree::{OfResource, OfScope, Record, Tree as Of};

use crate::telemetry::Tree;

/// A request to be sent, and which of those that were put together it has something of.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) tree: Tree,
    pub(crate) of: Range<usize>,
}

/// Puts `trees`, all of one signal, together into as few pieces as `max` items allow; 0 is no limit.
pub(crate) fn pieces(trees: Vec<Tree>, max: usize) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut room = 0;
    for (n, mut tree) in trees.into_iter().enumerate() {
        if max == 0 {
            match out.last_mut() {
                Some(last) => {
                    append(&mut last.tree, tree);
                    last.of.end = n + 1;
                }
                None => out.push(Piece { tree, of: 0..1 }),
            }
            continue;
        }
        loop {
            if room == 0 {
                room = max;
                out.push(Piece { tree: empty_like(&tree), of: n..n });
            }
            let rest = cut(&mut tree, room);
            room = room.saturating_sub(tree.items());
            if let Some(last) = out.last_mut() {
                append(&mut last.tree, tree);
                last.of.end = n + 1;
            }
            match rest {
                Some(rest) => {
                    tree = rest;
                    room = 0;
                }
                None => break,
            }
        }
    }
    out
}

fn empty_like(tree: &Tree) -> Tree {
    match tree {
        Tree::Traces(_) => Tree::Traces(Of::default()),
        Tree::Metrics(_) => Tree::Metrics(Of::default()),
        Tree::Logs(_) => Tree::Logs(Of::default()),
    }
}

fn append(into: &mut Tree, from: Tree) {
    match (into, from) {
        (Tree::Traces(a), Tree::Traces(b)) => a.append(b),
        (Tree::Metrics(a), Tree::Metrics(b)) => a.append(b),
        (Tree::Logs(a), Tree::Logs(b)) => a.append(b),
        // A pipeline has one signal.
        _ => {}
    }
}

fn cut(tree: &mut Tree, max: usize) -> Option<Tree> {
    match tree {
        Tree::Traces(t) => cut_off(t, max).map(Tree::Traces),
        Tree::Metrics(t) => cut_off(t, max).map(Tree::Metrics),
        Tree::Logs(t) => cut_off(t, max).map(Tree::Logs),
    }
}

/// Leaves about `max` items in `tree` and returns the others. A metric stays whole, and one record always stays.
fn cut_off<R: Record>(tree: &mut Of<R>, max: usize) -> Option<Of<R>> {
    let (mut kept, mut full) = (0, false);
    let mut rest = Of::default();
    let resources = std::mem::take(&mut tree.resources);
    for OfResource { resource, scopes, schema_url } in resources {
        let mut here = OfResource { resource: resource.clone(), scopes: vec![], schema_url: schema_url.clone() };
        let mut there = OfResource { resource, scopes: vec![], schema_url };
        for OfScope { scope, mut records, schema_url } in scopes {
            let mut fit = 0;
            for record in &records {
                full = full || kept > 0 && kept + record.items() > max;
                if full {
                    break;
                }
                kept += record.items();
                fit += 1;
            }
            let behind = records.split_off(fit);
            if !behind.is_empty() {
                there.scopes.push(OfScope { scope: scope.clone(), records: behind, schema_url: schema_url.clone() });
            }
            if !records.is_empty() {
                here.scopes.push(OfScope { scope, records, schema_url });
            }
        }
        if !here.scopes.is_empty() {
            tree.resources.push(here);
        }
        if !there.scopes.is_empty() {
            rest.resources.push(there);
        }
    }
    (!rest.resources.is_empty()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processors::testing::{log, of_service};

    fn logs(n: usize) -> Tree {
        Tree::Logs(of_service("s", (0..n).map(|i| log(&i.to_string())).collect()))
    }

    fn cut_up(sizes: &[usize], max: usize) -> Vec<(usize, Range<usize>)> {
        let pieces = pieces(sizes.iter().map(|n| logs(*n)).collect(), max);
        pieces.into_iter().map(|p| (p.tree.items(), p.of)).collect()
    }

    #[test]
    fn requests_are_joined_and_cut() {
        assert_eq!(cut_up(&[3, 4, 5], 0), [(12, 0..3)]);
        assert_eq!(cut_up(&[3, 4, 5], 5), [(5, 0..2), (5, 1..3), (2, 2..3)]);
        assert_eq!(cut_up(&[10], 4), [(4, 0..1), (4, 0..1), (2, 0..1)]);
        assert_eq!(cut_up(&[0, 2], 4), [(2, 0..2)]);
    }
}
