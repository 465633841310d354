// A trace as a tree in display order, with the arithmetic of the waterfall. Times are nanoseconds after the start of
// the trace, as numbers: exact up to 104 days.
import type { Span } from "../../api/traces.ts";
import { nanosBetween, parseNanos, type UnixNanos } from "../../lib/time/nanos.ts";

export interface Node {
  span: Span;
  /** Position in `Tree.nodes`, which is depth first, children by start. */
  index: number;
  parent: number;
  children: number[];
  depth: number;
  start: number;
  end: number;
  /** Duration minus the time in which at least one child ran. */
  self: number;
  isError: boolean;
  /** Spans below this one, and how many of them are errors. */
  below: number;
  errorsBelow: number;
  /** The span names a parent that is not in the trace. */
  orphan: boolean;
  /** Starts before its parent: the clocks of the two hosts disagree. */
  skewed: boolean;
}

export interface Tree {
  startNanos: UnixNanos;
  /** Of the whole trace, at least 1 ns. */
  duration: number;
  nodes: Node[];
  bySpanId: Map<string, number>;
  services: string[];
  errors: number;
  orphans: number;
  skewed: number;
  maxDepth: number;
}

/** Clock differences below this are noise of the clocks, not a finding. */
const SKEW_NANOS = 1_000_000;

/** Builds the tree of a trace; `spans` may come in any order and may have missing parents or circles. */
export function buildTree(spans: readonly Span[]): Tree {
  const starts = spans.map((span) => parseNanos(span.start_unix_nano));
  const startNanos = starts.reduce((least, at) => (at < least ? at : least), starts[0] ?? 0n);
  const offsets = starts.map((at) => nanosBetween(startNanos, at));
  const position = new Map(spans.map((span, index) => [span.span_id, index]));
  const children = new Map<number, number[]>();
  const roots: number[] = [];
  spans.forEach((span, index) => {
    const parent = position.get(span.parent_span_id);
    if (parent === undefined || parent === index) roots.push(index);
    else {
      const siblings = children.get(parent);
      if (siblings) siblings.push(index);
      else children.set(parent, [index]);
    }
  });
  const byStart = (a: number, b: number) => (offsets[a] ?? 0) - (offsets[b] ?? 0);
  const tree: Tree = {
    startNanos,
    duration: 1,
    nodes: [],
    bySpanId: new Map(),
    services: [],
    errors: 0,
    orphans: 0,
    skewed: 0,
    maxDepth: 0,
  };
  const visited = new Set<number>();
  const walk = (first: readonly number[]) => {
    const stack = first.map((source) => ({ source, parent: -1, depth: 0 })).reverse();
    for (let step = stack.pop(); step; step = stack.pop()) {
      const span = spans[step.source];
      if (!span || visited.has(step.source)) continue;
      visited.add(step.source);
      const node = makeNode(span, tree, step.parent, step.depth, offsets[step.source] ?? 0);
      const below = [...(children.get(step.source) ?? [])].sort(byStart).reverse();
      for (const source of below) stack.push({ source, parent: node.index, depth: step.depth + 1 });
    }
  };
  walk(roots.sort(byStart));
  // Spans that name each other as parents are reached from no root; show them instead of losing them.
  walk(spans.map((_, index) => index));
  summarise(tree);
  return tree;
}

function makeNode(span: Span, tree: Tree, parent: number, depth: number, start: number): Node {
  const above = tree.nodes[parent];
  const node: Node = {
    span,
    index: tree.nodes.length,
    parent,
    children: [],
    depth,
    start,
    end: start + Math.max(0, span.duration_nanos),
    self: 0,
    isError: span.status.code === "ERROR",
    below: 0,
    errorsBelow: 0,
    orphan: parent < 0 && span.parent_span_id !== "",
    skewed: above !== undefined && start < above.start - SKEW_NANOS,
  };
  above?.children.push(node.index);
  tree.nodes.push(node);
  tree.bySpanId.set(span.span_id, node.index);
  return node;
}

