// Two traces as one tree: spans that do the same at the same place are one row. Children are matched in order (longest
// common subsequence of service, name and kind), what is left over of a kind by the closest duration.
import type { CriticalPath } from "../critical.ts";
import { children, durationOf, nameOf, serviceOf, type TraceTree } from "../tree.ts";

export interface PairRow {
  /** Places in the two trees; -1 when the span is only in the other. */
  a: number;
  b: number;
  depth: number;
}

/** Above this many cells the exact matching of a list of children is replaced by matching equal kinds in order. */
const CELLS_MAX = 4_000_000;

type KeyOf = (index: number) => number;

function keys(tree: TraceTree, known: Map<string, number>): KeyOf {
  const cache = new Map<number, number>();
  return (index) => {
    const place =
      ((tree.service[index] ?? 0) * tree.names.length + (tree.name[index] ?? 0)) * 8 + (tree.kind[index] ?? 0);
    let key = cache.get(place);
    if (key === undefined) {
      const text = `${serviceOf(tree, index)}\n${nameOf(tree, index)}\n${tree.kind[index]}`;
      key = known.get(text) ?? known.size;
      known.set(text, key);
      cache.set(place, key);
    }
    return key;
  };
}

/** Rows in the order of display: by the order of A, spans that only B has where B has them. */
export function alignTraces(a: TraceTree, b: TraceTree): PairRow[] {
  const known = new Map<string, number>();
  const [keyA, keyB] = [keys(a, known), keys(b, known)];
  const roots = (tree: TraceTree) => {
    const out: number[] = [];
    for (let i = 0; i < tree.count; i += (tree.below[i] ?? 0) + 1) out.push(i);
    return out;
  };
  const rows: PairRow[] = [];
  const stack = pair(roots(a), roots(b), a, b, keyA, keyB, 0).reverse();
  for (let row = stack.pop(); row; row = stack.pop()) {
    rows.push(row);
    const below = pair(
      row.a < 0 ? [] : children(a, row.a),
      row.b < 0 ? [] : children(b, row.b),
      a,
      b,
      keyA,
      keyB,
      row.depth + 1,
    );
    for (let at = below.length - 1; at >= 0; at--) {
      const next = below[at];
      if (next) stack.push(next);
    }
  }
  return rows;
}

function pair(
  left: readonly number[],
  right: readonly number[],
  a: TraceTree,
  b: TraceTree,
  keyA: KeyOf,
  keyB: KeyOf,
  depth: number,
): PairRow[] {
  const partner = new Map<number, number>();
  for (const [x, y] of inOrder(left.map(keyA), right.map(keyB))) partner.set(left[x] ?? -1, right[y] ?? -1);
  const taken = new Set(partner.values());
  const free = right.filter((index) => !taken.has(index));
  for (const index of left) {
    if (partner.has(index)) continue;
    let best = -1;
    for (const other of free) {
      if (taken.has(other) || keyB(other) !== keyA(index)) continue;
      const distance = Math.abs(durationOf(b, other) - durationOf(a, index));
      if (best < 0 || distance < Math.abs(durationOf(b, best) - durationOf(a, index))) best = other;
    }
    if (best >= 0) {
      partner.set(index, best);
      taken.add(best);
    }
  }
  // Spans of B alone stand behind the last of their earlier siblings that has a partner.
  const after = new Map<number, number[]>();
  const back = new Map([...partner].map(([x, y]) => [y, x]));
  let last = -1;
  for (const index of right) {
    const known = back.get(index);
    if (known !== undefined) last = known;
    else after.set(last, [...(after.get(last) ?? []), index]);
  }
  const only = (list: readonly number[] | undefined) =>
    (list ?? []).map((index): PairRow => ({ a: -1, b: index, depth }));
  return [
    ...only(after.get(-1)),
    ...left.flatMap((index) => [{ a: index, b: partner.get(index) ?? -1, depth }, ...only(after.get(index))]),
  ];
}

/** Places of a longest common subsequence. */
function inOrder(left: readonly number[], right: readonly number[]): [number, number][] {
  const [n, m] = [left.length, right.length];
  if (n === 0 || m === 0) return [];
  if (n * m > CELLS_MAX) return greedy(left, right);
  const width = m + 1;
  const table = new Uint32Array((n + 1) * width);
  const cell = (x: number, y: number) => table[x * width + y] ?? 0;
  for (let x = n - 1; x >= 0; x--) {
    for (let y = m - 1; y >= 0; y--) {
      table[x * width + y] = left[x] === right[y] ? cell(x + 1, y + 1) + 1 : Math.max(cell(x + 1, y), cell(x, y + 1));
    }
  }
  const out: [number, number][] = [];
  for (let x = 0, y = 0; x < n && y < m; ) {
    if (left[x] === right[y]) out.push([x++, y++]);
    else if (cell(x + 1, y) >= cell(x, y + 1)) x++;
    else y++;
  }
  return out;
}

function greedy(left: readonly number[], right: readonly number[]): [number, number][] {
  const places = new Map<number, number[]>();
  right.forEach((key, y) => {
    places.set(key, [...(places.get(key) ?? []), y]);
  });
  const out: [number, number][] = [];
  let after = -1;
  left.forEach((key, x) => {
    const y = places.get(key)?.find((place) => place > after);
    if (y === undefined || y > after + 1000) return;
    out.push([x, y]);
    after = y;
  });
  return out;
}

export interface Share {
  service: string;
  name: string;
  /** Nanoseconds on the critical path of each trace. */
  a: number;
  b: number;
}

/**
 * What explains the difference: time on the critical path by operation, the largest difference first. All
 * differences together are the difference of the durations, with the time in which no span ran as a row without a name.
 */
export function explainDifference(a: TraceTree, pathA: CriticalPath, b: TraceTree, pathB: CriticalPath): Share[] {
  const shares = new Map<string, Share>();
  const collect = (tree: TraceTree, path: CriticalPath, side: "a" | "b") => {
    let rest = tree.duration;
    for (let i = 0; i < tree.count; i++) {
      const own = path.own[i] ?? 0;
      if (own === 0) continue;
      rest -= own;
      const [service, name] = [serviceOf(tree, i), nameOf(tree, i)];
      const key = `${service}\n${name}`;
      const share = shares.get(key) ?? { service, name, a: 0, b: 0 };
      share[side] += own;
      shares.set(key, share);
    }
    const idle = shares.get("") ?? { service: "", name: "", a: 0, b: 0 };
    idle[side] = rest;
    if (rest !== 0) shares.set("", idle);
  };
  collect(a, pathA, "a");
  collect(b, pathB, "b");
  return [...shares.values()].sort((x, y) => Math.abs(y.a - y.b) - Math.abs(x.a - x.b));
}
