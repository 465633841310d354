// The spans of a trace by service and operation, and the calls between its services.
import type { CriticalPath } from "./critical.ts";
import { durationOf, ERROR, nameOf, serviceOf, type TraceTree } from "./tree.ts";

export interface StatsRow {
  service: string;
  name: string;
  count: number;
  errors: number;
  total: number;
  self: number;
  avg: number;
  p95: number;
  max: number;
  critical: number;
  /** The longest span. */
  index: number;
}

export function statsRows(tree: TraceTree, path: CriticalPath): StatsRow[] {
  const rows = new Map<number, { row: StatsRow; durations: number[] }>();
  for (let i = 0; i < tree.count; i++) {
    const key = (tree.service[i] ?? 0) * tree.names.length + (tree.name[i] ?? 0);
    let known = rows.get(key);
    if (!known) {
      const [service, name] = [serviceOf(tree, i), nameOf(tree, i)];
      const row = {
        service,
        name,
        count: 0,
        errors: 0,
        total: 0,
        self: 0,
        avg: 0,
        p95: 0,
        max: 0,
        critical: 0,
        index: i,
      };
      known = { row, durations: [] };
      rows.set(key, known);
    }
    const { row, durations } = known;
    const duration = durationOf(tree, i);
    if (duration > row.max) row.index = i;
    row.count++;
    row.errors += Number(tree.status[i] === ERROR);
    row.total += duration;
    row.self += tree.self[i] ?? 0;
    row.max = Math.max(row.max, duration);
    row.critical += path.own[i] ?? 0;
    durations.push(duration);
  }
  return [...rows.values()].map(({ row, durations }) => {
    const sorted = Float64Array.from(durations).sort();
    return {
      ...row,
      avg: row.total / row.count,
      p95: sorted[Math.max(0, Math.ceil(sorted.length * 0.95) - 1)] ?? 0,
    };
  });
}

export interface Call {
  from: number;
  to: number;
  calls: number;
  errors: number;
  total: number;
}

export interface ServiceGraph {
  /** Places of services, in layers from the root on. */
  layers: number[][];
  calls: Call[];
  spans: number[];
  self: number[];
  errors: number[];
}

/** Which service of the trace called which; layers are the fewest hops from a root. */
export function serviceGraph(tree: TraceTree): ServiceGraph {
  const n = tree.services.length;
  const calls = new Map<number, Call>();
  const spans = new Array<number>(n).fill(0);
  const self = new Array<number>(n).fill(0);
  const errors = new Array<number>(n).fill(0);
  const layer = new Array<number>(n).fill(Number.POSITIVE_INFINITY);
  for (let i = 0; i < tree.count; i++) {
    const to = tree.service[i] ?? 0;
    const parent = tree.parent[i] ?? -1;
    spans[to] = (spans[to] ?? 0) + 1;
    self[to] = (self[to] ?? 0) + (tree.self[i] ?? 0);
    if (tree.status[i] === ERROR) errors[to] = (errors[to] ?? 0) + 1;
    if (parent < 0) {
      layer[to] = 0;
      continue;
    }
    const from = tree.service[parent] ?? 0;
    if (from === to) continue;
    const key = from * n + to;
    const call = calls.get(key) ?? { from, to, calls: 0, errors: 0, total: 0 };
    call.calls++;
    call.errors += Number(tree.status[i] === ERROR);
    call.total += durationOf(tree, i);
    calls.set(key, call);
    layer[to] = Math.min(layer[to] ?? 0, (layer[from] ?? 0) + 1);
  }
  const layers: number[][] = [];
  for (let service = 0; service < n; service++) {
    const at = Math.min(n, layer[service] ?? 0);
    layers[at] = [...(layers[at] ?? []), service];
  }
  return { layers: layers.filter(Boolean), calls: [...calls.values()], spans, self, errors };
}
