// Layouts of the flame graph: in the order of time, where parallel spans get lanes of their own, and merged, where
// spans with one path of operations are one box and the heaviest stands left.
import { ERROR, type TraceTree } from "./tree.ts";

export interface Box {
  lane: number;
  /** In the order of time: nanoseconds. Merged: shares of the whole, 0 to 1. */
  start: number;
  end: number;
  /** One span it stands for. */
  index: number;
  count: number;
  total: number;
  self: number;
  errors: number;
}

export interface FlameLayout {
  boxes: Box[];
  lanes: number;
}

/** Every span in a lane below its parent; no two overlap. */
export function timeLayout(tree: TraceTree): FlameLayout {
  const lane = new Int32Array(tree.count);
  const busyUntil: number[] = [];
  const boxes: Box[] = [];
  for (let i = 0; i < tree.count; i++) {
    const parent = tree.parent[i] ?? -1;
    const start = tree.start[i] ?? 0;
    const end = tree.end[i] ?? 0;
    let at = parent >= 0 ? (lane[parent] ?? 0) + 1 : 0;
    while ((busyUntil[at] ?? Number.NEGATIVE_INFINITY) > start) at++;
    lane[i] = at;
    busyUntil[at] = Math.max(end, start);
    const errors = Number(tree.status[i] === ERROR);
    boxes.push({ lane: at, start, end, index: i, count: 1, total: end - start, self: tree.self[i] ?? 0, errors });
  }
  return { boxes, lanes: busyUntil.length };
}

interface Merged {
  index: number;
  key: number;
  count: number;
  total: number;
  self: number;
  errors: number;
  below: Map<number, Merged>;
}

/** Spans with the same services and operations from the root down are one box, as wide as their time together. */
export function mergedLayout(tree: TraceTree): FlameLayout {
  const root: Merged = { index: -1, key: -1, count: 0, total: 0, self: 0, errors: 0, below: new Map() };
  const of: Merged[] = [];
  for (let i = 0; i < tree.count; i++) {
    const parent = tree.parent[i] ?? -1;
    const above = parent >= 0 ? (of[parent] ?? root) : root;
    const key = (tree.service[i] ?? 0) * tree.names.length + (tree.name[i] ?? 0);
    let node = above.below.get(key);
    if (!node) {
      node = { index: i, key, count: 0, total: 0, self: 0, errors: 0, below: new Map() };
      above.below.set(key, node);
    }
    node.count++;
    node.total += (tree.end[i] ?? 0) - (tree.start[i] ?? 0);
    node.self += tree.self[i] ?? 0;
    node.errors += Number(tree.status[i] === ERROR);
    of[i] = node;
  }
  const boxes: Box[] = [];
  let lanes = 0;
  const work: { nodes: Merged[]; lane: number; start: number; end: number; whole: number }[] = [];
  const sum = (nodes: readonly Merged[]) => nodes.reduce((all, node) => all + node.total, 0);
  const roots = [...root.below.values()];
  work.push({ nodes: roots, lane: 0, start: 0, end: 1, whole: sum(roots) });
  for (let next = work.pop(); next; next = work.pop()) {
    const { nodes, lane, end, whole } = next;
    let at = next.start;
    for (const node of nodes.sort((a, b) => b.total - a.total)) {
      const width = whole > 0 ? ((end - next.start) * node.total) / whole : 0;
      const { index, count, total, self, errors } = node;
      boxes.push({ lane, start: at, end: at + width, index, count, total, self, errors });
      lanes = Math.max(lanes, lane + 1);
      const below = [...node.below.values()];
      // Children that ran in parallel may together be longer than their parent: they share its width.
      if (below.length > 0)
        work.push({ nodes: below, lane: lane + 1, start: at, end: at + width, whole: Math.max(total, sum(below)) });
      at += width;
    }
  }
  return { boxes, lanes };
}
