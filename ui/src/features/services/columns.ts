// The columns of the list of services; those that are shown stand in the URL unless they are the usual ones.
import type { FigureColumn } from "./figures.tsx";

export type ColumnId =
  | FigureColumn
  | "environment"
  | "namespace"
  | "version"
  | "language"
  | "trend"
  | "spans"
  | "state";

export interface Column {
  id: ColumnId;
  title: string;
  number?: boolean;
  /** Shown unless something else was chosen. */
  usual: boolean;
}

export const COLUMNS: readonly Column[] = [
  { id: "state", title: "State", usual: true },
  { id: "environment", title: "Environment", usual: false },
  { id: "namespace", title: "Namespace", usual: false },
  { id: "version", title: "Version", usual: true },
  { id: "language", title: "Language", usual: false },
  { id: "trend", title: "Trend", usual: true },
  { id: "calls", title: "Calls", number: true, usual: true },
  { id: "rate_per_s", title: "Rate", number: true, usual: true },
  { id: "error_ratio", title: "Errors", number: true, usual: true },
  { id: "p50_nanos", title: "p50", number: true, usual: true },
  { id: "p95_nanos", title: "p95", number: true, usual: true },
  { id: "p99_nanos", title: "p99", number: true, usual: true },
  { id: "spans", title: "Spans", number: true, usual: false },
];

const USUAL = COLUMNS.filter((column) => column.usual).map((column) => column.id);

export function chosenColumns(param: string | undefined): ColumnId[] {
  const wanted = (param ?? "").split(",");
  const found = COLUMNS.map((column) => column.id).filter((id) => wanted.includes(id));
  return found.length > 0 ? found : USUAL;
}

/** Undefined for the usual columns, so that they leave no trace in the URL. */
export function columnsParam(chosen: readonly ColumnId[]): string | undefined {
  const text = chosen.join(",");
  return text === "" || text === USUAL.join(",") ? undefined : text;
}