function summarise(tree: Tree): void {
  for (const node of [...tree.nodes].reverse()) {
    const parent = tree.nodes[node.parent];
    if (parent) {
      parent.below += 1 + node.below;
      parent.errorsBelow += Number(node.isError) + node.errorsBelow;
    }
    node.self = selfSegments(tree, node).reduce((sum, [start, end]) => sum + end - start, 0);
    tree.duration = Math.max(tree.duration, node.end);
    tree.errors += Number(node.isError);
    tree.orphans += Number(node.orphan);
    tree.skewed += Number(node.skewed);
    tree.maxDepth = Math.max(tree.maxDepth, node.depth);
  }
  tree.services = [...new Set(tree.nodes.map((node) => node.span.service))];
}

export type Segment = readonly [start: number, end: number];

/** The parts of a span in which none of its children ran. */
export function selfSegments(tree: Tree, node: Node): Segment[] {
  const out: Segment[] = [];
  let cursor = node.start;
  // Children are in order of their start.
  for (const index of node.children) {
    const child = tree.nodes[index];
    if (!child || child.start >= node.end) break;
    if (child.start > cursor) out.push([cursor, child.start]);
    cursor = Math.max(cursor, child.end);
  }
  if (cursor < node.end) out.push([cursor, node.end]);
  return out;
}

/**
 * The critical path: the spans whose time the trace waited for. Walks back from the end; at each moment the child that
 * finished last owns the time. Children are clipped to their parent. Segments by node index.
 */
export function criticalPath(tree: Tree): Map<number, Segment[]> {
  const path = new Map<number, Segment[]>();
  const roots = tree.nodes.filter((node) => node.parent < 0);
  const work: { index: number; end: number }[] = [];
  /** Hands out the time before `end` to `candidates`; returns what is left over, newest first. */
  const divide = (candidates: readonly Node[], start: number, end: number): Segment[] => {
    const own: Segment[] = [];
    let cursor = end;
    for (const child of [...candidates].sort((a, b) => b.end - a.end)) {
      const childEnd = Math.min(child.end, end);
      if (childEnd > cursor || child.start >= cursor || childEnd <= start) continue;
      if (cursor > childEnd) own.push([childEnd, cursor]);
      work.push({ index: child.index, end: childEnd });
      cursor = Math.max(child.start, start);
    }
    if (cursor > start) own.push([start, cursor]);
    return own;
  };
  divide(roots, 0, tree.duration);
  for (let next = work.pop(); next; next = work.pop()) {
    const node = tree.nodes[next.index];
    if (!node) continue;
    const below = node.children.flatMap((index) => tree.nodes[index] ?? []);
    path.set(node.index, divide(below, node.start, next.end));
  }
  return path;
}

export interface RowFilter {
  collapsed: ReadonlySet<string>;
  /** Keeps these nodes and their ancestors; null keeps all. */
  only: ReadonlySet<number> | null;
}

/** Indices of the nodes that have a row, in order. */
export function visibleRows(tree: Tree, { collapsed, only }: RowFilter): number[] {
  const kept = only ? withAncestors(tree, only) : null;
  const rows: number[] = [];
  for (let index = 0; index < tree.nodes.length; ) {
    const node = tree.nodes[index];
    if (!node) break;
    if (!kept || kept.has(index)) rows.push(index);
    // Depth first order: the subtree of a node are the `below` nodes after it.
    index += collapsed.has(node.span.span_id) ? node.below + 1 : 1;
  }
  return rows;
}

function withAncestors(tree: Tree, only: ReadonlySet<number>): Set<number> {
  const kept = new Set<number>();
  for (const index of only) {
    for (let at = index; at >= 0 && !kept.has(at); at = tree.nodes[at]?.parent ?? -1) kept.add(at);
  }
  return kept;
}

/** Nodes whose name, service, status message or attributes contain the text, ignoring case. */
export function findNodes(tree: Tree, text: string): number[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  return tree.nodes
    .filter(({ span }) =>
      `${span.name}\n${span.service}\n${span.span_id}\n${span.status.message}\n${JSON.stringify(span.attributes)}`
        .toLowerCase()
        .includes(wanted),
    )
    .map((node) => node.index);
}
