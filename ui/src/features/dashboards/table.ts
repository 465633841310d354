// A table panel: rows by the labels of series, a column of values for each query, and what transformations make of it.
import { type PanelSeries, reduce } from "./series.ts";
import { inOrder, keeps } from "./transform-series.ts";
import { calculate, type Reducer, reduceBy, type Transformation } from "./transformations.ts";

export type Cell = string | number | null;

export interface Column {
  name: string;
  /** The query that the numbers of the column come from; empty for texts. */
  refId: string;
  cells: Cell[];
}

export interface TableData {
  columns: Column[];
  rows: number;
}

const TITLES: Readonly<Record<Reducer, string>> = {
  last: "Last",
  first: "First",
  min: "Min",
  max: "Max",
  mean: "Mean",
  sum: "Total",
  count: "Count",
  range: "Range",
  diff: "Difference",
};

/** Whether the table needs values over time and not only the newest. */
export function needsHistory(list: readonly Transformation[]): boolean {
  return list.some((step) => step.kind === "reduce");
}

export function tableOf(series: readonly PanelSeries[], list: readonly Transformation[], reducer: string): TableData {
  const at = list.findIndex((step) => step.kind === "reduce");
  const step = list[at];
  const start =
    step?.kind === "reduce" ? reduced(series, step.reducers, step.labels) : byLabels(series, reducer, list.length > 0);
  return list.slice(step ? at + 1 : 0).reduce(transform, start);
}

/** A row for each set of labels; with several queries a column for each of them. */
function byLabels(series: readonly PanelSeries[], reducer: string, withTime: boolean): TableData {
  const queries = [...new Set(series.map((each) => each.refId))];
  const labels = [...new Set(series.flatMap((each) => Object.keys(each.labels)))].filter((key) => key !== "__name__");
  const rows = new Map<string, { each: PanelSeries; values: Map<string, number | null> }>();
  for (const each of series) {
    const { __name__: _, ...own } = each.labels;
    const key = labels.length > 0 ? JSON.stringify(Object.entries(own).sort()) : each.name;
    const row = rows.get(key) ?? { each, values: new Map<string, number | null>() };
    row.values.set(each.refId, reduce(each.values, reducer));
    rows.set(key, row);
  }
  const all = [...rows.values()];
  const texts = labels.length > 0 ? labels : ["Series"];
  const columns: Column[] = texts.map((name) => ({
    name,
    refId: "",
    cells: all.map(({ each }) => (labels.length > 0 ? (each.labels[name] ?? "") : each.name)),
  }));
  for (const refId of queries) {
    columns.push({
      name: queries.length > 1 ? `Value #${refId}` : "Value",
      refId,
      cells: all.map(({ values }) => values.get(refId) ?? null),
    });
  }
  const table = { columns, rows: all.length };
  // The plain table shows the largest first; one with transformations has its own order.
  const value = columns.at(-1)?.name ?? "";
  return withTime ? table : sorted(table, value, true);
}

/** A row for each series, a column for each calculation. */
function reduced(series: readonly PanelSeries[], reducers: readonly Reducer[], labels: boolean): TableData {
  const keys = labels ? [...new Set(series.flatMap((each) => Object.keys(each.labels)))] : [];
  return {
    rows: series.length,
    columns: [
      { name: "Field", refId: "", cells: series.map((each) => each.name) },
      ...keys.map((key) => ({ name: key, refId: "", cells: series.map((each) => each.labels[key] ?? "") })),
      ...reducers.map((reducer) => ({
        name: TITLES[reducer],
        refId: series[0]?.refId ?? "",
        cells: series.map((each) => reduceBy(reducer, each.values)),
      })),
    ],
  };
}

function transform(table: TableData, step: Transformation): TableData {
  const { columns, rows } = table;
  switch (step.kind) {
    case "organize": {
      const kept = columns.filter(({ name }) => !step.hidden.has(name));
      const named = inOrder(kept, step.order).map((each) => ({
        ...each,
        name: step.names.get(each.name) ?? each.name,
      }));
      return { columns: named, rows };
    }
    case "rename":
      return { columns: columns.map((each) => ({ ...each, name: each.name.replace(step.regex, step.by) })), rows };
    case "keep":
      return { columns: columns.filter(({ name }) => keeps(step, name)), rows };
    case "keepQueries":
      return { columns: columns.filter(({ refId }) => refId === "" || step.regex.test(refId)), rows };
    case "calculate":
      return { columns: [...(step.alone ? [] : columns), calculatedColumn(table, step)], rows };
    case "sort":
      return sorted(table, step.field, step.descending);
    case "limit":
      return {
        columns: columns.map((each) => ({ ...each, cells: each.cells.slice(0, step.count) })),
        rows: Math.min(rows, step.count),
      };
    default:
      return table;
  }
}

const numeric = (cell: Cell | undefined) => (typeof cell === "number" ? cell : null);

function calculatedColumn(
  { columns, rows }: TableData,
  { alias, how }: Extract<Transformation, { kind: "calculate" }>,
): Column {
  const find = (name: string) => columns.find((each) => each.name === name);
  const cells = Array.from({ length: rows }, (_, row): Cell => {
    if (how.by === "reducer") {
      const of = columns.filter(({ name, refId }) => how.names?.has(name) ?? refId !== "");
      return reduceBy(
        how.reducer,
        of.map((each) => numeric(each.cells[row])),
      );
    }
    const side = (name: string) => {
      const column = find(name);
      return column ? numeric(column.cells[row]) : Number.isFinite(Number(name)) ? Number(name) : null;
    };
    return calculate(how.operator, side(how.left), side(how.right));
  });
  const from = how.by === "operator" ? find(how.left) : columns.find(({ refId }) => refId !== "");
  return { name: alias, refId: from?.refId ?? "", cells };
}

function sorted({ columns, rows }: TableData, by: string, descending: boolean): TableData {
  const keys = columns.find(({ name }) => name === by)?.cells;
  if (!keys) return { columns, rows };
  const order = Array.from({ length: rows }, (_, row) => row).sort((a, b) => {
    const [x, y] = [keys[a] ?? null, keys[b] ?? null];
    const less =
      typeof x === "number" && typeof y === "number" ? x - y : String(x ?? "").localeCompare(String(y ?? ""));
    // What has no value stands last, whichever way.
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return descending ? -less : less;
  });
  return { columns: columns.map((each) => ({ ...each, cells: order.map((row) => each.cells[row] ?? null) })), rows };
}
