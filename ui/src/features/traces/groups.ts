// Rows of the groups: the figures of all spans, and beside them how many are errors.
import type { AnalysisTable, TableCell } from "../../api/analyse.ts";

export interface GroupRow {
  keys: (string | null)[];
  calls: number;
  errorShare: number;
  p50: number;
  p95: number;
  p99: number;
  /** Nanoseconds. */
  total: number;
}

export function groupKey(keys: readonly (TableCell | undefined)[]): string {
  return JSON.stringify(keys.map((key) => (typeof key === "string" ? key : null)));
}

/** The first `keys` columns are keys; the others are found by name. Errors come from a table of their own. */
export function groupRows(all: AnalysisTable, errors: AnalysisTable | null, keys: number): GroupRow[] {
  const column = (table: AnalysisTable, name: string) => table.columns.findIndex((each) => each.name === name);
  const wrong = new Map<string, number>();
  const errorCalls = errors ? column(errors, "calls") : -1;
  for (const row of errors?.rows ?? []) wrong.set(groupKey(row.slice(0, keys)), numberOf(row[errorCalls]));
  const place = {
    calls: column(all, "calls"),
    total: column(all, "total"),
    p50: column(all, "p50"),
    p95: column(all, "p95"),
    p99: column(all, "p99"),
  };
  return all.rows.map((row) => {
    const calls = numberOf(row[place.calls]);
    return {
      keys: row.slice(0, keys).map((key) => (typeof key === "string" ? key : null)),
      calls,
      errorShare: calls > 0 ? (wrong.get(groupKey(row.slice(0, keys))) ?? 0) / calls : 0,
      total: numberOf(row[place.total]),
      p50: numberOf(row[place.p50]),
      p95: numberOf(row[place.p95]),
      p99: numberOf(row[place.p99]),
    };
  });
}

function numberOf(cell: TableCell | undefined): number {
  return typeof cell === "number" ? cell : 0;
}
