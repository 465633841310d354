// Which rows the waterfall has: spans, runs of equal siblings, and log records between the spans.
import type { Run } from "./groups.ts";
import type { TraceTree } from "./tree.ts";

export const SPAN_ROW = 0;
export const RUN_ROW = 1;
export const LOG_ROW = 2;

/** One entry per row: what kind it is, and the place of the span, of the first span of the run, or of the log. */
export interface Rows {
  length: number;
  kind: Uint8Array;
  ref: Int32Array;
}

/** A log record of a span, at nanoseconds after the start of the trace. */
export interface LogMark {
  span: number;
  at: number;
}

export interface RowsWanted {
  /** Places of spans whose subtree is hidden. */
  collapsed: ReadonlySet<number>;
  /** Spans that are kept, with their ancestors; null keeps all. */
  only: Uint8Array | null;
  /** Null shows every span on its own. */
  runs: ReadonlyMap<number, Run> | null;
  /** First spans of the runs that are opened. */
  opened: ReadonlySet<number>;
  /** By time; null shows no rows of logs. */
  logs: readonly LogMark[] | null;
}

export function buildRows(tree: TraceTree, { collapsed, only, runs, opened, logs }: RowsWanted): Rows {
  const kept = only ? withAncestors(tree, only) : null;
  const before = logs ? placeLogs(tree, logs) : null;
  const room = tree.count + (logs?.length ?? 0) + (runs?.size ?? 0);
  const kind = new Uint8Array(room);
  const ref = new Int32Array(room);
  const shown = new Uint8Array(tree.count);
  let length = 0;
  const push = (rowKind: number, at: number) => {
    kind[length] = rowKind;
    ref[length++] = at;
  };
  const pushLogs = (at: number) => {
    for (const log of before?.get(at) ?? []) {
      const { span } = logs?.[log] ?? { span: -1 };
      if (shown[span] === 1 && !collapsed.has(span)) push(LOG_ROW, log);
    }
  };
  for (let at = 0; at < tree.count; ) {
    pushLogs(at);
    const run = runs?.get(at);
    if (run) {
      push(RUN_ROW, at);
      if (!opened.has(at)) {
        at = run.end;
        continue;
      }
    }
    if (!kept || kept[at] === 1) {
      shown[at] = 1;
      push(SPAN_ROW, at);
    }
    if (!collapsed.has(at)) at++;
    else at += (tree.below[at] ?? 0) + 1;
  }
  pushLogs(tree.count);
  return { length, kind, ref };
}

/** Before which span each log stands: the first child of its span that starts later, or what follows the subtree. */
function placeLogs(tree: TraceTree, logs: readonly LogMark[]): Map<number, number[]> {
  const out = new Map<number, number[]>();
  logs.forEach(({ span, at }, index) => {
    if (span < 0) return;
    const end = span + (tree.below[span] ?? 0) + 1;
    let before = span + 1;
    while (before < end && (tree.start[before] ?? 0) <= at) before += (tree.below[before] ?? 0) + 1;
    const known = out.get(before);
    if (known) known.push(index);
    else out.set(before, [index]);
  });
  return out;
}

function withAncestors(tree: TraceTree, only: Uint8Array): Uint8Array {
  const kept = Uint8Array.from(only);
  for (let at = tree.count - 1; at >= 0; at--) {
    const above = tree.parent[at] ?? -1;
    if (kept[at] === 1 && above >= 0) kept[above] = 1;
  }
  return kept;
}

/** The row of a span, also when it is inside a closed run or below a collapsed span: then the row that stands for it. */
export function rowOfSpan(rows: Rows, tree: TraceTree, index: number): number {
  let best = -1;
  for (let row = 0; row < rows.length; row++) {
    if (rows.kind[row] === LOG_ROW) continue;
    const at = rows.ref[row] ?? 0;
    if (at > index) break;
    if (at === index && rows.kind[row] === SPAN_ROW) return row;
    const reach = rows.kind[row] === RUN_ROW || at + (tree.below[at] ?? 0) >= index;
    if (reach) best = row;
  }
  return best;
}
