// Many traces as one tree: spans with the same operations from the root down are one node, with their share of the time.
import type { SpanColumns } from "../../api/trace-columns.ts";

export interface PathNode {
  service: string;
  name: string;
  kind: string;
  depth: number;
  /** Spans, and traces that have at least one. */
  spans: number;
  traces: number;
  errors: number;
  /** Nanoseconds of all spans, and of those in which no child of theirs ran. */
  total: number;
  self: number;
  children: Map<string, PathNode>;
}

export interface Structure {
  roots: PathNode[];
  traces: number;
  /** Nanoseconds of all roots. */
  total: number;
}

function makeNode(service: string, name: string, kind: string, depth: number): PathNode {
  return { service, name, kind, depth, spans: 0, traces: 0, errors: 0, total: 0, self: 0, children: new Map() };
}

export function mergeTraces(list: readonly SpanColumns[]): Structure {
  const root = makeNode("", "", "", -1);
  for (const trace of list) addTrace(root, trace);
  const roots = [...root.children.values()];
  return { roots, traces: list.length, total: roots.reduce((sum, node) => sum + node.total, 0) };
}

function addTrace(root: PathNode, trace: SpanColumns): void {
  const n = trace.spanIds.length;
  const nodes: (PathNode | undefined)[] = new Array(n);
  const seen = new Set<PathNode>();
  const childTime = childTimes(trace);
  const nodeOf = (at: number, guard: number): PathNode => {
    const known = nodes[at];
    if (known) return known;
    const parent = trace.parent[at] ?? -1;
    // A circle of parents is cut; so is a chain too deep to follow.
    const above = parent >= 0 && guard > 0 ? nodeOf(parent, guard - 1) : root;
    const service = trace.services[trace.service[at] ?? 0] ?? "";
    const name = trace.names[trace.name[at] ?? 0] ?? "";
    const key = `${service}\n${name}`;
    let node = above.children.get(key);
    if (!node) {
      node = makeNode(service, name, trace.kinds[trace.kind[at] ?? 0] ?? "", above.depth + 1);
      above.children.set(key, node);
    }
    nodes[at] = node;
    return node;
  };
  for (let at = 0; at < n; at++) {
    const node = nodeOf(at, 1000);
    const duration = (trace.end[at] ?? 0) - (trace.start[at] ?? 0);
    node.spans++;
    node.total += duration;
    node.self += Math.max(0, duration - (childTime[at] ?? 0));
    node.errors += Number(trace.status[at] === 2);
    if (!seen.has(node)) {
      seen.add(node);
      node.traces++;
    }
  }
}

/** For each span the time in which at least one child ran, inside of the span. */
function childTimes(trace: SpanColumns): Float64Array {
  const n = trace.spanIds.length;
  const order = Int32Array.from(trace.start, (_, at) => at).sort(
    (a, b) => (trace.start[a] ?? 0) - (trace.start[b] ?? 0),
  );
  const covered = new Float64Array(n);
  const until = Float64Array.from(trace.start);
  for (const at of order) {
    const parent = trace.parent[at] ?? -1;
    if (parent < 0 || parent === at) continue;
    const from = Math.max(trace.start[at] ?? 0, until[parent] ?? 0);
    const to = Math.min(trace.end[at] ?? 0, trace.end[parent] ?? 0);
    if (to <= from) continue;
    covered[parent] = (covered[parent] ?? 0) + to - from;
    until[parent] = to;
  }
  return covered;
}

/** Nodes in the order of display: the most time first, children below their parent. */
export function flatten(structure: Structure, collapsed: ReadonlySet<PathNode>): PathNode[] {
  const out: PathNode[] = [];
  const sorted = (nodes: Iterable<PathNode>) => [...nodes].sort((a, b) => a.total - b.total);
  const stack = sorted(structure.roots);
  for (let node = stack.pop(); node; node = stack.pop()) {
    out.push(node);
    if (!collapsed.has(node)) stack.push(...sorted(node.children.values()));
  }
  return out;
}
