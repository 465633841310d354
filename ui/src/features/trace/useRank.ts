// Asks the server where a span stands among its like in the hour before it.
import { useQuery } from "@tanstack/react-query";
import { fetchAnalysis, type HistogramCell } from "../../api/analyse.ts";
import { term } from "../../lib/filter.ts";
import { type Rank, rankIn } from "./percentile.ts";
import { traceRange } from "./source.ts";
import { durationOf, nameOf, serviceOf, type TraceTree } from "./tree.ts";

const HOUR_MILLI = 3_600_000;
/** Among fewer spans than this a percentile says nothing. */
const SPANS_MIN = 20;

export function useRank(tree: TraceTree, index: number, enabled: boolean): Rank | null {
  const service = serviceOf(tree, index);
  const name = nameOf(tree, index);
  const { toMilli } = traceRange(tree);
  const known = useQuery({
    queryKey: ["span-rank", service, name, toMilli],
    enabled,
    staleTime: 60_000,
    retry: false,
    queryFn: async ({ signal }) => {
      const q = `${term("service", service)} ${term("name", name)} | stats histogram(duration) as h`;
      const range = { fromMilli: toMilli - HOUR_MILLI, toMilli };
      const { value } = await fetchAnalysis({ signal: "traces", range, q }, signal);
      const cells = value.table?.rows[0]?.[0];
      return Array.isArray(cells) ? (cells as HistogramCell[]) : [];
    },
  });
  const rank = known.data ? rankIn(known.data, durationOf(tree, index)) : null;
  return rank && rank.count >= SPANS_MIN ? rank : null;
}
