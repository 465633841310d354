// A trace as a tree in display order: depth first, children by start. Parallel arrays, so that a trace of 100,000 spans
// is a handful of buffers. Times are nanoseconds after the start of the trace, as numbers: exact up to 104 days.
import type { SpanColumns } from "../../api/trace-columns.ts";

export interface TraceTree extends SpanColumns {
  count: number;
  /** Of the whole trace, at least 1 ns. */
  duration: number;
  depth: Int32Array;
  /** Spans below each one: they are the places after it. */
  below: Int32Array;
  errorsBelow: Int32Array;
  /** Duration minus the time in which at least one child ran. */
  self: Float64Array;
  /** Starts before its parent by more than the clocks' noise: the clocks of the two hosts disagree. */
  skewed: Uint8Array;
  /** Events of span `i` are the places `eventFrom[i]` to `eventFrom[i + 1]` of the event columns. */
  eventFrom: Uint32Array;
  errors: number;
  /** Spans whose parent is not in the trace. */
  orphans: number;
  skews: number;
  maxDepth: number;
}

export const ERROR = 2;
const MISSING = -2;
/** Clock differences below this are noise of the clocks, not a finding. */
const SKEW_NANOS = 1_000_000;

/** Adds to an entry and answers what it was before. */
export function add(to: Int32Array | Uint32Array | Float64Array, at: number, by: number): number {
  const before = to[at] ?? 0;
  to[at] = before + by;
  return before;
}

/** Builds the tree; spans may come in any order and may have missing parents or circles. No span is lost. */
export function buildTree(columns: SpanColumns): TraceTree {
  const order = displayOrder(columns);
  const n = order.length;
  const pick = <T extends Int32Array | Uint32Array | Uint8Array | Float64Array>(from: T): T => {
    const to = new (from.constructor as new (length: number) => T)(n);
    for (let at = 0; at < n; at++) to[at] = from[order[at] ?? 0] ?? 0;
    return to;
  };
  const place = new Int32Array(n);
  for (let at = 0; at < n; at++) place[order[at] ?? 0] = at;
  const parent = new Int32Array(n);
  const depth = new Int32Array(n);
  for (let at = 0; at < n; at++) {
    const above = columns.parent[order[at] ?? 0] ?? -1;
    const to = above >= 0 && above < n ? (place[above] ?? -1) : above;
    // A parent that comes later is part of a circle: it is cut here.
    parent[at] = to < at ? to : MISSING;
    depth[at] = to >= 0 && to < at ? (depth[to] ?? 0) + 1 : 0;
  }
  const tree: TraceTree = {
    ...columns,
    ...sortEvents(columns, place),
    spanIds: Array.from(order, (at) => columns.spanIds[at] ?? ""),
    parent,
    depth,
    name: pick(columns.name),
    service: pick(columns.service),
    kind: pick(columns.kind),
    status: pick(columns.status),
    start: pick(columns.start),
    end: pick(columns.end),
    badge: pick(columns.badge),
    count: n,
    duration: 1,
    below: new Int32Array(n),
    errorsBelow: new Int32Array(n),
    self: new Float64Array(n),
    skewed: new Uint8Array(n),
    errors: 0,
    orphans: 0,
    skews: 0,
    maxDepth: 0,
  };
  summarise(tree);
  return tree;
}

/** Places of `columns` in display order. */
function displayOrder({ parent, start }: SpanColumns): Int32Array {
  const n = parent.length;
  const byStart = Int32Array.from(start, (_, index) => index);
  if (!isSorted(start)) byStart.sort((a, b) => (start[a] ?? 0) - (start[b] ?? 0));
  const has = (at: number) => at >= 0 && at < n;
  const from = new Int32Array(n + 1);
  for (let i = 0; i < n; i++) if (has(parent[i] ?? -1)) add(from, (parent[i] ?? 0) + 1, 1);
  for (let i = 0; i < n; i++) add(from, i + 1, from[i] ?? 0);
  const next = from.slice();
  const children = new Int32Array(n);
  for (const i of byStart) if (has(parent[i] ?? -1)) children[add(next, parent[i] ?? 0, 1)] = i;
  const order = new Int32Array(n);
  const visited = new Uint8Array(n);
  let filled = 0;
  const stack: number[] = [];
  const walk = (first: number) => {
    stack.push(first);
    for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
      if (visited[i]) continue;
      visited[i] = 1;
      order[filled++] = i;
      for (let at = (from[i + 1] ?? 0) - 1; at >= (from[i] ?? 0); at--) stack.push(children[at] ?? 0);
    }
  };
  for (const i of byStart) if (!has(parent[i] ?? -1)) walk(i);
  // Spans that name each other as parents are reached from no root; show them instead of losing them.
  for (const i of byStart) if (!visited[i]) walk(i);
  return order;
}

