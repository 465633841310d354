// Asks for the data of one panel; all panels of a page share one connection.
import type { BatchAnswer, BatchQuery } from "../../api/batch.ts";
import { ask } from "../../api/batcher.ts";
import { rangeQuery, wholeRange } from "../../api/prometheus.ts";
import { useKeptQueries } from "../../lib/kept-queries.ts";
import type { Range } from "../../lib/time/range.ts";
import { interpolate, type Values } from "./interpolate.ts";
import type { Panel } from "./model.ts";
import { needsHistory } from "./table.ts";

export const SERIES_MAX = 50;
const TABLE_SERIES_MAX = 500;

export interface PanelData {
  /** In the order of the panel's visible queries; null until it has come. */
  answers: (BatchAnswer | null)[];
  /** After variables. */
  exprs: string[];
  error: Error | null;
  /** The query that `error` is about. */
  errorExpr: string;
  pending: boolean;
  fetching: boolean;
  partial: string | null;
  retry: () => void;
}

export function usePanelData(panel: Panel, range: Range, values: Values, enabled: boolean): PanelData {
  const targets = panel.targets.filter((target) => !target.hidden);
  const exprs = targets.map((target) => interpolate(target.expr, values));
  const queries = exprs.map((expr, index) => batchQuery(panel, targets[index]?.instant ?? false, expr, range, values));
  const results = useKeptQueries(
    queries.map((query, index) => ({
      queryKey: ["panel", query],
      queryFn: ({ signal }) => ask(query, signal),
      like: `${index} ${query.kind}`,
      enabled,
    })),
  );
  const failed = results.findIndex((result) => result.error !== null);
  return {
    answers: results.map((result) => result.data ?? null),
    exprs,
    error: results[failed]?.error ?? null,
    errorExpr: exprs[failed] ?? "",
    pending: results.length > 0 && results.every((result) => result.isPending),
    fetching: results.some((result) => result.isFetching),
    partial: results.map((result) => result.data?.partial ?? null).find((reason) => reason !== null) ?? null,
    retry: () => {
      for (const result of results) if (result.error) void result.refetch();
    },
  };
}

function batchQuery(panel: Panel, instant: boolean, query: string, range: Range, { stepSeconds }: Values): BatchQuery {
  if (instant || (panel.kind === "table" && !needsHistory(panel.transformations))) {
    return {
      kind: "instant",
      query,
      time_unix_milli: Math.floor(range.toMilli),
      max_series: panel.kind === "table" ? TABLE_SERIES_MAX : SERIES_MAX,
    };
  }
  const asked = rangeQuery(query, range, stepSeconds * 1000, SERIES_MAX);
  return panel.kind === "heatmap" ? wholeRange(asked) : asked;
}
