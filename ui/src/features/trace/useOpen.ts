// What is collapsed and which runs are opened. Kept by span id, so it survives when more spans of the trace arrive.
import { useCallback, useMemo, useState } from "react";
import type { TraceTree } from "./tree.ts";

export interface IndexSet {
  has: ReadonlySet<number>;
  toggle: (index: number) => void;
  set: (indices: Iterable<number>) => void;
  /** Takes these out. */
  drop: (indices: readonly number[]) => void;
}

export function useIndexSet(tree: TraceTree): IndexSet {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const has = useMemo(() => {
    const out = new Set<number>();
    if (ids.size > 0) for (let i = 0; i < tree.count; i++) if (ids.has(tree.spanIds[i] ?? "")) out.add(i);
    return out;
  }, [ids, tree]);
  const toggle = useCallback(
    (index: number) =>
      setIds((old) => {
        const next = new Set(old);
        const id = tree.spanIds[index] ?? "";
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [tree],
  );
  const set = useCallback(
    (indices: Iterable<number>) => setIds(new Set(Array.from(indices, (index) => tree.spanIds[index] ?? ""))),
    [tree],
  );
  const drop = useCallback(
    (indices: readonly number[]) =>
      setIds((old) => {
        const next = new Set(old);
        for (const index of indices) next.delete(tree.spanIds[index] ?? "");
        return next.size === old.size ? old : next;
      }),
    [tree],
  );
  return { has, toggle, set, drop };
}
