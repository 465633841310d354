// The critical path: the spans whose time the trace waited for, and who owns how much of it.
import { add, type Segment, serviceOf, type TraceTree } from "./tree.ts";

export interface CriticalPath {
  /** Segments of span `i` are the places `from[i]` to `from[i] + size[i]` of `starts` and `ends`. */
  from: Int32Array;
  size: Int32Array;
  starts: Float64Array;
  ends: Float64Array;
  /** Nanoseconds of each span on the path; all together are the duration of the trace, idle time between roots aside. */
  own: Float64Array;
}

/**
 * Walks back from the end; at each moment the child that finished last owns the time. Children are clipped to their
 * parent, several roots are treated as children of the trace.
 */
export function criticalPath(tree: TraceTree): CriticalPath {
  const { start, end, below, count } = tree;
  const path = { from: new Int32Array(count), size: new Int32Array(count), own: new Float64Array(count) };
  const starts: number[] = [];
  const ends: number[] = [];
  /** Spans to divide, and from when until when each was waited for. */
  const work: number[] = [];
  const since: number[] = [];
  const until: number[] = [];
  const divide = (candidates: number[], low: number, high: number, own: ((a: number, b: number) => void) | null) => {
    let cursor = high;
    if (candidates.length > 1) candidates.sort((a, b) => (end[b] ?? 0) - (end[a] ?? 0));
    for (const child of candidates) {
      const from = Math.max(start[child] ?? 0, low);
      const to = Math.min(end[child] ?? 0, high);
      if (to > cursor || from >= cursor || to <= low) continue;
      if (cursor > to) own?.(to, cursor);
      work.push(child);
      since.push(from);
      until.push(to);
      cursor = from;
    }
    if (cursor > low) own?.(low, cursor);
  };
  const roots: number[] = [];
  for (let i = 0; i < count; i += (below[i] ?? 0) + 1) roots.push(i);
  divide(roots, 0, tree.duration, null);
  for (let index = work.pop(); index !== undefined; index = work.pop()) {
    const span = index;
    const low = since.pop() ?? 0;
    const high = until.pop() ?? 0;
    path.from[span] = starts.length;
    const kids: number[] = [];
    const last = span + (below[span] ?? 0);
    for (let at = span + 1; at <= last; at += (below[at] ?? 0) + 1) kids.push(at);
    divide(kids, low, high, (a, b) => {
      starts.push(a);
      ends.push(b);
      add(path.own, span, b - a);
    });
    path.size[span] = starts.length - (path.from[span] ?? 0);
    // A span all of whose time was waited for in children is on the path, too.
    if (path.size[span] === 0) {
      starts.push(high);
      ends.push(high);
      path.size[span] = 1;
    }
  }
  return { ...path, starts: Float64Array.from(starts), ends: Float64Array.from(ends) };
}

export function isCritical(path: CriticalPath, index: number): boolean {
  return (path.size[index] ?? 0) > 0;
}

export function criticalSegments(path: CriticalPath, index: number): Segment[] {
  const from = path.from[index] ?? 0;
  return Array.from(
    { length: path.size[index] ?? 0 },
    (_, at): Segment => [path.starts[from + at] ?? 0, path.ends[from + at] ?? 0],
  );
}

export interface Owner {
  service: string;
  name: string;
  /** Nanoseconds. */
  own: number;
  spans: number;
  /** The span with the most of it. */
  largest: number;
}

/** Who owns the time of the trace, by service and operation, the largest first. */
export function owners(tree: TraceTree, path: CriticalPath): Owner[] {
  const out = new Map<number, Owner>();
  for (let i = 0; i < tree.count; i++) {
    const own = path.own[i] ?? 0;
    if (own === 0) continue;
    const key = (tree.service[i] ?? 0) * tree.names.length + (tree.name[i] ?? 0);
    const known = out.get(key);
    if (!known) {
      const name = tree.names[tree.name[i] ?? 0] ?? "";
      out.set(key, { service: serviceOf(tree, i), name, own, spans: 1, largest: i });
      continue;
    }
    if (own > (path.own[known.largest] ?? 0)) known.largest = i;
    known.own += own;
    known.spans++;
  }
  return [...out.values()].sort((a, b) => b.own - a.own);
}
