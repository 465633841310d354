// The trace nearest to the median of the same root operation in the hour before.
import { useQuery } from "@tanstack/react-query";
import { fetchAnalysis } from "../../../api/analyse.ts";
import { fetchTraces } from "../../../api/traces.ts";
import { term } from "../../../lib/filter.ts";
import { traceRange } from "../source.ts";
import { durationOf, nameOf, serviceOf, type TraceTree } from "../tree.ts";

const HOUR_MILLI = 3_600_000;
/** Half widths of the window around the median that is searched, the narrowest first. */
const WIDTHS = [0.05, 0.2, 0.6];

export interface Typical {
  traceId: string;
  median: number;
  count: number;
}

/** `null` when there is no other trace of this operation. */
export function useTypical(tree: TraceTree | undefined) {
  return useQuery({
    queryKey: ["typical", tree?.traceId, tree?.count],
    enabled: tree !== undefined,
    retry: false,
    queryFn: ({ signal }) => (tree ? findTypical(tree, signal) : null),
  });
}

async function findTypical(tree: TraceTree, signal: AbortSignal): Promise<Typical | null> {
  const { toMilli } = traceRange(tree);
  const range = { fromMilli: toMilli - HOUR_MILLI, toMilli };
  const operation = `${term("service", serviceOf(tree, 0))} ${term("name", nameOf(tree, 0))}`;
  const counted = await fetchAnalysis(
    { signal: "traces", range, q: `${operation} | stats p50(duration) as m, count() as n` },
    signal,
  );
  const [median, count] = counted.value.table?.rows[0] ?? [];
  if (typeof median !== "number" || typeof count !== "number") return null;
  for (const width of WIDTHS) {
    const [low, high] = [Math.floor(median * (1 - width)), Math.ceil(median * (1 + width))];
    const found = await fetchTraces({ range, q: `${operation} duration:${low}ns..${high}ns`, limit: 50 }, signal);
    const others = found.value.traces.filter(
      (trace) => trace.trace_id !== tree.traceId && trace.root_name === nameOf(tree, 0),
    );
    const distance = (nanos: number) => Math.abs(nanos - median);
    others.sort((a, b) => distance(a.duration_nanos) - distance(b.duration_nanos));
    const [nearest] = others;
    if (nearest) return { traceId: nearest.trace_id, median, count };
  }
  // The median may be this very trace; any other of the operation is better than none.
  const any = await fetchTraces({ range, q: operation, limit: 50 }, signal);
  const other = any.value.traces.find((trace) => trace.trace_id !== tree.traceId);
  return other && durationOf(tree, 0) >= 0 ? { traceId: other.trace_id, median, count } : null;
}
