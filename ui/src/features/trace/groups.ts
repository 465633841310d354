// Runs of equal siblings: five or more children in a row with one service and one name are one row until it is opened.
import { durationOf, ERROR, type TraceTree } from "./tree.ts";

/** Shorter runs are shown span by span. */
export const RUN_MIN = 5;

export interface Run {
  /** The place of the first span; each member is followed by its subtree. */
  first: number;
  members: readonly number[];
  /** The place after the last subtree. */
  end: number;
  depth: number;
  sum: number;
  p95: number;
  max: number;
  errors: number;
  /** From the first start to the last end. */
  start: number;
  stop: number;
}

/** All runs by the place of their first span. Runs do not overlap, but one may lie below a member of another. */
export function findRuns(tree: TraceTree): Map<number, Run> {
  const runs = new Map<number, Run>();
  const { below, name, service, count } = tree;
  // Parent -1 stands above all roots.
  for (let parent = -1; parent < count; parent++) {
    const end = parent < 0 ? count : parent + (below[parent] ?? 0) + 1;
    if (end - parent <= RUN_MIN) continue;
    let members: number[] = [];
    const close = () => {
      if (members.length >= RUN_MIN) runs.set(members[0] ?? 0, measure(tree, members));
      members = [];
    };
    for (let at = parent + 1; at < end; at += (below[at] ?? 0) + 1) {
      const last = members.at(-1);
      if (last !== undefined && (name[last] !== name[at] || service[last] !== service[at])) close();
      members.push(at);
    }
    close();
  }
  return runs;
}

function measure(tree: TraceTree, members: readonly number[]): Run {
  const lengths = Float64Array.from(members, (at) => durationOf(tree, at)).sort();
  const last = members.at(-1) ?? 0;
  let [sum, errors, stop] = [0, 0, 0];
  for (const at of members) {
    sum += durationOf(tree, at);
    errors += Number(tree.status[at] === ERROR) + (tree.errorsBelow[at] ?? 0);
    stop = Math.max(stop, tree.end[at] ?? 0);
  }
  return {
    first: members[0] ?? 0,
    members,
    end: last + (tree.below[last] ?? 0) + 1,
    depth: tree.depth[members[0] ?? 0] ?? 0,
    sum,
    p95: lengths[Math.max(0, Math.ceil(lengths.length * 0.95) - 1)] ?? 0,
    max: lengths.at(-1) ?? 0,
    errors,
    start: tree.start[members[0] ?? 0] ?? 0,
    stop,
  };
}