function isSorted(values: Float64Array): boolean {
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) < (values[i - 1] ?? 0)) return false;
  return true;
}

function sortEvents(columns: SpanColumns, place: Int32Array) {
  const m = columns.eventSpan.length;
  const n = place.length;
  const at = Uint32Array.from(columns.eventSpan, (span) => place[span] ?? 0);
  const eventFrom = new Uint32Array(n + 1);
  for (const span of at) add(eventFrom, span + 1, 1);
  for (let i = 0; i < n; i++) add(eventFrom, i + 1, eventFrom[i] ?? 0);
  const next = eventFrom.slice();
  const eventSpan = new Uint32Array(m);
  const eventTime = new Float64Array(m);
  const eventName = new Uint32Array(m);
  for (let e = 0; e < m; e++) {
    const to = add(next, at[e] ?? 0, 1);
    eventSpan[to] = at[e] ?? 0;
    eventTime[to] = columns.eventTime[e] ?? 0;
    eventName[to] = columns.eventName[e] ?? 0;
  }
  return { eventFrom, eventSpan, eventTime, eventName };
}

function summarise(tree: TraceTree): void {
  const { parent, start, end, below, errorsBelow, status } = tree;
  for (let i = tree.count - 1; i >= 0; i--) {
    const above = parent[i] ?? -1;
    const isError = status[i] === ERROR;
    if (above >= 0) {
      add(below, above, 1 + (below[i] ?? 0));
      add(errorsBelow, above, Number(isError) + (errorsBelow[i] ?? 0));
      if ((start[i] ?? 0) < (start[above] ?? 0) - SKEW_NANOS) {
        tree.skewed[i] = 1;
        tree.skews++;
      }
    }
    let self = 0;
    for (const [from, to] of selfSegments(tree, i)) self += to - from;
    tree.self[i] = self;
    tree.duration = Math.max(tree.duration, end[i] ?? 0);
    tree.errors += Number(isError);
    tree.orphans += Number(above === MISSING);
    tree.maxDepth = Math.max(tree.maxDepth, tree.depth[i] ?? 0);
  }
}

/** The places of the children of a span, by start. */
export function children(tree: TraceTree, index: number): number[] {
  const out: number[] = [];
  const end = index + (tree.below[index] ?? 0);
  for (let at = index + 1; at <= end; at += (tree.below[at] ?? 0) + 1) out.push(at);
  return out;
}

export type Segment = readonly [start: number, end: number];

/** The parts of a span in which none of its children ran. */
export function selfSegments(tree: TraceTree, index: number): Segment[] {
  const out: Segment[] = [];
  const end = tree.end[index] ?? 0;
  let cursor = tree.start[index] ?? 0;
  const last = index + (tree.below[index] ?? 0);
  for (let at = index + 1; at <= last; at += (tree.below[at] ?? 0) + 1) {
    const from = tree.start[at] ?? 0;
    if (from >= end) break;
    if (from > cursor) out.push([cursor, from]);
    cursor = Math.max(cursor, tree.end[at] ?? 0);
  }
  if (cursor < end) out.push([cursor, end]);
  return out;
}

/** The place of a span id; -1 when the trace has none. */
export function indexOfSpan(tree: TraceTree, spanId: string | undefined): number {
  return spanId ? tree.spanIds.indexOf(spanId) : -1;
}

/** From the parent up to the root. */
export function ancestors(tree: TraceTree, index: number): number[] {
  const out: number[] = [];
  for (let at = tree.parent[index] ?? -1; at >= 0; at = tree.parent[at] ?? -1) out.push(at);
  return out;
}

export const durationOf = (tree: TraceTree, index: number): number => (tree.end[index] ?? 0) - (tree.start[index] ?? 0);
export const nameOf = (tree: TraceTree, index: number): string => tree.names[tree.name[index] ?? 0] ?? "";
export const serviceOf = (tree: TraceTree, index: number): string => tree.services[tree.service[index] ?? 0] ?? "";
